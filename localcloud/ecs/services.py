"""Services: created, changed, described and deleted. The scheduler does what they ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localcloud.ecs import arns, bookkeeping, errors, references, rollout
from localcloud.ecs.core import Core, page
from localcloud.ecs.model import Rollout, ServiceRecord, TaskDefinition
from localcloud.ecs.service_shape import shape
from localcloud.shared import clock
from localcloud.shared.service import Call, ServiceError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
MAXIMUM_DESCRIBED = 10
LARGEST_DESIRED_COUNT = 5000


def create(core: Core, call: Call) -> Mapping[str, Any]:
    """CreateService: checks everything it refers to, then begins its first deployment."""
    given = call.input
    name = given["serviceName"]
    if not _NAME.fullmatch(name):
        raise errors.invalid(
            "Service name is not valid. Must be 1-255 letters, digits, hyphens or underscores."
        )
    with core.lock:
        cluster = core.cluster(call, given.get("cluster"))
        arn = arns.child(cluster.arn, "service", name)
        if (existing := _existing(core, arn, given)) is not None:
            return {"service": shape(core.state, existing, tags=True)}
        definition = _definition(core, call, given.get("taskDefinition"))
    launch_type, strategy = references.launch_choice(
        given, cluster.capacity_providers, cluster.default_strategy
    )
    _check_fixed(given)
    network = references.check_network(core, call.region, given.get("networkConfiguration"))
    balancers = given.get("loadBalancers") or []
    references.check_load_balancers(core, call.region, balancers, definition)
    configuration = _configuration({}, given.get("deploymentConfiguration"))
    references.check_shift(core, call.region, configuration, balancers)
    now = clock.now()
    service = ServiceRecord(
        arn=arn,
        name=name,
        cluster_arn=cluster.arn,
        created_at=now,
        created_by=call.principal,
        desired_count=_desired_count(given),
        task_definition=definition.arn,
        load_balancers=balancers,
        network=network,
        deployment_configuration=configuration,
        platform_version=references.platform_version(given.get("platformVersion")),
        launch_type=launch_type,
        capacity_strategy=strategy,
        grace_period=_grace_period(given, balancers),
        enable_execute_command=given.get("enableExecuteCommand", False),
        managed_tags=given.get("enableECSManagedTags", False),
        propagate_tags=given.get("propagateTags", "NONE"),
        zone_rebalancing=given.get("availabilityZoneRebalancing", "ENABLED"),
        client_token=given.get("clientToken"),
        tags=given.get("tags", []),
    )
    if service.enable_execute_command:
        check_execute_command(definition)
    with core.change() as state:
        if (existing := _existing(core, arn, given)) is None:
            bookkeeping.forget_service(core, arn)
            state.services[arn] = existing = service
            rollout.begin(state, service, now)
        return {"service": shape(state, existing, tags=True)}


def _existing(core: Core, arn: str, given: dict[str, Any]) -> ServiceRecord | None:
    existing = core.state.services.get(arn)
    if existing is None or existing.status == "INACTIVE":
        return None
    if existing.status == "DRAINING":
        raise errors.invalid("Unable to Start a service that is still Draining.")
    if given.get("clientToken") and given["clientToken"] == existing.client_token:
        return existing
    raise errors.invalid("Creation of service was not idempotent.")


def _definition(core: Core, call: Call, reference: str | None) -> TaskDefinition:
    if not reference:
        raise errors.invalid("TaskDefinition can not be blank.")
    try:
        definition = core.task_definition(call, reference)
    except ServiceError as error:
        raise errors.client("TaskDefinition not found.") from error
    if definition.status != "ACTIVE":
        raise errors.client("TaskDefinition is inactive")
    return definition


def _check_fixed(given: dict[str, Any]) -> None:
    """Members of which the local cloud has one value only."""
    controller = (given.get("deploymentController") or {}).get("type", "ECS")
    if controller != "ECS":
        raise errors.unsupported("the service", f"deploymentController.type {controller}")
    if given.get("schedulingStrategy", "REPLICA") != "REPLICA":
        raise errors.invalid("The daemon scheduling strategy is not supported with Fargate.")


def _desired_count(given: dict[str, Any]) -> int:
    wanted = given.get("desiredCount", 1)
    if not 0 <= wanted <= LARGEST_DESIRED_COUNT:
        raise errors.invalid("desiredCount must be between 0 and 5000.")
    return int(wanted)


def _grace_period(given: dict[str, Any], balancers: list[dict[str, Any]]) -> int | None:
    seconds = given.get("healthCheckGracePeriodSeconds")
    if seconds and not balancers:
        raise errors.invalid(
            "Health check grace period is only valid for services configured to use load balancers."
        )
    return seconds


def _configuration(current: dict[str, Any], given: dict[str, Any] | None) -> dict[str, Any]:
    """The deployment configuration: defaults, what was, what is asked for.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
    """
    defaults: dict[str, Any] = {
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
    }
    merged = defaults | current | (given or {})
    low, high = merged["minimumHealthyPercent"], merged["maximumPercent"]
    if not 0 <= low <= 100:
        raise errors.invalid("minimumHealthyPercent must be between 0 and 100.")
    if not 100 <= high <= 200 or (low == 100 and high == 100):
        raise errors.invalid(
            "maximumPercent must be between 100 and 200, and above 100 where "
            "minimumHealthyPercent is 100."
        )
    return merged


def check_execute_command(definition: TaskDefinition) -> None:
    """ExecuteCommand needs a task role.

    Raises:
        ServiceError: InvalidParameterException.
    """
    if not definition.definition.get("taskRoleArn"):
        raise errors.invalid(
            "The service couldn't be created because a valid taskRoleArn is not being used. "
            "Specify a valid task role in your task definition and try again."
        )


# UpdateService's members that change the tasks → the record's attribute.
_ROLLED_OUT = {
    "task_definition",
    "network",
    "platform_version",
    "capacity_strategy",
    "load_balancers",
}


def update(core: Core, call: Call) -> Mapping[str, Any]:
    """UpdateService: a change of what tasks are made of begins a deployment."""
    given = call.input
    with core.lock:
        service = core.service(call, given.get("cluster"), given["service"])
        if service.status != "ACTIVE":
            raise errors.service_not_active()
        cluster = core.cluster(call, given.get("cluster"))
        definition = core.state.task_definitions[service.task_definition]
        if given.get("taskDefinition"):
            definition = _definition(core, call, given["taskDefinition"])
    changes = _changes(core, call, service, definition, cluster.capacity_providers)
    with core.change() as state:
        if service.status != "ACTIVE":
            raise errors.service_not_active()
        before = {name: getattr(service, name) for name in _ROLLED_OUT}
        for name, value in changes.items():
            setattr(service, name, value)
        rolled_out = any(getattr(service, name) != value for name, value in before.items())
        if rolled_out or given.get("forceNewDeployment"):
            rollout.begin(state, service, clock.now())
        elif service.primary.rollout != Rollout.FAILED:
            service.primary.desired = service.desired_count
            service.steady = False
        return {"service": shape(state, service, tags=True)}


def _changes(
    core: Core,
    call: Call,
    service: ServiceRecord,
    definition: TaskDefinition,
    providers: list[str],
) -> dict[str, Any]:
    """Attribute → new value, for what an UpdateService asks for; all of it checked.

    What it leaves out is no change: another call may be changing that at the same moment.
    """
    given = call.input
    _check_fixed(given)
    changes: dict[str, Any] = {}
    if given.get("taskDefinition"):
        changes["task_definition"] = definition.arn
    if "desiredCount" in given:
        changes["desired_count"] = _desired_count(given)
    if "deploymentConfiguration" in given:
        changes["deployment_configuration"] = _configuration(
            service.deployment_configuration, given["deploymentConfiguration"]
        )
    if "networkConfiguration" in given:
        changes["network"] = references.check_network(
            core, call.region, given["networkConfiguration"]
        )
    if "platformVersion" in given:
        changes["platform_version"] = references.platform_version(given["platformVersion"])
    if "capacityProviderStrategy" in given:
        _, strategy = references.launch_choice(given, providers, [])
        changes |= {"capacity_strategy": strategy, "launch_type": None}
    changes |= _load_balancer_changes(core, call, service, definition)
    configuration = changes.get("deployment_configuration", service.deployment_configuration)
    balancers = changes.get("load_balancers", service.load_balancers)
    references.check_shift(core, call.region, configuration, balancers)
    if given.get("enableExecuteCommand"):
        check_execute_command(definition)
    for member, attribute in _PLAIN.items():
        if member in given:
            changes[attribute] = given[member]
    return changes


def _load_balancer_changes(
    core: Core, call: Call, service: ServiceRecord, definition: TaskDefinition
) -> dict[str, Any]:
    given = call.input
    balancers = given.get("loadBalancers", service.load_balancers)
    if balancers != service.load_balancers or definition.arn != service.task_definition:
        references.check_load_balancers(core, call.region, balancers, definition)
    changes: dict[str, Any] = {}
    if "loadBalancers" in given:
        changes["load_balancers"] = balancers
    if "healthCheckGracePeriodSeconds" in given:
        changes["grace_period"] = _grace_period(given, balancers)
    return changes


_PLAIN = {
    "enableExecuteCommand": "enable_execute_command",
    "enableECSManagedTags": "managed_tags",
    "propagateTags": "propagate_tags",
    "availabilityZoneRebalancing": "zone_rebalancing",
}


def describe(core: Core, call: Call) -> Mapping[str, Any]:
    """DescribeServices: up to ten, deleted ones as INACTIVE, failures for the missing.

    A deleted cluster is answered for as long as it is described as INACTIVE.
    """
    wanted = call.input["services"]
    if not wanted:
        raise errors.invalid("Services cannot be empty.")
    if len(wanted) > MAXIMUM_DESCRIBED:
        raise errors.invalid("Too many services. You can describe up to 10 services.")
    tags = "TAGS" in call.input.get("include", [])
    found, failures = [], []
    with core.lock:
        cluster = core.state.clusters.get(arns.cluster(call, call.input.get("cluster")))
        if cluster is None:
            raise errors.cluster_not_found()
        for reference in wanted:
            arn = arns.child(cluster.arn, "service", arns.name_of(reference))
            if (service := core.state.services.get(arn)) is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(shape(core.state, service, tags=tags))
    return {"services": found, "failures": failures}


def list_all(core: Core, call: Call) -> Mapping[str, Any]:
    """ListServices of a cluster, ten a page."""
    with core.lock:
        cluster = core.cluster(call, call.input.get("cluster"))
        found = sorted(
            s.arn
            for s in core.state.services.values()
            if s.cluster_arn == cluster.arn and s.status != "INACTIVE" and _matches(s, call.input)
        )
    shown, token = page(found, call.input, default=10)
    return {"serviceArns": shown, "nextToken": token}


def _matches(service: ServiceRecord, given: dict[str, Any]) -> bool:
    return (
        given.get("launchType") in (None, service.launch_type)
        and given.get("schedulingStrategy") in (None, service.scheduling_strategy)
        and given.get("resourceManagementType") in (None, "CUSTOMER")
    )


def delete(core: Core, call: Call) -> Mapping[str, Any]:
    """DeleteService: DRAINING until its tasks have stopped, then INACTIVE."""
    now = clock.now()
    with core.change() as state:
        service = core.service(call, call.input.get("cluster"), call.input["service"])
        if service.status == "INACTIVE":
            raise errors.service_not_active()
        if service.desired_count > 0 and not call.input.get("force"):
            raise errors.invalid("The service cannot be stopped while it is scaled above 0.")
        service.status = "DRAINING"
        service.desired_count = 0
        for deployment in service.deployments:
            deployment.desired = 0
        if (entry := rollout.open_entry(state, service)) is not None:
            rollout.finish(entry, "STOPPED", "The service was deleted.", now)
        return {"service": shape(state, service, tags=True)}
