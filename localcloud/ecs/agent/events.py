"""State changes on EventBridge, as ECS puts them on the account's default bus.

A round of the scheduler compares what it sees with what was published last, so a state that a
task passes through in less than half a second may be left out.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.ecs.core import Core
from localcloud.ecs.model import Deployment, Rollout, ServiceRecord, Task
from localcloud.ecs.tasks import shape

log = logging.getLogger(__name__)

LARGEST_BATCH = 10
"""https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html"""
_DEPLOYMENT_EVENTS = {
    Rollout.IN_PROGRESS: ("INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS"),
    Rollout.COMPLETED: ("INFO", "SERVICE_DEPLOYMENT_COMPLETED"),
    Rollout.FAILED: ("ERROR", "SERVICE_DEPLOYMENT_FAILED"),
}


class Events:
    """Finds out what changed and tells EventBridge, in a thread of its own."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue(maxsize=10_000)
        self._tasks = {arn: task.version for arn, task in core.state.tasks.items()}
        self._deployments = {
            deployment.id: deployment.rollout
            for service in core.state.services.values()
            for deployment in service.deployments
        }
        self._flags: dict[tuple[str, str], bool] = {}
        self._thread = threading.Thread(target=self._send, daemon=True, name="ecs events")

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send what is left, then end."""
        self._queue.put(None)
        self._thread.join(timeout=5)

    def notice(self, now: float) -> None:
        """Put what changed since the last round into the queue; the caller holds the lock."""
        state = self._core.state
        for task in state.tasks.values():
            if self._tasks.get(task.arn) != task.version:
                self._tasks[task.arn] = task.version
                self._put_task(task, now)
        for gone in self._tasks.keys() - state.tasks.keys():
            del self._tasks[gone]
        present: set[str] = set()
        for service in state.services.values():
            for deployment in service.deployments:
                present.add(deployment.id)
                if self._deployments.get(deployment.id) != deployment.rollout:
                    self._deployments[deployment.id] = deployment.rollout
                    self._put_deployment(service, deployment, now)
            self._notice_actions(service, now)
        for old in self._deployments.keys() - present:
            del self._deployments[old]

    def _notice_actions(self, service: ServiceRecord, now: float) -> None:
        impaired = any(deployment.impaired for deployment in service.deployments)
        for name, kind, holds in (
            ("SERVICE_STEADY_STATE", "INFO", service.steady),
            ("SERVICE_TASK_START_IMPAIRED", "WARN", impaired),
        ):
            before = self._flags.get((service.arn, name), False)
            self._flags[(service.arn, name)] = holds
            if holds and not before:
                detail = {
                    "eventType": kind,
                    "eventName": name,
                    "clusterArn": service.cluster_arn,
                    "createdAt": _iso(now),
                }
                self._put("ECS Service Action", service.arn, detail, now)

    def _put_task(self, task: Task, now: float) -> None:
        detail = shape(self._core, task, tags=False)
        detail["updatedAt"] = _iso(now)
        self._put("ECS Task State Change", task.arn, detail, now)

    def _put_deployment(self, service: ServiceRecord, deployment: Deployment, now: float) -> None:
        kind, name = _DEPLOYMENT_EVENTS[deployment.rollout]
        detail = {
            "eventType": kind,
            "eventName": name,
            "clusterArn": service.cluster_arn,
            "deploymentId": deployment.id,
            "updatedAt": _iso(deployment.updated_at),
            "reason": deployment.rollout_reason,
        }
        self._put("ECS Deployment State Change", service.arn, detail, now)

    def _put(self, kind: str, resource: str, detail: dict[str, Any], now: float) -> None:
        entry = {
            "Time": datetime.fromtimestamp(now, UTC),
            "Source": "aws.ecs",
            "DetailType": kind,
            "Resources": [resource],
            "Detail": json.dumps(detail, default=_text),
        }
        try:
            self._queue.put_nowait(entry)
        except queue.Full:
            log.warning("an event is lost, since EventBridge does not keep up: %s", entry)

    def _send(self) -> None:
        ended = False
        while not ended:
            batch = [self._queue.get()]
            while len(batch) < LARGEST_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            ended = None in batch
            entries = [entry for entry in batch if entry is not None]
            regions = {entry["Resources"][0].split(":")[3] for entry in entries}
            for region in regions:
                mine = [e for e in entries if e["Resources"][0].split(":")[3] == region]
                try:
                    self._core.client("events", region).put_events(Entries=mine)
                except (ClientError, BotoCoreError) as error:
                    log.warning("%d events did not reach EventBridge: %s", len(mine), error)


def _text(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def _iso(seconds: float) -> str:
    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
