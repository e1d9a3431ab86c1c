"""The roles of tasks: ECS starts one under the first, its code runs under the second.

What the first one may read, the image and the secrets, is part of the name of its policy: another
one is granted before the service is updated, and the one before it is taken away after that, so
that tasks of the running revision can still be started.

A third one starts the tasks of previews. The environment makes it, so that whoever makes previews
needs no right to make roles, and a branch can't grant itself another secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.image.pull_permissions import other_repository
from infra.names import digest
from infra.policies import statements, tasks
from infra.service.task import TaskRoles
from infra.settings import sidecars


@dataclass(frozen=True)
class RolesArgs:
    """The resources that the roles may use.

    Attributes:
        preview_repository_arn: the repository of previews' images.
        other_repository: from which an image was promoted; empty for the stack's own.
        repository_arns: the repositories of its images.
        sidecar_arns: the repositories of its sidecars' images.
        preview_sidecar_arns: those of the sidecars of previews.
        log_group_arn: the application's log group.
        session_log_arn: the log group of `exec` sessions; None where there are none.
        key_arn: the key of images and sessions; None for AWS's own.
        queue_arns: process → the queue that it reads.
    """

    preview_repository_arn: pulumi.Input[str]
    other_repository: str
    repository_arns: pulumi.Input[Sequence[str]]
    sidecar_arns: pulumi.Input[Sequence[str]]
    preview_sidecar_arns: pulumi.Input[Sequence[str]]
    log_group_arn: pulumi.Input[str]
    session_log_arn: pulumi.Input[str] | None
    key_arn: pulumi.Input[str] | None
    queue_arns: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


class Roles(pulumi.ComponentResource):
    """The execution roles and the task roles of the environment and of its previews.

    Attributes:
        own: the roles of the environment's tasks.
        previews: the roles of previews' tasks.
        granted: what must exist before a task can start.
    """

    own: TaskRoles
    previews: TaskRoles
    granted: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        context: Context,
        args: RolesArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Roles", name, None, opts)
        self._name, self._context = name, context
        self._args = args
        self.own, self.granted = self._of_environment()
        self.previews = self._of_previews() if context.settings.has_previews else self.own
        self.register_outputs(
            {
                "execution_role_arn": self.own.execution_role_arn,
                "task_role_arn": self.own.task_role_arn,
            }
        )

    def _of_environment(self) -> tuple[TaskRoles, list[pulumi.Resource]]:
        args, secrets = self._args, self._context.settings.secret_arns
        execution = self._role("execution", "Starts the tasks: image, log, secrets")
        task = self._role("task", "What the container's own code may do")
        further = self._context.addons.secrets
        starting = pulumi.Output.all(
            args.repository_arns, args.log_group_arn, [*further.values()], args.sidecar_arns
        ).apply(lambda arns: tasks.execution([*arns[0], *arns[3]], arns[1], [*secrets, *arns[2]]))
        own, found = self._context.names.repository, self._context.settings.sidecars
        others = sorted({other_repository(image, own) for image in sidecars.images(found)})
        name = f"start-tasks-{digest(args.other_repository, *secrets, *further, *others)}"
        granted: list[pulumi.Resource] = [self._policy(execution, name, starting)]
        granted += self._sessions(task, "open-sessions")
        if self._context.settings.permissions:
            granted.append(self._application(task))
        if self._context.addons.permissions:
            granted.append(self._addons(task))
        for process, arn in args.queue_arns.items():
            granted.append(self._queue(task, process, arn))
        return TaskRoles(execution.arn, task.arn), granted

    def _of_previews(self) -> TaskRoles:
        args, context = self._args, self._context
        execution = self._role("previews", "Starts the tasks of previews: image, log, secrets")
        task = self._role("previews-task", "What the code of previews may do")
        secrets = context.settings.preview_secret_arns
        starting = pulumi.Output.all(
            args.preview_repository_arn, args.repository_arns, args.preview_sidecar_arns
        ).apply(
            lambda arns: tasks.execution(
                [arns[0], *arns[1], *arns[2]], context.preview_log_arn, secrets
            )
        )
        self._policy(execution, "start-previews", starting)
        self._sessions(task, "open-preview-sessions")
        for arn in context.settings.preview_queue_arns:
            self._queue(task, "previews", arn)
        return TaskRoles(execution.arn, task.arn)

    def _sessions(self, task: aws.iam.Role, name: str) -> list[pulumi.Resource]:
        if self._args.session_log_arn is None:
            return []
        sessions = pulumi.Output.all(self._args.session_log_arn, self._args.key_arn)
        allowed = sessions.apply(lambda arns: tasks.task(arns[0], arns[1]))
        return [self._policy(task, name, allowed)]

    def _application(self, task: aws.iam.Role) -> aws.iam.RolePolicy:
        """What the settings let the application's code call.

        What they say is part of the policy's name, so that a revision that still runs keeps its
        rights until the next one is healthy.
        """
        granted = self._context.settings.permissions
        name = f"application-{digest(*(row.model_dump_json() for row in granted))}"
        return self._policy(task, name, pulumi.Output.from_input(tasks.application(granted)))

    def _addons(self, task: aws.iam.Role) -> aws.iam.RolePolicy:
        """What `addons.py` lets the application's code call, named by what it lets it do."""
        grants = self._context.addons.permissions
        name = f"addons-{digest(*(','.join(grant.actions) for grant in grants))}"
        known = pulumi.Output.all(*(grant.known() for grant in grants))
        document = known.apply(
            lambda resources: statements.document(
                *(
                    statements.allow(f"Addons{number}", grant.actions, arns)
                    for number, (grant, arns) in enumerate(zip(grants, resources, strict=True), 1)
                )
            )
        )
        return self._policy(task, name, document)

    def _queue(
        self, task: aws.iam.Role, process: str, arn: pulumi.Input[str]
    ) -> aws.iam.RolePolicy:
        """Let the code read a queue, under a name of its own like the application's rights."""
        told = arn if isinstance(arn, str) else ""
        name = f"read-queue-{process}-{digest(process, told)}"
        document = pulumi.Output.from_input(arn).apply(
            lambda known: statements.document(*tasks.read_queue(known))
        )
        return self._policy(task, name, document)

    def _role(self, purpose: str, description: str) -> aws.iam.Role:
        return aws.iam.Role(
            f"{self._name}-{purpose}",
            name=self._context.names.role(purpose),
            description=description,
            assume_role_policy=json.dumps(tasks.task_trust(self._context.account)),
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _policy(
        self, role: aws.iam.Role, name: str, document: pulumi.Output[statements.Document]
    ) -> aws.iam.RolePolicy:
        return aws.iam.RolePolicy(
            f"{self._name}-{name}",
            name=name,
            role=role.name,
            policy=pulumi.Output.json_dumps(document),
            opts=pulumi.ResourceOptions(parent=self),
        )
