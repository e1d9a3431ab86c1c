"""Runs a one-off task of a release and follows it to its end.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code
from automation.aws.ecs import ServiceName, task_definition, task_id
from automation.errors import DriverError

POLL_SECONDS = 1.0
QUIET_SECONDS = 3.0
"""After a task has ended, its log is read until no line has come for this long."""


@dataclass(frozen=True)
class OneOff:
    """A task to run once.

    Attributes:
        name: the service whose network and cluster it uses.
        definition: the ARN of the task definition's revision.
        container: the container that runs the command.
        command: in place of the container's own, word by word; empty for its own.
        started_by: shown by ECS: at most 128 letters, digits, `-`, `/` and `_`.
        tagged: whether the task gets the tags of its definition, which needs a right of its own.
        size: `cpu` (units) and `memory` (MiB) as text; those left out are the definition's.
    """

    name: ServiceName
    definition: str
    container: str
    command: Sequence[str]
    started_by: str
    tagged: bool = True
    size: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a task ended.

    Attributes:
        task: its id.
        status: the exit code of its container; None if it never ran.
        reason: why ECS says that it stopped.
    """

    task: str
    status: int | None
    reason: str


def start(cloud: Cloud, service: dict[str, Any], task: OneOff) -> str:
    """Start a task in a described service's network; returns its ARN.

    Raises:
        DriverError: ECS has no place for it.
    """
    overrides = [{"name": task.container, "command": list(task.command)}] if task.command else []
    answer = cloud.client("ecs").run_task(
        cluster=task.name.cluster,
        taskDefinition=task.definition,
        launchType="FARGATE",
        networkConfiguration=service["networkConfiguration"],
        overrides={"containerOverrides": overrides, **task.size},
        startedBy=task.started_by,
        **({"propagateTags": "TASK_DEFINITION"} if task.tagged else {}),
    )
    if answer["failures"] or not answer["tasks"]:
        why = "; ".join(row.get("reason", "") for row in answer["failures"]) or "no reason given"
        raise DriverError(f"ECS started no task of {task.definition}: {why}.")
    return str(answer["tasks"][0]["taskArn"])


def follow(
    cloud: Cloud,
    task: OneOff,
    arn: str,
    tell: Callable[[str], None],
    still: Callable[[str], None] = lambda _: None,
) -> Ended:
    """Tell the lines of a task's log as they come, until the task has stopped.

    Args:
        cloud: the account.
        task: the task.
        arn: its ARN.
        tell: is called with each line.
        still: is told at every look how far the task is.
    """
    log = _Log(cloud, task, arn)
    while True:
        found = _described(cloud, task, arn)
        for line in log.lines():
            tell(line)
        if found["lastStatus"] == "STOPPED":
            break
        still(f"The task {task_id(found)} is {found['lastStatus'].lower()}")
        time.sleep(POLL_SECONDS)
    status = next(c.get("exitCode") for c in found["containers"] if c["name"] == task.container)
    if status is not None:
        for line in log.rest():
            tell(line)
    return Ended(task_id(found), status, _reason(found, task.container))


def stop(cloud: Cloud, task: OneOff, arn: str) -> None:
    """Stop a one-off task."""
    cloud.client("ecs").stop_task(
        cluster=task.name.cluster, task=arn, reason="Interrupted by the person who started it"
    )


def _described(cloud: Cloud, task: OneOff, arn: str) -> dict[str, Any]:
    answer = cloud.client("ecs").describe_tasks(cluster=task.name.cluster, tasks=[arn])
    if not answer["tasks"]:
        raise DriverError(f"ECS no longer knows the task {arn}.")
    return dict(answer["tasks"][0])


def _reason(found: dict[str, Any], container: str) -> str:
    own = next((c.get("reason", "") for c in found["containers"] if c["name"] == container), "")
    return own or str(found.get("stoppedReason", ""))


class _Log:
    """The log stream of a task's container; each read returns the new lines."""

    def __init__(self, cloud: Cloud, task: OneOff, arn: str) -> None:
        definition = task_definition(cloud, task.definition)
        containers = {each["name"]: each for each in definition["containerDefinitions"]}
        options = containers[task.container]["logConfiguration"]["options"]
        prefix, identity = options["awslogs-stream-prefix"], arn.rpartition("/")[2]
        self._logs = cloud.client("logs")
        self._place = {
            "logGroupName": options["awslogs-group"],
            "logStreamName": f"{prefix}/{task.container}/{identity}",
        }
        self._token: str | None = None

    def lines(self) -> Iterator[str]:
        """Return the lines since the last call."""
        while True:
            further = {"nextToken": self._token} if self._token else {}
            try:
                answer = self._logs.get_log_events(**self._place, startFromHead=True, **further)
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
                return
            yield from (event["message"].rstrip("\n") for event in answer["events"])
            # The same token again: the end of the stream.
            if answer["nextForwardToken"] == self._token:
                return
            self._token = answer["nextForwardToken"]

    def rest(self) -> Iterator[str]:
        """Return the lines that arrive after the task has stopped."""
        last = time.monotonic()
        while time.monotonic() - last < QUIET_SECONDS:
            for line in self.lines():
                last = time.monotonic()
                yield line
            time.sleep(POLL_SECONDS / 4)
