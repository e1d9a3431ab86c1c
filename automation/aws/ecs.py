"""The stack's service in ECS: its deployments, revisions, tasks and targets.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code

TASKS_AT_ONCE = 100
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html"""

REVISIONS_AT_ONCE = 20
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceRevisions.html"""


@dataclass(frozen=True)
class ServiceName:
    """The names of a service and its cluster."""

    cluster: str
    service: str


@dataclass(frozen=True)
class Target:
    """A target of a service's target groups.

    Attributes:
        address: its IP address.
        port: its port.
        state: such as healthy, unhealthy or draining.
        reason: why it is in that state, in the load balancer's words; None if it gives none.
    """

    address: str
    port: int
    state: str
    reason: str | None


def describe_service(cloud: Cloud, name: ServiceName) -> dict[str, Any] | None:
    """The service as ECS describes it; None if it does not exist or is deleted."""
    try:
        found = cloud.client("ecs").describe_services(cluster=name.cluster, services=[name.service])
    except ClientError as error:
        if error_code(error) != "ClusterNotFoundException":
            raise
        return None
    services = [s for s in found["services"] if s["status"] != "INACTIVE"]
    return services[0] if services else None


def service_deployments(
    cloud: Cloud, name: ServiceName, after: datetime | None = None
) -> list[dict[str, Any]]:
    """The service's deployments of the last 90 days, newest first.

    Args:
        cloud: the account.
        name: the service.
        after: only deployments that were created after this time.
    """
    arguments: dict[str, Any] = {"cluster": name.cluster, "service": name.service}
    if after is not None:
        arguments["createdAt"] = {"after": after}
    found = cloud.pages("ecs", "list_service_deployments", "serviceDeployments", **arguments)
    return sorted(found, key=lambda d: d["createdAt"], reverse=True)


def service_deployment(cloud: Cloud, arn: str) -> dict[str, Any] | None:
    """A service deployment in full; None if ECS does not know it."""
    found = cloud.client("ecs").describe_service_deployments(serviceDeploymentArns=[arn])
    return next(iter(found["serviceDeployments"]), None)


def service_revisions(cloud: Cloud, arns: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Service revisions by ARN; those that ECS does not know are left out."""
    wanted = list(dict.fromkeys(arns))
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(wanted), REVISIONS_AT_ONCE):
        answer = cloud.client("ecs").describe_service_revisions(
            serviceRevisionArns=wanted[start : start + REVISIONS_AT_ONCE]
        )
        found |= {row["serviceRevisionArn"]: row for row in answer["serviceRevisions"]}
    return found


def tasks(
    cloud: Cloud, name: ServiceName, statuses: Sequence[str] = ("RUNNING",)
) -> list[dict[str, Any]]:
    """The service's tasks.

    Args:
        cloud: the account.
        name: the service.
        statuses: the desired statuses of the tasks: RUNNING, STOPPED or both. ECS lists a stopped
            task for about an hour.
    """
    arns = [
        arn
        for status in statuses
        for arn in cloud.pages(
            "ecs",
            "list_tasks",
            "taskArns",
            cluster=name.cluster,
            serviceName=name.service,
            desiredStatus=status,
        )
    ]
    return described_tasks(cloud, name.cluster, arns)


def described_tasks(cloud: Cloud, cluster: str, arns: Sequence[str]) -> list[dict[str, Any]]:
    """What ECS tells of tasks; nothing of those that it has forgotten."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(arns), TASKS_AT_ONCE):
        some = list(arns[start : start + TASKS_AT_ONCE])
        answer = cloud.client("ecs").describe_tasks(cluster=cluster, tasks=some)
        found += answer["tasks"]
    return found


def task_id(task: dict[str, Any]) -> str:
    """The id of a task: the last part of its ARN."""
    return str(task["taskArn"].rpartition("/")[2])


def private_address(task: dict[str, Any]) -> str:
    """The private IPv4 address of a task; empty before it has one."""
    details = (
        detail for attached in task.get("attachments", []) for detail in attached.get("details", [])
    )
    return next((d["value"] for d in details if d["name"] == "privateIPv4Address"), "")


def target_groups(service: dict[str, Any]) -> list[str]:
    """The ARNs of a service's target groups, without repetitions."""
    return list(dict.fromkeys(row["targetGroupArn"] for row in service.get("loadBalancers", [])))


def targets(cloud: Cloud, service: dict[str, Any]) -> list[Target]:
    """The targets of a described service; a target group that is deleted has none."""
    found = []
    for group in target_groups(service):
        try:
            answer = cloud.client("elbv2").describe_target_health(TargetGroupArn=group)
        except ClientError as error:
            if error_code(error) != "TargetGroupNotFound":
                raise
            continue
        found += [_target(row) for row in answer["TargetHealthDescriptions"]]
    return found


def is_serving(cloud: Cloud, service: dict[str, Any]) -> bool:
    """Whether a described service answers: by a healthy target, or without a target group by a
    running task."""
    if not target_groups(service):
        return bool(service["runningCount"])
    return any(target.state == "healthy" for target in targets(cloud, service))


def _target(row: dict[str, Any]) -> Target:
    health = row["TargetHealth"]
    reason = health.get("Description") or health.get("Reason")
    return Target(row["Target"]["Id"], row["Target"]["Port"], health["State"], reason)


def revision_number(task_definition: str) -> int:
    """The revision of a task definition, from its ARN."""
    return int(task_definition.rpartition(":")[2])


def task_definition_arns(cloud: Cloud, family: str, status: str) -> list[str]:
    """The ARNs of a family's revisions; the name of a family may begin that of another.

    Args:
        cloud: the account.
        family: the family.
        status: ACTIVE, INACTIVE or DELETE_IN_PROGRESS.
    """
    arns = cloud.pages(
        "ecs", "list_task_definitions", "taskDefinitionArns", familyPrefix=family, status=status
    )
    return [arn for arn in arns if arn.rpartition("/")[2].rpartition(":")[0] == family]


def task_definition(cloud: Cloud, arn: str) -> dict[str, Any]:
    """A task definition, with its tags as the member `tags`."""
    answer = cloud.client("ecs").describe_task_definition(taskDefinition=arn, include=["TAGS"])
    return {**answer["taskDefinition"], "tags": answer.get("tags", [])}


def registrable(cloud: Cloud, definition: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a described task definition that RegisterTaskDefinition takes: its content."""
    model = cloud.client("ecs").meta.service_model
    known = model.operation_model("RegisterTaskDefinition").input_shape.members
    # ECS tells empty lists, and refuses an empty list of tags.
    return {key: value for key, value in definition.items() if key in known and value}


def register(cloud: Cloud, definition: Mapping[str, Any]) -> str:
    """Register a described task definition anew; returns the ARN of the new revision."""
    answer = cloud.client("ecs").register_task_definition(**registrable(cloud, definition))
    return str(answer["taskDefinition"]["taskDefinitionArn"])
