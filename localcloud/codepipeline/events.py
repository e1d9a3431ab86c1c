"""CodePipeline's events on EventBridge.

https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.codepipeline.model import ActionRun, Execution, Pipeline, StageRun

log = logging.getLogger("localcloud.codepipeline")

# A status → the event's state; statuses that no event tells are not in here.
STATES = {
    "InProgress": "STARTED",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "Stopping": "STOPPING",
    "Stopped": "STOPPED",
    "Superseded": "SUPERSEDED",
    "Cancelled": "CANCELED",
    "Abandoned": "ABANDONED",
}
KINDS = {
    "pipeline": "CodePipeline Pipeline Execution State Change",
    "stage": "CodePipeline Stage Execution State Change",
    "action": "CodePipeline Action Execution State Change",
}


class Events:
    """Hands events to EventBridge in their order, in the background.

    Args:
        client: makes a boto3 client of a service, by name and region.
    """

    def __init__(self, client: Callable[..., Any]) -> None:
        self._client = client
        self._waiting: queue.SimpleQueue[tuple[str, dict[str, Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._send, name="codepipeline events", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send what waits, then end."""
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def pipeline(self, pipeline: Pipeline, execution: Execution, state: str = "") -> None:
        """An execution changed its state; `state` where the status alone does not tell it."""
        detail = _execution(pipeline, execution, state or STATES[execution.status])
        detail["execution-trigger"] = {
            "trigger-type": execution.trigger_type,
            "trigger-detail": execution.trigger_detail,
        }
        self._put(pipeline, "pipeline", detail)

    def stage(
        self, pipeline: Pipeline, execution: Execution, stage: StageRun, state: str = ""
    ) -> None:
        """A stage changed its state."""
        detail = _execution(pipeline, execution, state or STATES[stage.status])
        detail.update({"stage": stage.name, "start-time": _time(stage.started)})
        self._put(pipeline, "stage", detail)

    def action(
        self, pipeline: Pipeline, execution: Execution, run: ActionRun, kind: dict[str, str]
    ) -> None:
        """An action changed its state."""
        detail = _execution(pipeline, execution, STATES[run.status])
        result = {
            "external-execution-url": run.external_url,
            "external-execution-summary": run.error_message or run.summary,
            "external-execution-id": run.external_id,
            "error-code": run.error_code,
        }
        detail.update(
            {
                "start-time": _time(run.started),
                "stage": run.stage,
                "action": run.action,
                "action-execution-id": run.id,
                "region": pipeline.region,
                "type": kind,
                "input-artifacts": [_artifact(one) for one in run.inputs],
                "output-artifacts": [_artifact(one) for one in run.outputs],
            }
        )
        if any(result.values()):
            detail["execution-result"] = {name: text for name, text in result.items() if text}
        self._put(pipeline, "action", detail)

    def _put(self, pipeline: Pipeline, kind: str, detail: dict[str, Any]) -> None:
        entry = {
            "Time": datetime.now(UTC),
            "Source": "aws.codepipeline",
            "Resources": [pipeline.arn],
            "DetailType": KINDS[kind],
            "Detail": json.dumps(detail),
        }
        self._waiting.put((pipeline.region, entry))

    def _send(self) -> None:
        while (work := self._waiting.get()) is not None:
            region, entry = work
            try:
                answer = self._client("events", region).put_events(Entries=[entry])
            except (BotoCoreError, ClientError) as error:
                log.error("the event %s was not taken: %s", entry["DetailType"], error)
                continue
            if answer.get("FailedEntryCount"):
                log.error("the event %s was not taken: %s", entry["DetailType"], answer["Entries"])


def _execution(pipeline: Pipeline, execution: Execution, state: str) -> dict[str, Any]:
    return {
        "pipeline": pipeline.name,
        "execution-id": execution.id,
        "start-time": _time(execution.started),
        "state": state,
        "version": float(execution.version),
        "pipeline-execution-attempt": float(execution.attempt),
    }


def _artifact(artifact: Any) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "s3location": {"bucket": artifact.bucket, "key": artifact.key},
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
