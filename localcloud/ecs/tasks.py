"""Tasks: run by hand, stopped, described."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from localcloud.ecs import arns, bookkeeping, errors, placement, references
from localcloud.ecs.core import Core, given_members, page
from localcloud.ecs.model import Cluster, Container, Task, TaskDefinition, TaskStatus
from localcloud.ecs.services import check_execute_command
from localcloud.shared import clock
from localcloud.shared.service import Call

MAXIMUM_COUNT = 10
MAXIMUM_DESCRIBED = 100
_STARTED_BY = re.compile(r"[A-Za-z0-9/_-]{0,128}")
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html"""


def run(core: Core, call: Call) -> Mapping[str, Any]:
    """RunTask: up to ten tasks that belong to no service."""
    given = call.input
    count = given.get("count", 1)
    if not 1 <= count <= MAXIMUM_COUNT:
        raise errors.invalid("Tasks count should be between 1 and 10.")
    if not _STARTED_BY.fullmatch(given.get("startedBy", "")):
        raise errors.invalid(
            "startedBy can contain up to 128 letters (uppercase and lowercase), numbers, hyphens "
            "(-), forward slash (/), and underscores (_)."
        )
    with core.lock:
        cluster = core.cluster(call, given.get("cluster"))
        definition = core.task_definition(call, given["taskDefinition"])
    if definition.status != "ACTIVE":
        raise errors.client("TaskDefinition is inactive")
    _, strategy = references.launch_choice(
        given, cluster.capacity_providers, cluster.default_strategy
    )
    references.platform_version(given.get("platformVersion"))
    network = references.check_network(core, call.region, given.get("networkConfiguration"))
    _check_overrides(given.get("overrides", {}), definition)
    if given.get("enableExecuteCommand"):
        check_execute_command(definition)
    subnets = network["awsvpcConfiguration"]["subnets"]
    zones = references.zones_of(core, call.region, subnets)
    with core.change() as state:
        started = []
        for index in range(count):
            subnet = subnets[index % len(subnets)]
            task = _new(call, cluster, definition, zones[subnet], subnet)
            task.network = network
            task.capacity_provider = placement.choose_provider(strategy, index)
            state.tasks[task.arn] = task
            started.append(shape(core, task, tags=True))
    return {"tasks": started, "failures": []}


def _new(call: Call, cluster: Cluster, definition: TaskDefinition, zone: str, subnet: str) -> Task:
    given = call.input
    identifier = arns.task_id()
    tags = list(given.get("tags", []))
    if given.get("propagateTags") == "TASK_DEFINITION":
        tags += [t for t in definition.tags if t["key"] not in {tag["key"] for tag in tags}]
    if given.get("enableECSManagedTags"):
        tags += placement.managed_tags(cluster.arn, None)
    return Task(
        arn=arns.child(cluster.arn, "task", identifier),
        id=identifier,
        cluster_arn=cluster.arn,
        definition_arn=definition.arn,
        group=given.get("group") or f"family:{definition.family}",
        created_at=clock.now(),
        availability_zone=zone,
        subnet=subnet,
        containers=placement.containers(definition.definition, cluster.arn, identifier),
        secret_token=secrets.token_urlsafe(24),
        started_by=given.get("startedBy"),
        overrides=given.get("overrides", {}),
        enable_execute_command=given.get("enableExecuteCommand", False),
        tags=tags,
    )


def _check_overrides(overrides: dict[str, Any], definition: TaskDefinition) -> None:
    names = {c["name"] for c in definition.definition["containerDefinitions"]}
    for override in overrides.get("containerOverrides", []):
        if override.get("name") not in names:
            raise errors.invalid(
                f"Override for container named {override.get('name')} is not a container in the "
                "TaskDefinition."
            )


def find(core: Core, call: Call, reference: str) -> Task:
    """A task by id or ARN; the caller holds the lock.

    Raises:
        ServiceError: InvalidParameterException.
    """
    cluster = core.cluster(call, call.input.get("cluster"))
    task = core.state.tasks.get(arns.child(cluster.arn, "task", arns.name_of(reference)))
    if task is None:
        raise errors.invalid("The referenced task was not found.")
    return task


def stop(core: Core, call: Call) -> Mapping[str, Any]:
    """StopTask: a service's task is replaced by the scheduler."""
    with core.change():
        task = find(core, call, call.input["task"])
        if task.live:
            reason = call.input.get("reason") or "Task stopped by user"
            bookkeeping.begin_stop(task, "UserInitiated", reason, clock.now())
        return {"task": shape(core, task, tags=True)}


def describe(core: Core, call: Call) -> Mapping[str, Any]:
    """DescribeTasks: up to 100; stopped ones stay for an hour."""
    wanted = call.input["tasks"]
    if not wanted:
        raise errors.invalid("Tasks cannot be empty.")
    if len(wanted) > MAXIMUM_DESCRIBED:
        raise errors.invalid("Too many tasks. You can describe up to 100 tasks.")
    tags = "TAGS" in call.input.get("include", [])
    found, failures = [], []
    with core.lock:
        cluster = core.cluster(call, call.input.get("cluster"))
        for reference in wanted:
            arn = arns.child(cluster.arn, "task", arns.name_of(reference))
            if (task := core.state.tasks.get(arn)) is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(shape(core, task, tags=tags))
    return {"tasks": found, "failures": failures}


