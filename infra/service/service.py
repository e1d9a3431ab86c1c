"""The service: it keeps the tasks running, behind the load balancer, and replaces them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.names import CONTAINER_NAME
from infra.place import Location
from infra.service.cluster import ON_DEMAND, SPOT
from infra.service.grace_period import grace_period
from infra.service.secret_versions import secret_versions
from infra.service.task import TaskRoles
from infra.settings.model import Settings

STEADY_MINUTES = 20
"""How long the provider waits for a service to be steady, unless told otherwise:
https://www.pulumi.com/registry/packages/aws/api-docs/ecs/service/
"""

ON_DEMAND_BASE = 1
"""With Spot, as many tasks as this stay on demand, so that one survives when Spot runs dry."""


DEFAULT_CODES = "200"
"""Codes that start no tasks anew when a stack that was made without this trigger is updated."""

PROCESS_TAG = "process"
"""The tag by which the services of processes are told apart."""

ROLLING = aws.ecs.ServiceDeploymentConfigurationArgs(strategy="ROLLING", bake_time_in_minutes="0")


@dataclass(frozen=True)
class Shifting:
    """How traffic is shifted to a release that started beside the running one.

    Attributes:
        advanced: the second target group, the listener's rule, and the role to change them.
        minutes: how long a release is watched at least.
    """

    advanced: aws.ecs.ServiceLoadBalancerAdvancedConfigurationArgs
    minutes: int


@dataclass(frozen=True)
class Replacement:
    """How a release replaces the one before.

    All of it is said in full: ECS keeps what an update leaves out.

    Attributes:
        deployment: the strategy with its steps.
        alarm_names: alarms that take a release back.
        shifting: how traffic is shifted to it; None where tasks are replaced one by one.
    """

    deployment: aws.ecs.ServiceDeploymentConfigurationArgs = ROLLING
    alarm_names: Sequence[pulumi.Input[str]] = ()
    shifting: Shifting | None = None


@dataclass(frozen=True)
class Workload:
    """What the web process and the others of a stack have in common.

    Attributes:
        location: where their tasks run.
        image: what they run.
        roles: under which.
        needs: what must exist before a task can start.
        before: what runs before a service is created or updated; None for nothing.
    """

    location: Location
    image: pulumi.Input[str]
    roles: TaskRoles
    needs: Sequence[pulumi.Resource]
    before: pulumi.ResourceHookBinding | None


@dataclass(frozen=True)
class Registration:
    """Which targets of a load balancer the tasks of a service are.

    Attributes:
        target_group_arn: where they are registered.
        port: the container's port.
        grace_period: seconds that a new task has before a failed health check counts.
        container: the container's name.
    """

    target_group_arn: pulumi.Input[str]
    port: int
    grace_period: int
    container: str = CONTAINER_NAME


@dataclass(frozen=True)
class ServiceArgs:
    """What the service runs, where, and how it is replaced.

    Attributes:
        physical_name: its name.
        location: where it runs.
        task_arn: the revision of the task definition.
        desired_count: how many tasks a new service starts with.
        spot: whether all tasks but the first run on Spot.
        execute_command: whether `exec` may open sessions in its tasks.
        registration: how the load balancer reaches its tasks; None where it does not.
        tags: of every resource.
        needs: what must exist before a task can start and take traffic.
        on_demand_base: with Spot, how many tasks stay on demand.
        scaled: whether autoscaling owns the number of tasks from the first start on.
        replacement: how a release replaces the one before.
        triggers: what starts tasks anew when it changes.
        before: what runs before the service is created or updated; None for nothing.
    """

    physical_name: str
    location: Location
    task_arn: pulumi.Input[str]
    desired_count: int
    spot: bool
    execute_command: bool
    registration: Registration | None
    tags: Mapping[str, str]
    needs: Sequence[pulumi.Resource] = field(default_factory=tuple)
    on_demand_base: int = ON_DEMAND_BASE
    scaled: bool = True
    replacement: Replacement = field(default_factory=Replacement)
    triggers: Mapping[str, str] = field(default_factory=dict)
    before: pulumi.ResourceHookBinding | None = None


def web_service(
    context: Context,
    workload: Workload,
    task_arn: pulumi.Input[str],
    target_group_arn: pulumi.Input[str],
    needs: Sequence[pulumi.Resource],
    replacement: Replacement | None = None,
) -> ServiceArgs:
    """The service of a stack behind a load balancer, be it an environment or a preview.

    A preview has no autoscaling, and with Spot no task on demand.

    Args:
        context: the stack.
        workload: what it has in common with the other processes.
        task_arn: the revision of the task definition.
        target_group_arn: where tasks are registered.
        needs: what must exist, beside that of the workload, before a task can take traffic.
        replacement: how a release replaces the one before; by default task by task.
    """
    settings, preview = context.settings, context.names.is_preview
    return ServiceArgs(
        physical_name=context.names.service,
        location=workload.location,
        task_arn=task_arn,
        desired_count=settings.desired_count,
        spot=settings.spot,
        execute_command=settings.exec,
        registration=Registration(
            target_group_arn, settings.container_port, grace_period(settings)
        ),
        tags=context.tags,
        needs=[*workload.needs, *needs],
        on_demand_base=0 if preview else ON_DEMAND_BASE,
        scaled=not preview,
        replacement=replacement or Replacement(),
        triggers=_triggers(settings),
        before=workload.before,
    )


def process_service(
    context: Context, name: str, workload: Workload, task_arn: pulumi.Input[str]
) -> ServiceArgs:
    """The service of a process, be it of an environment or of a preview, which has one task.

    Args:
        context: the stack.
        name: the process's name.
        workload: what it has in common with the other processes.
        task_arn: the revision of the task definition.
    """
    settings, preview = context.settings, context.names.is_preview
    process = settings.processes[name]
    return ServiceArgs(
        physical_name=context.names.process(name),
        location=workload.location,
        task_arn=task_arn,
        desired_count=1 if preview else process.min_count,
        spot=settings.spot if process.spot is None else process.spot,
        execute_command=settings.exec,
        registration=None,
        tags={**context.tags, PROCESS_TAG: name},
        needs=workload.needs,
        on_demand_base=0,
        scaled=not preview and process.highest_count > process.min_count,
        triggers=_secrets(settings),
        before=workload.before,
    )


def _triggers(settings: Settings) -> dict[str, str]:
    """ECS reads secrets when a task starts, and another health check takes another target group."""
    codes = settings.health_check_codes
    check = {"health_check_codes": codes} if codes != DEFAULT_CODES else {}
    return {"health_check_path": settings.health_check_path, **check, **_secrets(settings)}


def _secrets(settings: Settings) -> dict[str, str]:
    versions = secret_versions(settings.secret_arns)
    return {} if versions is None else {"secrets": versions}


class Service(pulumi.ComponentResource):
    """A Fargate service.

    Attributes:
        service_name: its name.
    """

    service_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Service", name, None, opts)
        service = fargate_service(f"{name}-service", args, self)
        self.service_name = service.name
        self.register_outputs({"service_name": self.service_name})


def fargate_service(name: str, args: ServiceArgs, parent: pulumi.Resource) -> aws.ecs.Service:
    """The resource itself, as a child of `parent`."""
    return aws.ecs.Service(
        name,
        name=args.physical_name,
        cluster=args.location.cluster_arn,
        task_definition=args.task_arn,
        desired_count=args.desired_count,
        platform_version="LATEST",
        capacity_provider_strategies=_capacity(args),
        # Without it another mix of capacity would replace the service.
        force_new_deployment=True,
        triggers=dict(args.triggers) or None,
        deployment_configuration=args.replacement.deployment,
        alarms=_alarms(args.replacement.alarm_names),
        availability_zone_rebalancing="ENABLED",
        deployment_minimum_healthy_percent=100,
        deployment_maximum_percent=200,
        deployment_circuit_breaker=aws.ecs.ServiceDeploymentCircuitBreakerArgs(
            enable=True, rollback=True
        ),
        health_check_grace_period_seconds=_grace_period(args.registration),
        network_configuration=aws.ecs.ServiceNetworkConfigurationArgs(
            subnets=args.location.task_subnet_ids,
            security_groups=[args.location.task_group_id],
            assign_public_ip=args.location.public_tasks,
        ),
        load_balancers=_load_balancers(args),
        enable_execute_command=args.execute_command,
        enable_ecs_managed_tags=True,
        propagate_tags="SERVICE",
        wait_for_steady_state=True,
        tags=dict(args.tags),
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(args.needs),
            ignore_changes=["desiredCount"] if args.scaled else [],
            custom_timeouts=_timeouts(args.replacement.shifting),
            hooks=args.before,
        ),
    )


def _load_balancers(args: ServiceArgs) -> list[aws.ecs.ServiceLoadBalancerArgs]:
    if args.registration is None:
        return []
    shifting = args.replacement.shifting
    return [
        aws.ecs.ServiceLoadBalancerArgs(
            target_group_arn=args.registration.target_group_arn,
            container_name=args.registration.container,
            container_port=args.registration.port,
            advanced_configuration=shifting.advanced if shifting else None,
        )
    ]


def _grace_period(registration: Registration | None) -> int | None:
    return None if registration is None else registration.grace_period


def _alarms(names: Sequence[pulumi.Input[str]]) -> aws.ecs.ServiceAlarmsArgs:
    used = bool(names)
    return aws.ecs.ServiceAlarmsArgs(alarm_names=names, enable=used, rollback=used)


def _timeouts(shifting: Shifting | None) -> pulumi.CustomTimeouts | None:
    """The provider waits 20 minutes for a release; one that is watched takes longer."""
    if shifting is None:
        return None
    whole = f"{STEADY_MINUTES + shifting.minutes}m"
    return pulumi.CustomTimeouts(create=whole, update=whole)


def _capacity(args: ServiceArgs) -> list[aws.ecs.ServiceCapacityProviderStrategyArgs]:
    strategy = aws.ecs.ServiceCapacityProviderStrategyArgs
    if not args.spot:
        return [strategy(capacity_provider=ON_DEMAND, weight=1, base=0)]
    spot = strategy(capacity_provider=SPOT, weight=1, base=0)
    if args.on_demand_base == 0:
        return [spot]
    return [
        strategy(capacity_provider=ON_DEMAND, weight=0, base=args.on_demand_base),
        spot,
    ]
