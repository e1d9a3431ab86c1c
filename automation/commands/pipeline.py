"""`pipeline start`, `approve` and `reject`: run the pipeline by hand, answer an approval."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import error_code
from automation.aws.codepipeline import (
    COMMIT_LENGTH,
    ENDED,
    Action,
    Run,
    actions,
    run_of,
    stages,
    waiting,
)
from automation.commands.diagnose import print_diagnosis
from automation.deployment.pipeline_report import ANSWER
from automation.diagnosis import pipeline as pipeline_diagnosis
from automation.diagnosis.diagnosis import Diagnosis
from automation.errors import ConfigurationError, DriverError, Stopped
from automation.screen import Screen
from automation.stack.operations import Session, opened

POLL_SECONDS = 1.0
COMMENT_LIMIT = 512
"""https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ApprovalResult.html"""

RESULTS = {"Succeeded": "succeeded", "Superseded": "superseded", "Stopped": "stopped"}
"""Final status of a run → result; every other is `failed`."""


def start(stack: str, screen: Screen, wait: bool = True) -> int:
    """Run the pipeline on the branch's latest commit.

    Args:
        stack: the stack's name.
        screen: where results and progress go.
        wait: until the run has ended; the stages are told as they go.

    Returns:
        0 if it ended in a release, or was started and not waited for; else 1.

    Raises:
        ConfigurationError: the stack has no pipeline.
        Stopped: a person stopped waiting; the run goes on.
    """
    with opened(stack, screen) as session:
        pipeline = require(session)
        answer = session.cloud.client("codepipeline").start_pipeline_execution(
            name=pipeline, clientRequestToken=str(uuid.uuid4())
        )
        identity = str(answer["pipelineExecutionId"])
        screen.note(f"Started the run {identity} of the pipeline {pipeline}")
        if not wait:
            screen.document({"stack": stack, "result": "started", "execution": identity})
            screen.result(f"{stack}: started; `run.py status --stack {stack}` shows its stages")
            return 0
        try:
            run = _follow(session, pipeline, identity)
        except KeyboardInterrupt:
            raise Stopped(
                f"Interrupted: the run {identity} goes on by itself; `status` shows it."
            ) from None
        return _report(session, Ended(run, actions(session.cloud, pipeline, identity)))


def require(session: Session) -> str:
    """The name of the stack's pipeline.

    Raises:
        ConfigurationError: it has none; the message says how it gets one.
    """
    pipeline, name = session.pipeline, session.file.name
    if pipeline and stages(session.cloud, pipeline) is not None:
        return pipeline
    if pipeline:
        raise ConfigurationError(
            f"The pipeline of the stack {name} does not exist yet: "
            f"`python automation/run.py up --stack {name}` makes it."
        )
    raise ConfigurationError(
        f"The stack {name} has no pipeline: set github_owner and github_repository, and "
        "github_token or connection_arn, then run `up`."
    )


def _follow(session: Session, pipeline: str, identity: str) -> Run:
    """Print each change of an action until the run ends."""
    told: dict[tuple[str, str], str] = {}
    while True:
        run = run_of(session.cloud, pipeline, identity)
        for action in actions(session.cloud, pipeline, identity):
            key = (action.stage, action.name)
            if told.get(key) != action.status:
                told[key] = action.status
                session.screen.note(_line(action))
        if run is not None and run.status in ENDED:
            return run
        session.screen.still(f"The run {identity} goes on")
        time.sleep(POLL_SECONDS)


def _line(action: Action) -> str:
    """An action's status, how long it took, and what it says."""
    took = ""
    if action.status != "InProgress" and action.began and action.changed:
        took = f" ({(action.changed - action.began).total_seconds():.0f} s)"
    words = f": {action.words}" if action.words else ""
    if action.category == "Approval" and action.status == "InProgress":
        words = f": waits for an answer; {ANSWER}"
    return f"{action.stage}/{action.name} {action.status}{took}{words}"


@dataclass(frozen=True)
class Ended:
    """A run that has ended."""

    run: Run
    actions: list[Action]

    @property
    def result(self) -> str:
        """succeeded, superseded, stopped or failed."""
        return RESULTS.get(self.run.status, "failed")


def _report(session: Session, ended: Ended) -> int:
    """Print the verdict on a run."""
    run, screen = ended.run, session.screen
    succeeded = ended.result == "succeeded"
    found = None if succeeded else pipeline_diagnosis.diagnose_run(session, run)
    screen.document(_document(session, ended, found))
    commit = f" {run.commit[:COMMIT_LENGTH]}" if run.commit else ""
    screen.result(f"{session.file.name}: {run.status}{commit} ({screen.elapsed:.0f} s)")
    if found:
        print_diagnosis(screen, found)
    return 0 if succeeded else 1


def _document(session: Session, ended: Ended, found: Diagnosis | None) -> dict[str, Any]:
    return {
        "stack": session.file.name,
        "result": ended.result,
        "execution": ended.run.identity,
        "commit": ended.run.commit or None,
        "duration_seconds": round(session.screen.elapsed, 1),
        "actions": [
            {"stage": a.stage, "name": a.name, "status": a.status, "summary": a.words or None}
            for a in ended.actions
        ],
        "diagnosis": found.document() if found else None,
    }


def answer(stack: str, screen: Screen, approve: bool, comment: str = "") -> int:
    """Approve or reject the waiting approval.

    Args:
        stack: the stack's name.
        screen: where the result goes.
        approve: or reject.
        comment: kept with the answer.

    Raises:
        ConfigurationError: nothing waits, or the comment is too long.
        DriverError: somebody else answered meanwhile.
    """
    if len(comment) > COMMENT_LIMIT:
        raise ConfigurationError(f"--comment must have at most {COMMENT_LIMIT} characters.")
    word = "Approved" if approve else "Rejected"
    with opened(stack, screen) as session:
        pipeline = require(session)
        asked = waiting(stages(session.cloud, pipeline) or [])
        if not asked:
            raise ConfigurationError(f"No run of the pipeline {pipeline} waits for an answer.")
        for action in asked:
            _put(
                session, pipeline, action, {"status": word, "summary": comment or f"{word} by hand"}
            )
        screen.document(
            {
                "stack": stack,
                "result": word.lower(),
                "answered": [f"{a.stage}/{a.name}" for a in asked],
            }
        )
        screen.result(f"{stack}: {word.lower()} {', '.join(a.stage for a in asked)}")
    return 0


TOO_LATE = frozenset({"ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"})


def _put(session: Session, pipeline: str, action: Action, result: dict[str, str]) -> None:
    try:
        session.cloud.client("codepipeline").put_approval_result(
            pipelineName=pipeline,
            stageName=action.stage,
            actionName=action.name,
            result=result,
            token=action.token,
        )
    except ClientError as error:
        if error_code(error) not in TOO_LATE:
            raise
        raise DriverError(
            f"{action.stage} was answered by somebody else, or its run is over: see `status`."
        ) from error
