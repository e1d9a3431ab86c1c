"""What the local ECS remembers: clusters, task definitions, services, deployments, tasks.

Times are seconds since the epoch. Members that the API hands back as it got them are kept in the
API's own form (`dict`), so nothing that a caller wrote is lost on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class TaskStatus(StrEnum):
    """The stages of a task's life, in their order.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
    """

    PROVISIONING = "PROVISIONING"
    PENDING = "PENDING"
    ACTIVATING = "ACTIVATING"
    RUNNING = "RUNNING"
    DEACTIVATING = "DEACTIVATING"
    STOPPING = "STOPPING"
    DEPROVISIONING = "DEPROVISIONING"
    STOPPED = "STOPPED"


class Rollout(StrEnum):
    """The rollout states of a deployment."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass
class Cluster:
    """A cluster. `status` is ACTIVE, or INACTIVE once deleted."""

    arn: str
    name: str
    status: str = "ACTIVE"
    settings: list[Json] = field(default_factory=list)
    configuration: Json | None = None
    capacity_providers: list[str] = field(default_factory=list)
    default_strategy: list[Json] = field(default_factory=list)
    tags: list[Json] = field(default_factory=list)


@dataclass
class TaskDefinition:
    """A revision of a task definition; `definition` is what was registered, with defaults."""

    arn: str
    family: str
    revision: int
    definition: Json
    registered_at: float
    registered_by: str
    status: str = "ACTIVE"
    deregistered_at: float | None = None
    delete_requested_at: float | None = None
    tags: list[Json] = field(default_factory=list)


@dataclass
class Container:
    """One container of a task, as the task's last look at it found it."""

    name: str
    arn: str
    image: str
    essential: bool = True
    image_digest: str | None = None
    runtime_id: str | None = None
    status: str = "PENDING"
    exit_code: int | None = None
    reason: str | None = None
    health: str = "UNKNOWN"
    started_at: float | None = None
    finished_at: float | None = None
    logged_until: str | None = None


@dataclass
class Task:
    """A task: a service's, or one run by hand.

    Attributes:
        was_healthy: it passed all its health checks once.
        healthy_since: since when it passes them all; None while it does not.
        failing: which check it fails now, in the words of a stopped reason.
        registered: the target groups it is registered in, as (target group, port).
        deregistered: it has been taken out of them again.
        exited: an essential container ended by itself, so there is nothing to drain.
        settled: it has been healthy for the settling time; counted as a success.
        counted: its end was counted as a failure of its deployment.
    """

    arn: str
    id: str
    cluster_arn: str
    definition_arn: str
    group: str
    created_at: float
    availability_zone: str
    subnet: str
    containers: list[Container]
    secret_token: str
    service_arn: str | None = None
    deployment_id: str | None = None
    started_by: str | None = None
    status: TaskStatus = TaskStatus.PROVISIONING
    desired_status: str = "RUNNING"
    overrides: Json = field(default_factory=dict)
    network: Json = field(default_factory=dict)
    capacity_provider: str | None = None
    enable_execute_command: bool = False
    tags: list[Json] = field(default_factory=list)
    address: str | None = None
    sandbox_id: str | None = None
    pull_started_at: float | None = None
    pull_stopped_at: float | None = None
    started_at: float | None = None
    stopping_at: float | None = None
    stopped_at: float | None = None
    execution_stopped_at: float | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    registered: list[tuple[str, int]] = field(default_factory=list)
    was_healthy: bool = False
    healthy_since: float | None = None
    settled: bool = False
    counted: bool = False
    failing: str | None = None
    deregistered: bool = False
    exited: bool = False
    version: int = 1

    @property
    def live(self) -> bool:
        """Whether the task is wanted and not on its way down."""
        return self.desired_status == "RUNNING" and self.status != TaskStatus.STOPPED


