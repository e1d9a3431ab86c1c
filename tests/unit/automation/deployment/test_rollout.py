"""A rollout as it is drawn: old and new tasks, their health, requests and errors."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from automation.aws.ecs import ServiceName
from automation.deployment import rollout
from automation.deployment.rollout import Watch, look

NAME = ServiceName("c", "s")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
GROUP = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/s/1"
BALANCER = "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/s/2"


def deployment(number: int, state: str) -> dict[str, Any]:
    return {
        "id": f"ecs-svc/{number}",
        "createdAt": NOW + timedelta(seconds=number),
        "taskDefinition": f"arn:x:task-definition/s:{number}",
        "desiredCount": 2,
        "rolloutState": state,
    }


def task(name: str, number: int, address: str, status: str = "RUNNING") -> dict[str, Any]:
    return {
        "taskArn": f"arn:x:task/c/{name}",
        "startedBy": f"ecs-svc/{number}",
        "taskDefinitionArn": f"arn:x:task-definition/s:{number}",
        "lastStatus": status,
        "attachments": [{"details": [{"name": "privateIPv4Address", "value": address}]}],
    }


class FakeCloud:
    """A service of two deployments, its targets and its traffic."""

    def __init__(self, *deployments: dict[str, Any]) -> None:
        self.service: dict[str, Any] = {
            "status": "ACTIVE",
            "deployments": list(deployments),
            "runningCount": 2,
            "desiredCount": 2,
            "loadBalancers": [{"targetGroupArn": GROUP}],
        }
        self.tasks = [task("old1", 1, "10.0.0.1"), task("new1", 2, "10.0.0.2")]
        self.tasks.append(task("new2", 2, "10.0.0.3", "PENDING"))
        self.sums = {"RequestCount": [3.0, 4.0], "HTTPCode_Target_5XX_Count": [1.0]}

    def client(self, _service: str) -> FakeCloud:
        return self

    def pages(self, *_: str, **__: str) -> list[str]:
        return [each["taskArn"] for each in self.tasks]

    def describe_services(self, **_: Any) -> dict[str, Any]:
        return {"services": [self.service]}

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        return {"tasks": self.tasks}

    def describe_target_health(self, **_: Any) -> dict[str, Any]:
        states = {"10.0.0.1": "healthy", "10.0.0.2": "initial"}
        return {
            "TargetHealthDescriptions": [
                {"Target": {"Id": address, "Port": 9292}, "TargetHealth": {"State": state}}
                for address, state in states.items()
            ]
        }

    def describe_target_groups(self, **_: Any) -> dict[str, Any]:
        row = {"TargetGroupArn": GROUP, "LoadBalancerArns": [BALANCER]}
        return {"TargetGroups": [row]}

    def get_metric_statistics(self, **query: Any) -> dict[str, Any]:
        values = {row["Name"]: row["Value"] for row in query["Dimensions"]}
        assert values == {"TargetGroup": "targetgroup/s/1", "LoadBalancer": "app/s/2"}
        return {"Datapoints": [{"Sum": n} for n in self.sums.get(query["MetricName"], [])]}


def test_old_and_new_tasks_with_health_and_traffic() -> None:
    cloud = FakeCloud(deployment(2, "IN_PROGRESS"), deployment(1, "COMPLETED"))
    seen = look(cloud, NAME, NOW)  # type: ignore[arg-type]
    assert seen is not None
    assert seen.summary == (
        "Rollout in progress: new release 2: 1 of 2 run, 0 healthy; "
        "old release 1: 1 of 2 run, 1 healthy"
    )
    assert [(view.identity, view.health) for view in seen.new.tasks] == [
        ("new1", "initial"),
        ("new2", "-"),
    ]
    assert seen.lines()[-1] == "    7 requests, 1 answered with 5xx"


def test_an_earlier_deployment_that_has_no_tasks_any_more_is_not_drawn() -> None:
    cloud = FakeCloud(
        deployment(2, "IN_PROGRESS"), deployment(1, "COMPLETED") | {"desiredCount": 0}
    )
    cloud.tasks = cloud.tasks[1:]
    seen = look(cloud, NAME, NOW)  # type: ignore[arg-type]
    assert seen is not None
    assert not [line for line in seen.lines() if "old" in line]


def test_no_rollout_is_not_drawn() -> None:
    assert look(FakeCloud(deployment(1, "COMPLETED")), NAME, NOW) is None  # type: ignore[arg-type]


def test_a_watch_tells_a_change_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "WATCH_SECONDS", 0.01)
    cloud = FakeCloud(deployment(2, "IN_PROGRESS"), deployment(1, "COMPLETED"))
    told: list[str] = []
    enough = threading.Event()

    def tell(line: str) -> None:
        told.append(line)
        if len(told) == 1:
            cloud.tasks[2]["lastStatus"] = "RUNNING"
        else:
            enough.set()

    with Watch(cloud, NAME, tell) as watch:  # type: ignore[arg-type]
        assert enough.wait(30)
        assert watch.lines()
    assert ["2 of 2 run" in line.partition(";")[0] for line in told] == [False, True]
