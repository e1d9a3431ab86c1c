"""A build's log in CloudWatch Logs, written while the build runs, under its role."""

from __future__ import annotations

import logging
import queue
import re
import threading
import time
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.codebuild.errors import PhaseError
from localcloud.shared.service import ServiceError

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.4
LARGEST_BATCH = 1000
LARGEST_EVENT_BYTES = 256 * 1024 - 26
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""
END_SECONDS = 10
MASK = "***"


class Clients(Protocol):
    """Makes a client of CloudWatch Logs that signs as the build's role."""

    def __call__(self) -> Any:
        """A client."""


class BuildLog:
    """Takes lines and sends them in batches; values that are secret are masked.

    Args:
        clients: makes a client under the build's role.
        group: the log group; empty where CloudWatch Logs is disabled.
        stream: the log stream.
    """

    def __init__(self, clients: Clients, group: str, stream: str) -> None:
        self._clients, self._group, self._stream = clients, group, stream
        self._lines: queue.Queue[tuple[int, str] | None] = queue.Queue()
        self._secrets: re.Pattern[str] | None = None
        self._rest = b""
        self._sender: threading.Thread | None = None

    def open(self) -> None:
        """Make the stream, and the group where it is missing, as the role may.

        Raises:
            PhaseError: ACCESS_DENIED: the role may not.
        """
        if not self._group:
            return
        try:
            self._create()
        except (ClientError, ServiceError) as error:
            raise PhaseError(
                "ACCESS_DENIED",
                "The service role does not allow AWS CodeBuild to create Amazon CloudWatch Logs "
                f"log streams for the build. Error message: {error}",
            ) from error
        self._sender = threading.Thread(target=self._send, name="build log", daemon=True)
        self._sender.start()

    def _create(self) -> None:
        client = self._clients()
        try:
            client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except client.exceptions.ResourceNotFoundException:
            client.create_log_group(logGroupName=self._group)
            client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)

    def mask(self, secrets: list[str]) -> None:
        """Hide these texts from now on."""
        known = [re.escape(text) for text in secrets if text]
        self._secrets = (
            re.compile("|".join(sorted(known, key=len, reverse=True))) if known else None
        )

    def say(self, text: str) -> None:
        """A line of CodeBuild's own."""
        self._flush()
        now = datetime.now(UTC)
        self._add(f"[Container] {now:%Y/%m/%d %H:%M:%S}.{now.microsecond:06d} {text}")

    def take(self, output: bytes) -> None:
        """A piece of a command's output."""
        *lines, self._rest = (self._rest + output).split(b"\n")
        for line in lines:
            self._add(line.decode("utf-8", "replace").rstrip("\r"))

    def _flush(self) -> None:
        if self._rest:
            self.take(b"\n")

    def _add(self, line: str) -> None:
        if self._secrets is not None:
            line = self._secrets.sub(MASK, line)
        encoded = line.encode()[:LARGEST_EVENT_BYTES]
        # CloudWatch Logs takes no empty message; an empty line is kept as one with a line break.
        self._lines.put((int(time.time() * 1000), encoded.decode("utf-8", "ignore") or "\n"))

    def close(self) -> None:
        """Wait until all is sent."""
        self._flush()
        self._lines.put(None)
        if self._sender is not None:
            self._sender.join(END_SECONDS)

    def _send(self) -> None:
        ended = False
        while not ended:
            batch = [self._lines.get()]
            if batch[0] is not None:
                time.sleep(BATCH_SECONDS)
            while len(batch) < LARGEST_BATCH and not self._lines.empty():
                batch.append(self._lines.get_nowait())
            ended = None in batch
            events = [{"timestamp": at, "message": text} for at, text in filter(None, batch)]
            if events:
                self._put(events)

    def _put(self, events: list[dict[str, Any]]) -> None:
        try:
            self._clients().put_log_events(
                logGroupName=self._group, logStreamName=self._stream, logEvents=events
            )
        except (ClientError, BotoCoreError, ServiceError) as error:
            log.warning("%d lines of %s were not stored: %s", len(events), self._stream, error)
