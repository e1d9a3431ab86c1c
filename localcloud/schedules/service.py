"""EventBridge Scheduler of the local cloud: schedules start state machines at their times.

https://docs.aws.amazon.com/scheduler/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.emulator.emulator import backends
from localcloud.iam import assume_service_role
from localcloud.scaling.schedule import ScheduleError, due, minute
from localcloud.shared.background_service import BackgroundService
from localcloud.shared.service import Call, ServiceError, Surroundings

log = logging.getLogger(__name__)

PRINCIPAL = "scheduler.amazonaws.com"
LOOK_SECONDS = 1.0
PAUSE_SECONDS = 1.0
"""Between two attempts to start a target."""


class Scheduler(BackgroundService):
    """Schedules whose targets are state machines of Step Functions.

    Args:
        surroundings: the local cloud around it.
    """

    name = "scheduler"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._minute = minute(datetime.now(UTC))
        self.before = {"CreateSchedule": _check, "UpdateSchedule": _check}

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            now = minute(datetime.now(UTC))
            if now == self._minute:
                continue
            # Minutes in which the machine slept are missed, as AWS misses none of its own.
            self._minute = now
            for schedule in list(self._due(now)):
                threading.Thread(target=self._invoke, args=(schedule,), daemon=True).start()

    def _due(self, minute: datetime) -> Iterator[dict[str, Any]]:
        for region, backend in list(backends(self.name)[self._around.account].items()):
            for group in list(backend.schedule_groups.values()):
                for row in list(group.schedules.values()):
                    told = {**row.to_dict(), "Region": region}
                    begun = datetime.fromtimestamp(row.creation_date, UTC)
                    zone = row.schedule_expression_timezone
                    is_due = due(row.schedule_expression, zone, begun)
                    if row.state == "ENABLED" and is_due(minute):
                        yield told

    def _invoke(self, schedule: dict[str, Any]) -> None:
        """Start the target; when every attempt has failed, the invocation is dropped."""
        target, region = schedule["Target"], schedule["Region"]
        for _ in range(1 + target["RetryPolicy"]["MaximumRetryAttempts"]):
            self._count(schedule, "InvocationAttemptCount")
            try:
                self._start(target, region, schedule["GroupName"])
            except (ServiceError, ClientError, BotoCoreError) as error:
                log.warning("the schedule %s did not start its target: %s", schedule["Arn"], error)
                self._count(schedule, "TargetErrorCount")
                if self._ended.wait(PAUSE_SECONDS):
                    return
            else:
                return
        self._count(schedule, "InvocationDroppedCount")

    def _start(self, target: dict[str, Any], region: str, group: str) -> None:
        account = self._around.account
        keys = assume_service_role(
            target["RoleArn"],
            PRINCIPAL,
            source_arn=f"arn:aws:scheduler:{region}:{account}:schedule-group/{group}",
            source_account=account,
            session_name=uuid.uuid4().hex,
        )
        self._around.client("stepfunctions", region, keys).start_execution(
            stateMachineArn=target["Arn"], name=str(uuid.uuid4()), input=target.get("Input", "{}")
        )

    def _count(self, schedule: dict[str, Any], metric: str) -> None:
        """https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html"""
        group = [{"Name": "ScheduleGroup", "Value": schedule["GroupName"]}]
        row = {"MetricName": metric, "Dimensions": group, "Value": 1.0, "Unit": "Count"}
        client = self._around.client("cloudwatch", region=schedule["Region"])
        client.put_metric_data(Namespace="AWS/Scheduler", MetricData=[row])


def _check(call: Call) -> None:
    """Refuse what would never run."""
    given = call.input
    try:
        zone = given.get("ScheduleExpressionTimezone")
        due(given["ScheduleExpression"], zone, datetime.now(UTC))
    except ScheduleError as error:
        message = f"Invalid Schedule Expression {given['ScheduleExpression']}: {error}."
        raise ServiceError("ValidationException", message) from error
    if ":stateMachine:" not in given["Target"]["Arn"]:
        raise _unsupported(f"the target {given['Target']['Arn']}")
    if given["FlexibleTimeWindow"]["Mode"] != "OFF":
        raise _unsupported("a flexible time window")
    for member in ("StartDate", "EndDate", "KmsKeyArn"):
        if given.get(member):
            raise _unsupported(member)


def _unsupported(what: str) -> ServiceError:
    return ServiceError(
        "ValidationException",
        f"The local cloud's schedules start state machines at a fixed time, and know no {what}. "
        "Try it on AWS.",
    )
