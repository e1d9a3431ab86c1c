"""How executions move: into stages, through their actions, past one another, to their end.

https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html: a stage is
locked while an execution is in it; executions wait before a locked stage, and of those that wait
the newest supersedes the others (mode SUPERSEDED), or they go in by their turn (mode QUEUED).

Nothing here waits or calls another service: each function looks at the state and moves it on.
The caller holds the state's lock.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localcloud.codepipeline.actions.artifacts import location
from localcloud.codepipeline.actions.work import CONFIGURATION_ERROR
from localcloud.codepipeline.events import Events
from localcloud.codepipeline.model import (
    ABANDONED,
    FAILED,
    KEPT_EXECUTIONS,
    ROLLBACK,
    RUNNING,
    STANDARD,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    SUPERSEDED,
    ActionRun,
    Artifact,
    Execution,
    Pipeline,
    StageRun,
    Transition,
)
from localcloud.codepipeline.variables import UnknownVariableError, namespaces, resolve

OPEN = Transition()

AUTOMATIC_ROLLBACK = "AutomatedRollback"
"""https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ExecutionTrigger.html"""


def begin(
    pipeline: Pipeline,
    trigger: tuple[str, str],
    events: Events,
    variables: Mapping[str, str] | None = None,
    source_revisions: Mapping[str, str] | None = None,
) -> Execution:
    """A new execution, which waits before the first stage.

    Args:
        pipeline: whose.
        trigger: what started it: type and detail, as GetPipelineExecution tells them.
        events: is told.
        variables: the pipeline's variables with their values.
        source_revisions: source action → the commit that is asked for.
    """
    now = time.time()
    pipeline.last_number += 1
    execution = Execution(
        id=str(uuid.uuid4()),
        number=pipeline.last_number,
        version=pipeline.version,
        status=RUNNING,
        started=now,
        updated=now,
        trigger_type=trigger[0],
        trigger_detail=trigger[1],
        variables=dict(variables or {}),
        source_revisions=dict(source_revisions or {}),
    )
    pipeline.executions.append(execution)
    _forget_old(pipeline)
    events.pipeline(pipeline, execution)
    return execution


def _forget_old(pipeline: Pipeline) -> None:
    excess = len(pipeline.executions) - KEPT_EXECUTIONS
    for old in [one for one in pipeline.executions if one.ended][: max(0, excess)]:
        pipeline.executions.remove(old)
    used = {one.version for one in pipeline.executions} | {pipeline.version}
    for version in [number for number in pipeline.versions if number not in used]:
        del pipeline.versions[version]


def definition_of(pipeline: Pipeline, execution: Execution) -> dict[str, Any]:
    """The definition that an execution runs: the one of its start."""
    return pipeline.versions[execution.version]


def stage_of(pipeline: Pipeline, execution: Execution) -> dict[str, Any]:
    """The stage that an execution is in, or waits before."""
    stage: dict[str, Any] = definition_of(pipeline, execution)["stages"][execution.position]
    return stage


def occupant(pipeline: Pipeline, stage: str) -> Execution | None:
    """The execution that a stage is locked by."""
    for execution in pipeline.executions:
        if execution.ended or execution.waiting:
            continue
        if stage_of(pipeline, execution)["name"] == stage:
            return execution
    return None


def waiting(pipeline: Pipeline, stage: str) -> list[Execution]:
    """The executions that wait before a stage, oldest first."""
    return [
        one
        for one in pipeline.executions
        if not one.ended and one.waiting and stage_of(pipeline, one)["name"] == stage
    ]


def schedule(pipeline: Pipeline, events: Events) -> None:
    """Move every execution as far as it can go."""
    moved = True
    while moved:
        moved = False
        for execution in list(pipeline.executions):
            if execution.ended:
                continue
            step = _wait if execution.waiting else _proceed
            moved = step(pipeline, execution, events) or moved


def _wait(pipeline: Pipeline, execution: Execution, events: Events) -> bool:
    """Before a stage: overtaken, stopped, let in, or still waiting (False)."""
    stage = stage_of(pipeline, execution)["name"]
    if execution.status == STOPPING:
        return _end(pipeline, execution, STOPPED, events)
    queue = waiting(pipeline, stage)
    superseding = pipeline.definition.get("executionMode", SUPERSEDED.upper()) != "QUEUED"
    if superseding and execution is not queue[-1]:
        execution.summary = f"Superseded by {queue[-1].id}"
        return _end(pipeline, execution, SUPERSEDED, events)
    if occupant(pipeline, stage) or not pipeline.transitions.get(stage, OPEN).enabled:
        return False
    if not superseding and execution is not queue[0]:
        return False
    now = time.time()
    execution.waiting, execution.updated = False, now
    execution.stages[stage] = StageRun(stage, RUNNING, now, now)
    events.stage(pipeline, execution, execution.stages[stage])
    return True


def _proceed(pipeline: Pipeline, execution: Execution, events: Events) -> bool:
    """In a stage: start what can start, or end the stage; False while actions run."""
    stage = stage_of(pipeline, execution)
    entered = execution.stages[stage["name"]]
    for group in _by_order(stage["actions"]):
        runs = [_run_of(execution, entered, action) for action in group]
        absent = [action for action, run in zip(group, runs, strict=True) if run is None]
        statuses = {run.status for run in runs if run is not None}
        if absent and execution.status != STOPPING and not statuses & {FAILED, ABANDONED}:
            for action in absent:
                start_action(pipeline, execution, stage["name"], action, events)
            return True
        if RUNNING in statuses:
            return False
        if statuses & {FAILED, ABANDONED}:
            _end_stage(pipeline, execution, entered, FAILED, events)
            _end(pipeline, execution, FAILED, events)
            if stage.get("onFailure") and execution.type == STANDARD:
                roll_back(pipeline, execution, stage["name"], events)
            return True
        if absent:
            _end_stage(pipeline, execution, entered, STOPPED, events)
            return _end(pipeline, execution, STOPPED, events)
    _end_stage(pipeline, execution, entered, SUCCEEDED, events)
    if execution.type == ROLLBACK:
        return _end(pipeline, execution, SUCCEEDED, events)
    if execution.position + 1 == len(definition_of(pipeline, execution)["stages"]):
        return _end(pipeline, execution, SUCCEEDED, events)
    execution.position += 1
    execution.waiting, execution.updated = True, time.time()
    return True


def roll_back(pipeline: Pipeline, failed: Execution, stage: str, events: Events) -> None:
    """Begin an execution that repeats a stage as the last successful one in it had it.

    It is of the pipeline's current version, and itself no rollback; without one nothing begins.
    https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback-auto.html
    """
    target = last_success(pipeline, stage)
    if target is None:
        return
    detail = f'{{"failedPipelineExecutionId":"{failed.id}"}}'
    execution = begin(pipeline, (AUTOMATIC_ROLLBACK, detail), events, target.variables)
    execution.position, execution.rollback_to = failed.position, target.id
    execution.artifacts = dict(target.artifacts)
    execution.revisions = list(target.revisions)
    execution.actions = [
        replace(run) for run in target.actions if run.stage != stage and run.status == SUCCEEDED
    ]
    now = time.time()
    # It keeps the stage: executions that wait before it come after.
    execution.waiting, execution.stages[stage] = False, StageRun(stage, RUNNING, now, now)
    events.stage(pipeline, execution, execution.stages[stage])


def last_success(pipeline: Pipeline, stage: str) -> Execution | None:
    """The newest execution to which a stage can be rolled back."""
    found = [
        one
        for one in pipeline.executions
        if one.version == pipeline.version
        and one.type == STANDARD
        and stage in one.stages
        and one.stages[stage].status == SUCCEEDED
    ]
    return max(found, key=lambda one: one.number, default=None)


def _by_order(actions: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    orders = sorted({action.get("runOrder", 1) for action in actions})
    return [[one for one in actions if one.get("runOrder", 1) == order] for order in orders]


def _run_of(execution: Execution, stage: StageRun, action: Mapping[str, Any]) -> ActionRun | None:
    """The run that counts; None where a retry, or the first try, is still to come."""
    if action["name"] in stage.again:
        return None
    return execution.latest(stage.name, action["name"])


def start_action(
    pipeline: Pipeline,
    execution: Execution,
    stage: str,
    action: Mapping[str, Any],
    events: Events,
) -> ActionRun:
    """An action begins; the executor advances it from now on."""
    definition, now = definition_of(pipeline, execution), time.time()
    bucket = _store(definition, pipeline.region)["location"]
    inputs = [execution.artifacts[one["name"]] for one in action.get("inputArtifacts", [])]
    outputs: list[Artifact] = [
        location(bucket, pipeline.name, one["name"]) for one in action.get("outputArtifacts", [])
    ]
    run = ActionRun(
        id=str(uuid.uuid4()),
        stage=stage,
        action=action["name"],
        status=RUNNING,
        started=now,
        updated=now,
        inputs=inputs,
        outputs=outputs,
    )
    try:
        known = namespaces(definition, execution)
        run.configuration = resolve(action.get("configuration", {}), known)
    except UnknownVariableError as error:
        run.status, run.error_code, run.error_message = FAILED, CONFIGURATION_ERROR, str(error)
    execution.actions.append(run)
    execution.updated = now
    entered = execution.stages[stage]
    entered.again = [name for name in entered.again if name != action["name"]]
    events.action(pipeline, execution, run, action["actionTypeId"])
    return run


def _store(definition: Mapping[str, Any], region: str) -> dict[str, Any]:
    stores: dict[str, dict[str, Any]] = definition.get("artifactStores", {})
    return stores[region] if stores else dict(definition["artifactStore"])


def encryption_key(definition: Mapping[str, Any], region: str) -> str:
    """The key of the artifact store; empty for the bucket's own encryption."""
    return str(_store(definition, region).get("encryptionKey", {}).get("id", ""))


