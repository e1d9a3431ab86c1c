"""Executions move through stages as the documented modes SUPERSEDED and QUEUED say."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.codepipeline import lifecycle
from localcloud.codepipeline.model import (
    FAILED,
    RUNNING,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    SUPERSEDED,
    ActionRun,
    Artifact,
    Execution,
    Pipeline,
    Transition,
)
from localcloud.tests.unit.codepipeline.harness import FakeEvents, build, definition, pipeline

HAND = ("StartPipelineExecution", "test")


@pytest.fixture
def events() -> Any:
    return FakeEvents()


def start(one: Pipeline, events: Any) -> Execution:
    execution = lifecycle.begin(one, HAND, events)
    lifecycle.schedule(one, events)
    return execution


def end(one: Pipeline, execution: Execution, events: Any, status: str = SUCCEEDED) -> ActionRun:
    """End the action that an execution runs, and let everything move on."""
    stage = lifecycle.stage_of(one, execution)["name"]
    run = execution.running(stage)[0]
    run.status = status
    if status == SUCCEEDED:
        execution.artifacts.update({made.name: made for made in run.outputs})
    lifecycle.schedule(one, events)
    return run


def place(one: Pipeline, execution: Execution) -> tuple[str, bool]:
    """The stage, and whether it waits before it."""
    return lifecycle.stage_of(one, execution)["name"], execution.waiting


def test_an_execution_goes_through_all_stages(events: Any) -> None:
    one = pipeline()
    execution = start(one, events)
    for stage in ("Source", "Test", "Build", "Deploy"):
        assert place(one, execution) == (stage, False)
        end(one, execution, events)
    assert execution.status == SUCCEEDED
    assert {run.status for run in execution.stages.values()} == {SUCCEEDED}
    assert events.told[0] == ("pipeline", RUNNING)
    assert events.told[-2:] == [("Deploy", SUCCEEDED), ("pipeline", SUCCEEDED)]


def test_a_stage_takes_one_execution_and_the_newest_of_those_that_wait(events: Any) -> None:
    one = pipeline()
    first = start(one, events)
    end(one, first, events)
    second = start(one, events)
    end(one, second, events)
    assert place(one, first) == ("Test", False)
    assert place(one, second) == ("Test", True)
    third = start(one, events)
    end(one, third, events)
    assert second.status == SUPERSEDED
    assert place(one, third) == ("Test", True)
    end(one, first, events)
    assert place(one, third) == ("Test", False)


def test_three_pushes_at_once_run_the_first_and_the_last(events: Any) -> None:
    one = pipeline()
    first, second, third = (start(one, events) for _ in range(3))
    assert place(one, first) == ("Source", False)
    assert second.status == SUPERSEDED
    assert place(one, third) == ("Source", True)


def test_queued_executions_go_in_by_their_turn(events: Any) -> None:
    one = pipeline(executionMode="QUEUED")
    first, second, third = (start(one, events) for _ in range(3))
    end(one, first, events)
    assert place(one, second) == ("Source", False)
    assert place(one, third) == ("Source", True)


def test_the_newer_never_passes_the_older_but_after_its_failure(events: Any) -> None:
    one = pipeline()
    older = start(one, events)
    end(one, older, events)
    newer = start(one, events)
    end(one, newer, events)
    end(one, older, events, FAILED)
    assert older.status == FAILED
    assert older.stages["Test"].status == FAILED
    assert place(one, newer) == ("Test", False)


def test_actions_of_one_run_order_run_together_and_the_next_after_them(events: Any) -> None:
    stages = definition()["stages"]
    stages[1]["actions"] = [build("A"), build("B"), build("Late", runOrder=2)]
    one = pipeline(stages=stages)
    execution = start(one, events)
    end(one, execution, events)
    assert [run.action for run in execution.running("Test")] == ["A", "B"]
    end(one, execution, events)
    end(one, execution, events)
    assert [run.action for run in execution.running("Test")] == ["Late"]


def test_a_failure_lets_the_others_of_its_order_end(events: Any) -> None:
    stages = definition()["stages"]
    stages[1]["actions"] = [build("A"), build("B"), build("Late", runOrder=2)]
    one = pipeline(stages=stages)
    execution = start(one, events)
    end(one, execution, events)
    end(one, execution, events, FAILED)
    assert execution.status == RUNNING
    end(one, execution, events)
    assert execution.status == FAILED
    assert execution.latest("Test", "Late") is None


def test_stop_and_wait_ends_after_the_action(events: Any) -> None:
    one = pipeline()
    execution = start(one, events)
    execution.status = STOPPING
    lifecycle.schedule(one, events)
    assert execution.status == STOPPING
    end(one, execution, events)
    assert execution.status == STOPPED
    assert "Test" not in execution.stages


def test_abandon_ends_at_once(events: Any) -> None:
    one = pipeline()
    execution = start(one, events)
    lifecycle.abandon(one, execution, events)
    assert execution.status == STOPPED
    assert execution.actions[0].status == "Abandoned"
    assert lifecycle.occupant(one, "Source") is None


def test_a_closed_transition_keeps_the_newest_waiting(events: Any) -> None:
    one = pipeline()
    one.transitions["Test"] = Transition(enabled=False)
    older, newer = start(one, events), None
    end(one, older, events)
    assert place(one, older) == ("Test", True)
    newer = start(one, events)
    end(one, newer, events)
    assert older.status == SUPERSEDED
    one.transitions["Test"] = Transition()
    lifecycle.schedule(one, events)
    assert place(one, newer) == ("Test", False)


def test_a_retry_runs_what_failed_and_keeps_the_rest(events: Any) -> None:
    stages = definition()["stages"]
    stages[1]["actions"] = [build("A"), build("B")]
    one = pipeline(stages=stages)
    execution = start(one, events)
    end(one, execution, events)
    end(one, execution, events)
    end(one, execution, events, FAILED)
    lifecycle.retry(one, execution, "Test", False, events)
    lifecycle.schedule(one, events)
    assert [run.action for run in execution.running("Test")] == ["B"]
    assert len(execution.actions) == 4
    end(one, execution, events)
    assert place(one, execution) == ("Build", False)


def test_a_retry_of_all_actions_runs_all(events: Any) -> None:
    one = pipeline()
    execution = start(one, events)
    end(one, execution, events, FAILED)
    lifecycle.retry(one, execution, "Source", True, events)
    lifecycle.schedule(one, events)
    assert execution.stages["Source"].attempt == 2
    assert [run.action for run in execution.running("Source")] == ["Source"]


def test_an_execution_runs_the_definition_of_its_start(events: Any) -> None:
    one = pipeline()
    execution = start(one, events)
    shorter = definition(version=2)
    shorter["stages"] = shorter["stages"][:2]
    one.version, one.versions[2] = 2, shorter
    for _ in range(4):
        end(one, execution, events)
    assert execution.status == SUCCEEDED
    assert set(execution.stages) == {"Source", "Test", "Build", "Deploy"}


def test_a_variable_without_a_value_fails_the_action(events: Any) -> None:
    stages = definition()["stages"]
    stages[1]["actions"][0]["configuration"]["EnvironmentVariables"] = "#{Source.Nothing}"
    one = pipeline(stages=stages)
    execution = start(one, events)
    end(one, execution, events)
    assert execution.status == FAILED
    assert execution.actions[-1].error_code == "ConfigurationError"


def test_variables_of_earlier_actions_are_put_in(events: Any) -> None:
    stages = definition()["stages"]
    stages[1]["actions"][0]["configuration"]["EnvironmentVariables"] = "#{Source.CommitId}!"
    one = pipeline(stages=stages)
    execution = start(one, events)
    execution.actions[0].variables = {"CommitId": "abc"}
    end(one, execution, events)
    assert execution.actions[-1].configuration["EnvironmentVariables"] == "abc!"


def test_inputs_are_the_outputs_of_earlier_actions(events: Any) -> None:
    one = pipeline()
    execution = start(one, events)
    made = end(one, execution, events).outputs[0]
    assert isinstance(made, Artifact)
    assert made.key.startswith("release/Source/")
    assert execution.actions[-1].inputs == [made]


def going_back() -> Pipeline:
    """A pipeline whose last stage is rolled back when it fails."""
    one = pipeline()
    one.definition["stages"][-1]["onFailure"] = {"result": "ROLLBACK"}
    return one


def reach(one: Pipeline, events: Any, stage: str = "Deploy") -> Execution:
    execution = start(one, events)
    while place(one, execution)[0] != stage:
        end(one, execution, events)
    return execution


def test_a_failed_stage_goes_back_to_what_succeeded_there_last(events: Any) -> None:
    one = going_back()
    good = reach(one, events)
    end(one, good, events)
    bad = reach(one, events)
    end(one, bad, events, FAILED)
    assert bad.status == FAILED
    back = one.executions[-1]
    assert (back.type, back.rollback_to) == ("ROLLBACK", good.id)
    assert place(one, back) == ("Deploy", False)
    assert back.running("Deploy")[0].inputs == good.latest("Deploy", "Deploy").inputs
    end(one, back, events)
    assert back.status == SUCCEEDED
    assert list(back.stages) == ["Deploy"]


def test_an_execution_that_waits_comes_after_the_rollback(events: Any) -> None:
    one = going_back()
    end(one, reach(one, events), events)
    bad = reach(one, events)
    newer = start(one, events)
    while not newer.waiting:
        end(one, newer, events)
    end(one, bad, events, FAILED)
    back = one.executions[-1]
    assert place(one, newer) == ("Deploy", True)
    end(one, back, events)
    assert place(one, newer) == ("Deploy", False)


def test_without_an_earlier_success_nothing_goes_back(events: Any) -> None:
    one = going_back()
    bad = reach(one, events)
    end(one, bad, events, FAILED)
    assert one.executions == [bad]


def test_a_rollback_that_fails_is_not_rolled_back(events: Any) -> None:
    one = going_back()
    end(one, reach(one, events), events)
    end(one, reach(one, events), events, FAILED)
    back = one.executions[-1]
    end(one, back, events, FAILED)
    assert one.executions[-1] is back
    assert back.status == FAILED


def test_a_success_of_another_structure_is_no_target(events: Any) -> None:
    one = going_back()
    end(one, reach(one, events), events)
    one.version += 1
    one.versions[one.version] = one.versions[one.version - 1]
    bad = reach(one, events)
    end(one, bad, events, FAILED)
    assert one.executions[-1] is bad
