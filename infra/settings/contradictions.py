"""Contradictions between settings that are right one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from infra.settings import container_rules, sidecar_contradictions
from infra.settings.fields import Fields
from infra.settings.pipeline_files import NotInRepositoryError, pipeline_files
from infra.settings.rules import fargate_cpu, fargate_memory, shown


def contradictions(settings: Fields, unsound: frozenset[str]) -> list[str]:
    """Problems between settings that are right one by one.

    Args:
        settings: every setting, with defaults.
        unsound: settings that were refused already; rules about them are left out.

    Returns:
        One sentence a problem.
    """
    values = settings.model_dump() | settings.model_dump(exclude_unset=True)
    return [
        f"fargate-cd:{names[0]} = {shown(names[0], values[names[0]])}: {message}"
        for names, rule in _CONTRADICTIONS
        if unsound.isdisjoint(names) and (message := rule(settings)) is not None
    ]


def _cpu(settings: Fields) -> str | None:
    return fargate_cpu(settings.cpu)


def _memory(settings: Fields) -> str | None:
    return fargate_memory(settings.cpu, settings.memory)


def _writable(settings: Fields) -> str | None:
    size = sum(settings.writable_sizes.values())
    if size < settings.memory:
        return None
    return f"may hold {size} MiB, which must be less than the memory of a task ({settings.memory})"


def _processes(settings: Fields) -> str | None:
    """Check each process's own settings."""
    size = sum(settings.writable_sizes.values())
    for name, process in settings.processes.items():
        if size >= process.memory:
            return f"{name}: memory must be more than the {size} MiB of `writable_paths`"
        twice = sorted(process.environment.keys() & settings.secrets.keys())
        if twice:
            return f"{name}: {', '.join(twice)} stands in the stack's `secrets` already"
    return None


def _bounds(settings: Fields) -> str | None:
    low, high = settings.lowest_count, settings.highest_count
    if low <= settings.desired_count <= high:
        return None
    return f"must lie between min_count ({low}) and max_count ({high})"


def _zones(settings: Fields) -> str | None:
    if not settings.zones or settings.availability_zones in (2, len(settings.zones)):
        return None
    return f"must be left out or be {len(settings.zones)}, since `zones` names so many"


NETWORK = ("vpc_cidr", "availability_zones", "zones", "flow_logs")
OF_HTTPS = ("domain", "domains", "hosted_zone", "certificate_arn", "waf", "waf_logs")
BALANCER = (
    *("internal", "allowed_cidrs", "idle_timeout", "access_logs", "load_balancer_subnet_ids"),
    *("redirects", "response_headers"),
)
CLUSTER = ("container_insights",)
GIVEN: Mapping[str, tuple[str, ...]] = {
    "vpc_id": NETWORK,
    "cluster_arn": CLUSTER,
    "listener_arn": (*BALANCER, *OF_HTTPS),
    "in_environment": (
        *NETWORK,
        *BALANCER,
        *OF_HTTPS,
        *CLUSTER,
        *("egress", "vpc_id", "subnet_ids", "cluster_arn", "listener_arn"),
    ),
}
"""What exists already → settings of what is then not made."""

CONDITION_VALUES = 5
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"""


def _leave_out(settings: Fields, names: Iterable[str], why: str) -> str | None:
    """Return a problem if one of these settings differs from its default."""
    fields = type(settings).model_fields
    odd = [name for name in names if getattr(settings, name) != fields[name].default]
    return f"leave out {', '.join(odd)}: {why}" if odd else None


def _given(name: str) -> Callable[[Fields], str | None]:
    """Return a rule against settings of resources that the stack does not make."""

    def rule(settings: Fields) -> str | None:
        if not getattr(settings, name) or settings.preview_of:
            return None
        return _leave_out(settings, GIVEN[name], f"what {name} names decides that")

    return rule


def _listener(settings: Fields) -> str | None:
    """A preview would open a port of a load balancer that is somebody else's."""
    if not settings.listener_arn:
        return None
    if settings.preview_of:
        return (
            f"{settings.preview_of} uses an existing load balancer (`listener_arn`), so it has no "
            "previews: preview an environment without `listener_arn`"
        )
    return _leave_out(settings, OF_PREVIEWS, "such a stack has no previews")


