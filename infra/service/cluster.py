"""The cluster: where tasks run, on which kinds of capacity, and how sessions are logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

ON_DEMAND = "FARGATE"
SPOT = "FARGATE_SPOT"


@dataclass(frozen=True)
class ClusterArgs:
    """What the cluster is.

    Attributes:
        physical_name: its name.
        container_insights: whether CloudWatch keeps metrics of each task.
        session_log_group: the log group of `exec` sessions.
        key_arn: encrypts sessions beyond TLS; None for TLS alone.
        tags: of every resource.
    """

    physical_name: str
    container_insights: bool
    session_log_group: pulumi.Input[str]
    key_arn: pulumi.Input[str] | None
    tags: Mapping[str, str]


class Cluster(pulumi.ComponentResource):
    """An ECS cluster with Fargate and Fargate Spot.

    Attributes:
        arn: the cluster's ARN.
        cluster_name: the cluster's name.
        capacity: what must exist before a service can ask for capacity.
    """

    arn: pulumi.Output[str]
    cluster_name: pulumi.Output[str]
    capacity: aws.ecs.ClusterCapacityProviders

    def __init__(
        self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Cluster", name, None, opts)
        cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            name=args.physical_name,
            settings=[
                aws.ecs.ClusterSettingArgs(
                    name="containerInsights",
                    value="enabled" if args.container_insights else "disabled",
                )
            ],
            configuration=_sessions(args),
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.capacity = aws.ecs.ClusterCapacityProviders(
            f"{name}-capacity",
            cluster_name=cluster.name,
            capacity_providers=[ON_DEMAND, SPOT],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = cluster.arn
        self.cluster_name = cluster.name
        self.register_outputs({"arn": self.arn, "cluster_name": self.cluster_name})


def _sessions(args: ClusterArgs) -> aws.ecs.ClusterConfigurationArgs:
    return aws.ecs.ClusterConfigurationArgs(
        execute_command_configuration=aws.ecs.ClusterConfigurationExecuteCommandConfigurationArgs(
            kms_key_id=args.key_arn,
            logging="OVERRIDE",
            log_configuration=(
                aws.ecs.ClusterConfigurationExecuteCommandConfigurationLogConfigurationArgs(
                    cloud_watch_log_group_name=args.session_log_group,
                    cloud_watch_encryption_enabled=args.key_arn is not None,
                )
            ),
        )
    )
