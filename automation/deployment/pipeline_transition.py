"""Disables the pipeline's Deploy transition while `up` changes the service.

`up` looks up the image that runs and keeps it. A release that is deployed between that look and
the update of the service would be undone by it, so `up` closes the way into the stage Deploy,
waits for a release that is in it, and opens the way again when it has ended. Executions wait before
the closed stage and go on by themselves.

https://docs.aws.amazon.com/codepipeline/latest/userguide/transitions.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.clients import error_code
from automation.errors import DriverError
from automation.stack.operations import Session
from infra.names import DEPLOY_STAGE

REASON = "An up of fargate-cd is changing the stack. It opens this again when it has ended."
"""In the letters that CodePipeline takes: no comma, no colon, no quotation mark."""

POLL_SECONDS = 1.0
PATIENCE_SECONDS = 35 * 60.0
"""Longer than a deployment of the pipeline may take."""


@contextmanager
def no_release_meanwhile(session: Session) -> Iterator[None]:
    """Disable the pipeline's Deploy transition while the caller changes the service.

    Raises:
        DriverError: the release that is being deployed does not end.
    """
    name = None if session.created else session.pipeline
    stage = _deploy_stage(session, name) if name else None
    if name is None or stage is None or _closed_by_another(stage):
        yield
        return
    client = session.cloud.client("codepipeline")
    place = {"pipelineName": name, "stageName": DEPLOY_STAGE, "transitionType": "Inbound"}
    client.disable_stage_transition(**place, reason=REASON)
    try:
        _await_deployment(session, name)
        yield
    except BaseException:
        try:
            _reopen(client, place)
        except (BotoCoreError, ClientError) as error:  # what ended the caller's work is told first
            session.screen.warn(
                f"The way into the stage {DEPLOY_STAGE} of {name} stays closed until the next `up` "
                f"has ended: {error}"
            )
        raise
    _reopen(client, place)


def _reopen(client: Any, place: Mapping[str, str]) -> None:
    try:
        client.enable_stage_transition(**place)
    except ClientError as error:
        if error_code(error) not in ("PipelineNotFoundException", "StageNotFoundException"):
            raise


def _deploy_stage(session: Session, name: str) -> Mapping[str, Any] | None:
    """Return the Deploy stage's state; None if the pipeline or the stage does not exist."""
    try:
        state = session.cloud.client("codepipeline").get_pipeline_state(name=name)
    except ClientError as error:
        if error_code(error) == "PipelineNotFoundException":
            return None
        raise
    found = (stage for stage in state["stageStates"] if stage["stageName"] == DEPLOY_STAGE)
    return next(found, None)


def _closed_by_another(stage: Mapping[str, Any]) -> bool:
    """Whether somebody else disabled the transition, so that it must stay disabled."""
    transition = stage.get("inboundTransitionState", {})
    return not transition.get("enabled", True) and transition.get("disabledReason") != REASON


def _await_deployment(session: Session, name: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    told = False
    while True:
        stage = _deploy_stage(session, name)
        if stage is None or stage.get("latestExecution", {}).get("status") != "InProgress":
            return
        if not told:
            session.screen.note("The pipeline is deploying a release; waiting until it has ended")
            told = True
        session.screen.still("Waiting for the end of the pipeline's release")
        if time.monotonic() > deadline:
            raise DriverError(
                f"The pipeline {name} has been deploying for {PATIENCE_SECONDS / 60:.0f} minutes; "
                "see `status`, or stop its execution, then run `up` again."
            )
        time.sleep(POLL_SECONDS)
