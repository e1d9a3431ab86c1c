"""The verdict is bound to the deployment that the command started."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from automation.aws.ecs import ServiceName
from automation.deployment import verdict as module
from automation.deployment.verdict import Limits, await_verdict, phases

NAME = ServiceName("cluster", "service")
BEGAN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def deployment(arn: str, status: str, seconds: float, **more: Any) -> dict[str, Any]:
    created = BEGAN + timedelta(seconds=seconds)
    return {"serviceDeploymentArn": arn, "status": status, "createdAt": created, **more}


class FakeCloud:
    """ECS with given deployments; each description moves on to the next of its statuses."""

    def __init__(self, *deployments: dict[str, Any], exists: bool = True) -> None:
        self.deployments = list(deployments)
        self.exists = exists
        self.later: dict[str, list[str]] = {}

    def client(self, service: str) -> FakeCloud:
        assert service == "ecs"
        return self

    def pages(self, _service: str, operation: str, _key: str, **arguments: Any) -> list[Any]:
        assert operation == "list_service_deployments"
        after = arguments.get("createdAt", {}).get("after")
        return [d for d in self.deployments if after is None or d["createdAt"] >= after]

    def describe_services(self, **_: Any) -> dict[str, Any]:
        service = {
            "status": "ACTIVE",
            "deployments": [{}],
            "runningCount": 2,
            "desiredCount": 2,
        }
        return {"services": [service] if self.exists else []}

    def describe_service_deployments(self, serviceDeploymentArns: list[str]) -> dict[str, Any]:  # noqa: N803
        (arn,) = serviceDeploymentArns
        found = next(d for d in self.deployments if d["serviceDeploymentArn"] == arn)
        answer = dict(found)
        if self.later.get(arn):
            found["status"] = self.later[arn].pop(0)
        return {"serviceDeployments": [answer]}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.0)


def judge(cloud: FakeCloud, seconds: float = 5.0) -> module.Verdict:
    return await_verdict(cloud, NAME, BEGAN, lambda _: None, Limits(seconds))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("SUCCESSFUL", "succeeded"),
        ("ROLLBACK_SUCCESSFUL", "rolled_back"),
        ("ROLLBACK_FAILED", "failed"),
        ("STOPPED", "failed"),
    ],
)
def test_the_end_of_the_own_deployment_is_the_verdict(status: str, result: str) -> None:
    cloud = FakeCloud(deployment("old", "SUCCESSFUL", -60), deployment("mine", "PENDING", 1))
    cloud.later["mine"] = ["IN_PROGRESS", status]
    verdict = judge(cloud)
    assert (verdict.result, verdict.deployment) == (result, "mine")


def test_without_an_own_deployment_the_latest_is_judged() -> None:
    cloud = FakeCloud(
        deployment("old", "SUCCESSFUL", -60), deployment("last", "ROLLBACK_SUCCESSFUL", -5)
    )
    assert (judge(cloud).result, judge(cloud).deployment) == ("rolled_back", "last")


def test_a_later_deployment_of_somebody_else_is_said() -> None:
    cloud = FakeCloud(deployment("mine", "SUCCESSFUL", 1), deployment("theirs", "IN_PROGRESS", 9))
    verdict = judge(cloud)
    assert (verdict.result, verdict.deployment, verdict.replaced) == ("succeeded", "mine", True)


def test_one_that_never_ends_has_failed() -> None:
    assert "not ended" in judge(FakeCloud(deployment("mine", "IN_PROGRESS", 1)), 0.0).reason


def test_a_rollback_that_never_ends_is_told_with_what_to_do() -> None:
    cloud = FakeCloud(deployment("mine", "ROLLBACK_IN_PROGRESS", 1))
    limits = Limits(rollback=0.0)
    verdict = await_verdict(cloud, NAME, BEGAN, lambda _: None, limits)  # type: ignore[arg-type]
    assert (verdict.result, verdict.unfinished) == ("failed", True)
    assert "has not ended" in verdict.reason
    assert "run `up`" in verdict.reason


def test_every_look_at_a_deployment_is_told() -> None:
    cloud = FakeCloud(deployment("mine", "PENDING", 1))
    cloud.later["mine"] = ["IN_PROGRESS", "IN_PROGRESS", "SUCCESSFUL"]
    told: list[str] = []
    await_verdict(cloud, NAME, BEGAN, told.append)  # type: ignore[arg-type]
    assert len(told) == 3


@pytest.mark.parametrize(
    ("configuration", "minutes"),
    [
        ({}, 0),
        ({"bakeTimeInMinutes": 5}, 5),
        ({"bakeTimeInMinutes": 5, "canaryConfiguration": {"canaryBakeTimeInMinutes": 10}}, 15),
        ({"linearConfiguration": {"stepPercent": 30.0, "stepBakeTimeInMinutes": 6}}, 18),
    ],
)
def test_shifting_traffic_has_its_own_time(configuration: dict[str, Any], minutes: int) -> None:
    watched = module.watched_seconds({"deploymentConfiguration": configuration})
    assert watched == minutes * 60


def test_a_missing_service_has_failed() -> None:
    assert judge(FakeCloud(exists=False)).result == "failed"


def test_a_service_without_deployments_is_judged_by_its_tasks() -> None:
    assert judge(FakeCloud()).result == "succeeded"


def test_the_breaker_is_the_reason_where_ecs_gives_none() -> None:
    breaker = {"status": "TRIGGERED", "failureCount": 3}
    found = deployment("mine", "ROLLBACK_SUCCESSFUL", 1, deploymentCircuitBreaker=breaker)
    assert "after 3 failed tasks" in judge(FakeCloud(found)).reason


def test_phases_are_taken_from_ecs_own_time_stamps() -> None:
    found = deployment("mine", "ROLLBACK_SUCCESSFUL", 0)
    found |= {
        "startedAt": BEGAN + timedelta(seconds=2),
        "rollback": {"startedAt": BEGAN + timedelta(seconds=30)},
        "finishedAt": BEGAN + timedelta(seconds=40),
    }
    assert phases(found) == {"waiting": 2.0, "rollout": 28.0, "rollback": 10.0}


def test_a_failed_deployment_that_was_replaced_says_so() -> None:
    cloud = FakeCloud(deployment("a/mine", "STOPPED", 1), deployment("a/other", "IN_PROGRESS", 5))
    verdict = await_verdict(cloud, NAME, BEGAN, lambda _: None)  # type: ignore[arg-type]
    assert (verdict.result, verdict.replaced) == ("failed", True)
    assert "Something else has started another deployment since: other." in verdict.reason