def _network(settings: Fields) -> str | None:
    if settings.preview_of:
        return None
    if bool(settings.vpc_id) != bool(settings.subnet_ids):
        return "needs the other one: `vpc_id` and `subnet_ids` (of the tasks) go together"
    if not settings.vpc_id and (settings.load_balancer_subnet_ids or settings.listener_arn):
        return "needs a value where `load_balancer_subnet_ids` or `listener_arn` is set"
    return None


def _route(settings: Fields) -> str | None:
    if not settings.web:
        return None
    values = len(settings.route_paths) + len(settings.route_hosts)
    if settings.has_route and not values and not settings.preview_of:
        return 'must say what the service answers, here or in `route_hosts`, such as ["/api/*"]'
    if values and not settings.has_route:
        return "needs `in_environment` or `listener_arn`: a load balancer of its own sends it all"
    if values > CONDITION_VALUES:
        return f"may have {CONDITION_VALUES} values together with `route_hosts`, not {values}"
    return None


OF_PREVIEWS = ("preview_settings", "preview_ttl_hours")

OF_WEB = (
    *("container_port", "health_check_path", "health_check_codes", "health_check_interval"),
    *("health_check_command", "startup_seconds", "command", "entry_point", "cpu", "memory"),
    *("desired_count", "min_count", "max_count", "cpu_target", "memory_target"),
    *("requests_per_target", "scheduled_scaling", "strategy", "bake_minutes", "step_percent"),
    *("step_minutes", "deregistration_delay", "stickiness_seconds", "protocol_version"),
    *("listener_arn", "route_paths", "route_hosts", "route_priority", "error_limit"),
    *("latency_limit", "github_actions", *OF_PREVIEWS),
    *(*BALANCER, *OF_HTTPS),
)
"""Fields of the web process, of its load balancer, and of previews, which show it."""


def _web(settings: Fields) -> str | None:
    """Without a web process there is no load balancer, so its settings are refused."""
    if settings.web:
        return None
    if settings.preview_of:
        return f"{settings.preview_of} has no web process, so there is nothing to preview"
    if not settings.processes:
        return "needs `processes` with at least one, or nothing would run"
    return _leave_out(settings, OF_WEB, "without a web process there is nothing that it could set")


def _schedule_bounds(settings: Fields) -> str | None:
    for entry in settings.scheduled_scaling:
        if entry.min_count > entry.max_count:
            return f"{entry.schedule}: min_count must not exceed max_count"
    return None


def _both_names(settings: Fields) -> str | None:
    twice = sorted(settings.environment.keys() & settings.secrets.keys())
    if not twice:
        return None
    return f"{', '.join(twice)} must stand in `environment` or in `secrets`, not in both"


def _https(settings: Fields) -> str | None:
    domain, zone = settings.domain, settings.hosted_zone
    if domain and not (zone or settings.certificate_arn):
        return "needs `hosted_zone`, where its certificate is validated, or `certificate_arn`"
    if not domain and (zone or settings.certificate_arn):
        return "`hosted_zone` and `certificate_arn` need the host name of the service here"
    if zone and domain != zone and not domain.endswith(f".{zone}"):
        return f"must be {zone} or a name below it, since `hosted_zone` is {zone}"
    return None


def _domains(settings: Fields) -> str | None:
    if not settings.domains:
        return None
    if not settings.domain:
        return "needs `domain`, the first host name"
    if settings.domain in settings.domains:
        return f"must not name {settings.domain} again, which is `domain`"
    zone = settings.hosted_zone
    for name in settings.domains:
        if zone and name != zone and not name.endswith(f".{zone}"):
            return f"must be names in {zone}, since `hosted_zone` is {zone}"
    return None


