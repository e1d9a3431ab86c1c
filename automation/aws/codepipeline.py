"""The stack's pipeline as CodePipeline tells it: its stages, its runs, and what each action did.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetPipelineState.html,
API_ListPipelineExecutions and API_ListActionExecutions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code

ABSENT = frozenset({"PipelineNotFoundException"})

NOT_STARTED = "NotStarted"
"""A stage or an action that no run has reached yet; CodePipeline says nothing about it."""

ENDED = frozenset({"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"})
"""Statuses of a run that won't change."""

COMMIT_LENGTH = 7

ROLLBACK = "ROLLBACK"
"""The type of an execution that puts a stage back to what an earlier run has deployed."""

PAGE = 100
"""The most executions that one answer lists."""


@dataclass(frozen=True)
class Action:
    """What an action did, in one run.

    Attributes:
        stage: its stage.
        name: its name.
        status: InProgress, Succeeded, Failed, Abandoned or NotStarted.
        summary: what it says about itself.
        error: why it failed, with the error's code.
        outside: its id in the service that does the work, such as a build's.
        token: what an answer to an approval must carry.
        category: Source, Build, Test, Deploy or Approval, where it is known.
        began: when it began.
        changed: when its status changed last.
    """

    stage: str
    name: str
    status: str
    summary: str = ""
    error: str = ""
    outside: str = ""
    token: str = ""
    category: str = ""
    began: datetime | None = None
    changed: datetime | None = None

    @property
    def words(self) -> str:
        """Why it failed, or else what it says about itself."""
        return self.error or self.summary


@dataclass(frozen=True)
class Stage:
    """A stage, with what it did last.

    Attributes:
        name: its name.
        status: Succeeded, Failed, InProgress, Stopped, Stopping, Cancelled or NotStarted.
        run: the run that it worked on last.
        actions: what its actions did last.
        rolled_back: what it did last was a rollback, which is an execution of its own.
    """

    name: str
    status: str
    run: str
    actions: tuple[Action, ...]
    rolled_back: bool = False


@dataclass(frozen=True)
class Run:
    """A run of the pipeline.

    Attributes:
        identity: its id.
        status: InProgress, Stopping, or one of ENDED.
        began: when it began.
        changed: when anything about it changed last.
        commit: what it releases, once the source is read.
        message: the commit's first line.
        trigger: what started it.
        why: CodePipeline's words about its status.
    """

    identity: str
    status: str
    began: datetime
    changed: datetime
    commit: str = ""
    message: str = ""
    trigger: str = ""
    why: str = ""

    @property
    def failed(self) -> bool:
        """It ended without a release, and no newer run overtook it."""
        return self.status in {"Failed", "Stopped", "Cancelled"}


def stages(cloud: Cloud, pipeline: str) -> list[Stage] | None:
    """The stages in their order; None if there is no such pipeline."""
    try:
        state = cloud.client("codepipeline").get_pipeline_state(name=pipeline)
    except ClientError as error:
        if error_code(error) not in ABSENT:
            raise
        return None
    return [_stage(row) for row in state["stageStates"]]


def runs(cloud: Cloud, pipeline: str, most: int = 20) -> list[Run]:
    """The latest `most` runs, newest first; none if there is no such pipeline.

    A rollback of a stage is an execution of its own, and no release.
    """
    try:
        answer = cloud.client("codepipeline").list_pipeline_executions(
            pipelineName=pipeline, maxResults=PAGE
        )
    except ClientError as error:
        if error_code(error) not in ABSENT:
            raise
        return []
    found = answer["pipelineExecutionSummaries"]
    return [_run(row) for row in found if row.get("executionType") != ROLLBACK][:most]


def run_of(cloud: Cloud, pipeline: str, identity: str) -> Run | None:
    """A run by its id, if it is one of the last hundred."""
    found = runs(cloud, pipeline, most=100)
    return next((run for run in found if run.identity == identity), None)


def actions(cloud: Cloud, pipeline: str, run: str) -> list[Action]:
    """What the actions of a run did, in the order in which they began."""
    rows = cloud.pages(
        "codepipeline",
        "list_action_executions",
        "actionExecutionDetails",
        pipelineName=pipeline,
        filter={"pipelineExecutionId": run},
    )
    return sorted((_detail(row) for row in rows), key=lambda a: (a.began is None, a.began))


def waiting(found: Iterable[Stage]) -> list[Action]:
    """Approvals that wait for an answer."""
    every = (action for stage in found for action in stage.actions)
    return [action for action in every if action.token and action.status == "InProgress"]


def _stage(row: Mapping[str, Any]) -> Stage:
    latest = row.get("latestExecution") or {}
    name = row["stageName"]
    return Stage(
        name=name,
        status=latest.get("status", NOT_STARTED),
        run=latest.get("pipelineExecutionId", ""),
        actions=tuple(_state(name, each) for each in row.get("actionStates", [])),
        rolled_back=latest.get("type") == ROLLBACK,
    )


def _state(stage: str, row: Mapping[str, Any]) -> Action:
    latest = row.get("latestExecution") or {}
    return Action(
        stage=stage,
        name=row["actionName"],
        status=latest.get("status", NOT_STARTED),
        summary=latest.get("summary", ""),
        error=_error(latest.get("errorDetails")),
        outside=latest.get("externalExecutionId", ""),
        token=latest.get("token", ""),
        changed=latest.get("lastStatusChange"),
    )


def _detail(row: Mapping[str, Any]) -> Action:
    kind = (row.get("input") or {}).get("actionTypeId") or {}
    result = (row.get("output") or {}).get("executionResult") or {}
    return Action(
        stage=row["stageName"],
        name=row["actionName"],
        status=row["status"],
        summary=result.get("externalExecutionSummary", ""),
        error=_error(result.get("errorDetails")),
        outside=result.get("externalExecutionId", ""),
        category=kind.get("category", ""),
        began=row.get("startTime"),
        changed=row.get("lastUpdateTime"),
    )


def _error(details: Mapping[str, str] | None) -> str:
    if not details:
        return ""
    code, message = details.get("code", ""), details.get("message", "")
    return f"{message} ({code})" if code and message else message or code


def _run(row: Mapping[str, Any]) -> Run:
    revision: Mapping[str, str] = next(iter(row.get("sourceRevisions") or []), {})
    trigger = row.get("trigger") or {}
    stopped = (row.get("stopTrigger") or {}).get("reason", "")
    return Run(
        identity=row["pipelineExecutionId"],
        status=row["status"],
        began=row["startTime"],
        changed=row.get("lastUpdateTime", row["startTime"]),
        commit=revision.get("revisionId", ""),
        message=revision.get("revisionSummary", "").partition("\n")[0],
        trigger=" ".join(
            filter(None, (trigger.get("triggerType"), trigger.get("triggerDetail")))
        ).strip(),
        why=row.get("statusSummary") or stopped,
    )
