"""The task definition: its containers, roles and size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pulumi
import pulumi_aws as aws

from infra.addons import Addons
from infra.context import Context
from infra.names import CONTAINER_NAME, WEB
from infra.service.container import LONGEST_START_PERIOD, Container, container_definition, volumes
from infra.service.sidecars import with_sidecars
from infra.settings.model import Settings
from infra.settings.processes import Process


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
        containers=with_sidecars(
            settings, WEB, web_container(settings, image, names.log_group, context.account.region)
        ),
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
        containers=with_sidecars(
            context.settings, name, process_container(context, name, process, image)
        ),
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
    named = dict.fromkeys(volume for each in args.containers for volume in volumes(each))
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
        volumes=[aws.ecs.TaskDefinitionVolumeArgs(name=volume) for volume in named],
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
