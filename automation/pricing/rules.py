"""What is charged for: one rule for each kind of charge, from resources to lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from automation.pricing import data_rules
from automation.pricing.jobs import jobs
from automation.pricing.lines import Line, Stack
from automation.pricing.resources import Resource, length
from automation.pricing.table import assumptions

CPU_UNITS = 1024
"""https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html"""

MEGABYTES = 1024
FREE_DISK_GB = 20
"""https://aws.amazon.com/fargate/pricing/"""

SPOT = "FARGATE_SPOT"
FAST_PERIOD_SECONDS = 60
DAYS_A_MONTH = 30

SERVICE = "aws:ecs/service:Service"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
GROUP = "aws:cloudwatch/logGroup:LogGroup"

Rule = Callable[[Stack], Iterator[Line]]


def _assumed(key: str) -> float:
    return assumptions()[key].value


def _fargate(stack: Stack) -> Iterator[Line]:
    hours = _assumed("hours")
    for service in stack.resources.of(SERVICE):
        for task in _run_by(stack, service):
            platform = task.inputs.get("runtimePlatform") or {}
            kind = str(platform.get("cpuArchitecture") or "X86_64").lower()
            cpu = float(task.inputs["cpu"]) / CPU_UNITS
            memory = float(task.inputs["memory"]) / MEGABYTES
            for number, share, words in _capacity(service, stack.tasks(service)):
                paid = number * share * hours
                spot = share != 1
                size = f"{number} tasks {words}" if number != 1 else f"1 task {words}"
                cpu_item = f"Fargate {kind}: {size}, {cpu:g} vCPU each"
                yield stack.line(f"fargate_{kind}_cpu", cpu_item, paid * cpu, spot)
                memory_item = f"Fargate {kind}: {size}, {memory:g} GB each"
                yield stack.line(f"fargate_{kind}_memory", memory_item, paid * memory, spot)
            yield from _disk(stack, task, stack.tasks(service))


def _run_by(stack: Stack, service: Resource) -> list[Resource]:
    """The task definition of a service, whose family is called like it."""
    name = service.inputs.get("name")
    return [task for task in stack.resources.of(TASK) if task.inputs.get("family") == name]


def _disk(stack: Stack, task: Resource, tasks: int) -> Iterator[Line]:
    """What a task's disk holds beyond the part that costs nothing."""
    size = float((task.inputs.get("ephemeralStorage") or {}).get("sizeInGib") or 0)
    paid = max(0.0, size - FREE_DISK_GB) * tasks
    if paid:
        item = f"Fargate: disks of {tasks} tasks, {size:g} GB each"
        yield stack.line("fargate_disk", item, paid * _assumed("hours"))


def _capacity(service: Resource, tasks: int) -> list[tuple[int, float, str]]:
    """(number of tasks, share of the price on demand, words) for each way to pay them.

    As ECS spreads them: the base first, then by weight; see
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html
    """
    strategy = service.inputs.get("capacityProviderStrategies") or []
    base = {s["capacityProvider"]: int(s.get("base") or 0) for s in strategy}
    weight = {s["capacityProvider"]: int(s.get("weight") or 0) for s in strategy}
    on_base = min(tasks, sum(base.values()))
    spot_base = min(on_base, base.get(SPOT, 0))
    rest = tasks - on_base
    total = sum(weight.values())
    spot = spot_base + (round(rest * weight.get(SPOT, 0) / total) if total else 0)
    ways = [(tasks - spot, 1.0, "on demand"), (spot, _assumed("spot_share"), "on Spot")]
    return [way for way in ways if way[0]]


def _load_balancer(stack: Stack) -> Iterator[Line]:
    hours = _assumed("hours")
    for balancer in stack.resources.of(BALANCER):
        yield stack.line("load_balancer", "Application load balancer", hours)
        units = _assumed("load_balancer_units")
        yield stack.line("load_balancer_unit", "Load balancer's traffic", units * hours, True)
        if not balancer.inputs.get("internal"):
            zones = length(balancer.inputs.get("subnets"), stack.resources.zones)
            item = f"Public addresses of the load balancer: {zones}"
            yield stack.line("public_address", item, zones * hours)
        answers = _assumed("internet_gb")
        yield stack.line("internet_data", "Answers to the internet", answers, True)


