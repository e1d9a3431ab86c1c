"""Clusters and their capacity providers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localcloud.ecs import arns, errors
from localcloud.ecs.core import Core, page
from localcloud.ecs.model import Cluster, State, TaskStatus
from localcloud.shared.service import Call, ServiceError

PROVIDERS = ("FARGATE", "FARGATE_SPOT")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def create(core: Core, call: Call) -> Mapping[str, Any]:
    """CreateCluster; an active cluster of the same name is handed back as it is."""
    given = call.input
    name = given.get("clusterName") or "default"
    if not _NAME.fullmatch(name):
        raise errors.invalid(
            "Identifier is not valid. Must be 1-255 letters, digits, hyphens or underscores."
        )
    _check_providers(given.get("capacityProviders", []))
    _check_strategy(
        given.get("capacityProviders", []), given.get("defaultCapacityProviderStrategy", [])
    )
    arn = arns.cluster(call, name)
    with core.change() as state:
        cluster = state.clusters.get(arn)
        if cluster is None or cluster.status != "ACTIVE":
            cluster = state.clusters[arn] = Cluster(
                arn=arn,
                name=name,
                settings=_settings(given.get("settings", [])),
                configuration=given.get("configuration"),
                capacity_providers=given.get("capacityProviders", []),
                default_strategy=given.get("defaultCapacityProviderStrategy", []),
                tags=given.get("tags", []),
            )
        return {"cluster": shape(state, cluster, everything=True)}


def _settings(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for setting in given:
        if setting.get("name") != "containerInsights":
            raise errors.invalid(f"Unknown cluster setting {setting.get('name')}.")
        if setting.get("value") not in ("enabled", "disabled", "enhanced"):
            raise errors.invalid(f"Invalid value for containerInsights: {setting.get('value')}.")
    return given or [{"name": "containerInsights", "value": "disabled"}]


def _check_providers(names: list[str]) -> None:
    for name in names:
        if name not in PROVIDERS:
            raise errors.invalid(
                f"The specified capacity provider {name} was not found. "
                "The local cloud has FARGATE and FARGATE_SPOT."
            )


def _check_strategy(providers: list[str], strategy: list[dict[str, Any]]) -> None:
    for item in strategy:
        if item["capacityProvider"] not in providers:
            raise errors.provider_not_associated()
    if sum(1 for item in strategy if item.get("base")) > 1:
        raise errors.invalid("Only one capacity provider of a strategy can have a base.")


def describe(core: Core, call: Call) -> Mapping[str, Any]:
    """DescribeClusters, with failures for those that are missing."""
    include = set(call.input.get("include", []))
    found, failures = [], []
    with core.lock:
        for wanted in call.input.get("clusters") or ["default"]:
            arn = arns.cluster(call, wanted)
            if (cluster := core.state.clusters.get(arn)) is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(shape(core.state, cluster, include=include))
    return {"clusters": found, "failures": failures}


def list_all(core: Core, call: Call) -> Mapping[str, Any]:
    """ListClusters: the active ones."""
    with core.lock:
        active = sorted(
            c.arn
            for c in core.state.clusters.values()
            if c.status == "ACTIVE" and c.arn.startswith(arns.prefix(call))
        )
    shown, token = page(active, call.input)
    return {"clusterArns": shown, "nextToken": token}


def update(core: Core, call: Call) -> Mapping[str, Any]:
    """UpdateCluster and UpdateClusterSettings."""
    with core.change() as state:
        cluster = core.cluster(call, call.input["cluster"])
        if "settings" in call.input:
            cluster.settings = _settings(call.input["settings"])
        if "configuration" in call.input:
            cluster.configuration = call.input["configuration"]
        return {"cluster": shape(state, cluster, everything=True)}


def put_providers(core: Core, call: Call) -> Mapping[str, Any]:
    """PutClusterCapacityProviders: replaces both lists."""
    providers = call.input["capacityProviders"]
    strategy = call.input["defaultCapacityProviderStrategy"]
    _check_providers(providers)
    _check_strategy(providers, strategy)
    with core.change() as state:
        cluster = core.cluster(call, call.input["cluster"])
        in_use = {
            item["capacityProvider"]
            for service in state.services.values()
            if service.cluster_arn == cluster.arn and service.status != "INACTIVE"
            for item in service.capacity_strategy
        }
        if missing := sorted(in_use - set(providers)):
            raise ServiceError(
                "ResourceInUseException",
                f"The specified capacity provider is in use and cannot be removed: {missing[0]}.",
            )
        cluster.capacity_providers = providers
        cluster.default_strategy = strategy
        return {"cluster": shape(state, cluster, everything=True)}


def delete(core: Core, call: Call) -> Mapping[str, Any]:
    """DeleteCluster: refused while services or tasks are in it; it stays visible as INACTIVE."""
    with core.change() as state:
        cluster = core.cluster(call, call.input["cluster"])
        if any(
            s.cluster_arn == cluster.arn and s.status != "INACTIVE" for s in state.services.values()
        ):
            raise ServiceError(
                "ClusterContainsServicesException",
                "The Cluster cannot be deleted while Services are active.",
            )
        if any(
            t.cluster_arn == cluster.arn and t.status != TaskStatus.STOPPED
            for t in state.tasks.values()
        ):
            raise ServiceError(
                "ClusterContainsTasksException",
                "The Cluster cannot be deleted while Tasks are active.",
            )
        cluster.status = "INACTIVE"
        return {"cluster": shape(state, cluster, everything=True)}


def describe_providers(core: Core, call: Call) -> Mapping[str, Any]:
    """DescribeCapacityProviders: Fargate's two."""
    del core
    wanted = call.input.get("capacityProviders") or list(PROVIDERS)
    providers = [
        {
            "capacityProviderArn": f"{arns.prefix(call)}capacity-provider/{name}",
            "name": name,
            "status": "ACTIVE",
            "type": name,
            "tags": [],
        }
        for name in map(arns.name_of, wanted)
        if name in PROVIDERS
    ]
    failures = [
        {"arn": name, "reason": "MISSING"} for name in wanted if arns.name_of(name) not in PROVIDERS
    ]
    return {"capacityProviders": providers, "failures": failures}


def shape(
    state: State, cluster: Cluster, include: set[str] | None = None, *, everything: bool = False
) -> dict[str, Any]:
    """A cluster as the API shows it; optional parts as `include` asks."""
    parts = include or set()
    tasks = [t for t in state.tasks.values() if t.cluster_arn == cluster.arn]
    waiting = (TaskStatus.PROVISIONING, TaskStatus.PENDING, TaskStatus.ACTIVATING)
    answer: dict[str, Any] = {
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": sum(t.status == TaskStatus.RUNNING for t in tasks),
        "pendingTasksCount": sum(t.status in waiting for t in tasks),
        "activeServicesCount": sum(
            s.cluster_arn == cluster.arn and s.status == "ACTIVE" for s in state.services.values()
        ),
        "statistics": [],
        "capacityProviders": cluster.capacity_providers,
        "defaultCapacityProviderStrategy": cluster.default_strategy,
    }
    optional: dict[str, tuple[str, Any]] = {
        "TAGS": ("tags", cluster.tags),
        "SETTINGS": ("settings", cluster.settings),
        "CONFIGURATIONS": ("configuration", cluster.configuration),
    }
    for part, (member, value) in optional.items():
        if (everything or part in parts) and value is not None:
            answer[member] = value
    return answer