@dataclass
class Revision:
    """A service revision: what a deployment rolls out."""

    arn: str
    service_arn: str
    cluster_arn: str
    created_at: float
    task_definition: str
    load_balancers: list[Json]
    network: Json
    platform_version: str
    launch_type: str | None
    capacity_strategy: list[Json]
    images: list[Json] = field(default_factory=list)


@dataclass
class Deployment:
    """What DescribeServices lists under `deployments`.

    Attributes:
        status: PRIMARY, or ACTIVE while an older one still has tasks or may be rolled back to.
        desired: how many tasks of this deployment there should be.
        failed_tasks: tasks that failed since the deployment began.
        consecutive_failures: failures since a task last settled; what the breaker looks at.
        start_failures: tasks in a row that did not reach RUNNING or died young; for the back-off.
        ledger_arn: the service deployment that records it.
        slot: which of a load balancer's two target groups it uses, 0 or 1.
        traffic: the percent of production traffic that it was given, where traffic is shifted.
        traffic_since: since when.
        step: how many steps of its shift were made.
    """

    id: str
    revision_arn: str
    status: str
    created_at: float
    updated_at: float
    desired: int
    ledger_arn: str
    rollout: Rollout = Rollout.IN_PROGRESS
    rollout_reason: str = ""
    ever_completed: bool = False
    failed_tasks: int = 0
    consecutive_failures: int = 0
    start_failures: int = 0
    next_start_at: float = 0.0
    impaired: bool = False
    slot: int = 0
    traffic: int = 0
    traffic_since: float = 0.0
    step: int = 0


@dataclass
class ServiceDeployment:
    """A row of the release ledger; `status` as in the API's ServiceDeploymentStatus.

    Attributes:
        alarms_watched: the alarms have been looked at since it began.
    """

    arn: str
    service_arn: str
    cluster_arn: str
    created_at: float
    updated_at: float
    target_revision: str
    source_revisions: list[str]
    configuration: Json
    deployment_id: str
    status: str = "IN_PROGRESS"
    reason: str | None = None
    started_at: float | None = None
    finished_at: float | None = None
    stopped_at: float | None = None
    rollback: Json | None = None
    breaker_status: str = "DISABLED"
    breaker_failures: int = 0
    breaker_threshold: int = 0
    alarms_status: str = "DISABLED"
    alarms_watched: bool = False
    triggered_alarms: list[str] = field(default_factory=list)
    requested: int = 0
    stop_type: str | None = None


@dataclass
class Event:
    """A line of a service's event log."""

    id: str
    at: float
    message: str


@dataclass
class ServiceRecord:
    """A service. `status` is ACTIVE, DRAINING or INACTIVE."""

    arn: str
    name: str
    cluster_arn: str
    created_at: float
    created_by: str
    desired_count: int
    task_definition: str
    load_balancers: list[Json]
    network: Json
    deployment_configuration: Json
    platform_version: str
    scheduling_strategy: str = "REPLICA"
    launch_type: str | None = None
    capacity_strategy: list[Json] = field(default_factory=list)
    grace_period: int | None = None
    enable_execute_command: bool = False
    managed_tags: bool = False
    propagate_tags: str = "NONE"
    zone_rebalancing: str = "DISABLED"
    client_token: str | None = None
    tags: list[Json] = field(default_factory=list)
    status: str = "ACTIVE"
    deployments: list[Deployment] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    steady: bool = False
    steady_at: float = 0.0
    bake_since: float | None = None
    deleted_at: float | None = None

    @property
    def primary(self) -> Deployment:
        """The deployment that the service is moving to."""
        return next(d for d in self.deployments if d.status == "PRIMARY")


@dataclass
class State:
    """Everything, by ARN."""

    clusters: dict[str, Cluster] = field(default_factory=dict)
    task_definitions: dict[str, TaskDefinition] = field(default_factory=dict)
    services: dict[str, ServiceRecord] = field(default_factory=dict)
    revisions: dict[str, Revision] = field(default_factory=dict)
    ledger: dict[str, ServiceDeployment] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    last_revisions: dict[str, int] = field(default_factory=dict)
    agent_port: int = 0
