"""Step scaling as time passes: an alarm that lasts acts again and again, cool-downs hold back.

https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from localcloud.scaling import service
from localcloud.scaling.service import Scaling
from localcloud.shared.service import Surroundings

REGION = "eu-central-1"
RESOURCE = "service/cluster/worker"
COOLDOWN_SECONDS = 120
TARGET = SimpleNamespace(
    resource_id=RESOURCE,
    scalable_dimension="ecs:service:DesiredCount",
    min_capacity=0,
    max_capacity=3,
    suspended_state=None,
)


def policy(name: str, steps: list[dict[str, int]]) -> SimpleNamespace:
    return SimpleNamespace(
        policy_type="StepScaling",
        policy_name=name,
        policy_arn=f"arn:{name}",
        resource_id=RESOURCE,
        step_scaling_policy_configuration={
            "AdjustmentType": "ExactCapacity",
            "Cooldown": COOLDOWN_SECONDS,
            "StepAdjustments": steps,
        },
    )


BUSY = policy(
    "messages",
    [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 2, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 2, "MetricIntervalUpperBound": 4, "ScalingAdjustment": 2},
        {"MetricIntervalLowerBound": 4, "ScalingAdjustment": 3},
    ],
)
IDLE = policy("no-messages", [{"MetricIntervalUpperBound": 0, "ScalingAdjustment": 0}])


class Cloud:
    """A queue's messages, the alarms on them, a service, and the time."""

    def __init__(self) -> None:
        self.messages, self.tasks, self.now = 0, 0, 0.0
        self.scaling = Scaling(
            cast("Surroundings", SimpleNamespace(account="1", client=self.client))
        )

    def client(self, name: str, region: str) -> Cloud:
        del name, region
        return self

    def describe_services(self, **_: object) -> dict[str, Any]:
        row = {"status": "ACTIVE", "desiredCount": self.tasks, "deployments": []}
        return {"services": [row]}

    def update_service(self, *, desiredCount: int, **_: object) -> None:  # noqa: N803 - AWS's
        self.tasks = desiredCount

    def describe_alarms(self, **_: object) -> dict[str, Any]:
        action = BUSY if self.messages else IDLE
        alarm = {"AlarmActions": [action.policy_arn], "ActionsEnabled": True, "Threshold": 1}
        return {"MetricAlarms": [{**alarm, "Metrics": [{"Id": "messages"}]}]}

    def get_metric_data(self, **_: object) -> dict[str, Any]:
        return {"MetricDataResults": [{"Values": [float(self.messages)]}]}

    def after(self, seconds: float, messages: int) -> int:
        """The number of tasks when the queue has held so many messages for a while."""
        self.now, self.messages = self.now + seconds, messages
        self.scaling._bring(REGION, TARGET)
        return self.tasks


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    made = Cloud()
    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: made.now))
    known = SimpleNamespace(policies={"a": BUSY, "b": IDLE})
    monkeypatch.setattr(Scaling, "_backend", lambda *_: known)
    return made


def test_an_alarm_that_lasts_takes_the_tasks_to_what_the_messages_call_for(cloud: Cloud) -> None:
    assert [cloud.after(60, messages) for messages in (1, 6, 6, 6)] == [1, 3, 3, 3]


def test_fewer_messages_take_tasks_away_once_a_cool_down(cloud: Cloud) -> None:
    assert [cloud.after(60, messages) for messages in (6, 3, 1, 1)] == [3, 2, 2, 1]


def test_no_messages_leave_no_task(cloud: Cloud) -> None:
    assert [cloud.after(COOLDOWN_SECONDS, messages) for messages in (6, 0)] == [3, 0]


def test_more_tasks_end_the_cool_down_of_fewer(cloud: Cloud) -> None:
    assert [cloud.after(30, messages) for messages in (6, 3, 6, 3)] == [3, 2, 3, 2]
