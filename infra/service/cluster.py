"""The cluster: where tasks run, on which kinds of capacity, and how sessions are logged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.context import Context

ON_DEMAND = "FARGATE"
SPOT = "FARGATE_SPOT"


@dataclass(frozen=True)
class ClusterArgs:
    """How the cluster logs `exec` sessions.

    Attributes:
        session_log_group: their log group.
        key_arn: encrypts sessions beyond TLS; None for TLS alone.
    """

    session_log_group: pulumi.Input[str]
    key_arn: pulumi.Input[str] | None


class Cluster(pulumi.ComponentResource):
    """An ECS cluster with Fargate and Fargate Spot.

    Attributes:
        arn: the cluster's ARN.
        cluster_name: the cluster's name.
        ready: what must exist before a service can ask for capacity.
    """

    arn: pulumi.Output[str]
    cluster_name: pulumi.Output[str]
    ready: Sequence[pulumi.Resource]

    def __init__(
        self,
        name: str,
        context: Context,
        args: ClusterArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Cluster", name, None, opts)
        cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            name=context.names.cluster,
            settings=[
                aws.ecs.ClusterSettingArgs(
                    name="containerInsights",
                    value="enabled" if context.settings.container_insights else "disabled",
                )
            ],
            configuration=_sessions(args),
            tags=dict(context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        capacity = aws.ecs.ClusterCapacityProviders(
            f"{name}-capacity",
            cluster_name=cluster.name,
            capacity_providers=[ON_DEMAND, SPOT],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.ready = [capacity]
        self.arn = cluster.arn
        self.cluster_name = cluster.name
        self.register_outputs({"arn": self.arn, "cluster_name": self.cluster_name})


@dataclass(frozen=True)
class ExistingCluster:
    """A cluster that somebody else made: the same as `Cluster`, without a resource of its own."""

    arn: str
    cluster_name: str
    ready: Sequence[pulumi.Resource] = ()


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
