"""The executor: actions end, fail in words, are asked again, and go on after a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from localcloud.codepipeline import actions, executor, lifecycle
from localcloud.codepipeline.actions.work import ActionError, Outcome, Work, succeeded
from localcloud.codepipeline.core import Core, Store
from localcloud.codepipeline.executor import Executor
from localcloud.codepipeline.model import Execution
from localcloud.tests.unit.codepipeline.harness import (
    FakeEvents,
    definition,
    pipeline,
    surroundings,
)

Advance = Callable[[Work], Outcome]
HAND = ("StartPipelineExecution", "test")


class World:
    """A pipeline whose source action does what a test says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._monkeypatch = folder, monkeypatch
        self.core = self._core()
        self.executor: Executor | None = None

    def _core(self) -> Core:
        return Core(
            surroundings(self._folder),
            Store(self._folder),
            FakeEvents(),  # type: ignore[arg-type]
        )

    def act(self, advance: Advance) -> None:
        kind = ("Source", "ThirdParty", "GitHub", "1")
        row = replace(actions.PROVIDERS[kind], advance=advance)
        self._monkeypatch.setitem(actions.PROVIDERS, kind, row)

    def begin(self) -> Execution:
        whole = definition()
        whole["stages"] = whole["stages"][:1]
        with self.core.change() as state:
            one = pipeline(stages=whole["stages"])
            state.pipelines[one.arn] = one
            return lifecycle.begin(one, HAND, self.core.events)

    def run(self) -> None:
        self.executor = Executor(self.core, roles=None)  # type: ignore[arg-type]
        self.executor.start()

    def restart(self) -> Execution:
        if self.executor is not None:
            self.executor.stop()
        self.core = self._core()
        self.run()
        return next(iter(self.core.state.pipelines.values())).executions[0]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(executor, "POLL_SECONDS", 0.02)
    made = World(tmp_path, monkeypatch)
    yield made
    if made.executor is not None:
        made.executor.stop()


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refused(code: str, status: int) -> ClientError:
    error = {"Code": code, "Message": "the very words"}
    told: Any = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(told, "StartBuild")


def failing(error: Exception) -> Advance:
    def advance(_work: Work) -> Outcome:
        raise error

    return advance


FAILURES: dict[str, tuple[Exception, str, str]] = {
    "words": (ActionError("no branch", "RevisionUnavailable"), "RevisionUnavailable", "no branch"),
    "denied": (refused("AccessDeniedException", 400), "PermissionError", "the very words"),
    "refused": (refused("InvalidInputException", 400), "JobFailed", "InvalidInputException"),
    "unreachable": (EndpointConnectionError(endpoint_url="x"), "SystemUnavailable", "connect"),
    "broken": (refused("InternalFailure", 500), "SystemUnavailable", "the very words"),
    "a fault of ours": (KeyError("oops"), "SystemUnavailable", "oops"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_is_told_in_words(kind: str, world: World) -> None:
    error, code, words = FAILURES[kind]
    world.act(failing(error))
    execution = world.begin()
    world.run()
    wait(lambda: execution.ended)
    assert execution.status == "Failed"
    assert execution.actions[0].error_code == code
    assert words in execution.actions[0].error_message


def test_a_busy_service_is_asked_again(world: World) -> None:
    asked: list[Work] = []

    def advance(work: Work) -> Outcome:
        asked.append(work)
        if len(asked) < executor.PATIENCE:
            raise refused("ThrottlingException", 400)
        return succeeded(variables={"CommitId": "abc"})

    world.act(advance)
    execution = world.begin()
    world.run()
    wait(lambda: execution.ended)
    assert execution.status == "Succeeded"
    assert execution.actions[0].variables == {"CommitId": "abc"}
    assert list(execution.artifacts) == ["Source"]


def test_progress_outlives_a_restart(world: World) -> None:
    seen: list[dict[str, Any]] = []

    def advance(work: Work) -> Outcome:
        seen.append(dict(work.progress))
        return Outcome(progress={"build": "b:1"})

    world.act(advance)
    execution = world.begin()
    world.run()
    wait(lambda: execution.actions[:1] != [] and execution.actions[0].progress != {})
    run_id = execution.actions[0].id
    world.act(lambda work: succeeded(summary=f"{work.run_id} {work.progress['build']}"))
    again = world.restart()
    wait(lambda: again.ended)
    assert again.actions[0].summary == f"{run_id} b:1"
    assert seen[0] == {}


def test_a_time_out_ends_the_action(world: World) -> None:
    world.act(lambda _work: Outcome())
    execution = world.begin()
    one = next(iter(world.core.state.pipelines.values()))
    one.versions[1]["stages"][0]["actions"][0]["timeoutInMinutes"] = 0
    world.run()
    wait(lambda: execution.ended)
    assert "did not end within 0 minutes" in execution.actions[0].error_message


def test_a_deleted_pipeline_does_nothing_more(world: World) -> None:
    asked: list[float] = []

    def advance(_work: Work) -> Outcome:
        asked.append(time.monotonic())
        return Outcome()

    world.act(advance)
    world.begin()
    world.run()
    wait(lambda: bool(asked))
    with world.core.change() as state:
        arn, _ = state.pipelines.popitem()
    assert world.executor is not None
    world.executor.settle(arn)
    count = len(asked)
    time.sleep(0.2)
    assert len(asked) == count


def test_an_abandoned_actions_outcome_no_longer_counts(world: World) -> None:
    began, abandoned = threading.Event(), threading.Event()

    def advance(_work: Work) -> Outcome:
        began.set()
        assert abandoned.wait(60)
        return succeeded()

    world.act(advance)
    execution = world.begin()
    world.run()
    assert began.wait(60)
    one = next(iter(world.core.state.pipelines.values()))
    with world.core.change():
        lifecycle.abandon(one, execution, world.core.events)
    assert world.executor is not None
    abandoned.set()
    world.executor.settle(one.arn)
    assert execution.actions[0].status == "Abandoned"
    assert execution.status == "Stopped"
