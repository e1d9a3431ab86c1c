"""Jobs: what starts them, what they run, and who hears of a failure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from infra.settings.schedules import next_run
from tests.unit.infra.looks import default
from tests.unit.infra.recorder import ACCOUNT, REGION, Recording, record

NIGHTLY = {
    "command": ["tidy", "--all"],
    "schedule": "cron(0 3 * * ? *)",
    "timezone": "Europe/Berlin",
    "timeout_minutes": 30,
    "retries": 2,
    "cpu": 512,
    "memory": 1024,
}
PLAIN = {"command": ["report"], "schedule": "rate(1 hour)"}


@cache
def made() -> Recording:
    jobs = json.dumps({"nightly": NIGHTLY, "hourly": PLAIN})
    return record({"jobs": jobs, "notify_emails": '["a@example.org"]'})


def run_of(job: str) -> dict[str, Any]:
    machine = made().one("StateMachine", f"jobs-{job}").inputs
    states: dict[str, Any] = json.loads(machine["definition"])["States"]
    return dict(states["Run"])


def test_a_schedule_starts_the_jobs_own_state_machine() -> None:
    inputs = made().one("Schedule", "jobs-nightly-schedule").inputs
    assert inputs["scheduleExpression"] == "cron(0 3 * * ? *)"
    assert inputs["scheduleExpressionTimezone"] == "Europe/Berlin"
    assert inputs["target"]["arn"].endswith(":stateMachine:fargate-cd-dev-nightly")
    assert inputs["groupName"] == "fargate-cd-dev"


def test_it_runs_the_command_in_a_task_of_the_release_that_the_service_runs() -> None:
    run = run_of("nightly")
    assert run["Parameters"]["TaskDefinition.$"] == "$.Services[0].TaskDefinition"
    assert run["Parameters"]["NetworkConfiguration.$"] == "$.Services[0].NetworkConfiguration"
    overrides = run["Parameters"]["Overrides"]
    assert overrides["ContainerOverrides"] == [{"Name": "app", "Command": ["tidy", "--all"]}]
    assert (overrides["Cpu"], overrides["Memory"]) == ("512", "1024")
    assert run_of("hourly")["Parameters"]["Overrides"].keys() == {"ContainerOverrides"}


def test_it_is_stopped_in_time_and_tried_again_as_often_as_it_says() -> None:
    run = run_of("nightly")
    assert run["TimeoutSeconds"] == 1800
    (retrier,) = run["Retry"]
    assert (retrier["ErrorEquals"], retrier["MaxAttempts"]) == (["States.ALL"], 2)
    assert run_of("hourly")["TimeoutSeconds"] == 3600
    assert "Retry" not in run_of("hourly")


def test_failures_and_missed_runs_are_reported() -> None:
    alarms = {each.inputs["name"]: each.inputs for each in made().of("MetricAlarm")}
    failed = alarms["fargate-cd-dev-job-nightly"]
    (query,) = failed["metricQueries"]
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:fargate-cd-dev-nightly"
    assert query["metric"]["metricName"] == "ExecutionsFailed"
    assert query["metric"]["dimensions"] == {"StateMachineArn": arn}
    missed = alarms["fargate-cd-dev-jobs-missed"]
    (query,) = missed["metricQueries"]
    assert query["metric"]["metricName"] == "InvocationDroppedCount"
    assert all(alarm["alarmActions"] for alarm in (failed, missed))


def test_without_jobs_there_is_nothing_of_them() -> None:
    tokens = {each.token.split(":")[1].split("/")[0] for each in default().resources}
    assert not tokens & {"scheduler", "sfn"}


NOW = datetime(2026, 11, 28, 12, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "zone", "expected"),
    [
        ("cron(0 3 * * ? *)", "UTC", "2026-11-29T03:00:00+00:00"),
        ("cron(0 3 * * ? *)", "Europe/Berlin", "2026-11-29T03:00:00+01:00"),
        ("cron(30 9 L * ? *)", "UTC", "2026-11-30T09:30:00+00:00"),
        ("cron(0 8 ? * MON-FRI *)", "UTC", "2026-11-30T08:00:00+00:00"),
        ("cron(0 8 ? * * 2025)", "UTC", None),
        ("rate(1 hour)", "UTC", "2026-11-28T13:00:00+00:00"),
        ("at(2027-01-01T00:00:00)", "America/New_York", "2027-01-01T00:00:00-05:00"),
        ("at(2020-01-01T00:00:00)", "UTC", None),
    ],
)
def test_the_next_run(schedule: str, zone: str, expected: str | None) -> None:
    created = datetime(2026, 11, 1, tzinfo=UTC)
    found = next_run(schedule, zone, created, NOW)
    assert (found.isoformat() if found else None) == expected
