"""Executions and the pipeline's state as the API's answers have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.codepipeline import lifecycle
from localcloud.codepipeline.actions import kind_of
from localcloud.codepipeline.actions.approval import KIND as APPROVAL
from localcloud.codepipeline.core import given
from localcloud.codepipeline.model import (
    ActionRun,
    Artifact,
    Execution,
    Pipeline,
    Revision,
    StageRun,
)
from localcloud.codepipeline.validation import MASK, secrets_of
from localcloud.shared.core import moment

MANUAL_RETRY = "ManualStageRetry"


def execution(pipeline: Pipeline, one: Execution) -> dict[str, Any]:
    """`PipelineExecution`."""
    return given(
        {
            "pipelineName": pipeline.name,
            "pipelineVersion": one.version,
            "pipelineExecutionId": one.id,
            "status": one.status,
            "statusSummary": one.summary,
            "artifactRevisions": [_artifact_revision(revision) for revision in one.revisions],
            "variables": [
                {"name": name, "resolvedValue": value} for name, value in one.variables.items()
            ],
            **_how(pipeline, one),
        }
    )


def summary(pipeline: Pipeline, one: Execution) -> dict[str, Any]:
    """`PipelineExecutionSummary`."""
    return given(
        {
            "pipelineExecutionId": one.id,
            "status": one.status,
            "statusSummary": one.summary,
            "startTime": moment(one.started),
            "lastUpdateTime": moment(one.updated),
            "sourceRevisions": [
                {
                    "actionName": revision.action,
                    "revisionId": revision.revision_id,
                    "revisionSummary": revision.summary,
                    "revisionUrl": revision.url,
                }
                for revision in one.revisions
            ],
            "stopTrigger": {"reason": one.stop_reason} if one.stop_reason is not None else None,
            **_how(pipeline, one),
        }
    )


def _how(pipeline: Pipeline, one: Execution) -> dict[str, Any]:
    definition = lifecycle.definition_of(pipeline, one)
    rolled = {"rollbackTargetPipelineExecutionId": one.rollback_to} if one.rollback_to else {}
    return {
        "trigger": {"triggerType": one.trigger_type, "triggerDetail": one.trigger_detail},
        "executionMode": definition.get("executionMode", "SUPERSEDED"),
        "executionType": one.type,
        **({"rollbackMetadata": rolled} if rolled else {}),
    }


def _artifact_revision(revision: Revision) -> dict[str, Any]:
    return given(
        {
            "name": revision.artifact,
            "revisionId": revision.revision_id,
            "revisionSummary": revision.summary,
            "created": moment(revision.created),
            "revisionUrl": revision.url,
        }
    )


def action_execution(pipeline: Pipeline, one: Execution, run: ActionRun) -> dict[str, Any]:
    """`ActionExecutionDetail`; secrets masked."""
    stages = lifecycle.definition_of(pipeline, one)["stages"]
    stage = next(each for each in stages if each["name"] == run.stage)
    action = next(each for each in stage["actions"] if each["name"] == run.action)
    return given(
        {
            "pipelineExecutionId": one.id,
            "actionExecutionId": run.id,
            "pipelineVersion": one.version,
            "stageName": run.stage,
            "actionName": run.action,
            "startTime": moment(run.started),
            "lastUpdateTime": moment(run.updated),
            "updatedBy": run.updated_by,
            "status": run.status,
            "input": given(
                {
                    "actionTypeId": action["actionTypeId"],
                    "configuration": _told(action, action.get("configuration", {})),
                    "resolvedConfiguration": _told(action, run.configuration),
                    "roleArn": action.get("roleArn"),
                    "region": action.get("region", pipeline.region),
                    "inputArtifacts": [_artifact(each) for each in run.inputs],
                    "namespace": action.get("namespace"),
                }
            ),
            "output": {
                "outputArtifacts": [_artifact(each) for each in run.outputs],
                "executionResult": _result(run),
                "outputVariables": run.variables,
            },
        }
    )


def _told(action: Mapping[str, Any], configuration: Mapping[str, str]) -> dict[str, str]:
    secret = secrets_of(action)
    return {key: MASK if key in secret else value for key, value in configuration.items()}


def _artifact(artifact: Artifact) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "s3location": {"bucket": artifact.bucket, "key": artifact.key},
    }


def _result(run: ActionRun) -> dict[str, Any]:
    return given(
        {
            "externalExecutionId": run.external_id,
            "externalExecutionSummary": run.summary,
            "externalExecutionUrl": run.external_url,
            "errorDetails": _error(run),
            "logStreamARN": run.log_stream_arn,
        }
    )


def _error(run: ActionRun) -> dict[str, str] | None:
    found = given({"code": run.error_code, "message": run.error_message})
    return found or None


def latest_in_stage(pipeline: Pipeline, stage: str) -> Execution | None:
    """The newest execution that has been in a stage."""
    found = [one for one in pipeline.executions if stage in one.stages]
    return max(found, key=lambda one: one.number) if found else None


def latest_run(pipeline: Pipeline, stage: str, action: str) -> tuple[Execution, ActionRun] | None:
    """The latest run of an action in any execution."""
    pairs = [(one, one.latest(stage, action)) for one in pipeline.executions]
    found = [(one, run) for one, run in pairs if run is not None]
    return max(found, key=lambda pair: pair[1].started) if found else None


def state(pipeline: Pipeline) -> dict[str, Any]:
    """GetPipelineState's answer."""
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.version,
        "stageStates": [_stage(pipeline, stage) for stage in pipeline.stages],
        "created": moment(pipeline.created),
        "updated": moment(pipeline.updated),
    }


