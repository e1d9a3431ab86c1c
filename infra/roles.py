"""The two roles of a task: ECS starts it under one, its code runs under the other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.account import Account
from infra.names import Names


@dataclass(frozen=True)
class RolesArgs:
    """What the roles are about.

    Attributes:
        names: the stack's names.
        account: where the tasks run.
        repository_arn: the repository of the image.
        log_group_arn: the application's log group.
        secret_arns: the secrets and parameters of the container.
        tags: of every resource.
    """

    names: Names
    account: Account
    repository_arn: pulumi.Input[str]
    log_group_arn: pulumi.Input[str]
    secret_arns: Sequence[str]
    tags: Mapping[str, str]


class Roles(pulumi.ComponentResource):
    """The execution role and the task role.

    Attributes:
        execution_role_arn: the role under which ECS starts a task.
        task_role_arn: the role under which the container's code runs.
        execution_policy: what must exist before a task can start.
    """

    execution_role_arn: pulumi.Output[str]
    task_role_arn: pulumi.Output[str]
    execution_policy: aws.iam.RolePolicy

    def __init__(
        self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Roles", name, None, opts)
        self._name, self._args = name, args
        execution = self._role("execution", "Starts the tasks: image, log, secrets")
        task = self._role("task", "What the container's own code may do")
        self.execution_policy = aws.iam.RolePolicy(
            f"{name}-execution-policy",
            name="start-tasks",
            role=execution.name,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(args.repository_arn, args.log_group_arn).apply(
                    lambda arns: policies.execution(arns[0], arns[1], args.secret_arns)
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.execution_role_arn = execution.arn
        self.task_role_arn = task.arn
        self.register_outputs(
            {
                "execution_role_arn": self.execution_role_arn,
                "task_role_arn": self.task_role_arn,
            }
        )

    def _role(self, purpose: str, description: str) -> aws.iam.Role:
        account = self._args.account
        return aws.iam.Role(
            f"{self._name}-{purpose}",
            name=self._args.names.role(purpose),
            description=description,
            assume_role_policy=json.dumps(
                policies.task_trust(account.partition, account.region, account.account_id)
            ),
            tags=dict(self._args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
