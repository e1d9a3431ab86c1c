"""A new task of a service: which zone it goes to, and what it is made of."""

from __future__ import annotations

import secrets
import uuid
from collections import Counter
from typing import Any

from localcloud.ecs import arns
from localcloud.ecs.core import Core
from localcloud.ecs.model import Container, Deployment, ServiceRecord, Task


def new_task(
    core: Core, service: ServiceRecord, deployment: Deployment, zones: dict[str, str], now: float
) -> Task:
    """A task of a service's deployment, in the zone that has fewest of the service's tasks.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
    """
    revision = core.state.revisions[deployment.revision_arn]
    live = [task for task in core.tasks_of(service.arn) if task.live]
    subnet = _emptiest(zones, live)
    identifier = arns.task_id()
    tags = list(service.tags) if service.propagate_tags == "SERVICE" else []
    definition = core.state.task_definitions[revision.task_definition]
    if service.propagate_tags == "TASK_DEFINITION":
        tags = list(definition.tags)
    if service.managed_tags:
        tags += managed_tags(service.cluster_arn, service.name)
    return Task(
        arn=arns.child(service.cluster_arn, "task", identifier),
        id=identifier,
        cluster_arn=service.cluster_arn,
        definition_arn=revision.task_definition,
        group=f"service:{service.name}",
        created_at=now,
        availability_zone=zones[subnet],
        subnet=subnet,
        containers=containers(definition.definition, service.cluster_arn, identifier),
        secret_token=secrets.token_urlsafe(24),
        service_arn=service.arn,
        deployment_id=deployment.id,
        started_by=deployment.id,
        network=revision.network,
        capacity_provider=choose_provider(revision.capacity_strategy, len(live)),
        enable_execute_command=service.enable_execute_command,
        tags=tags,
    )


def _emptiest(zones: dict[str, str], tasks: list[Task]) -> str:
    by_zone = Counter(task.availability_zone for task in tasks)
    by_subnet = Counter(task.subnet for task in tasks)
    return min(zones, key=lambda subnet: (by_zone[zones[subnet]], by_subnet[subnet]))


def containers(definition: dict[str, Any], cluster_arn: str, task_id: str) -> list[Container]:
    """A task's containers, before they exist."""
    return [
        Container(
            name=container["name"],
            arn=arns.child(cluster_arn, "container", task_id, str(uuid.uuid4())),
            image=container["image"],
            essential=container["essential"],
        )
        for container in definition["containerDefinitions"]
    ]


def managed_tags(cluster_arn: str, service_name: str | None) -> list[dict[str, str]]:
    """The tags that enableECSManagedTags asks for."""
    tags = [{"key": "aws:ecs:clusterName", "value": arns.name_of(cluster_arn)}]
    if service_name:
        tags.append({"key": "aws:ecs:serviceName", "value": service_name})
    return tags


def choose_provider(strategy: list[dict[str, Any]], placed: int) -> str | None:
    """The capacity provider of the next task: bases first, then by weight.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html
    """
    if not strategy:
        return None
    for item in strategy:
        if placed < item.get("base", 0):
            return str(item["capacityProvider"])
    turns = [item["capacityProvider"] for item in strategy for _ in range(item.get("weight", 0))]
    if not turns:
        return str(strategy[0]["capacityProvider"])
    return str(turns[placed % len(turns)])