def _stage(pipeline: Pipeline, stage: Mapping[str, Any]) -> dict[str, Any]:
    name = stage["name"]
    latest = latest_in_stage(pipeline, name)
    inbound = [_stage_execution(one, one.status) for one in lifecycle.waiting(pipeline, name)]
    transition = pipeline.transitions.get(name, lifecycle.OPEN)
    run: StageRun | None = latest.stages[name] if latest else None
    return given(
        {
            "stageName": name,
            "inboundExecution": inbound[-1] if inbound else None,
            "inboundExecutions": inbound or None,
            "inboundTransitionState": given(
                {
                    "enabled": transition.enabled,
                    "lastChangedBy": transition.changed_by,
                    "lastChangedAt": moment(transition.changed_at) if transition.changed_at else "",
                    "disabledReason": "" if transition.enabled else transition.reason,
                }
            ),
            "actionStates": [_action(pipeline, name, action) for action in stage["actions"]],
            "latestExecution": _stage_execution(latest, run.status) if latest and run else None,
            "retryStageMetadata": _retries(run),
        }
    )


def _stage_execution(one: Execution, status: str) -> dict[str, str]:
    return {"pipelineExecutionId": one.id, "status": status, "type": one.type}


def _retries(run: StageRun | None) -> dict[str, Any] | None:
    if run is None or run.attempt == 1:
        return None
    return {"manualStageRetryAttempt": run.attempt - 1, "latestRetryTrigger": MANUAL_RETRY}


def _action(pipeline: Pipeline, stage: str, action: Mapping[str, Any]) -> dict[str, Any]:
    found = latest_run(pipeline, stage, action["name"])
    told: dict[str, Any] = {"actionName": action["name"]}
    if found is None:
        return told
    one, run = found
    revision = next((each for each in one.revisions if each.action == run.action), None)
    if revision is not None:
        told["currentRevision"] = {
            "revisionId": revision.revision_id,
            "revisionChangeId": revision.revision_id,
            "created": moment(revision.created),
        }
        told["revisionUrl"] = revision.url
    waits = kind_of(action) == APPROVAL and run.status == "InProgress"
    told["latestExecution"] = given(
        {
            "actionExecutionId": run.id,
            "status": run.status,
            "summary": run.summary,
            "lastStatusChange": moment(run.updated),
            "token": run.token if waits else "",
            "lastUpdatedBy": run.updated_by,
            "externalExecutionId": run.external_id,
            "externalExecutionUrl": run.external_url,
            "errorDetails": _error(run),
            "logStreamARN": run.log_stream_arn,
        }
    )
    return told
