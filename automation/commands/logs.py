"""`logs`: the application's logs."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code
from automation.errors import ConfigurationError
from automation.screen import Screen
from automation.stack.operations import opened
from infra.names import CONTAINER_NAME

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
FOLLOW_SECONDS = 1.0
INTERRUPTED = 130
LATE_SECONDS = 30.0
"""Events may turn up this much after their own time; following looks back that far."""


CHECKER = "ELB-HealthChecker"
"""What a load balancer's health checks call themselves, and a log line of one contains."""

ERROR = re.compile(
    r"\b(?:error|critical|fatal|panic|traceback|exception)\b|\w(?:Error|Exception)\b"
    r"|\"status\": ?\"?5\d\d|\" 5\d\d ",
    re.IGNORECASE,
)
"""A line that tells of an error: by its level, an exception's name, or a status of 500 and more."""


@dataclass(frozen=True)
class Wanted:
    """Which lines are shown.

    Attributes:
        text: only lines that contain it, whatever the letter case.
        errors: only lines that tell of an error.
        health_checks: the load balancer's health checks as well.
        container: only lines of this container of the tasks; empty for all.
    """

    text: str = ""
    errors: bool = False
    health_checks: bool = False
    container: str = ""

    def __call__(self, event: Mapping[str, Any]) -> bool:
        """Whether an event is shown."""
        message = str(event["message"])
        return (
            self.text.lower() in message.lower()
            and (not self.errors or ERROR.search(message) is not None)
            and (self.health_checks or CHECKER not in message)
            and (not self.container or self.container == _container(event))
        )


@dataclass(frozen=True)
class Streams:
    """Where lines are read from.

    Attributes:
        group: the log group.
        prefix: how the names of the streams begin; empty for every stream.
    """

    group: str
    prefix: str = ""


def logs(
    stack: str,
    screen: Screen,
    follow: bool = False,
    since: str = "10m",
    build: bool = False,
    tail: int | None = None,
    wanted: Wanted = Wanted(),
    process: str | None = None,
) -> int:
    """Print the application's log, oldest first.

    Args:
        stack: the stack's name.
        screen: where the lines go.
        follow: go on until Ctrl-C.
        since: how far back, such as 90s, 10m, 2h or 1d.
        build: those of the builds of the pipeline's last run instead, all of them.
        tail: only this many of the newest lines that are there already.
        wanted: which lines.
        process: only those of this process; `web` is the one behind the load balancer.

    Raises:
        ConfigurationError: `since` is no time span, there is no such process or container or no
            log group, or a log without end was asked for as one document.
    """
    if build:
        from automation.commands.build_logs import build_logs

        return build_logs(stack, screen, follow=follow)
    span = parse_span(since)
    if follow and screen.json:
        raise ConfigurationError("--follow and --json exclude each other: choose one.")
    with opened(stack, screen) as session:
        start = session.cloud.now() - span
        session.container(wanted.container)
        group = Streams(session.names.log_group, session.stream_prefix(process))
        if screen.json:
            found = [e for e in _events(session.cloud, group, start) if wanted(e)]
            screen.document([described(e) for e in _newest(found, tail)])
            return 0
        seen = _tell(session.cloud, group, start, screen, set(), wanted, tail)
        if not follow:
            return 0
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(FOLLOW_SECONDS)
                start = max(start, session.cloud.now() - timedelta(seconds=LATE_SECONDS))
                seen = _tell(session.cloud, group, start, screen, seen, wanted)
    return INTERRUPTED


def _tell(
    cloud: Cloud,
    group: Streams,
    start: datetime,
    screen: Screen,
    seen: set[str],
    wanted: Wanted,
    tail: int | None = None,
) -> set[str]:
    """Print the events since `start` that were not seen; returns the ids of all since then."""
    found = _events(cloud, group, start)
    shown = [event for event in found if event["eventId"] not in seen and wanted(event)]
    for event in _newest(shown, tail):
        screen.out.print(line(event), markup=False)
    return {event["eventId"] for event in found}


def _newest(events: list[dict[str, Any]], tail: int | None) -> list[dict[str, Any]]:
    return events if tail is None else events[max(0, len(events) - tail) :]


def parse_span(text: str) -> timedelta:
    """A time span such as `10m`.

    Raises:
        ConfigurationError: it is none.
    """
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if not found:
        raise ConfigurationError(
            f"--since {text!r} must be a number and s, m, h or d, such as 10m."
        )
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _events(cloud: Cloud, group: Streams, start: datetime) -> list[dict[str, Any]]:
    """The events of every task since then, in the order of their times."""
    try:
        found = cloud.pages(
            "logs",
            "filter_log_events",
            "events",
            logGroupName=group.group,
            startTime=int(start.timestamp() * 1000),
            **({"logStreamNamePrefix": group.prefix} if group.prefix else {}),
        )
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        raise ConfigurationError(f"There is no log group {group.group}: `up` makes it.") from error
    return sorted(found, key=lambda event: event["timestamp"])


def moment(event: dict[str, Any]) -> datetime:
    """When an event happened."""
    return datetime.fromtimestamp(event["timestamp"] / 1000, UTC)


def _container(event: Mapping[str, Any]) -> str:
    """The container that wrote an event, from its stream's name `prefix/container/task`."""
    parts = str(event["logStreamName"]).split("/")
    return parts[1] if len(parts) == 3 else CONTAINER_NAME


def described(event: dict[str, Any]) -> dict[str, str]:
    """An event as JSON."""
    return {
        "time": moment(event).isoformat(),
        "task": event["logStreamName"].rpartition("/")[2],
        "container": _container(event),
        "message": event["message"].rstrip("\n"),
    }


def line(event: dict[str, Any]) -> str:
    """An event as a line: time, the task's short id, a sidecar's name, message."""
    row = described(event)
    sidecar = "" if row["container"] == CONTAINER_NAME else f"{row['container']}: "
    return f"{moment(event):%H:%M:%S} {row['task'][:8]} {sidecar}{row['message']}"
