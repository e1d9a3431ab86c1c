"""Jobs with real containers: one runs at its time, one fails and raises its alarm.

The tests share one stack and run in the order in which they stand.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e import faulty
from tests.e2e.checkout import Checkout, until

STACK = ("--stack", "local")
EACH_MINUTE = "cron(* * * * ? *)"


def job(program: str, **others: object) -> dict[str, object]:
    return {"command": ["python3", "-c", program], "schedule": EACH_MINUTE} | others


JOBS = {
    "good": job("print('the job is done')", cpu=512, memory=1024),
    "bad": job("import sys; sys.exit(3)"),
    "slow": job("import time; time.sleep(600)", schedule="cron(0 3 1 1 ? 2199)", timezone="UTC"),
}


def rows(checkout: Checkout) -> dict[str, Any]:
    return {row["name"]: row for row in checkout.json("jobs", *STACK)["jobs"]}


def ended(checkout: Checkout, name: str, result: str) -> dict[str, Any]:
    """A job's row once its last run has a result."""
    client = checkout.client("stepfunctions")
    (machine,) = (
        each["stateMachineArn"]
        for each in client.list_state_machines()["stateMachines"]
        if each["name"].endswith(f"-{name}")
    )

    def has_run() -> bool:
        runs = client.list_executions(stateMachineArn=machine, maxResults=1)["executions"]
        return bool(runs) and runs[0]["status"] != "RUNNING"

    def told() -> dict[str, Any] | None:
        row: dict[str, Any] = rows(checkout)[name]
        return row if row["last"] and row["last"]["result"] == result else None

    until(has_run)
    found: dict[str, Any] = until(told)  # the next minute's run may have begun meanwhile
    return found


@pytest.fixture(scope="module")
def stack(checkout: Checkout) -> Checkout:
    faulty.prepare(checkout, desired_count=1, jobs=JOBS)
    faulty.up(checkout)
    return checkout


def test_a_job_runs_at_its_time(stack: Checkout) -> None:
    found = ended(stack, "good", "succeeded")
    assert (found["state"], found["schedule"]) == ("enabled", EACH_MINUTE)
    assert found["next"]
    events: Any = stack.json("logs", *STACK, "--since", "1h")
    assert "the job is done" in [event["message"] for event in events]


def test_a_failed_job_is_told_and_raises_its_alarm(stack: Checkout) -> None:
    assert ended(stack, "bad", "failed")["last"]["why"] == "exit code 3"
    cloudwatch = stack.client("cloudwatch")
    name = "fargate-cd-local-job-bad"

    def raised() -> bool:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return bool(alarm["StateValue"] == "ALARM")

    until(raised)
    told = stack.json("status", *STACK)["alarms"]
    alarms = {row["name"].removeprefix("fargate-cd-local-"): row["state"] for row in told}
    assert alarms["job-bad"] == "ALARM"
    assert alarms["job-good"] != "ALARM"
    assert alarms["jobs-missed"] != "ALARM"


def test_a_job_that_never_ran_says_when_it_will(stack: Checkout) -> None:
    found = rows(stack)["slow"]
    assert found["last"] is None
    assert found["next"] == "2199-01-01T03:00:00+00:00"


def test_run_runs_a_job_now_and_ends_with_its_status(stack: Checkout) -> None:
    done = stack.run("run", "good", *STACK)
    assert done.returncode == 0, done.stderr
    assert "the job is done" in done.stdout
    assert stack.run("run", "bad", *STACK).returncode == 3


def test_nothing_changes_and_nothing_is_left(stack: Checkout) -> None:
    same = stack.run("preview", *STACK, "--expect-no-changes")
    assert same.returncode == 0, same.stdout + same.stderr
    assert stack.json("destroy", *STACK, "--yes")["leftovers"] == []