def _protocol_version(settings: Fields) -> str | None:
    if settings.protocol_version == "HTTP1":
        return None
    grpc = settings.protocol_version == "GRPC"
    if grpc and not (settings.domain or settings.preview_of):
        return "needs `domain`: a load balancer takes gRPC by HTTPS alone"
    if settings.has_shift or (grpc and settings.stickiness_seconds):
        return "needs the strategy `rolling`, and no `stickiness_seconds` with GRPC"
    return None


def _grpc_codes(settings: Fields) -> str | None:
    grpc = settings.protocol_version == "GRPC"
    codes = container_rules.healthy_codes(settings.health_check_codes)
    if settings.health_check_codes == "200" or grpc == (max(codes) < 100):
        return None
    return "must be codes of gRPC, 0 to 99, with `protocol_version` GRPC, and of HTTP otherwise"


def _transport_security(settings: Fields) -> str | None:
    if "Strict-Transport-Security" in settings.response_headers and not settings.domain:
        return "Strict-Transport-Security needs `domain`: browsers ignore it without HTTPS"
    return None


LONGEST_PIPELINE_SHIFT = 45
"""Minutes; CodePipeline gives a deployment an hour, of which the tasks need some to start."""

SMALLEST_LINEAR_STEP = 3
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html"""


def _strategy(settings: Fields) -> str | None:
    if settings.strategy == "rolling":
        return None
    if not settings.monitoring:
        return "needs `monitoring`, whose alarms take a bad release back"
    if settings.has_pipeline and settings.shift_minutes > LONGEST_PIPELINE_SHIFT:
        return (
            f"takes {settings.shift_minutes} minutes with these `bake_minutes`, `step_percent` and "
            f"`step_minutes`; a pipeline waits for at most {LONGEST_PIPELINE_SHIFT}"
        )
    return None


def _linear_step(settings: Fields) -> str | None:
    if settings.strategy != "linear" or settings.step_percent >= SMALLEST_LINEAR_STEP:
        return None
    return f"must be {SMALLEST_LINEAR_STEP} or more with the strategy `linear`"


def _release_command(settings: Fields) -> str | None:
    if settings.release_command or settings.release_command_on == "release":
        return None
    return "needs `release_command`, the command that is to run"


def _jobs(settings: Fields) -> str | None:
    default_cpu, default_memory = settings.size_of(settings.lead)
    for name, job in settings.jobs.items():
        cpu, memory = job.cpu or default_cpu, job.memory or default_memory
        problem = fargate_cpu(cpu) or fargate_memory(cpu, memory)
        if problem:
            return f"{name}: cpu {cpu}, memory {memory}: {problem}"
    return None


def _sessions_of_previews(settings: Fields) -> str | None:
    wanted = str(settings.preview_settings.get("exec", "")).lower() == "true"
    if settings.exec or settings.preview_of or not wanted:
        return None
    return (
        "exec needs `exec: true` of the environment (with `protect` it is off unless set): its "
        "previews' sessions are logged, and allowed, as its own are"
    )


def _of_previews(settings: Fields) -> str | None:
    if settings.preview_of or not (settings.preview_branch or settings.preview_expires):
        return None
    return "must name the environment where `preview_branch` or `preview_expires` is set"


def _repository(settings: Fields) -> str | None:
    named = bool(settings.github_owner), bool(settings.github_repository)
    if named[0] != named[1]:
        return "needs the other one: `github_owner` and `github_repository` name it together"
    if not all(named) and (settings.github_token or settings.connection_arn):
        return "needs a value: a pipeline's repository is `github_owner` and `github_repository`"
    return None


def _actions(settings: Fields) -> str | None:
    if settings.github_actions and not settings.github_repository:
        return "needs `github_owner` and `github_repository`, whose workflows get the roles"
    return None


def _firewall(settings: Fields) -> str | None:
    if settings.waf_logs and not settings.waf:
        return "needs `waf: true`, the firewall whose decisions are logged"
    return None


def _numbers(settings: Fields) -> str | None:
    if bool(settings.github_owner_id) != bool(settings.github_repository_id):
        return "needs the other one: `github_owner_id` and `github_repository_id` go together"
    return None


def _one_way_in(settings: Fields) -> str | None:
    if settings.connection_arn and settings.github_token:
        return "must be left out where `github_token` is set; use one way in"
    return None


def _paths(settings: Fields) -> str | None:
    if settings.trigger_paths and settings.github_token:
        return "needs `connection_arn` in place of `github_token`: a webhook can't filter paths"
    return None


def _pipeline_dockerfile(settings: Fields) -> str | None:
    if not settings.has_pipeline:
        return None
    try:
        pipeline_files(settings.app_path, settings.dockerfile, settings.pipeline_app_path)
    except NotInRepositoryError as error:
        return str(error)
    return None


def _absolute(setting: str) -> Callable[[Fields], str | None]:
    def rule(settings: Fields) -> str | None:
        if settings.github_actions and str(getattr(settings, setting)).startswith("/"):
            return "must be relative with `github_actions`: a workflow's checkout has no such path"
        return None

    return rule


OF_SIDECARS = (
    *("processes", "web", "jobs", "cpu", "memory", "writable_paths", "container_port", "egress"),
)
"""What the containers of a task share."""

IN = ("github_token", "connection_arn")
"""The ways in for a push."""

_CONTRADICTIONS: tuple[tuple[tuple[str, ...], Callable[[Fields], str | None]], ...] = (
    (("cpu",), _cpu),
    (("memory", "cpu"), _memory),
    (("writable_paths", "memory"), _writable),
    (("processes", "writable_paths", "secrets"), _processes),
    (("sidecars", *OF_SIDECARS), sidecar_contradictions.contradiction),
    (("web", "processes", "preview_of", *OF_WEB), _web),
    (("desired_count", "min_count", "max_count"), _bounds),
    (("availability_zones", "zones"), _zones),
    *(((name, *GIVEN[name]), _given(name)) for name in GIVEN),
    (("vpc_id", "subnet_ids", "load_balancer_subnet_ids", "listener_arn"), _network),
    (("listener_arn", "preview_of", *OF_PREVIEWS), _listener),
    (("route_paths", "route_hosts", "in_environment", "listener_arn"), _route),
    (("scheduled_scaling",), _schedule_bounds),
    (("environment", "secrets"), _both_names),
    (("domain", "hosted_zone", "certificate_arn"), _https),
    (("domains", "domain", "hosted_zone"), _domains),
    (("protocol_version", "domain", "strategy", "stickiness_seconds"), _protocol_version),
    (("health_check_codes", "protocol_version"), _grpc_codes),
    (("response_headers", "domain"), _transport_security),
    (("github_repository", "github_owner", "github_token", "connection_arn"), _repository),
    (("github_actions", "github_repository"), _actions),
    (("github_owner_id", "github_repository_id"), _numbers),
    (("waf_logs", "waf"), _firewall),
    (("connection_arn", "github_token"), _one_way_in),
    (("trigger_paths", "github_token"), _paths),
    (("dockerfile", "app_path", "pipeline_app_path", *IN), _pipeline_dockerfile),
    (("app_path", "github_actions"), _absolute("app_path")),
    (("dockerfile", "github_actions"), _absolute("dockerfile")),
    (("strategy", "monitoring", "bake_minutes", "step_percent", "step_minutes", *IN), _strategy),
    (("step_percent", "strategy"), _linear_step),
    (("release_command_on", "release_command"), _release_command),
    (("jobs", "cpu", "memory", "processes"), _jobs),
    (("preview_of", "preview_branch", "preview_expires"), _of_previews),
    (("preview_settings", "exec", "protect"), _sessions_of_previews),
)