def list_all(core: Core, call: Call) -> Mapping[str, Any]:
    """ListTasks: those that should run, unless `desiredStatus` is STOPPED."""
    given = call.input
    desired = given.get("desiredStatus") or "RUNNING"
    with core.lock:
        cluster = core.cluster(call, given.get("cluster"))
        service = given.get("serviceName")
        group = None if service is None else core.service(call, given.get("cluster"), service).arn
        found = [
            t
            for t in core.state.tasks.values()
            if t.cluster_arn == cluster.arn
            and t.desired_status == desired
            and group in (None, t.service_arn)
            and given.get("startedBy") in (None, t.started_by)
            and given.get("family") in (None, t.definition_arn.split("/")[1].partition(":")[0])
            and given.get("launchType") in (None, "FARGATE")
        ]
    found.sort(key=lambda t: t.created_at)
    shown, token = page([task.arn for task in found], given)
    return {"taskArns": shown, "nextToken": token}


def shape(core: Core, task: Task, *, tags: bool) -> dict[str, Any]:
    """A task as the API shows it."""
    record = core.state.task_definitions.get(task.definition_arn)
    definition = record.definition if record else {}
    answer = {
        "taskArn": task.arn,
        "clusterArn": task.cluster_arn,
        "taskDefinitionArn": task.definition_arn,
        "group": task.group,
        "startedBy": task.started_by,
        "lastStatus": str(task.status),
        "desiredStatus": task.desired_status,
        "healthStatus": _health(task, definition),
        "availabilityZone": task.availability_zone,
        "capacityProviderName": task.capacity_provider,
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "cpu": task.overrides.get("cpu") or definition.get("cpu"),
        "memory": task.overrides.get("memory") or definition.get("memory"),
        "overrides": {"containerOverrides": [{"name": c.name} for c in task.containers]}
        | task.overrides,
        "attachments": [_interface(task)],
        "attributes": [{"name": "ecs.cpu-architecture", "value": _architecture(definition)}],
        "containers": [_container(task, c, definition) for c in task.containers],
        "connectivity": "CONNECTED" if task.started_at else None,
        "connectivityAt": task.started_at,
        "createdAt": task.created_at,
        "pullStartedAt": task.pull_started_at,
        "pullStoppedAt": task.pull_stopped_at,
        "startedAt": task.started_at,
        "stoppingAt": task.stopping_at,
        "executionStoppedAt": task.execution_stopped_at,
        "stoppedAt": task.stopped_at,
        "stopCode": task.stop_code,
        "stoppedReason": task.stopped_reason,
        "enableExecuteCommand": task.enable_execute_command,
        "ephemeralStorage": definition.get("ephemeralStorage", {"sizeInGiB": 20}),
        "tags": task.tags if tags else None,
        "version": task.version,
    }
    return given_members(answer)


def _architecture(definition: dict[str, Any]) -> str:
    return str(definition.get("runtimePlatform", {}).get("cpuArchitecture", "X86_64")).lower()


def _health(task: Task, definition: dict[str, Any]) -> str:
    checked = {
        c["name"]
        for c in definition.get("containerDefinitions", [])
        if c.get("healthCheck") and c["essential"]
    }
    states = {c.health for c in task.containers if c.name in checked}
    if not states or task.status != TaskStatus.RUNNING:
        return "UNKNOWN"
    return next(s for s in ("UNHEALTHY", "UNKNOWN", "HEALTHY") if s in states)


def _interface(task: Task) -> dict[str, Any]:
    status = "ATTACHED" if task.address else "PRECREATED"
    if task.status == TaskStatus.STOPPED:
        status = "DELETED"
    details = [{"name": "subnetId", "value": task.subnet}]
    if task.address:
        details.append({"name": "privateIPv4Address", "value": task.address})
    return {
        "id": _attachment_id(task),
        "type": "ElasticNetworkInterface",
        "status": status,
        "details": details,
    }


def _attachment_id(task: Task) -> str:
    i = task.id
    return f"{i[:8]}-{i[8:12]}-{i[12:16]}-{i[16:20]}-{i[20:]}"


def _container(task: Task, container: Container, definition: dict[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = next(
        (c for c in definition.get("containerDefinitions", []) if c["name"] == container.name), {}
    )
    interfaces = [{"attachmentId": _attachment_id(task), "privateIpv4Address": task.address}]
    answer = {
        "containerArn": container.arn,
        "taskArn": task.arn,
        "name": container.name,
        "image": container.image,
        "imageDigest": container.image_digest,
        "runtimeId": container.runtime_id,
        "lastStatus": container.status,
        "exitCode": container.exit_code,
        "reason": container.reason,
        "healthStatus": container.health,
        "networkBindings": [],
        "networkInterfaces": interfaces if task.address else [],
        "cpu": str(written.get("cpu", 0)),
        "memory": _text(written.get("memory")),
        "memoryReservation": _text(written.get("memoryReservation")),
    }
    if task.enable_execute_command:
        answer["managedAgents"] = [
            given_members(
                {
                    "name": "ExecuteCommandAgent",
                    "lastStatus": container.status,
                    "lastStartedAt": container.started_at,
                }
            )
        ]
    return given_members(answer)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
