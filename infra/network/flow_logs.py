"""A log of the network's connections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.account import Account
from infra.names import Names
from infra.policies import statements

AGGREGATION_SECONDS = 600


@dataclass(frozen=True)
class FlowLogsArgs:
    """Which network is logged, and where.

    Attributes:
        names: the stack's names.
        account: where the network is.
        vpc_id: the network.
        retention_days: how long the log is kept.
        key_arn: encrypts the log; None for CloudWatch's own key.
        tags: of every resource.
    """

    names: Names
    account: Account
    vpc_id: pulumi.Input[str]
    retention_days: int
    key_arn: pulumi.Input[str] | None
    tags: Mapping[str, str]


class FlowLogs(pulumi.ComponentResource):
    """A flow log of a VPC into a log group, written under a role of its own."""

    def __init__(
        self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:FlowLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = aws.cloudwatch.LogGroup(
            f"{name}-group",
            name=args.names.flow_log_group,
            retention_in_days=args.retention_days,
            kms_key_id=args.key_arn,
            tags=dict(args.tags),
            opts=child,
        )
        role = aws.iam.Role(
            f"{name}-role",
            name=args.names.role("flow-logs"),
            description="Writes the log of the network's connections",
            assume_role_policy=json.dumps(statements.flow_log_trust(args.account)),
            tags=dict(args.tags),
            opts=child,
        )
        granted = aws.iam.RolePolicy(
            f"{name}-policy",
            name="write-log",
            role=role.name,
            policy=pulumi.Output.json_dumps(group.arn.apply(statements.flow_log)),
            opts=child,
        )
        aws.ec2.FlowLog(
            f"{name}-log",
            vpc_id=args.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=AGGREGATION_SECONDS,
            tags={**args.tags, "Name": args.names.named()},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[granted]),
        )
        self.register_outputs({"group_name": group.name})
