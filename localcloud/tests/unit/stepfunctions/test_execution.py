"""Executions: the states one after the other, retries, time limits, and what is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.stepfunctions import execution
from localcloud.stepfunctions.definition import DefinitionError, parse
from localcloud.stepfunctions.execution import Run, StateFailed

LOOK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:ecs:describeServices",
    "Parameters": {"Cluster": "shop", "Services": ["web"]},
    "Next": "Run",
}
TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::ecs:runTask.sync",
    "Parameters": {
        "Cluster": "shop",
        "TaskDefinition.$": "$.Services[0].TaskDefinition",
        "Overrides": {"ContainerOverrides": [{"Name": "app", "Command": ["Tidy", "--All"]}]},
    },
    "End": True,
}


class Ecs:
    """ECS with one service; a task ends with the next of some exit codes."""

    def __init__(self, *codes: int | None) -> None:
        self.codes = list(codes)
        self.asked: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self.refused = False

    def describe_services(self, **asked: Any) -> dict[str, Any]:
        assert asked == {"cluster": "shop", "services": ["web"]}
        return {"services": [{"taskDefinition": "web:7"}], "ResponseMetadata": {"RequestId": "1"}}

    def run_task(self, **asked: Any) -> dict[str, Any]:
        if self.refused:
            error: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
            raise ClientError(error, "RunTask")
        self.asked.append(asked)
        return {"failures": [], "tasks": [{"taskArn": "arn/1"}]}

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        code = self.codes[0]
        if code is None:
            return {"tasks": [{"taskArn": "arn/1", "lastStatus": "RUNNING"}]}
        self.codes.pop(0)
        container = {"name": "app", "exitCode": code}
        return {"tasks": [{"lastStatus": "STOPPED", "containers": [container]}]}

    def stop_task(self, **asked: Any) -> None:
        self.stopped.append(asked["task"])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "POLL_SECONDS", 0.01)


def run(ecs: Ecs, **task: Any) -> Any:
    text = json.dumps({"StartAt": "Look", "States": {"Look": LOOK, "Run": {**TASK, **task}}})
    return Run(parse(text), lambda: ecs, threading.Event()).perform({})


def retry(*errors: str, attempts: int = 2) -> list[dict[str, Any]]:
    return [{"ErrorEquals": list(errors), "IntervalSeconds": 0, "MaxAttempts": attempts}]


def test_a_task_of_the_release_that_the_service_runs() -> None:
    ecs = Ecs(0)
    assert run(ecs)["Containers"] == [{"Name": "app", "ExitCode": 0}]
    (asked,) = ecs.asked
    assert asked["taskDefinition"] == "web:7"
    (override,) = asked["overrides"]["containerOverrides"]
    assert override == {"name": "app", "command": ["Tidy", "--All"]}


def test_an_exit_code_is_a_failure_with_the_task_as_its_cause() -> None:
    with pytest.raises(StateFailed) as failed:
        run(Ecs(3))
    assert failed.value.error == "States.TaskFailed"
    assert json.loads(failed.value.cause)["Containers"][0]["ExitCode"] == 3


@pytest.mark.parametrize(
    ("codes", "errors", "runs"),
    [((1, 1, 0), "States.ALL", 3), ((1, 0), "States.TaskFailed", 2), ((1, 0), "States.Timeout", 0)],
)
def test_a_failure_is_tried_again_as_the_retrier_says(
    codes: tuple[int, ...], errors: str, runs: int
) -> None:
    ecs = Ecs(*codes)
    if runs:
        run(ecs, Retry=retry(errors))
        assert len(ecs.asked) == runs
        return
    with pytest.raises(StateFailed):
        run(ecs, Retry=retry(errors))
    assert len(ecs.asked) == 1


def test_retries_end() -> None:
    ecs = Ecs(1, 1, 1, 0)
    with pytest.raises(StateFailed):
        run(ecs, Retry=retry("States.ALL"))
    assert len(ecs.asked) == 3


def test_a_task_that_takes_too_long_is_stopped() -> None:
    ecs = Ecs(None)
    with pytest.raises(StateFailed, match=r"States\.Timeout"):
        run(ecs, TimeoutSeconds=1)
    assert ecs.stopped == ["arn/1"]


def test_a_refusal_of_ecs_is_told_by_its_code() -> None:
    ecs = Ecs()
    ecs.refused = True
    with pytest.raises(StateFailed, match=r"ECS\.AccessDeniedException"):
        run(ecs)


def test_a_path_to_nothing_is_told() -> None:
    parameters = {"TaskDefinition.$": "$.Services[3].TaskDefinition"}
    with pytest.raises(StateFailed, match="leads to nothing"):
        run(Ecs(0), Parameters=parameters)


def changed(**members: Any) -> Callable[[], str]:
    return lambda: json.dumps({"StartAt": "Run", "States": {"Run": {**TASK, **members}}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lambda: "{", "INVALID_JSON_DESCRIPTION"),
        (lambda: "{}", "States is required"),
        (lambda: json.dumps({"StartAt": "A", "States": {"Run": TASK}}), "there is no state A"),
        (changed(Next="B"), "needs one of End and Next"),
        (changed(End=False, Next="B"), "there is no state B"),
        (changed(Type="Pass"), "Task only"),
        (changed(Resource="arn:aws:states:::lambda:invoke"), "does not call"),
        (changed(Catch=[]), "does not know Catch"),
        (changed(Parameters={"A.$": "$..b"}), "does not know the path"),
    ],
)
def test_what_is_wrong_or_not_known_is_refused(text: Callable[[], str], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        parse(text())
