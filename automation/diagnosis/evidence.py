"""Collects a deployment's evidence: stopped tasks, events, target health, last log lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code
from automation.aws.ecs import (
    ServiceName,
    describe_service,
    service_deployments,
    service_revisions,
    targets,
    task_id,
    tasks,
)
from infra.names import CONTAINER_NAME

LOG_LINES = 200
"""How many of a task's last log lines are looked through."""

EVENTS = 20


@dataclass(frozen=True)
class StoppedTask:
    """A task that ended.

    Attributes:
        identity: its id.
        code: why, as a code, such as EssentialContainerExited.
        reason: why, in ECS's words.
        containers: (name, exit code, reason) of each container.
        definition: the revision that it ran.
        when: when it stopped.
        started: when its containers ran.
    """

    identity: str
    code: str
    reason: str
    containers: tuple[tuple[str, int | None, str], ...]
    definition: str
    when: datetime | None
    started: datetime | None = None


@dataclass(frozen=True)
class LogLine:
    """A line that a task wrote."""

    text: str
    when: datetime
    task: str


@dataclass(frozen=True)
class Facts:
    """Everything a diagnosis is made from; texts are the services' own.

    Attributes:
        failure: what the engine or the verdict said, if it failed.
        status: of the deployment, with its reason.
        stopped: tasks that ended, latest first.
        events: of the service, latest first.
        targets: reasons of targets that are not healthy.
        logs: the last lines of the task that stopped last, or of one that runs.
        log_seconds: for each of them the seconds since the task's start, where that is known.
        grace_seconds: the service's grace period for health checks.
    """

    failure: str = ""
    status: str = ""
    stopped: tuple[StoppedTask, ...] = ()
    events: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    log_seconds: tuple[float | None, ...] = ()
    grace_seconds: int | None = None

    def seconds_until(self, number: int) -> float | None:
        """How long after its task's start a line of the log was written."""
        return self.log_seconds[number] if number < len(self.log_seconds) else None

    def texts(self) -> list[str]:
        """Every text that may name a cause, the most specific first."""
        tasks = [task.reason for task in self.stopped]
        tasks += [reason for task in self.stopped for _, _, reason in task.containers]
        return [t for t in (*tasks, *self.events, *self.targets, self.failure, self.status) if t]


@dataclass
class _Deployment:
    row: dict[str, Any] | None = None
    definition: str | None = None
    began: datetime | None = None
    status: str = ""
    others: list[str] = field(default_factory=list)


def gather(
    cloud: Cloud,
    name: ServiceName,
    log_group: str,
    deployment: str | None = None,
    failure: str = "",
) -> Facts:
    """Collect what is known about a deployment; parts that don't exist stay empty.

    Args:
        cloud: the account.
        name: the service.
        log_group: the application's log group.
        deployment: the service deployment's ARN; the latest by default.
        failure: what failed before ECS was reached, if anything.
    """
    service = describe_service(cloud, name)
    if service is None:
        return Facts(failure=failure)
    judged = _deployment(cloud, name, deployment)
    ran = _tasks(cloud, name, judged)
    stopped = [task for task in ran if task.when]
    lines = _logs(cloud, log_group, [*stopped, *(task for task in ran if not task.when)])
    began = {task.identity: task.started for task in ran}
    return Facts(
        failure=failure,
        status=judged.status,
        stopped=tuple(stopped),
        events=tuple(_events(service, judged.began)),
        targets=tuple(
            f"{target.address}: {target.reason}"
            for target in targets(cloud, service)
            if target.state == "unhealthy"
        ),
        logs=tuple(line.text for line in lines),
        log_seconds=tuple(_after(line, began[line.task]) for line in lines),
        grace_seconds=service.get("healthCheckGracePeriodSeconds"),
    )


def _deployment(cloud: Cloud, name: ServiceName, arn: str | None) -> _Deployment:
    rows = service_deployments(cloud, name)
    row = next((r for r in rows if arn is None or r["serviceDeploymentArn"] == arn), None)
    if row is None:
        return _Deployment()
    revision = service_revisions(cloud, [row["targetServiceRevisionArn"]])
    answer = list(revision.values())
    return _Deployment(
        row=row,
        definition=answer[0]["taskDefinition"] if answer else None,
        began=row["createdAt"],
        status=f"{row['status']}: {row.get('statusReason', '')}".rstrip(": "),
    )


def _tasks(cloud: Cloud, name: ServiceName, judged: _Deployment) -> list[StoppedTask]:
    """The deployment's tasks: those that stopped, latest first, then those that run."""
    found = [_task(t) for t in tasks(cloud, name, ("STOPPED", "RUNNING")) if _belongs(t, judged)]
    undated = datetime.min
    return sorted(found, key=lambda t: (t.when or undated).replace(tzinfo=None), reverse=True)


def _after(line: LogLine, began: datetime | None) -> float | None:
    return (line.when - began).total_seconds() if began else None


def _belongs(task: dict[str, Any], judged: _Deployment) -> bool:
    """Whether a task belongs to the deployment and was not stopped to make room for another."""
    if judged.definition and task["taskDefinitionArn"] != judged.definition:
        return False
    created = task.get("createdAt")
    if judged.began and created and created < judged.began:
        return False
    return bool(task.get("stopCode") != "ServiceSchedulerInitiated" or _failed(task))


def _failed(task: dict[str, Any]) -> bool:
    return "failed" in task.get("stoppedReason", "")


def _task(task: dict[str, Any]) -> StoppedTask:
    return StoppedTask(
        identity=task_id(task),
        code=task.get("stopCode", ""),
        reason=task.get("stoppedReason", ""),
        containers=tuple(
            (c["name"], c.get("exitCode"), c.get("reason") or _health(c))
            for c in task.get("containers", [])
        ),
        definition=task["taskDefinitionArn"],
        when=task.get("stoppedAt") or task.get("stoppingAt"),
        started=task.get("startedAt"),
    )


UNHEALTHY = "its health check failed"
"""Why a container was stopped that ECS gives no reason for."""


def _health(container: dict[str, Any]) -> str:
    return UNHEALTHY if container.get("healthStatus") == "UNHEALTHY" else ""


def told_to_stop(code: int | None) -> int:
    """How likely a container ended only because another one had: by SIGTERM or SIGKILL."""
    return {None: 3, 0: 1, 143: 2, 137: 2}.get(code, 0)


def _events(service: dict[str, Any], began: datetime | None) -> Iterable[str]:
    for event in service.get("events", [])[:EVENTS]:
        if began is None or event["createdAt"] >= began:
            yield event["message"]


def _logs(cloud: Cloud, group: str, ran: list[StoppedTask]) -> list[LogLine]:
    """The last lines of the first of these tasks that has written any."""
    for task in ran:
        for container, _, _ in sorted(task.containers, key=lambda row: told_to_stop(row[1])):
            stream = f"{_process(task)}/{container}/{task.identity}"
            if lines := _stream(cloud, group, stream, task.identity):
                return lines
    return []


def _process(task: StoppedTask) -> str:
    """Return the prefix of the task's log streams: its process's name."""
    family = task.definition.rpartition("/")[2].rpartition(":")[0]
    return family.partition("_")[2] or CONTAINER_NAME


def _stream(cloud: Cloud, group: str, stream: str, task: str) -> list[LogLine]:
    """The last lines of a stream, which is named `prefix/container/task`.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    try:
        events = cloud.client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, limit=LOG_LINES, startFromHead=False
        )["events"]
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return []
    return [
        LogLine(
            event["message"].rstrip(), datetime.fromtimestamp(event["timestamp"] / 1000, UTC), task
        )
        for event in events
    ]