def _end_stage(
    pipeline: Pipeline, execution: Execution, stage: StageRun, status: str, events: Events
) -> None:
    stage.status, stage.updated = status, time.time()
    events.stage(pipeline, execution, stage)


def _end(pipeline: Pipeline, execution: Execution, status: str, events: Events) -> bool:
    execution.status, execution.updated = status, time.time()
    events.pipeline(pipeline, execution)
    return True


def abandon(pipeline: Pipeline, execution: Execution, events: Events) -> None:
    """Stop at once: what runs is left to itself, and its result no longer counts."""
    stage = stage_of(pipeline, execution)
    now = time.time()
    for run in execution.running(stage["name"]):
        run.status, run.updated = ABANDONED, now
        run.summary = "The action was abandoned: its pipeline execution was stopped"
        kind = next(one for one in stage["actions"] if one["name"] == run.action)
        events.action(pipeline, execution, run, kind["actionTypeId"])
    if not execution.waiting:
        _end_stage(pipeline, execution, execution.stages[stage["name"]], STOPPED, events)
    _end(pipeline, execution, STOPPED, events)


def retry(
    pipeline: Pipeline, execution: Execution, stage: str, every: bool, events: Events
) -> None:
    """Run the stage in which an execution ended once more: what failed, or all of it."""
    definition = stage_of(pipeline, execution)
    entered, now = execution.stages[stage], time.time()
    entered.again = [
        action["name"]
        for action in definition["actions"]
        if every or _unsuccessful(execution.latest(stage, action["name"]))
    ]
    entered.status, entered.updated, entered.started = RUNNING, now, now
    entered.attempt += 1
    execution.status, execution.updated, execution.stop_reason = RUNNING, now, None
    execution.attempt += 1
    events.pipeline(pipeline, execution, "RESUMED")
    events.stage(pipeline, execution, entered, "RESUMED")


def _unsuccessful(run: ActionRun | None) -> bool:
    return run is None or run.status != SUCCEEDED