def _addresses(stack: Stack) -> Iterator[Line]:
    """AWS charges every public IPv4 address, those of tasks and NAT gateways included."""
    for service in stack.resources.of(SERVICE):
        network = service.inputs.get("networkConfiguration") or {}
        tasks = stack.tasks(service)
        if network.get("assignPublicIp") and tasks:
            item = f"Public addresses of the tasks: {tasks}"
            yield stack.line("public_address", item, tasks * _assumed("hours"))


def _nat(stack: Stack) -> Iterator[Line]:
    number, hours = stack.resources.nat_gateways, _assumed("hours")
    if number:
        yield stack.line("nat_gateway", f"NAT gateways: {number}", number * hours)
        item = f"Public addresses of NAT gateways: {number}"
        yield stack.line("public_address", item, number * hours)
        yield stack.line("nat_gateway_data", "NAT gateways' traffic", _assumed("nat_gb"), True)


def _endpoints(stack: Stack) -> Iterator[Line]:
    zones = stack.resources.zones
    interfaces = [
        length(endpoint.inputs.get("subnetIds"), zones)
        for endpoint in stack.resources.of("aws:ec2/vpcEndpoint:VpcEndpoint")
        if endpoint.inputs.get("vpcEndpointType") == "Interface"
    ]
    if interfaces:
        item = f"Interface endpoints: {len(interfaces)}, in {max(interfaces)} zones"
        yield stack.line("endpoint", item, sum(interfaces) * _assumed("hours"))
        traffic = _assumed("endpoint_gb")
        yield stack.line("endpoint_data", "Interface endpoints' traffic", traffic, True)


VENDED_LOGS = {
    "aws:ec2/flowLog:FlowLog": "flow_log_gb",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "firewall_log_gb",
}
"""What AWS's services log, each in a group of its own → the assumption about how much that is.
Vended logs cost what others do: https://aws.amazon.com/cloudwatch/pricing/"""


def _logs(stack: Stack) -> Iterator[Line]:
    """What is written is charged once, and what is kept by the month; see `log_gb`."""
    written = _assumed("log_gb") * stack.resources.count(GROUP)
    for kind, volume in VENDED_LOGS.items():
        written += (_assumed(volume) - _assumed("log_gb")) * stack.resources.count(kind)
    if written <= 0:
        return
    days = max(int(group.inputs.get("retentionInDays") or 0) for group in stack.resources.of(GROUP))
    yield stack.line("log_ingestion", "CloudWatch logs, written", written, True)
    months = days / DAYS_A_MONTH
    yield stack.line("log_storage", f"CloudWatch logs, kept {days} days", written * months, True)


def _monitoring(stack: Stack) -> Iterator[Line]:
    resources = stack.resources
    alarms = list(resources.of("aws:cloudwatch/metricAlarm:MetricAlarm"))
    kinds = (("alarm_metric", False, ""), ("alarm_metric_fast", True, " of less than a minute"))
    for key, fast, words in kinds:
        metrics = sum(_metrics(alarm) for alarm in alarms if _is_fast(alarm) is fast)
        if metrics:
            yield stack.line(key, f"CloudWatch alarms{words}, metrics: {metrics}", metrics)
    policies = resources.count("aws:appautoscaling/policy:Policy")
    if policies:
        number = policies * _assumed("alarms_of_a_target")
        yield stack.line("alarm_metric", f"Alarms of autoscaling: {number:g}", number)
    composite = resources.count("aws:cloudwatch/compositeAlarm:CompositeAlarm")
    if composite:
        yield stack.line("alarm_composite", f"Composite alarms: {composite}", composite)
    dashboards = resources.count("aws:cloudwatch/dashboard:Dashboard")
    if dashboards:
        yield stack.line("dashboard", f"CloudWatch dashboards: {dashboards}", dashboards)
    for cluster in resources.of("aws:ecs/cluster:Cluster"):
        settings = {s["name"]: s["value"] for s in cluster.inputs.get("settings") or []}
        if settings.get("containerInsights") in {"enabled", "enhanced"}:
            yield stack.line("metric", "Container Insights", _assumed("insights_metrics"), True)


