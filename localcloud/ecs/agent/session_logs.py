"""Where the output of ExecuteCommand's sessions is kept, under the task role.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExecuteCommandConfiguration.html
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.ecs.agent.sessions import Sessions
from localcloud.ecs.model import Task, TaskDefinition
from localcloud.shared.service import ServiceError

log = logging.getLogger(__name__)

_EVENT_BYTES = 200_000
"""Below the 256 KiB that CloudWatch Logs takes as one event."""


def group_of(settings: Mapping[str, Any], definition: TaskDefinition, container: str) -> str | None:
    """The log group of a container's sessions: the cluster's own with OVERRIDE, none with NONE,
    else the group that the container itself logs to."""
    if settings.get("logging") == "NONE":
        return None
    if settings.get("logging") == "OVERRIDE":
        return settings.get("logConfiguration", {}).get("cloudWatchLogGroupName") or None
    own = next(
        one for one in definition.definition["containerDefinitions"] if one["name"] == container
    )
    options: Mapping[str, str] = (own.get("logConfiguration") or {}).get("options", {})
    return options.get("awslogs-group")


def keep(
    sessions: Sessions,
    task: Task,
    definition: TaskDefinition,
    settings: Mapping[str, Any],
    session: tuple[str, str, bytes],
) -> None:
    """Write a session's output to where the cluster's configuration says.

    A refusal is told in the local cloud's log: AWS's agent has nobody else to tell either.

    Args:
        settings: the cluster's executeCommandConfiguration.
        session: its id, its container's name and its output.
    """
    name, container, output = session
    role, region = task.overrides.get("taskRoleArn"), task.arn.split(":")[3]
    role = role or definition.definition["taskRoleArn"]
    places = settings.get("logConfiguration", {}) if settings.get("logging") == "OVERRIDE" else {}
    try:
        if group := group_of(settings, definition, container):
            _to_logs(sessions.client(task, role, "logs", region), group, name, output)
        if bucket := places.get("s3BucketName"):
            key = "/".join(filter(None, [places.get("s3KeyPrefix"), f"{name}.log"]))
            sessions.client(task, role, "s3", region).put_object(
                Bucket=bucket, Key=key, Body=output
            )
    except (ClientError, BotoCoreError, ServiceError) as error:
        log.warning("the session %s could not be logged: %s", name, error)


def _to_logs(client: Any, group: str, stream: str, output: bytes) -> None:
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    for start in range(0, len(output), _EVENT_BYTES):
        text = output[start : start + _EVENT_BYTES].decode("utf-8", "replace")
        event = {"timestamp": int(time.time() * 1000), "message": text}
        client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
