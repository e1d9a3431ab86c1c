"""`jobs`: the scheduled jobs of a stack: last run, result, next run.

A job's runs are the executions of its state machine, which Step Functions keeps for 90 days:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import error_code
from automation.errors import ConfigurationError
from automation.screen import Screen
from automation.stack.operations import Session, opened
from infra.names import CONTAINER_NAME
from infra.settings.schedules import next_run

NOT_THERE = frozenset({"ResourceNotFoundException", "StateMachineDoesNotExist"})
CAUSE_LIMIT = 200
MISSING = "state machine deleted: run `refresh`, then `up`"
"""The state of a job whose runs can't be started any more."""


def jobs(stack: str, screen: Screen) -> int:
    """Print the jobs of a stack.

    Args:
        stack: its name.
        screen: where they go.

    Raises:
        ConfigurationError: the settings have no job.
    """
    with opened(stack, screen) as session:
        if not session.file.settings.jobs:
            raise ConfigurationError(
                f"fargate-cd:jobs is empty: the stack {stack} has no job. docs/jobs.md shows one."
            )
        rows = [_job(session, name) for name in session.file.settings.jobs]
    screen.document({"stack": stack, "jobs": rows})
    columns = ("job", "schedule", "last run", "result", "next run")
    screen.table(columns, [_cells(row) for row in rows])
    return 0


def _job(session: Session, name: str) -> dict[str, Any]:
    schedule = _schedule(session, name)
    state = schedule["State"].lower() if schedule else "not deployed"
    runs = _runs(session, name) if schedule else []
    if runs is None:
        state = MISSING
    job = session.file.settings.jobs[name]
    return {
        "name": name,
        "schedule": schedule["ScheduleExpression"] if schedule else job.schedule,
        "timezone": schedule["ScheduleExpressionTimezone"] if schedule else job.timezone,
        "state": state,
        "last": _told(session, runs[0]) if runs else None,
        "next": _next(schedule) if schedule and state != MISSING else None,
    }


def _schedule(session: Session, name: str) -> Mapping[str, Any] | None:
    """The schedule in EventBridge Scheduler; None where no `up` has made it."""
    client = session.cloud.client("scheduler")
    try:
        found = client.get_schedule(Name=name, GroupName=session.names.schedule_group)
    except ClientError as error:
        if error_code(error) not in NOT_THERE:
            raise
        return None
    return dict(found)


def _next(schedule: Mapping[str, Any]) -> str | None:
    if schedule["State"] != "ENABLED":
        return None
    expression, zone = schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]
    moment = next_run(expression, zone, schedule["CreationDate"], datetime.now(UTC))
    return moment.isoformat(timespec="seconds") if moment else None


def machine_arn(session: Session, name: str) -> str:
    """The ARN of a job's state machine."""
    sts = session.cloud.client("sts")
    identity = sts.get_caller_identity()
    partition, region = identity["Arn"].split(":")[1], sts.meta.region_name
    kind = f"stateMachine:{session.names.job(name)}"
    return f"arn:{partition}:states:{region}:{identity['Account']}:{kind}"


def _runs(session: Session, name: str) -> list[str] | None:
    """The job's last run, if any; None where its state machine was deleted."""
    client = session.cloud.client("stepfunctions")
    try:
        found = client.list_executions(stateMachineArn=machine_arn(session, name), maxResults=1)
    except ClientError as error:
        if error_code(error) not in NOT_THERE:
            raise
        return None
    return [str(each["executionArn"]) for each in found["executions"]]


def _told(session: Session, run: str) -> dict[str, Any]:
    """When a run began and ended, and how."""
    client = session.cloud.client("stepfunctions")
    execution = client.describe_execution(executionArn=run)
    stopped = execution.get("stopDate")
    return {
        "result": execution["status"].lower(),
        "started": execution["startDate"].isoformat(timespec="seconds"),
        "stopped": stopped.isoformat(timespec="seconds") if stopped else None,
        "why": _why(execution),
    }


def _why(execution: Mapping[str, Any]) -> str | None:
    """Return why a run failed: the task's exit code, or else Step Functions' cause."""
    if "error" not in execution:
        return None
    cause = execution.get("cause", "")
    try:
        containers = json.loads(cause)["Containers"]
    except (ValueError, KeyError, TypeError):
        return f"{execution['error']}: {cause[:CAUSE_LIMIT]}"
    for container in containers:
        if container.get("Name") == CONTAINER_NAME and container.get("ExitCode") is not None:
            return f"exit code {container['ExitCode']}"
    return str(json.loads(cause).get("StoppedReason") or execution["error"])


def _cells(row: Mapping[str, Any]) -> list[str]:
    last = row["last"] or {}
    zone = "" if row["timezone"] == "UTC" else f" {row['timezone']}"
    why = f" ({last['why']})" if last.get("why") else ""
    return [
        row["name"],
        f"{row['schedule']}{zone}",
        last.get("started", "never"),
        f"{last['result']}{why}" if last else "-",
        row["next"] or ("-" if row["state"] == "enabled" else row["state"]),
    ]
