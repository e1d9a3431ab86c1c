"""Every setting with its type and default, and what follows from several of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from infra.settings import build as of_build
from infra.settings import container_rules, rules
from infra.settings import load_balancer as of_balancer
from infra.settings import previews as of_previews
from infra.settings import sidecars as of_sidecars
from infra.settings.jobs import Jobs
from infra.settings.load_balancer import Redirect
from infra.settings.processes import Processes
from infra.settings.structures import EgressPort, Permission, ScheduledScaling
from infra.settings.types import Percent, Structure, Text, TextList, TextMap, Words, structured


class Fields(BaseModel):
    """The settings, each right by itself; `Settings` checks them together."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    app_path: Text = "app"
    dockerfile: Text = ""
    container_port: Annotated[int, Field(ge=1, le=65535)] = 9292
    health_check_path: Annotated[Text, AfterValidator(rules.health_check_path)] = "/"
    environment: Annotated[TextMap, AfterValidator(rules.environment)] = {}
    secrets: Annotated[TextMap, AfterValidator(rules.secrets)] = {}
    cpu: int = 256
    memory: int = 512
    architecture: Literal["X86_64", "ARM64"] = "X86_64"
    image: Annotated[Text, AfterValidator(rules.image)] = ""

    build_args: Annotated[TextMap, AfterValidator(of_build.arguments)] = {}
    build_target: Annotated[Text, AfterValidator(of_build.target)] = ""
    build_secrets: Annotated[TextMap, AfterValidator(of_build.secrets)] = {}
    build_compute: Literal["small", "medium", "large"] = "small"

    command: Words = []
    entry_point: Words = []
    user: Annotated[Text, AfterValidator(container_rules.user)] = "10001:10001"
    writable_paths: Annotated[TextList, AfterValidator(container_rules.writable_paths)] = ["/tmp"]  # noqa: S108 - the container's
    ephemeral_storage_gib: Annotated[int, AfterValidator(container_rules.ephemeral_storage)] = 0
    startup_seconds: Annotated[int, Field(ge=0, le=600)] = 0
    health_check_codes: Annotated[Text, AfterValidator(container_rules.health_check_codes)] = "200"
    health_check_command: Words = []
    nofile: Annotated[int, AfterValidator(container_rules.nofile)] = 0
    release_command: Words = []
    jobs: Jobs = {}
    release_command_on: Literal["release", "every_update"] = "release"
    desired_count: Annotated[int, Field(ge=1, le=5000)] = 2
    min_count: Annotated[int, Field(ge=0, le=5000)] = 0
    max_count: Annotated[int, Field(ge=0, le=5000)] = 0
    cpu_target: Percent = 60
    memory_target: Percent = 0
    requests_per_target: Annotated[int, Field(ge=0)] = 1000
    scheduled_scaling: Annotated[list[ScheduledScaling], BeforeValidator(structured)] = []
    spot: bool = False
    container_insights: bool = False
    exec: bool = True

    processes: Processes = {}
    sidecars: of_sidecars.Sidecars = {}
    web: bool = True

    vpc_cidr: Annotated[Text, AfterValidator(rules.vpc_cidr)] = "10.0.0.0/16"
    availability_zones: Annotated[int, Field(ge=2, le=6)] = 2
    zones: Annotated[TextList, AfterValidator(rules.zones)] = []
    egress: Literal["public", "nat", "nat_per_zone", "endpoints"] = "public"
    internal: bool = False
    vpc_id: Annotated[Text, AfterValidator(rules.vpc_id)] = ""
    subnet_ids: Annotated[TextList, AfterValidator(rules.subnet_ids)] = []
    load_balancer_subnet_ids: Annotated[TextList, AfterValidator(rules.subnet_ids)] = []
    cluster_arn: Annotated[Text, AfterValidator(rules.cluster_arn)] = ""
    listener_arn: Annotated[Text, AfterValidator(rules.listener_arn)] = ""
    in_environment: Annotated[Text, AfterValidator(rules.environment_name)] = ""
    route_paths: Annotated[TextList, AfterValidator(rules.route_paths)] = []
    route_hosts: Annotated[TextList, AfterValidator(rules.route_hosts)] = []
    route_priority: Annotated[int, AfterValidator(rules.route_priority)] = 0
    allowed_cidrs: Annotated[TextList, AfterValidator(rules.allowed_cidrs)] = ["0.0.0.0/0"]
    egress_ports: Annotated[list[EgressPort], BeforeValidator(structured)] = []
    permissions_boundary: Annotated[Text, AfterValidator(rules.boundary)] = ""
    role_path: Annotated[Text, AfterValidator(rules.role_path)] = ""
    permissions: Annotated[list[Permission], BeforeValidator(structured)] = []
    flow_logs: bool = False
    access_logs: bool = False

    domain: Annotated[Text, AfterValidator(rules.host_name)] = ""
    hosted_zone: Annotated[Text, AfterValidator(rules.host_name)] = ""
    certificate_arn: Annotated[Text, AfterValidator(rules.certificate_arn)] = ""
    waf: bool = False
    waf_logs: bool = False
    domains: Annotated[TextList, AfterValidator(of_balancer.domains)] = []
    protocol_version: Literal["HTTP1", "HTTP2", "GRPC"] = "HTTP1"
    response_headers: Annotated[TextMap, AfterValidator(of_balancer.response_headers)] = {}
    redirects: Annotated[
        list[Redirect], BeforeValidator(structured), AfterValidator(of_balancer.redirects)
    ] = []

    github_owner: Annotated[Text, AfterValidator(rules.github_owner)] = ""
    github_repository: Annotated[Text, AfterValidator(rules.github_repository)] = ""
    github_owner_id: Annotated[int, Field(ge=0)] = 0
    github_repository_id: Annotated[int, Field(ge=0)] = 0
    github_branch: Annotated[Text, AfterValidator(rules.branch)] = "main"
    github_token: Any = ""
    connection_arn: Annotated[Text, AfterValidator(rules.connection_arn)] = ""
    webhook_rotation: Annotated[int, Field(ge=0)] = 0
    trigger_paths: TextList = []
    pipeline_app_path: Annotated[Text, AfterValidator(rules.repository_folder)] = ""
    test_commands: TextList = []
    approval: bool = False
    promotion: bool = False
    promotes_from: Annotated[Text, AfterValidator(rules.repository)] = ""
    github_actions: bool = False
    github_environment: Annotated[Text, AfterValidator(rules.github_environment)] = ""
    github_provider_arn: Annotated[Text, AfterValidator(rules.provider_arn)] = ""
    state_bucket: Annotated[Text, AfterValidator(rules.bucket)] = ""
    pull_accounts: Annotated[TextList, AfterValidator(rules.accounts)] = []
    notify_emails: Annotated[TextList, AfterValidator(rules.emails)] = []

    strategy: Literal["rolling", "blue_green", "canary", "linear"] = "rolling"
    bake_minutes: Annotated[int, Field(ge=0, le=1440)] = 5
    step_percent: Annotated[int, Field(ge=1, le=99)] = 10
    step_minutes: Annotated[int, Field(ge=0, le=1440)] = 3
    deregistration_delay: Annotated[int, Field(ge=0, le=3600)] = 10
    idle_timeout: Annotated[int, Field(ge=1, le=4000)] = 60
    stickiness_seconds: Annotated[int, Field(ge=0, le=604_800)] = 0
    stop_timeout: Annotated[int, Field(ge=1, le=120)] = 20
    health_check_interval: Annotated[int, Field(ge=5, le=300)] = 5

    monitoring: bool = True
    error_limit: Annotated[int, Field(ge=1, le=100)] = 5
    latency_limit: Annotated[int, Field(ge=1, le=600_000)] = 1000

    protect: bool = False
    customer_managed_key: bool = False
    log_retention_days: Annotated[int, AfterValidator(rules.log_retention_days)] = 30
    preview_of: Text = ""
    preview_branch: str = ""
    preview_creator: str = ""
    preview_remote: str = ""
    preview_expires: Annotated[Text, AfterValidator(rules.moment)] = ""
    preview_port: Annotated[int, AfterValidator(rules.preview_port)] = 0
    preview_ttl_hours: Annotated[int, Field(ge=1, le=8760)] = 72
    preview_settings: Annotated[Structure, AfterValidator(of_previews.adjustments)] = {}
    target: Literal["aws", "local"] = "aws"
    tags: Annotated[TextMap, AfterValidator(rules.tags)] = {}

    @property
    def has_pipeline(self) -> bool:
        """Whether a pipeline releases images, so that the program does not."""
        return bool(self.github_token) or bool(self.connection_arn)

    @property
    def zone_count(self) -> int:
        """In how many availability zones the stack's own network is."""
        return len(self.zones) or self.availability_zones

    @property
    def network_identity(self) -> str:
        """What a load balancer can't change: another one is another load balancer."""
        if self.in_environment:
            return f"in {self.in_environment}"
        scheme = "internal" if self.internal else ""
        return " ".join(filter(None, (self.vpc_id or self.vpc_cidr, self.listener_arn, scheme)))

    @property
    def makes_network(self) -> bool:
        """Whether the stack has a network of its own."""
        return not (self.vpc_id or self.in_environment or self.preview_of)

    @property
    def makes_balancer(self) -> bool:
        """Whether the stack has a load balancer of its own."""
        return self.web and not (self.has_route or self.preview_of)

    @property
    def makes_cluster(self) -> bool:
        """Whether the stack has a cluster of its own."""
        return not (self.cluster_arn or self.in_environment or self.preview_of)

    @property
    def has_route(self) -> bool:
        """Whether the service is a rule on a listener that others share."""
        return self.web and bool(self.in_environment or self.listener_arn)

    @property
    def writable_sizes(self) -> dict[str, int]:
        """Each folder that the container may write to, and how many MiB it may hold."""
        return container_rules.writable_sizes(self.writable_paths)

    @property
    def has_previews(self) -> bool:
        """Whether branches may run beside it: not on a load balancer that is somebody else's."""
        return self.web and not self.listener_arn

    @property
    def opens_preview_ports(self) -> bool:
        """Whether the environment opens the ports of all previews, so that no workflow may."""
        return self.github_actions and not self.domain

    @property
    def has_shift(self) -> bool:
        """Whether a release starts beside the running one, and traffic is shifted to it."""
        return self.strategy != "rolling"

    @property
    def shift_minutes(self) -> int:
        """How long a release is watched at least, from its first request to its completion."""
        if not self.has_shift:
            return 0
        steps = {"canary": 1, "linear": -(-100 // self.step_percent) - 1}.get(self.strategy, 0)
        return self.bake_minutes + steps * self.step_minutes

    @property
    def keeps_image(self) -> bool:
        """Whether an update keeps the running image unless another one is named or built."""
        return self.has_pipeline or self.promotion

    @property
    def secret_arns(self) -> list[str]:
        """The secrets and parameters of the containers, each once."""
        return sorted({*self.secrets.values(), *of_sidecars.secret_arns(self.sidecars)})

    @property
    def preview_secret_arns(self) -> list[str]:
        """The secrets and parameters of the containers of an environment's previews."""
        own = self.preview_settings.get("secrets", self.secrets)
        return sorted({*own.values(), *of_sidecars.secret_arns(self.preview_sidecars)})

    @property
    def preview_sidecars(self) -> dict[str, of_sidecars.Sidecar]:
        """The sidecars of an environment's previews, by name."""
        given = self.preview_settings.get("sidecars")
        if given is None:
            return self.sidecars
        return {name: of_sidecars.Sidecar.model_validate(each) for name, each in given.items()}

    def sidecars_of(self, process: str) -> dict[str, of_sidecars.Sidecar]:
        """The sidecars in the tasks of a process, by name."""
        return {name: each for name, each in self.sidecars.items() if each.runs_in(process)}

    def size_of(self, process: str) -> tuple[int, int]:
        """Return the CPU units and MiB of a process's tasks; of the web process's by default."""
        found = self.processes.get(process)
        return (found.cpu, found.memory) if found else (self.cpu, self.memory)

    @property
    def lead(self) -> str:
        """The process that stands for the application: the web one (''), or the first by name."""
        return "" if self.web else min(self.processes, default="")

    @property
    def preview_queue_arns(self) -> list[str]:
        """The queues that `preview_settings` give to the processes of previews."""
        processes = self.preview_settings.get("processes", {})
        return sorted({str(each["queue"]) for each in processes.values() if each.get("queue")})

    @property
    def lowest_count(self) -> int:
        """The fewest tasks that autoscaling keeps: `min_count`, or else `desired_count`."""
        return self.min_count or self.desired_count

    @property
    def highest_count(self) -> int:
        """The most tasks that autoscaling starts: `max_count`, or else twice `desired_count`."""
        return self.max_count or 2 * self.desired_count
