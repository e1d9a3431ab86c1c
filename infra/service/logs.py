"""The log groups: what the application writes, and what is typed in `exec` sessions."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.context import Context


class Logs(pulumi.ComponentResource):
    """The application's log group and that of sessions.

    Attributes:
        application: the application's log group.
        sessions: the log group of `exec` sessions; None in a cluster that is not the stack's.
        all: every one.
    """

    application: aws.cloudwatch.LogGroup
    sessions: aws.cloudwatch.LogGroup | None
    all: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        context: Context,
        key_arn: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Logs", name, None, opts)
        self._name, self._context, self._key_arn = name, context, key_arn
        self.application = self._group("application", context.names.log_group)
        self.sessions, self.all = None, [self.application]
        if not context.names.other_cluster:
            self.sessions = self._group("sessions", context.names.session_log_group)
            self.all.append(self.sessions)
        self.register_outputs({"application": self.application.name})

    def _group(self, part: str, physical_name: str) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            f"{self._name}-{part}",
            name=physical_name,
            retention_in_days=self._context.settings.log_retention_days,
            kms_key_id=self._key_arn,
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
