"""Schedules: what is refused, and what becomes of a target that can't be started."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from localcloud.schedules import service
from localcloud.schedules.service import Scheduler
from localcloud.shared.service import Call, ServiceError, Surroundings

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:job"
TARGET = {"Arn": MACHINE, "RoleArn": "arn:aws:iam::123456789012:role/starter", "Input": "{}"}
SOUND = {
    "Name": "job",
    "ScheduleExpression": "cron(0 3 * * ? *)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": TARGET,
}


class Cloud:
    """CloudWatch and Step Functions, as far as a schedule calls them."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.counted: list[str] = []

    def __call__(self, *_: Any, **__: Any) -> Cloud:
        return self

    def start_execution(self, **asked: Any) -> None:
        self.started.append(asked["stateMachineArn"])

    def put_metric_data(self, **asked: Any) -> None:
        assert asked["Namespace"] == "AWS/Scheduler"
        self.counted += [row["MetricName"] for row in asked["MetricData"]]


def invoke(cloud: Cloud, attempts: int) -> None:
    around = SimpleNamespace(account="123456789012", client=cloud)
    retry = {"MaximumRetryAttempts": attempts}
    schedule = {
        "Arn": "arn",
        "GroupName": "shop",
        "Region": "us-east-1",
        "Target": {**TARGET, "RetryPolicy": retry},
    }
    Scheduler(cast(Surroundings, around))._invoke(schedule)


def test_a_target_is_started_under_the_schedules_role(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}

    def assume(role: str, principal: str, **more: Any) -> None:
        told.update(more, role=role, principal=principal)

    monkeypatch.setattr(service, "assume_service_role", assume)
    cloud = Cloud()
    invoke(cloud, 3)
    assert cloud.started == [MACHINE]
    assert cloud.counted == ["InvocationAttemptCount"]
    assert told["principal"] == "scheduler.amazonaws.com"
    assert told["source_arn"] == "arn:aws:scheduler:us-east-1:123456789012:schedule-group/shop"


def test_one_that_can_not_be_started_is_dropped_after_its_retries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ServiceError("AccessDenied", "the role does not trust it", 403)

    monkeypatch.setattr(service, "assume_service_role", refuse)
    monkeypatch.setattr(service, "PAUSE_SECONDS", 0.01)
    cloud = Cloud()
    invoke(cloud, 2)
    assert cloud.started == []
    assert cloud.counted == ["InvocationAttemptCount", "TargetErrorCount"] * 3 + [
        "InvocationDroppedCount"
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ScheduleExpression": "cron(0 3)"}, "has not six fields"),
        ({"ScheduleExpressionTimezone": "Mars/Base"}, "no time zone"),
        ({"Target": {**TARGET, "Arn": "arn:aws:lambda:us-east-1:1:function:f"}}, "know no"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "flexible time window"),
        ({"StartDate": "2027-01-01"}, "StartDate"),
    ],
)
def test_what_would_never_run_is_refused(changed: dict[str, Any], said: str) -> None:
    call = Call("scheduler", "CreateSchedule", {**SOUND, **changed}, "us-east-1", "1", "root")
    with pytest.raises(ServiceError, match=said):
        service._check(call)
