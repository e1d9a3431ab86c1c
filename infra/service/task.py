"""The task definition: its containers, their limits and hardening."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.addons import Addons
from infra.context import Context
from infra.names import CONTAINER_NAME
from infra.settings.model import Settings
from infra.settings.processes import Process

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


def web_container(
    settings: Settings, image: pulumi.Input[str], log_group_name: str, region: str
) -> Container:
    """The container that answers the load balancer.

    Args:
        settings: the stack's settings.
        image: what it runs.
        log_group_name: where its output goes.
        region: of the log group.
    """
    return Container(
        image=image,
        port=settings.container_port,
        environment=settings.environment,
        secrets=settings.secrets,
        stop_timeout=settings.stop_timeout,
        log_group_name=log_group_name,
        region=region,
        execute_command=settings.exec,
        user=settings.user,
        command=settings.command,
        entry_point=settings.entry_point,
        writable=settings.writable_sizes,
        health_check=settings.health_check_command,
        start_period=min(settings.startup_seconds, LONGEST_START_PERIOD),
        nofile=settings.nofile,
    )


def process_container(
    context: Context, name: str, process: Process, image: pulumi.Input[str]
) -> Container:
    """The container of a process: like the web process's, without a port.

    Args:
        context: the stack.
        name: the process's name.
        process: its settings.
        image: what it runs.
    """
    settings = context.settings
    web = web_container(settings, image, context.names.log_group, context.account.region)
    return replace(
        web,
        port=None,
        environment={**web.environment, **process.environment},
        stop_timeout=process.stop_timeout or web.stop_timeout,
        command=process.command,
        entry_point=process.entry_point,
        health_check=process.health_check_command,
        process=name,
    )


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
        "essential": True,
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
            for volume, folder in _volumes(container).items()
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
    if container.port is not None and container.port < FIRST_FREE_PORT:
        chosen["systemControls"] = [LOW_PORT_CONTROL]
    if container.nofile:
        limit = container.nofile
        chosen["ulimits"] = [{"name": "nofile", "softLimit": limit, "hardLimit": limit}]
    return {name: value for name, value in chosen.items() if value}


def _variables(container: Container) -> dict[str, str]:
    own = {"PORT": container.port, "DRAIN_SECONDS": drain_seconds(container.stop_timeout)}
    told = {name: str(value) for name, value in own.items() if value is not None}
    return {**told, **container.environment}


def _volumes(container: Container) -> Mapping[str, str]:
    """Volume → folder of the container."""
    return SESSION_FOLDERS if container.execute_command else {}


@dataclass(frozen=True)
class TaskRoles:
    """A task's execution role and task role.

    Attributes:
        execution_role_arn: ECS starts tasks under it.
        task_role_arn: the containers' code runs under it.
    """

    execution_role_arn: pulumi.Input[str]
    task_role_arn: pulumi.Input[str]


@dataclass(frozen=True)
class TaskArgs:
    """What a task is.

    Attributes:
        family: the name of the task definitions.
        containers: its containers.
        cpu: units; 1024 are one vCPU.
        memory: MiB.
        architecture: `X86_64` or `ARM64`.
        roles: under which it runs.
        tags: of every resource.
        storage: GiB of the task's disk; 0 for the 20 that cost nothing.
        addons: variables and secrets of its containers beside their own.
    """

    family: str
    containers: Sequence[Container]
    cpu: int
    memory: int
    architecture: str
    roles: TaskRoles
    tags: Mapping[str, str]
    storage: int = 0
    addons: Addons = field(default_factory=Addons)


def web_task(context: Context, image: pulumi.Input[str], roles: TaskRoles) -> TaskArgs:
    """The task of a stack, be it an environment or a preview.

    Args:
        context: the stack.
        image: what its container runs.
        roles: under which it runs.
    """
    settings, names = context.settings, context.names
    return TaskArgs(
        family=names.service,
        containers=[web_container(settings, image, names.log_group, context.account.region)],
        cpu=settings.cpu,
        memory=settings.memory,
        architecture=settings.architecture,
        roles=roles,
        tags=context.tags,
        storage=settings.ephemeral_storage_gib,
        addons=context.addons,
    )


def process_task(
    context: Context, name: str, image: pulumi.Input[str], roles: TaskRoles
) -> TaskArgs:
    """The task of a process, be it of an environment or of a preview.

    Args:
        context: the stack.
        name: the process's name.
        image: what its container runs.
        roles: under which it runs.
    """
    process = context.settings.processes[name]
    return replace(
        web_task(context, image, roles),
        family=context.names.process(name),
        containers=[process_container(context, name, process, image)],
        cpu=process.cpu,
        memory=process.memory,
    )


class Task(pulumi.ComponentResource):
    """A task definition for Fargate.

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
    volumes = dict.fromkeys(volume for each in args.containers for volume in _volumes(each))
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
        execution_role_arn=args.roles.execution_role_arn,
        task_role_arn=args.roles.task_role_arn,
        ephemeral_storage=(
            aws.ecs.TaskDefinitionEphemeralStorageArgs(size_in_gib=args.storage)
            if args.storage
            else None
        ),
        volumes=[aws.ecs.TaskDefinitionVolumeArgs(name=volume) for volume in volumes],
        container_definitions=_definitions(args),
        # A refresh reads the revision that a release or a rollback registered since.
        track_latest=True,
        tags=dict(args.tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _definitions(args: TaskArgs) -> pulumi.Output[str]:
    """The containers' definitions as JSON, once their images and the addons are known."""
    images = [each.image for each in args.containers]
    known = pulumi.Output.all(images, dict(args.addons.variables), dict(args.addons.secrets))
    return known.apply(
        lambda known: json.dumps(
            [
                container_definition(with_addons(container, known[1], known[2]), image)
                for container, image in zip(args.containers, known[0], strict=True)
            ]
        )
    )


def with_addons(
    container: Container, variables: Mapping[str, str], secrets: Mapping[str, str]
) -> Container:
    """The application's container with what `addons.py` tells it; another one as it is."""
    if container.name != CONTAINER_NAME:
        return container
    return replace(
        container,
        environment={**variables, **container.environment},
        secrets={**secrets, **container.secrets},
    )
