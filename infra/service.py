"""The cluster, the task definition and the service that keeps the tasks running."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

CONTAINER_NAME = "app"

CONTAINER_USER = "10001:10001"
"""Whom the container runs as, whatever its image says: nobody in particular, never root."""

GRACE_PERIOD_SECONDS = 30
"""How long a new task may take to answer its health path before ECS counts it as failed."""


@dataclass(frozen=True)
class ContainerArgs:
    """What runs in a task.

    Attributes:
        port: where it listens.
        environment: plain variables.
        secrets: variable → ARN that ECS reads when a task starts.
        stop_timeout: seconds between SIGTERM and SIGKILL.
        log_group_name: where its output goes.
        region: of the log group.
    """

    port: int
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    stop_timeout: int
    log_group_name: str
    region: str


def container_definition(args: ContainerArgs, image: str) -> dict[str, Any]:
    """The container's part of a task definition, in the form of the ECS API.

    The container learns its port by the usual variable `PORT`.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
    """
    environment = {"PORT": str(args.port), **args.environment}
    return {
        "name": CONTAINER_NAME,
        "image": image,
        "essential": True,
        "user": CONTAINER_USER,
        "readonlyRootFilesystem": True,
        "privileged": False,
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
        "stopTimeout": args.stop_timeout,
        "portMappings": [{"containerPort": args.port, "hostPort": args.port, "protocol": "tcp"}],
        "environment": [
            {"name": name, "value": value} for name, value in sorted(environment.items())
        ],
        "secrets": [{"name": name, "valueFrom": arn} for name, arn in sorted(args.secrets.items())],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": args.log_group_name,
                "awslogs-region": args.region,
                "awslogs-stream-prefix": CONTAINER_NAME,
            },
        },
    }


@dataclass(frozen=True)
class ServiceArgs:
    """What the service runs, where, and how it is replaced.

    Attributes:
        physical_name: of the cluster, the service and the task definitions' family.
        container: the container, its image aside.
        image: the image to run.
        cpu: units of a task; 1024 are one vCPU.
        memory: MiB of a task.
        architecture: `X86_64` or `ARM64`.
        desired_count: how many tasks a new service starts with.
        execution_role_arn: ECS starts tasks under it.
        task_role_arn: the container's code runs under it.
        subnet_ids: where tasks are placed.
        security_group_id: the tasks' security group.
        public_tasks: whether they get public addresses.
        target_group_arn: where they are registered.
        health_check_interval: seconds between two health checks of a target.
        tags: of every resource.
        needs: what must exist before a task can start and take traffic.
    """

    physical_name: str
    container: ContainerArgs
    image: pulumi.Input[str]
    cpu: int
    memory: int
    architecture: str
    desired_count: int
    execution_role_arn: pulumi.Input[str]
    task_role_arn: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[str]]
    security_group_id: pulumi.Input[str]
    public_tasks: bool
    target_group_arn: pulumi.Input[str]
    health_check_interval: int
    tags: Mapping[str, str]
    needs: Sequence[pulumi.Resource] = field(default_factory=tuple)


class Service(pulumi.ComponentResource):
    """A Fargate service on a cluster of its own.

    Attributes:
        cluster_name: the cluster.
        service_name: the service.
    """

    cluster_name: pulumi.Output[str]
    service_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Service", name, None, opts)
        self._name, self._args = name, args
        cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            name=args.physical_name,
            settings=[aws.ecs.ClusterSettingArgs(name="containerInsights", value="disabled")],
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        service = self._service(cluster, self._task_definition())
        self.cluster_name = cluster.name
        self.service_name = service.name
        self.register_outputs(
            {"cluster_name": self.cluster_name, "service_name": self.service_name}
        )

    def _task_definition(self) -> aws.ecs.TaskDefinition:
        args = self._args
        return aws.ecs.TaskDefinition(
            f"{self._name}-task",
            family=args.physical_name,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(args.cpu),
            memory=str(args.memory),
            runtime_platform=aws.ecs.TaskDefinitionRuntimePlatformArgs(
                cpu_architecture=args.architecture, operating_system_family="LINUX"
            ),
            execution_role_arn=args.execution_role_arn,
            task_role_arn=args.task_role_arn,
            container_definitions=pulumi.Output.from_input(args.image).apply(
                lambda image: json.dumps([container_definition(args.container, image)])
            ),
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _service(self, cluster: aws.ecs.Cluster, task: aws.ecs.TaskDefinition) -> aws.ecs.Service:
        args = self._args
        return aws.ecs.Service(
            f"{self._name}-service",
            name=args.physical_name,
            cluster=cluster.arn,
            task_definition=task.arn,
            desired_count=args.desired_count,
            launch_type="FARGATE",
            platform_version="LATEST",
            availability_zone_rebalancing="ENABLED",
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            deployment_circuit_breaker=aws.ecs.ServiceDeploymentCircuitBreakerArgs(
                enable=True, rollback=True
            ),
            health_check_grace_period_seconds=max(
                GRACE_PERIOD_SECONDS, 6 * args.health_check_interval
            ),
            network_configuration=aws.ecs.ServiceNetworkConfigurationArgs(
                subnets=args.subnet_ids,
                security_groups=[args.security_group_id],
                assign_public_ip=args.public_tasks,
            ),
            load_balancers=[
                aws.ecs.ServiceLoadBalancerArgs(
                    target_group_arn=args.target_group_arn,
                    container_name=CONTAINER_NAME,
                    container_port=args.container.port,
                )
            ],
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=True,
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=list(args.needs), ignore_changes=["desiredCount"]
            ),
        )
