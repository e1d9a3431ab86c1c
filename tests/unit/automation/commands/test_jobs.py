"""`jobs` and `run JOB`: what is told of a job, and in which size it runs."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from automation.commands import run_task
from automation.commands.jobs import _cells, _job
from automation.deployment.one_off import Ended
from automation.stack.operations import Session
from infra.names import Names
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured

JOB = {"command": ["tidy"], "schedule": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin"}
BEGAN = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)


class Account:
    """EventBridge Scheduler and Step Functions, as far as `jobs` asks them."""

    def __init__(self, state: str = "ENABLED", execution: dict[str, Any] | None = None) -> None:
        self.state, self.execution, self.machine = state, execution, True
        self.meta = SimpleNamespace(region_name="eu-central-1")

    def client(self, _service: str) -> Account:
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "123456789012", "Arn": "arn:aws-cn:iam::123456789012:user/me"}

    def get_schedule(self, **asked: Any) -> dict[str, Any]:
        assert asked == {"Name": "nightly", "GroupName": "fargate-cd-dev"}
        if not self.state:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSchedule")
        return {
            "ScheduleExpression": JOB["schedule"],
            "ScheduleExpressionTimezone": JOB["timezone"],
            "State": self.state,
            "CreationDate": BEGAN,
        }

    def list_executions(self, **asked: Any) -> dict[str, Any]:
        arn = "arn:aws-cn:states:eu-central-1:123456789012:stateMachine:fargate-cd-dev-nightly"
        assert asked["stateMachineArn"] == arn
        if not self.machine:
            raise ClientError({"Error": {"Code": "StateMachineDoesNotExist"}}, "ListExecutions")
        return {"executions": [{"executionArn": "e"}] if self.execution else []}

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        assert self.execution is not None
        return {"startDate": BEGAN, "stopDate": BEGAN, **self.execution}


def row(account: Account) -> dict[str, Any]:
    settings = Settings.parse({"jobs": {"nightly": JOB}})
    session = SimpleNamespace(
        cloud=account, names=Names("fargate-cd", "dev"), file=SimpleNamespace(settings=settings)
    )
    return _job(cast(Session, session), "nightly")


def failed(cause: object, error: str = "States.TaskFailed") -> dict[str, Any]:
    text = cause if isinstance(cause, str) else json.dumps(cause)
    return {"status": "FAILED", "error": error, "cause": text}


@pytest.mark.parametrize(
    ("execution", "result"),
    [
        ({"status": "SUCCEEDED"}, "succeeded"),
        ({"status": "RUNNING"}, "running"),
        (failed({"Containers": [{"Name": "app", "ExitCode": 3}]}), "failed (exit code 3)"),
        (
            failed({"Containers": [{"Name": "app"}], "StoppedReason": "CannotPull"}),
            "failed (CannotPull)",
        ),
        (
            failed("it took longer than 60 s", "States.Timeout"),
            "failed (States.Timeout: it took longer than 60 s)",
        ),
    ],
)
def test_the_last_run_and_its_result(execution: dict[str, Any], result: str) -> None:
    name, schedule, last, told, following = _cells(row(Account(execution=execution)))
    assert (name, schedule) == ("nightly", "cron(0 3 * * ? *) Europe/Berlin")
    assert last == "2026-11-28T02:00:00+00:00"
    assert told == result
    assert following.endswith(("03:00:00+01:00", "03:00:00+02:00"))


@pytest.mark.parametrize(
    ("state", "following"), [("DISABLED", "disabled"), ("", "not deployed")], ids=str
)
def test_a_job_that_will_not_run_says_why(state: str, following: str) -> None:
    assert _cells(row(Account(state)))[2:] == ["never", "-", following]


def test_a_job_whose_state_machine_was_deleted_says_what_to_do() -> None:
    account = Account()
    account.machine = False
    why = "state machine deleted: run `refresh`, then `up`"
    assert _cells(row(account))[2:] == ["never", "-", why]


@pytest.mark.parametrize(
    ("command", "status", "hint"),
    [(["nightly"], 127, True), (["nightly"], 1, False), (["tidy", "up"], 127, False)],
)
def test_a_name_that_is_neither_job_nor_command_is_told(
    captured: Captured,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    status: int,
    hint: bool,
) -> None:
    monkeypatch.setattr(run_task, "opened", lambda *_: nullcontext())
    monkeypatch.setattr(run_task, "_run", lambda *_: (Ended("abc", status, ""), []))
    assert run_task.run_task("dev", captured.screen, command) == status
    assert ("nightly is no job of dev" in captured.err.getvalue()) is hint
