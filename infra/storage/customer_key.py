"""The stack's customer managed KMS key."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.policies import kms

DELETION_WINDOW_DAYS = 7
"""The shortest time that AWS keeps a key whose deletion was asked for."""


class CustomerKey(pulumi.ComponentResource):
    """A symmetric KMS key that rotates every year.

    Attributes:
        arn: the key's ARN.
    """

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, context: Context, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:CustomerKey", name, None, opts)
        names = context.names
        groups = [f"{names.log_group_prefix}*"]
        if context.settings.waf_logs:
            groups.append(names.firewall_log_group)
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Images, logs and sessions of {names.named()}",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            policy=json.dumps(kms.key(context.account, groups)),
            tags=dict(context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{names.named()}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
