"""From DEACTIVATING to STOPPED: out of the targets, drained, SIGTERM, SIGKILL, removed.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from localcloud.ecs.agent.logs import Logs
from localcloud.ecs.agent.sessions import Sessions
from localcloud.ecs.core import Core
from localcloud.ecs.model import Container, Task, TaskStatus
from localcloud.ecs.observation import Observer, note_exit
from localcloud.ecs.runtime import DEFAULT_STOP_TIMEOUT, SANDBOX_NAME, Runtime
from localcloud.shared import clock

POLL_SECONDS = 0.3


@dataclass
class Stopper:
    """Takes tasks down, one step at a call."""

    core: Core
    runtime: Runtime
    observer: Observer
    logs: Logs
    sessions: Sessions

    def take_down(self, task: Task) -> None:
        """The next step of a task on its way down; repeated until it is STOPPED."""
        steps: dict[TaskStatus, Callable[[Task], None]] = {
            TaskStatus.DEACTIVATING: self._deactivate,
            TaskStatus.STOPPING: self._stop,
            TaskStatus.DEPROVISIONING: self._deprovision,
        }
        if task.status in steps:
            steps[task.status](task)

    def _deactivate(self, task: Task) -> None:
        """Deregister, then wait until the target no longer drains."""
        if not task.deregistered:
            self._deregister(task)
        if task.exited or not self._draining(task):
            self._enter(task, TaskStatus.STOPPING)

    def _deregister(self, task: Task) -> None:
        elbv2 = self.core.client("elbv2", task.arn.split(":")[3])
        for group, port in task.registered:
            try:
                elbv2.deregister_targets(
                    TargetGroupArn=group, Targets=[{"Id": task.address, "Port": port}]
                )
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("TargetGroupNotFound", "InvalidTarget"):
                    raise
        with self.core.change():
            task.deregistered = True

    def _draining(self, task: Task) -> bool:
        region = task.arn.split(":")[3]
        for group, port in task.registered:
            for row in self.observer.target_health(group, region):
                target = (row["Target"]["Id"], row["Target"]["Port"])
                if target == (task.address, port) and row["TargetHealth"]["State"] == "draining":
                    return True
        return False

    def _enter(self, task: Task, status: TaskStatus) -> None:
        with self.core.change():
            task.status = status
            task.version += 1

    def _stop(self, task: Task) -> None:
        """SIGTERM to all containers, SIGKILL to each at its own time-out."""
        definition = self.core.state.task_definitions[task.definition_arn].definition
        timeouts = {
            c["name"]: c.get("stopTimeout", DEFAULT_STOP_TIMEOUT)
            for c in definition["containerDefinitions"]
        }
        needed_by: dict[str, set[str]] = defaultdict(set)
        for container in definition["containerDefinitions"]:
            for dependency in container.get("dependsOn", []):
                needed_by[dependency["containerName"]].add(container["name"])
        told: dict[str, float] = {}
        killed: set[str] = set()
        while running := self._still_running(task):
            names = {record.name for record in running}
            for record in running:
                if needed_by[record.name] & names:
                    continue
                self._end(record, timeouts[record.name], told, killed)
            time.sleep(POLL_SECONDS if told else 0)
        with self.core.change():
            task.execution_stopped_at = task.execution_stopped_at or clock.now()
        self._enter(task, TaskStatus.DEPROVISIONING)

    def _end(
        self, record: Container, timeout: int, told: dict[str, float], killed: set[str]
    ) -> None:
        identifier = record.runtime_id or ""
        if record.name not in told:
            told[record.name] = time.monotonic()
            details = self.runtime.inspect(identifier) or {"Config": {}}
            self.runtime.signal(identifier, details["Config"].get("StopSignal") or "SIGTERM")
        elif time.monotonic() - told[record.name] >= timeout and record.name not in killed:
            killed.add(record.name)
            self.runtime.signal(identifier, "SIGKILL")

    def _still_running(self, task: Task) -> list[Container]:
        running = []
        for record in task.containers:
            if record.runtime_id is None or record.status == "STOPPED":
                continue
            details = self.runtime.inspect(record.runtime_id)
            if details is not None and details["State"]["Running"]:
                running.append(record)
                continue
            with self.core.change():
                record.status = "STOPPED"
                record.finished_at = clock.now()
                note_exit(record, details)
        return running

    def _deprovision(self, task: Task) -> None:
        """Take the task out of its targets, and remove its containers, network and volumes."""
        if task.registered and not task.deregistered:
            self._deregister(task)
        for record in task.containers:
            if record.runtime_id is not None:
                self.runtime.signal(record.runtime_id, "SIGKILL")
                self.logs.finish(record.runtime_id)
        for record in task.containers:
            self.runtime.remove_by_name(self.runtime.name(task.id, record.name))
        self.runtime.remove_by_name(self.runtime.name(task.id, SANDBOX_NAME))
        self.runtime.remove_volumes(task.id, self._volumes(task))
        self.sessions.forget(task)
        with self.core.change():
            for record in task.containers:
                record.status = "STOPPED"
            task.status = TaskStatus.STOPPED
            task.stopped_at = clock.now()
            task.version += 1

    def _volumes(self, task: Task) -> list[str]:
        definition = self.core.state.task_definitions[task.definition_arn].definition
        return [volume["name"] for volume in definition["volumes"]]
