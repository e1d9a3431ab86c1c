"""A one-off task: how it is started, what of its log is told, and how it ends."""

from __future__ import annotations

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from automation.aws.clients import Cloud
from automation.aws.ecs import ServiceName
from automation.deployment import one_off
from automation.deployment.one_off import Ended, OneOff, follow, start
from automation.errors import DriverError

ARN = "arn:aws:ecs:eu-central-1:1:task/shop/abc"
TASK = OneOff(ServiceName("shop", "web"), "arn:x:task-definition/web:3", "app", ("ls", "-l"), "me")
SERVICE = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}


class Fake:
    """ECS and CloudWatch Logs, as far as a one-off task asks them."""

    def __init__(self, statuses: list[str], status: int | None, log: list[list[str]]) -> None:
        self.statuses, self.status, self.log = statuses, status, log
        self.asked: dict[str, Any] = {}
        self.failures: list[dict[str, str]] = []
        self.read = 0

    def client(self, _service: str) -> Fake:
        return self

    def run_task(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return {"failures": self.failures, "tasks": [] if self.failures else [{"taskArn": ARN}]}

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        container = {"name": "app", "reason": "OutOfMemoryError" if self.status is None else ""}
        if self.status is not None and status == "STOPPED":
            container["exitCode"] = self.status  # type: ignore[assignment]
        return {"tasks": [{"taskArn": ARN, "lastStatus": status, "containers": [container]}]}

    def describe_task_definition(self, **_: Any) -> dict[str, Any]:
        options = {"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "app"}
        container = {"name": "app", "logConfiguration": {"options": options}}
        return {"taskDefinition": {"containerDefinitions": [container]}}

    def get_log_events(self, **asked: Any) -> dict[str, Any]:
        assert asked["logStreamName"] == "app/app/abc"
        if not self.log:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetLogEvents")
        token = asked.get("nextToken")
        if token is not None and self.read >= len(self.log):
            return {"events": [], "nextForwardToken": token}
        lines = self.log[self.read]
        self.read += 1
        events = [{"message": line} for line in lines]
        return {"events": events, "nextForwardToken": f"f/{self.read}"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_off, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(one_off, "QUIET_SECONDS", 0.05)


def test_it_runs_in_the_services_network_with_the_command_in_place_of_its_own() -> None:
    fake = Fake(["STOPPED"], 0, [])
    assert start(cast(Cloud, fake), SERVICE, TASK) == ARN
    assert fake.asked["networkConfiguration"] == SERVICE["networkConfiguration"]
    assert fake.asked["taskDefinition"] == TASK.definition
    overrides = fake.asked["overrides"]["containerOverrides"]
    assert overrides == [{"name": "app", "command": ["ls", "-l"]}]


def test_a_task_that_ecs_does_not_start_is_an_error_with_the_reason() -> None:
    fake = Fake(["STOPPED"], 0, [])
    fake.failures = [{"reason": "Capacity is unavailable at this time"}]
    with pytest.raises(DriverError, match="Capacity is unavailable"):
        start(cast(Cloud, fake), SERVICE, TASK)


@pytest.mark.parametrize("status", [0, 7])
def test_its_lines_are_told_once_and_its_status_is_that_of_the_container(status: int) -> None:
    fake = Fake(["PENDING", "RUNNING", "STOPPED"], status, [["one"], ["two"], ["three"]])
    told: list[str] = []
    states: list[str] = []
    ended = follow(cast(Cloud, fake), TASK, ARN, told.append, states.append)
    assert ended == Ended("abc", status, "")
    assert told == ["one", "two", "three"]
    assert states == ["The task abc is pending", "The task abc is running"]


def test_a_container_that_never_ran_has_no_status_but_a_reason() -> None:
    fake = Fake(["STOPPED"], None, [])
    ended = follow(cast(Cloud, fake), TASK, ARN, print)
    assert ended == Ended("abc", None, "OutOfMemoryError")
