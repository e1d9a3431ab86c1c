"""The log groups: what the application writes, and what is typed in `exec` sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class LogsArgs:
    """How long logs are kept, and under which key.

    Attributes:
        application_name: the application's log group.
        session_name: the log group of `exec` sessions.
        retention_days: how long they are kept.
        key_arn: encrypts them; None for CloudWatch's own key.
        tags: of every resource.
    """

    application_name: str
    session_name: str
    retention_days: int
    key_arn: pulumi.Input[str] | None
    tags: Mapping[str, str]


class Logs(pulumi.ComponentResource):
    """The application's log group and that of sessions.

    Attributes:
        application: the application's log group.
        sessions: the log group of `exec` sessions.
    """

    application: aws.cloudwatch.LogGroup
    sessions: aws.cloudwatch.LogGroup

    def __init__(
        self, name: str, args: LogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Logs", name, None, opts)
        self._name, self._args = name, args
        self.application = self._group("application", args.application_name)
        self.sessions = self._group("sessions", args.session_name)
        self.register_outputs(
            {"application": self.application.name, "sessions": self.sessions.name}
        )

    def _group(self, part: str, physical_name: str) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            f"{self._name}-{part}",
            name=physical_name,
            retention_in_days=self._args.retention_days,
            kms_key_id=self._args.key_arn,
            tags=dict(self._args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
