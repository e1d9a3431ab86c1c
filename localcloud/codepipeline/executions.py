"""Executions: started, stopped, retried, answered, and shown.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from typing import Any

from localcloud.codepipeline import errors, lifecycle, shapes
from localcloud.codepipeline.core import Core, page
from localcloud.codepipeline.model import (
    FAILED,
    RUNNING,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    Execution,
    Pipeline,
)
from localcloud.codepipeline.pipelines import check_stage, defaults
from localcloud.shared.core import moment
from localcloud.shared.service import Call, ServiceError

STARTED_BY_HAND = "StartPipelineExecution"
KEPT_TOKENS = 100


def start(core: Core, call: Call) -> Mapping[str, Any]:
    """StartPipelineExecution; the same client request token starts one execution."""
    with core.change():
        pipeline = core.pipeline(call, call.input["name"])
        token = call.input.get("clientRequestToken")
        if token and pipeline.execution(pipeline.tokens.get(token, "")):
            return {"pipelineExecutionId": pipeline.tokens[token]}
        execution = lifecycle.begin(
            pipeline,
            (STARTED_BY_HAND, call.principal),
            core.events,
            _variables(pipeline, call),
            _revisions(pipeline, call),
        )
        if token:
            pipeline.tokens[token] = execution.id
            for old in list(pipeline.tokens)[:-KEPT_TOKENS]:
                del pipeline.tokens[old]
        return {"pipelineExecutionId": execution.id}


def _variables(pipeline: Pipeline, call: Call) -> dict[str, str]:
    given = {one["name"]: one["value"] for one in call.input.get("variables", [])}
    declared = [one["name"] for one in pipeline.definition.get("variables", [])]
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise errors.validation(f"The pipeline has no variable '{unknown[0]}'")
    found = {**defaults(pipeline.definition), **given}
    missing = [name for name in declared if name not in found]
    if missing:
        raise errors.validation(f"The variable '{missing[0]}' has no default and no value")
    return found


def _revisions(pipeline: Pipeline, call: Call) -> dict[str, str]:
    sources = [action["name"] for action in pipeline.stages[0]["actions"]]
    found = {}
    for one in call.input.get("sourceRevisions", []):
        if one["actionName"] not in sources:
            raise errors.validation(f"The pipeline has no source action '{one['actionName']}'")
        if one["revisionType"] != "COMMIT_ID":
            raise errors.validation(
                f"The source action '{one['actionName']}' takes the revisionType COMMIT_ID"
            )
        found[one["actionName"]] = one["revisionValue"]
    return found


def stop(core: Core, call: Call) -> Mapping[str, Any]:
    """StopPipelineExecution: after the actions in progress, or at once with `abandon`."""
    wanted = call.input
    with core.change():
        pipeline = core.pipeline(call, wanted["pipelineName"])
        execution = pipeline.execution(wanted["pipelineExecutionId"])
        if execution is None or execution.ended:
            status = execution.status if execution else "unknown"
            raise ServiceError(
                "PipelineExecutionNotStoppableException",
                f"The pipeline execution {wanted['pipelineExecutionId']} can't be stopped, since "
                f"it is not in progress (status: {status})",
            )
        if execution.status == STOPPING and not wanted.get("abandon"):
            raise ServiceError(
                "DuplicatedStopRequestException",
                f"The pipeline execution {execution.id} is stopping already",
            )
        execution.stop_reason = wanted.get("reason", "")
        if wanted.get("abandon"):
            lifecycle.abandon(pipeline, execution, core.events)
        else:
            execution.status, execution.updated = STOPPING, time.time()
            core.events.pipeline(pipeline, execution)
        return {"pipelineExecutionId": execution.id}


def retry(core: Core, call: Call) -> Mapping[str, Any]:
    """RetryStageExecution."""
    wanted = call.input
    with core.change():
        pipeline = core.pipeline(call, wanted["pipelineName"])
        check_stage(pipeline, wanted["stageName"])
        execution = _retryable(pipeline, wanted["pipelineExecutionId"], wanted["stageName"])
        every = wanted["retryMode"] == "ALL_ACTIONS"
        lifecycle.retry(pipeline, execution, wanted["stageName"], every, core.events)
        return {"pipelineExecutionId": execution.id}


def _retryable(pipeline: Pipeline, identifier: str, stage: str) -> Execution:
    execution = pipeline.execution(identifier)
    entered = execution.stages.get(stage) if execution else None
    if execution is None or entered is None or entered.status not in (FAILED, STOPPED):
        raise ServiceError(
            "StageNotRetryableException",
            f"The stage '{stage}' of execution {identifier} has not failed",
        )
    if execution.version != pipeline.version:
        raise ServiceError(
            "StageNotRetryableException",
            f"The pipeline was changed after execution {identifier} started; start it anew",
        )
    latest = shapes.latest_in_stage(pipeline, stage)
    if latest is not execution:
        raise ServiceError(
            "NotLatestPipelineExecutionException",
            f"The execution {latest.id if latest else ''} has been in stage '{stage}' since",
        )
    if lifecycle.occupant(pipeline, stage) or not execution.ended:
        raise ServiceError("ConflictException", f"The stage '{stage}' is in progress")
    return execution


def approve(core: Core, call: Call) -> Mapping[str, Any]:
    """PutApprovalResult."""
    wanted = call.input
    with core.change():
        pipeline = core.pipeline(call, wanted["pipelineName"])
        stage = check_stage(pipeline, wanted["stageName"])
        kinds = {one["name"]: one["actionTypeId"] for one in stage["actions"]}
        if kinds.get(wanted["actionName"], {}).get("category") != "Approval":
            raise errors.action_not_found(wanted["stageName"], wanted["actionName"])
        found = [
            (execution, run)
            for execution in pipeline.executions
            for run in execution.actions
            if (run.stage, run.action) == (wanted["stageName"], wanted["actionName"])
            and run.token
            and hmac.compare_digest(run.token.encode(), wanted["token"].encode())
        ]
        if not found:
            raise ServiceError("InvalidApprovalTokenException", "The approval token is not valid")
        execution, run = found[-1]
        if run.status != RUNNING:
            raise ServiceError(
                "ApprovalAlreadyCompletedException",
                f"The approval action has been completed: {run.status}",
            )
        now = time.time()
        result = wanted["result"]
        run.status = SUCCEEDED if result["status"] == "Approved" else FAILED
        run.summary, run.updated, run.updated_by = result["summary"], now, call.principal
        core.events.action(pipeline, execution, run, kinds[run.action])
    return {"approvedAt": moment(now)}


def get(core: Core, call: Call) -> Mapping[str, Any]:
    """GetPipelineExecution."""
    with core.lock:
        pipeline = core.pipeline(call, call.input["pipelineName"])
        execution = _find(pipeline, call.input["pipelineExecutionId"])
        return {"pipelineExecution": shapes.execution(pipeline, execution)}


def _find(pipeline: Pipeline, identifier: str) -> Execution:
    found = pipeline.execution(identifier)
    if found is None:
        raise errors.execution_not_found(identifier)
    return found


def list_all(core: Core, call: Call) -> Mapping[str, Any]:
    """ListPipelineExecutions, the newest first."""
    with core.lock:
        pipeline = core.pipeline(call, call.input["pipelineName"])
        wanted = call.input.get("filter", {}).get("succeededInStage", {}).get("stageName")
        rows = [
            shapes.summary(pipeline, one)
            for one in reversed(pipeline.executions)
            if wanted is None or (wanted in one.stages and one.stages[wanted].status == SUCCEEDED)
        ]
    shown, token = page(rows, call, default=100)
    return {"pipelineExecutionSummaries": shown, "nextToken": token}


def list_actions(core: Core, call: Call) -> Mapping[str, Any]:
    """ListActionExecutions, the newest first."""
    with core.lock:
        pipeline = core.pipeline(call, call.input["pipelineName"])
        chosen = call.input.get("filter", {})
        wanted = chosen.get("pipelineExecutionId") or chosen.get(
            "latestInPipelineExecution", {}
        ).get("pipelineExecutionId")
        executions = [_find(pipeline, wanted)] if wanted else pipeline.executions
        pairs = [(o, run) for o in executions for run in o.actions if run.stage in o.stages]
        pairs.sort(key=lambda pair: pair[1].started, reverse=True)
        rows = [shapes.action_execution(pipeline, one, run) for one, run in pairs]
    shown, token = page(rows, call, default=100)
    return {"actionExecutionDetails": shown, "nextToken": token}


def state(core: Core, call: Call) -> Mapping[str, Any]:
    """GetPipelineState."""
    with core.lock:
        return shapes.state(core.pipeline(call, call.input["name"]))
