"""A log of the network's connections."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.policies import flow_logs

AGGREGATION_SECONDS = 600


class FlowLogs(pulumi.ComponentResource):
    """A flow log of a VPC into a log group, written under a role of its own."""

    def __init__(
        self,
        name: str,
        context: Context,
        vpc_id: pulumi.Input[str],
        key_arn: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:FlowLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = aws.cloudwatch.LogGroup(
            f"{name}-group",
            name=context.names.flow_log_group,
            retention_in_days=context.settings.log_retention_days,
            kms_key_id=key_arn,
            tags=dict(context.tags),
            opts=child,
        )
        role = aws.iam.Role(
            f"{name}-role",
            name=context.names.role("flow-logs"),
            description="Writes the log of the network's connections",
            assume_role_policy=json.dumps(flow_logs.flow_log_trust(context.account)),
            tags=dict(context.tags),
            opts=child,
        )
        granted = aws.iam.RolePolicy(
            f"{name}-policy",
            name="write-log",
            role=role.name,
            policy=pulumi.Output.json_dumps(group.arn.apply(flow_logs.flow_log)),
            opts=child,
        )
        aws.ec2.FlowLog(
            f"{name}-log",
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=AGGREGATION_SECONDS,
            tags={**context.tags, "Name": context.names.named()},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[granted]),
        )
        self.register_outputs({"group_name": group.name})
