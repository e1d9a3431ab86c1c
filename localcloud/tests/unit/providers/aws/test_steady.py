"""Waiting for a service: until its own deployment has succeeded, and no longer than it can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.shared.service import Call, Service
from localcloud.tests.unit.gateway_harness import Served
from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Engine, RefusedError

TOKEN = "aws:ecs/service:Service"
ARN = "arn:aws:ecs:us-east-1:123456789012:service/steady/web"


def deployment(
    name: str, status: str, state: str, running: int, reason: str = ""
) -> dict[str, Any]:
    return {
        "id": f"ecs-svc/{name}",
        "status": status,
        "rolloutState": state,
        "rolloutStateReason": reason,
        "desiredCount": 2,
        "runningCount": running,
    }


class Scripted(Service):
    """ECS that tells one list of deployments after another, the last one for ever."""

    name = "ecs"
    emulated = True

    def __init__(self) -> None:
        super().__init__()
        self.script: list[list[dict[str, Any]]] = []
        self.told = 0
        self.handlers = {
            "CreateService": lambda _call: {"service": self._service()},
            "DescribeServices": self._describe,
        }

    def _describe(self, _call: Call) -> dict[str, Any]:
        return {"services": [self._service()]}

    def _service(self) -> dict[str, Any]:
        deployments = self.script[min(self.told, len(self.script) - 1)]
        self.told += 1
        return {
            "serviceArn": ARN,
            "serviceName": "web",
            "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/steady",
            "taskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
            "status": "ACTIVE",
            "desiredCount": 2,
            "deployments": deployments,
        }


@pytest.fixture
def ecs(cloud: Served) -> Iterator[Scripted]:
    service = Scripted()
    known = cloud.gateway.services.setdefault("ecs", [])
    known.append(service)
    yield service
    known.remove(service)


@pytest.fixture
def inputs() -> dict[str, Any]:
    return {
        "name": "web",
        "cluster": "steady",
        "taskDefinition": "web:1",
        "desiredCount": 2,
        "waitForSteadyState": True,
    }


def test_it_waits_until_the_deployment_is_complete(
    engine: Engine, ecs: Scripted, inputs: dict[str, Any]
) -> None:
    progress = deployment("1", "PRIMARY", "IN_PROGRESS", 1)
    ecs.script = [[progress]] * 5 + [[deployment("1", "PRIMARY", "COMPLETED", 2)]]
    held = engine.create(TOKEN, "web", inputs)
    assert ecs.told >= 6
    assert held.outputs["taskDefinition"] == "web:1"
    assert held.outputs["cluster"] == "steady"


def test_a_complete_deployment_with_too_few_tasks_is_waited_for(
    engine: Engine, ecs: Scripted, inputs: dict[str, Any]
) -> None:
    few = deployment("1", "PRIMARY", "COMPLETED", 1)
    ecs.script = [[few]] * 4 + [[deployment("1", "PRIMARY", "COMPLETED", 2)]]
    engine.create(TOKEN, "web", inputs)
    assert ecs.told >= 5


def test_a_failed_deployment_is_told_in_the_words_of_ecs(
    engine: Engine, ecs: Scripted, inputs: dict[str, Any]
) -> None:
    ecs.script = [
        [deployment("1", "PRIMARY", "IN_PROGRESS", 0)],
        [deployment("1", "PRIMARY", "IN_PROGRESS", 0)],
        [deployment("1", "PRIMARY", "IN_PROGRESS", 0)],
        [deployment("1", "PRIMARY", "FAILED", 0, "tasks failed to start")],
    ]
    with pytest.raises(
        RefusedError, match="failed and was given up: tasks failed to start"
    ) as told:
        engine.create(TOKEN, "web", inputs)
    assert told.value.partial.id == ARN


def test_a_rollback_is_a_failure_though_the_service_is_steady(
    engine: Engine, ecs: Scripted, inputs: dict[str, Any]
) -> None:
    ecs.script = [
        *[[deployment("2", "PRIMARY", "IN_PROGRESS", 0)]] * 4,
        [deployment("1", "PRIMARY", "COMPLETED", 2, "rolled back to 1")],
    ]
    with pytest.raises(RefusedError, match="rolled back to 1"):
        engine.create(TOKEN, "web", inputs)


def test_without_the_wish_nothing_is_waited_for(
    engine: Engine, ecs: Scripted, inputs: dict[str, Any]
) -> None:
    ecs.script = [[deployment("1", "PRIMARY", "IN_PROGRESS", 0)]]
    held = engine.create(TOKEN, "web", {**inputs, "waitForSteadyState": False})
    assert held.id == ARN


def test_capacity_changes_in_place_only_with_a_new_deployment(
    engine: Engine, ecs: Scripted, inputs: dict[str, Any], world: World
) -> None:
    ecs.script = [[deployment("1", "PRIMARY", "COMPLETED", 2)]]
    spot = {"capacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}
    plain = {"capacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}]}
    held = engine.create(TOKEN, world.name, {**inputs, **plain})
    assert engine.diff(held, {**inputs, **spot}).replaces == ("capacityProviderStrategies",)
    forced = engine.diff(held, {**inputs, **spot, "forceNewDeployment": True})
    assert forced.replaces == ()


@pytest.fixture
def world(cloud: Served) -> World:
    return World(cloud, "steady")
