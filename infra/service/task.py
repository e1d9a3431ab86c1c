"""The task definition: what runs in a task, and how tightly it is shut in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

CONTAINER_NAME = "app"

CONTAINER_USER = "10001:10001"
"""Whom the container runs as, whatever its image says: nobody in particular, never root."""

SESSION_FOLDERS: Mapping[str, str] = {
    "session-state": "/var/lib/amazon",
    "session-logs": "/var/log/amazon",
}
"""Volume → folder. The agent behind `exec` writes there, so that the rest can stay read-only:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html#ecs-exec-considerations
"""


@dataclass(frozen=True)
class ContainerArgs:
    """What runs in a task, its image aside.

    Attributes:
        port: where it listens; it learns the port by the usual variable `PORT`, and how long its
            requests in flight may take after SIGTERM by `DRAIN_SECONDS`.
        environment: plain variables.
        secrets: variable → ARN that ECS reads when a task starts.
        stop_timeout: seconds between SIGTERM and SIGKILL.
        log_group_name: where its output goes.
        region: of the log group.
        execute_command: whether `exec` may open sessions in it.
    """

    port: int
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    stop_timeout: int
    log_group_name: str
    region: str
    execute_command: bool


def drain_seconds(stop_timeout: int) -> int:
    """How long requests may take after SIGTERM, so that time is left to end before SIGKILL."""
    return stop_timeout * 3 // 4


def container_definition(args: ContainerArgs, image: str) -> dict[str, Any]:
    """The container's part of a task definition, in the form of the ECS API.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
    """
    told = {"PORT": args.port, "DRAIN_SECONDS": drain_seconds(args.stop_timeout)}
    environment = {**{name: str(value) for name, value in told.items()}, **args.environment}
    folders = SESSION_FOLDERS if args.execute_command else {}
    return {
        "name": CONTAINER_NAME,
        "image": image,
        "essential": True,
        "user": CONTAINER_USER,
        "readonlyRootFilesystem": True,
        "privileged": False,
        "linuxParameters": {
            "capabilities": {"drop": ["ALL"]},
            "initProcessEnabled": args.execute_command,
        },
        "stopTimeout": args.stop_timeout,
        "portMappings": [{"containerPort": args.port, "hostPort": args.port, "protocol": "tcp"}],
        "environment": [
            {"name": name, "value": value} for name, value in sorted(environment.items())
        ],
        "secrets": [{"name": name, "valueFrom": arn} for name, arn in sorted(args.secrets.items())],
        "mountPoints": [
            {"sourceVolume": volume, "containerPath": folder, "readOnly": False}
            for volume, folder in folders.items()
        ],
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
class TaskArgs:
    """What a task is.

    Attributes:
        family: the name of the task definitions.
        container: its container.
        image: the container's image.
        cpu: units; 1024 are one vCPU.
        memory: MiB.
        architecture: `X86_64` or `ARM64`.
        execution_role_arn: ECS starts tasks under it.
        task_role_arn: the container's code runs under it.
        tags: of every resource.
    """

    family: str
    container: ContainerArgs
    image: pulumi.Input[str]
    cpu: int
    memory: int
    architecture: str
    execution_role_arn: pulumi.Input[str]
    task_role_arn: pulumi.Input[str]
    tags: Mapping[str, str]


class Task(pulumi.ComponentResource):
    """A task definition for Fargate with one container.

    Attributes:
        arn: its newest revision.
    """

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: TaskArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Task", name, None, opts)
        definition = task_definition(f"{name}-definition", args, self)
        self.arn = definition.arn
        self.register_outputs({"arn": self.arn})


def task_definition(name: str, args: TaskArgs, parent: pulumi.Resource) -> aws.ecs.TaskDefinition:
    """The resource itself, as a child of `parent`."""
    folders = SESSION_FOLDERS if args.container.execute_command else {}
    return aws.ecs.TaskDefinition(
        name,
        family=args.family,
        requires_compatibilities=["FARGATE"],
        network_mode="awsvpc",
        cpu=str(args.cpu),
        memory=str(args.memory),
        runtime_platform=aws.ecs.TaskDefinitionRuntimePlatformArgs(
            cpu_architecture=args.architecture, operating_system_family="LINUX"
        ),
        execution_role_arn=args.execution_role_arn,
        task_role_arn=args.task_role_arn,
        volumes=[aws.ecs.TaskDefinitionVolumeArgs(name=volume) for volume in folders],
        container_definitions=pulumi.Output.from_input(args.image).apply(
            lambda image: json.dumps([container_definition(args.container, image)])
        ),
        tags=dict(args.tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )
