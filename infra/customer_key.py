"""A key of the account's own for what AWS would else encrypt with a key of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.account import Account
from infra.policies import statements

DELETION_WINDOW_DAYS = 7
"""The shortest time that AWS keeps a key whose deletion was asked for."""


@dataclass(frozen=True)
class CustomerKeyArgs:
    """What the key is for.

    Attributes:
        physical_name: its alias, without `alias/`.
        account: where it is.
        log_group_prefix: how the names of the log groups that it encrypts begin.
        tags: of every resource.
    """

    physical_name: str
    account: Account
    log_group_prefix: str
    tags: Mapping[str, str]


class CustomerKey(pulumi.ComponentResource):
    """A symmetric KMS key that rotates every year.

    Attributes:
        arn: the key's ARN.
    """

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: CustomerKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:CustomerKey", name, None, opts)
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Images, logs and sessions of {args.physical_name}",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            policy=json.dumps(statements.key(args.account, args.log_group_prefix)),
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{args.physical_name}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
