"""A container of a task, in the form of the ECS API, and how tightly it is shut in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from infra.names import CONTAINER_NAME

SESSION_FOLDERS: Mapping[str, str] = {
    "session-state": "/var/lib/amazon",
    "session-logs": "/var/log/amazon",
}
"""Volume → folder. The agent behind `exec` writes there, so that the rest can stay read-only:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html#ecs-exec-considerations
"""

HEALTH_CHECK_TIMES: Mapping[str, int] = {"interval": 10, "timeout": 5, "retries": 3}
"""How a container is asked for its health: seconds between two checks, seconds for an answer, and
how many failures in a row count.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
"""

LOW_PORT_CONTROL = {"namespace": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
"""Lets a user other than root listen on ports below `FIRST_FREE_PORT`, in all of a task's
containers, since they share one network.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_SystemControl.html
"""

FIRST_FREE_PORT = 1024
"""The first port that Linux lets any user listen on."""

LONGEST_START_PERIOD = 300
"""Seconds; the most that ECS takes for the health check of a container."""


LONGEST_START = 120
"""Seconds; how long a container is waited for by others at most.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""


@dataclass(frozen=True)
class Share:
    """How a container shares its task with others.

    Attributes:
        essential: whether its end ends the task.
        cpu: units of the task's that are kept for it; 0 for none.
        memory: MiB beyond which it is killed; 0 for no limit of its own.
        depends_on: container → condition under which it starts.
        awaited: whether others depend on it.
        low_ports: whether any of the task's containers listens on a port below `FIRST_FREE_PORT`.
    """

    essential: bool = True
    cpu: int = 0
    memory: int = 0
    depends_on: Mapping[str, str] = field(default_factory=dict)
    awaited: bool = False
    low_ports: bool = False


@dataclass(frozen=True)
class Container:
    """One container of a task.

    Attributes:
        image: what it runs.
        port: where it listens; it learns the port by the usual variable `PORT`, and how long its
            requests in flight may take after SIGTERM by `DRAIN_SECONDS`. None if it does not.
        environment: plain variables.
        secrets: variable → ARN that ECS reads when a task starts.
        stop_timeout: seconds between SIGTERM and SIGKILL.
        log_group_name: where its output goes.
        region: of the log group.
        execute_command: whether `exec` may open sessions in it.
        user: whom it runs as, whatever its image says.
        command: in place of the image's; empty for the image's.
        entry_point: in place of the image's; empty for the image's.
        writable: the folders that it may write to → MiB; they are in memory and end with the task.
        health_check: the command by which ECS asks it whether it is healthy; empty for none.
        start_period: seconds after its start in which a failed `health_check` does not count.
        nofile: how many files it may have open; 0 for Fargate's own limit.
        name: its name in the task.
        process: how the names of its log streams begin.
        share: how it shares the task with other containers.
    """

    image: pulumi.Input[str]
    port: int | None
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    stop_timeout: int
    log_group_name: str
    region: str
    execute_command: bool
    user: str
    command: Sequence[str] = ()
    entry_point: Sequence[str] = ()
    writable: Mapping[str, int] = field(default_factory=dict)
    health_check: Sequence[str] = ()
    start_period: int = 0
    nofile: int = 0
    name: str = CONTAINER_NAME
    process: str = CONTAINER_NAME
    share: Share = Share()


def drain_seconds(stop_timeout: int) -> int:
    """Return the seconds for draining requests between SIGTERM and SIGKILL."""
    return stop_timeout * 3 // 4


def container_definition(container: Container, image: str) -> dict[str, Any]:
    """The container's part of a task definition, in the form of the ECS API.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html

    Args:
        container: the container.
        image: its image, now that it is known.
    """
    port = container.port
    return {
        "name": container.name,
        "image": image,
        "essential": container.share.essential,
        "user": container.user,
        "readonlyRootFilesystem": True,
        "privileged": False,
        "linuxParameters": {
            "capabilities": {"drop": ["ALL"]},
            "initProcessEnabled": container.execute_command,
            "tmpfs": [
                {"containerPath": path, "size": size} for path, size in container.writable.items()
            ],
        },
        "stopTimeout": container.stop_timeout,
        "portMappings": (
            [{"containerPort": port, "hostPort": port, "protocol": "tcp"}] if port else []
        ),
        "environment": [
            {"name": name, "value": value} for name, value in sorted(_variables(container).items())
        ],
        "secrets": [
            {"name": name, "valueFrom": arn} for name, arn in sorted(container.secrets.items())
        ],
        "mountPoints": [
            {"sourceVolume": volume, "containerPath": folder, "readOnly": False}
            for volume, folder in volumes(container).items()
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": container.log_group_name,
                "awslogs-region": container.region,
                "awslogs-stream-prefix": container.process,
            },
        },
        **_chosen(container),
    }


def _chosen(container: Container) -> dict[str, Any]:
    """What is left out unless it is asked for."""
    chosen: dict[str, Any] = {
        "command": list(container.command),
        "entryPoint": list(container.entry_point),
    }
    if container.health_check:
        chosen["healthCheck"] = {
            "command": ["CMD", *container.health_check],
            **HEALTH_CHECK_TIMES,
            "startPeriod": container.start_period,
        }
    if container.share.low_ports or (container.port or FIRST_FREE_PORT) < FIRST_FREE_PORT:
        chosen["systemControls"] = [LOW_PORT_CONTROL]
    if container.nofile:
        limit = container.nofile
        chosen["ulimits"] = [{"name": "nofile", "softLimit": limit, "hardLimit": limit}]
    return {name: value for name, value in (chosen | _shared(container.share)).items() if value}


def _shared(share: Share) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html"""
    return {
        "cpu": share.cpu,
        "memory": share.memory,
        "startTimeout": LONGEST_START if share.awaited else 0,
        "dependsOn": [
            {"containerName": name, "condition": condition}
            for name, condition in sorted(share.depends_on.items())
        ],
    }


def _variables(container: Container) -> dict[str, str]:
    own = {"PORT": container.port, "DRAIN_SECONDS": drain_seconds(container.stop_timeout)}
    told = {name: str(value) for name, value in own.items() if value is not None}
    return {**told, **container.environment}


def volumes(container: Container) -> Mapping[str, str]:
    """Volume → folder of the container; the agent has its own ones in each container."""
    own = "" if container.name == CONTAINER_NAME else f"-{container.name}"
    folders = SESSION_FOLDERS if container.execute_command else {}
    return {f"{volume}{own}": folder for volume, folder in folders.items()}