def _metrics(alarm: Resource) -> int:
    """How many metrics an alarm reads; each is charged."""
    return sum(1 for query in _queries(alarm) if query.get("metric")) or 1


def _queries(alarm: Resource) -> list[dict[str, Any]]:
    """The alarm's queries; a preview does not know those that name a resource yet to be made."""
    queries = alarm.inputs.get("metricQueries")
    known = queries if isinstance(queries, list) else []
    return [query for query in known if isinstance(query, dict)]


def _is_fast(alarm: Resource) -> bool:
    periods = [alarm.inputs.get("period")]
    periods += [(query.get("metric") or {}).get("period") for query in _queries(alarm)]
    known = [float(period) for period in periods if isinstance(period, int | float)]
    return bool(known) and min(known) < FAST_PERIOD_SECONDS


def _storage(stack: Stack) -> Iterator[Line]:
    repositories = stack.resources.count("aws:ecr/repository:Repository")
    if repositories:
        kept = repositories * _assumed("image_gb")
        yield stack.line("image_storage", f"Images; repositories: {repositories}", kept, True)
    for bucket in stack.resources.of("aws:s3/bucket:Bucket"):
        access = "access-logs" in bucket.name
        kept = _assumed("access_log_gb" if access else "artifact_gb")
        yield stack.line("object_storage", f"Objects in the bucket {bucket.name}", kept, True)


def _pipeline(stack: Stack) -> Iterator[Line]:
    runs = _assumed("pipeline_runs")
    for project in stack.resources.of("aws:codebuild/project:Project"):
        environment = project.inputs.get("environment") or {}
        arm = "ARM" in str(environment.get("type"))
        size = str(environment.get("computeType")).rpartition("_")[2].lower()
        minutes = runs * _assumed("build_minutes")
        item = f"Build minutes of {project.name}: {runs:g} runs"
        yield stack.line(f"build_{'arm64' if arm else 'x86_64'}_{size}", item, minutes, True)
    for pipeline in stack.resources.of("aws:codepipeline/pipeline:Pipeline"):
        charged = _charged_actions(pipeline)
        minutes = runs * charged * _assumed("action_minutes")
        item = f"Pipeline: {charged} actions, {runs:g} runs"
        yield stack.line("pipeline_action", item, minutes, True)


def _charged_actions(pipeline: Resource) -> int:
    """How many of a pipeline's actions are charged; of secret stages the usual number."""
    stages = pipeline.inputs.get("stages")
    if not isinstance(stages, list):
        return int(_assumed("pipeline_actions"))
    actions = [action for stage in stages for action in stage["actions"]]
    return sum(1 for action in actions if action["category"] != "Approval")


def _security(stack: Stack) -> Iterator[Line]:
    keys = stack.resources.count("aws:kms/key:Key")
    if keys:
        yield stack.line("key", f"KMS keys: {keys}", keys)
    for acl in stack.resources.of("aws:wafv2/webAcl:WebAcl"):
        rules = length(acl.inputs.get("rules"), 0)
        yield stack.line("firewall", "Web application firewall", 1)
        yield stack.line("firewall_rule", f"Its rules: {rules}", rules)
        requests = _assumed("firewall_million_requests")
        yield stack.line("firewall_requests", "Its requests", requests, True)


RULES: tuple[Rule, ...] = (
    _fargate,
    _load_balancer,
    _addresses,
    _nat,
    _endpoints,
    _logs,
    _monitoring,
    _storage,
    _pipeline,
    _security,
    jobs,
    data_rules.tables,
    data_rules.queues,
    data_rules.databases,
)
