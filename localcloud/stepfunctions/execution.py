"""One execution of a state machine: its states one after the other, with retries and time limits.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.stepfunctions.definition import (
    RUN_TASK,
    SDK,
    Machine,
    PathError,
    State,
    resolved,
)

POLL_SECONDS = 1.0
DEFAULT_INTERVAL_SECONDS = 1
DEFAULT_ATTEMPTS = 3
DEFAULT_BACKOFF = 2.0


class StateFailed(Exception):  # noqa: N818 - the language's own word
    """A state failed.

    Args:
        error: the error's name, such as `States.TaskFailed`.
        cause: what happened.
    """

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


@dataclass(frozen=True)
class Run:
    """What an execution needs.

    Attributes:
        machine: what is run.
        ecs: makes a client of ECS with the keys of the state machine's role.
        ended: is set when the execution is to stop.
    """

    machine: Machine
    ecs: Callable[[], Any]
    ended: threading.Event

    def perform(self, given: Any) -> Any:
        """Run the states; returns the last one's output.

        Raises:
            StateFailed: one failed, and its retriers are exhausted.
        """
        name: str | None = self.machine.start
        while name is not None:
            state = self.machine.states[name]
            given = self._with_retries(state, given)
            name = state.following
        return given

    def _with_retries(self, state: State, given: Any) -> Any:
        attempts = [0] * len(state.retry)
        while True:
            try:
                return self._call(state, given)
            except StateFailed as failure:
                number = _retrier(state, failure.error)
                if number is None or self.ended.is_set():
                    raise
                rule = state.retry[number]
                if attempts[number] >= rule.get("MaxAttempts", DEFAULT_ATTEMPTS):
                    raise
                pause = rule.get("IntervalSeconds", DEFAULT_INTERVAL_SECONDS)
                pause *= rule.get("BackoffRate", DEFAULT_BACKOFF) ** attempts[number]
                attempts[number] += 1
                self.ended.wait(pause)

    def _call(self, state: State, given: Any) -> Any:
        try:
            parameters = _lower(resolved(state.parameters, given))
        except PathError as error:
            raise StateFailed("States.Runtime", str(error)) from None
        try:
            if state.integration == RUN_TASK:
                return _upper(self._run_task(state, parameters))
            operation = state.integration.removeprefix(SDK)
            name = "".join(f"_{c.lower()}" if c.isupper() else c for c in operation)
            return _upper(_plain(getattr(self.ecs(), name)(**parameters)))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            prefix = "ECS" if state.integration == RUN_TASK else "Ecs"
            raise StateFailed(f"{prefix}.{code}", str(error)) from None
        except BotoCoreError as error:
            raise StateFailed("States.Runtime", str(error)) from None

    def _run_task(self, state: State, parameters: dict[str, Any]) -> dict[str, Any]:
        """Run a task to its end: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html"""
        answer = self.ecs().run_task(**parameters)
        if answer["failures"]:
            raise StateFailed("ECS.AmazonECSException", json.dumps(answer["failures"]))
        arn, cluster = answer["tasks"][0]["taskArn"], parameters.get("cluster", "default")
        deadline = time.monotonic() + state.timeout if state.timeout else None
        while True:
            (task,) = self.ecs().describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
            if task["lastStatus"] == "STOPPED":
                return self._judged(task)
            late = deadline is not None and time.monotonic() > deadline
            if late or self.ended.is_set():
                reason = "Step Functions: the execution was stopped or timed out"
                self.ecs().stop_task(cluster=cluster, task=arn, reason=reason)
                raise StateFailed("States.Timeout", f"{arn} took longer than {state.timeout} s")
            self.ended.wait(POLL_SECONDS)

    @staticmethod
    def _judged(task: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = _plain(task)
        if all(container.get("exitCode") == 0 for container in task["containers"]):
            return shown
        raise StateFailed("States.TaskFailed", json.dumps(_upper(shown)))


def _retrier(state: State, error: str) -> int | None:
    for number, rule in enumerate(state.retry):
        names = rule["ErrorEquals"]
        task_failed = "States.TaskFailed" in names and error != "States.Timeout"
        if error in names or "States.ALL" in names or task_failed:
            return number
    return None


def _plain(value: Any) -> Any:
    """As JSON has it; the answer's metadata aside."""
    if isinstance(value, Mapping):
        value = {name: each for name, each in value.items() if name != "ResponseMetadata"}
    return json.loads(json.dumps(value, default=str))


def _lower(value: Any) -> Any:
    return _renamed(value, lambda name: name[:1].lower() + name[1:])


def _upper(value: Any) -> Any:
    return _renamed(value, lambda name: name[:1].upper() + name[1:])


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {rename(name): _renamed(member, rename) for name, member in value.items()}
    if isinstance(value, list):
        return [_renamed(member, rename) for member in value]
    return value
