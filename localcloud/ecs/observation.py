"""What Docker and the load balancers say about the tasks."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localcloud.ecs import bookkeeping, references
from localcloud.ecs.core import Core
from localcloud.ecs.model import Container, ServiceRecord, Task, TaskStatus
from localcloud.ecs.runtime import SANDBOX, Runtime, Seen
from localcloud.shared import clock

log = logging.getLogger(__name__)

_ENDED = ("exited", "dead", "removing")
_WATCHED = (TaskStatus.PENDING, TaskStatus.ACTIVATING, TaskStatus.RUNNING)


@dataclass(frozen=True)
class Look:
    """One look: containers by task and name, target health by (target group, address, port)."""

    containers: dict[str, dict[str, Seen]]
    targets: dict[tuple[str, str, int], dict[str, Any]]
    at: float


class Observer:
    """Looks, and writes what it saw into the tasks."""

    def __init__(self, core: Core, runtime: Runtime) -> None:
        self._core, self._runtime = core, runtime
        self._zones: dict[tuple[str, ...], dict[str, str]] = {}

    def zones(self, service: ServiceRecord) -> dict[str, str]:
        """Subnet → availability zone of the service's network."""
        subnets = service.network["awsvpcConfiguration"]["subnets"]
        key = tuple(subnets)
        if key not in self._zones:
            self._zones[key] = references.zones_of(self._core, service.arn.split(":")[3], subnets)
        return self._zones[key]

    def look(self) -> Look:
        """Ask Docker and the load balancers; takes no lock."""
        at = clock.now()
        containers: dict[str, dict[str, Seen]] = defaultdict(dict)
        for seen in self._runtime.seen():
            containers[seen.task_arn][seen.name] = seen
        groups = {
            (group, task.arn.split(":")[3])
            for task in list(self._core.state.tasks.values())
            if task.status == TaskStatus.RUNNING
            for group, _ in list(task.registered)
        }
        targets: dict[tuple[str, str, int], dict[str, Any]] = {}
        for group, region in groups:
            for row in self.target_health(group, region):
                target = row["Target"]
                targets[(group, target["Id"], target["Port"])] = row["TargetHealth"]
        return Look(dict(containers), targets, at)

    def target_health(self, group: str, region: str) -> list[dict[str, Any]]:
        """DescribeTargetHealth; nothing for a target group that is gone."""
        try:
            answer = self._core.client("elbv2", region).describe_target_health(TargetGroupArn=group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TargetGroupNotFound":
                raise
            return []
        return list(answer["TargetHealthDescriptions"])

    def apply(self, look: Look, now: float) -> None:
        """Bring the tasks up to date; the caller holds the lock."""
        for task in self._core.state.tasks.values():
            if task.status in _WATCHED and task.live:
                self._apply_containers(task, look, now)
            if task.status == TaskStatus.RUNNING and task.live:
                self._apply_health(task, look, now)

    def _apply_containers(self, task: Task, look: Look, now: float) -> None:
        seen = look.containers.get(task.arn, {})
        for record in task.containers:
            if record.runtime_id is None or record.status == "STOPPED":
                continue
            if record.started_at is None or record.started_at > look.at:
                continue
            found = seen.get(record.name)
            if found is None or found.status in _ENDED:
                self._note_end(record, found, now)
            else:
                record.health = found.health
        lost = SANDBOX not in seen or seen[SANDBOX].status != "running"
        essential_gone = any(c.essential and c.status == "STOPPED" for c in task.containers)
        newer = task.started_at is None or task.started_at > look.at
        if essential_gone or (lost and not newer):
            task.exited = True
            bookkeeping.begin_stop(
                task, "EssentialContainerExited", "Essential container in task exited", now
            )

    def _note_end(self, record: Container, found: Seen | None, now: float) -> None:
        record.status = "STOPPED"
        record.finished_at = now
        if found is None:
            record.reason = "The container was removed from outside."
            return
        note_exit(record, self._runtime.inspect(found.id))

    def _apply_health(self, task: Task, look: Look, now: float) -> None:
        failing, passing = _container_checks(task, self._core)
        for group, port in task.registered:
            verdict = look.targets.get((group, task.address or "", port), {})
            state = verdict.get("State")
            passing = passing and state == "healthy"
            if state == "unhealthy":
                why = verdict.get("Description") or verdict.get("Reason") or "Health checks failed"
                failing = failing or (
                    f"Task failed ELB health checks in (target-group {group}) due to (reason {why})"
                )
        task.failing = failing
        if not passing:
            task.healthy_since = None
        elif task.healthy_since is None:
            task.healthy_since = now
            if not task.was_healthy:
                task.was_healthy = True

    def remove_strangers(self, look: Look) -> None:
        """Remove containers that no task of the state has, such as a dead run's."""
        for task_arn, containers in look.containers.items():
            task = self._core.state.tasks.get(task_arn)
            if task is None or (
                task.status == TaskStatus.STOPPED and (task.stopped_at or 0) < look.at
            ):
                for seen in containers.values():
                    log.info("removing the container %s of a task that is gone", seen.id[:12])
                    self._runtime.remove(seen.id)


def note_exit(record: Container, details: dict[str, Any] | None) -> None:
    """Write down how a container ended."""
    if details is None:
        return
    record.exit_code = details["State"]["ExitCode"]
    if details["State"].get("OOMKilled"):
        record.reason = "OutOfMemoryError: Container killed due to memory usage"


def _container_checks(task: Task, core: Core) -> tuple[str | None, bool]:
    """(what fails, whether all pass) of the containers' own health checks."""
    definition = core.state.task_definitions[task.definition_arn].definition
    checked = {c["name"] for c in definition["containerDefinitions"] if c.get("healthCheck")}
    records = [c for c in task.containers if c.name in checked and c.essential]
    if any(record.health == "UNHEALTHY" for record in records):
        return "Task failed container health checks", False
    return None, all(record.health == "HEALTHY" for record in records)
