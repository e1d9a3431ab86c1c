"""Containers' output to CloudWatch Logs, as the awslogs driver sends it.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from localcloud.ecs.agent.sessions import Sessions
from localcloud.ecs.core import Core
from localcloud.ecs.model import Task
from localcloud.ecs.runtime import Runtime
from localcloud.shared.service import ServiceError

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.5
LARGEST_BATCH = 1000
EVENT_OVERHEAD_BYTES = 26
LARGEST_EVENT_BYTES = 256 * 1024 - EVENT_OVERHEAD_BYTES
LARGEST_REQUEST_BYTES = 1024 * 1024
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""


class LogError(Exception):
    """The log stream can't be made; the text is the stopped reason."""


@dataclass
class _Stream:
    """Where one container's output goes."""

    task: Task
    role_arn: str
    container: str
    group: str
    name: str
    region: str
    lines: queue.Queue[tuple[str, str] | None] = field(default_factory=lambda: queue.Queue(10_000))


def stream_of(task: Task, role_arn: str, container: dict[str, Any]) -> _Stream:
    """PREFIX/CONTAINER/TASK-ID in the group that the container's options name."""
    options = container["logConfiguration"]["options"]
    prefix = options["awslogs-stream-prefix"]
    return _Stream(
        task,
        role_arn,
        container["name"],
        options["awslogs-group"],
        f"{prefix}/{container['name']}/{task.id}",
        options["awslogs-region"],
    )


class Logs:
    """Follows containers and sends their lines in batches."""

    def __init__(self, core: Core, runtime: Runtime, sessions: Sessions) -> None:
        self._core, self._runtime, self._sessions = core, runtime, sessions
        self._readers: dict[str, list[threading.Thread]] = {}

    def prepare(self, task: Task, role_arn: str, container: dict[str, Any]) -> None:
        """Make the log stream, and the group where `awslogs-create-group` asks for it.

        Raises:
            LogError: the group does not exist, or the execution role may not write to it.
        """
        stream = stream_of(task, role_arn, container)
        options = container["logConfiguration"]["options"]
        try:
            client = self._client(stream)
            if options.get("awslogs-create-group") == "true":
                _unless_exists(lambda: client.create_log_group(logGroupName=stream.group))
            _unless_exists(
                lambda: client.create_log_stream(
                    logGroupName=stream.group, logStreamName=stream.name
                )
            )
        except ClientError as error:
            details = error.response["Error"]
            raise LogError(
                "ResourceInitializationError: failed to validate logger args: create stream has "
                "been retried 1 times: failed to create Cloudwatch log stream: "
                f"{details['Code']}: {details['Message']} : exit status 1"
            ) from error

    def _client(self, stream: _Stream) -> Any:
        return self._sessions.client(stream.task, stream.role_arn, "logs", stream.region)

    def follow(self, task: Task, role_arn: str, container: dict[str, Any], runtime_id: str) -> None:
        """Send the container's output until it ends; after a restart, from where it stopped."""
        stream = stream_of(task, role_arn, container)
        threads = [
            threading.Thread(
                target=target, args=arguments, daemon=True, name=f"{what} {stream.name}"
            )
            for what, target, arguments in (
                ("read", self._read, (stream, runtime_id)),
                ("send", self._send, (stream,)),
            )
        ]
        self._readers[runtime_id] = threads
        for thread in threads:
            thread.start()

    def finish(self, runtime_id: str, seconds: float = 5.0) -> None:
        """Wait until an ended container's last lines are sent."""
        deadline = time.monotonic() + seconds
        for thread in self._readers.pop(runtime_id, []):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _read(self, stream: _Stream, runtime_id: str) -> None:
        """Follow the output; then look once more, since Docker may end before the last line."""
        record = next(c for c in stream.task.containers if c.name == stream.container)
        since = record.logged_until
        try:
            for follow in (True, False):
                since = self._take_all(stream, runtime_id, since, follow)
        except (APIError, DockerException, RequestException) as error:
            log.warning("reading the output of %s ended: %s", stream.name, error)
        stream.lines.put(None)

    def _take_all(
        self, stream: _Stream, runtime_id: str, since: str | None, follow: bool
    ) -> str | None:
        """Queue the lines after a moment; returns the moment of the last one.

        Docker hands out a line of more than 16 KiB in pieces of one moment, the last of which ends
        with the line's end: https://github.com/moby/moby/blob/v20.10.24/daemon/logger/copier.go
        """
        pieces: dict[str, bytes] = {}
        latest = since
        output = self._runtime.client.api.logs(
            runtime_id,
            stream=True,
            follow=follow,
            timestamps=True,
            since=_seconds(since) if since else None,
        )
        for piece in output:
            moment, _, text = piece.partition(b" ")
            at = moment.decode()
            if since and at <= since:
                continue
            pieces[at] = pieces.get(at, b"") + text
            latest = max(latest or at, at)
            if text.endswith(b"\n"):
                stream.lines.put((at, _text(pieces.pop(at))))
        for at, text in pieces.items():
            stream.lines.put((at, _text(text)))
        return latest

    def _send(self, stream: _Stream) -> None:
        record = next(c for c in stream.task.containers if c.name == stream.container)
        ended = False
        while not ended:
            batch = [stream.lines.get()]
            if batch[0] is not None:
                time.sleep(BATCH_SECONDS)
            while len(batch) < LARGEST_BATCH and not stream.lines.empty():
                batch.append(stream.lines.get_nowait())
            ended = None in batch
            lines = [line for line in batch if line is not None and line[1]]
            if lines and self._put(stream, lines):
                record.logged_until = max(at for at, _ in lines)

    def _put(self, stream: _Stream, lines: list[tuple[str, str]]) -> bool:
        stored = True
        for events in _batches(lines):
            try:
                self._client(stream).put_log_events(
                    logGroupName=stream.group, logStreamName=stream.name, logEvents=events
                )
            except (ClientError, BotoCoreError, ServiceError) as error:
                log.warning("%d events of %s were not stored: %s", len(events), stream.name, error)
                stored = False
        return stored


def _batches(lines: list[tuple[str, str]]) -> Iterator[list[dict[str, Any]]]:
    """The events of lines, in the order of their times, as many as one request takes."""
    batch: list[dict[str, Any]] = []
    size = 0
    for at, line in sorted(lines, key=lambda line: line[0]):
        for part in _parts(line):
            needed = len(part.encode()) + EVENT_OVERHEAD_BYTES
            if batch and (size + needed > LARGEST_REQUEST_BYTES or len(batch) == LARGEST_BATCH):
                yield batch
                batch, size = [], 0
            batch.append({"timestamp": int(_seconds(at) * 1000), "message": part})
            size += needed
    if batch:
        yield batch


def _parts(line: str) -> Iterator[str]:
    """A line in pieces that an event can hold, no character divided."""
    rest = line.encode()
    while rest:
        part = rest[:LARGEST_EVENT_BYTES].decode("utf-8", "ignore")
        yield part
        rest = rest[len(part.encode()) :]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\n").rstrip("\r")


def _seconds(at: str) -> float:
    """Docker writes nanoseconds; Python reads microseconds."""
    whole, _, fraction = at.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6].ljust(6, '0')}+00:00").timestamp()


def _unless_exists(make: Any) -> None:
    try:
        make()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
