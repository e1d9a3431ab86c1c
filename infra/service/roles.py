"""The roles of tasks: ECS starts one under the first, its code runs under the second.

What the first one may read, the image and the secrets, is part of the name of its policy: another
one is granted before the service is updated, and the one before it is taken away after that, so
that tasks of the running revision can still be started.

A third one starts the tasks of previews. The environment makes it, so that whoever makes previews
needs no right to make roles, and a branch can't grant itself another secret.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.names import digest
from infra.policies import statements, tasks
from infra.service.task import TaskRoles


@dataclass(frozen=True)
class RolesArgs:
    """What the roles are about.

    Attributes:
        other_repository: from which an image was promoted; empty for the stack's own.
        repository_arns: the repositories of its images.
        log_group_arn: the application's log group.
        session_log_arn: the log group of `exec` sessions; None where there are none.
        key_arn: the key of images and sessions; None for AWS's own.
    """

    other_repository: str
    repository_arns: pulumi.Input[Sequence[str]]
    log_group_arn: pulumi.Input[str]
    session_log_arn: pulumi.Input[str] | None
    key_arn: pulumi.Input[str] | None


class Roles(pulumi.ComponentResource):
    """The execution roles of the environment and of its previews, and the task role.

    Attributes:
        own: the roles of the environment's tasks.
        preview_role_arn: the role under which ECS starts a task of a preview.
        granted: what must exist before a task can start.
    """

    own: TaskRoles
    preview_role_arn: pulumi.Output[str]
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
        settings = context.settings
        execution = self._role("execution", "Starts the tasks: image, log, secrets")
        task = self._role("task", "What the container's own code may do")
        self.granted = [
            self._policy(
                execution,
                f"start-tasks-{digest(args.other_repository, *settings.secret_arns)}",
                pulumi.Output.all(args.repository_arns, args.log_group_arn).apply(
                    lambda arns: tasks.execution(arns[0], arns[1], settings.secret_arns)
                ),
            )
        ]
        if args.session_log_arn is not None:
            sessions = pulumi.Output.all(args.session_log_arn, args.key_arn)
            self.granted.append(
                self._policy(
                    task,
                    "open-sessions",
                    sessions.apply(lambda arns: tasks.task(arns[0], arns[1])),
                )
            )
        if settings.permissions:
            self.granted.append(self._application(task))
        previews = self._role("previews", "Starts the tasks of previews: image, log, secrets")
        self._policy(
            previews,
            "start-previews",
            pulumi.Output.from_input(args.repository_arns).apply(
                lambda arns: tasks.execution(
                    arns, context.preview_log_arn, settings.preview_secret_arns
                )
            ),
        )
        self.preview_role_arn = previews.arn
        self.own = TaskRoles(execution.arn, task.arn)
        self.register_outputs({"execution_role_arn": execution.arn, "task_role_arn": task.arn})

    def _application(self, task: aws.iam.Role) -> aws.iam.RolePolicy:
        """What the settings let the application's code call.

        What they say is part of the policy's name, so that a revision that still runs keeps its
        rights until the next one is healthy.
        """
        granted = self._context.settings.permissions
        name = f"application-{digest(*(row.model_dump_json() for row in granted))}"
        return self._policy(task, name, pulumi.Output.from_input(tasks.application(granted)))

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
