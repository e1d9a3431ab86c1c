"""`logs`: the application's logs."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code
from automation.commands.build_logs import build_logs
from automation.errors import ConfigurationError
from automation.screen import Screen
from automation.stack.operations import opened

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
FOLLOW_SECONDS = 1.0
INTERRUPTED = 130
LATE_SECONDS = 30.0
"""Events may turn up this much after their own time; following looks back that far."""


def logs(
    stack: str, screen: Screen, follow: bool = False, since: str = "10m", build: bool = False
) -> int:
    """Print the application's log, oldest first.

    Args:
        stack: the stack's name.
        screen: where the lines go.
        follow: go on until Ctrl-C.
        since: how far back, such as 90s, 10m, 2h or 1d.
        build: those of the builds of the pipeline's last run instead, all of them.

    Raises:
        ConfigurationError: `since` is no time span, there is no log group, or a log without end
            was asked for as one document.
    """
    if build:
        return build_logs(stack, screen, follow=follow)
    span = parse_span(since)
    if follow and screen.json:
        raise ConfigurationError("--follow has no end and --json is one document: choose one.")
    with opened(stack, screen) as session:
        start = datetime.now(UTC) - span
        group = session.names.log_group
        if screen.json:
            screen.document([described(e) for e in _events(session.cloud, group, start)])
            return 0
        seen = _tell(session.cloud, group, start, screen, set())
        if not follow:
            return 0
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(FOLLOW_SECONDS)
                start = max(start, datetime.now(UTC) - timedelta(seconds=LATE_SECONDS))
                seen = _tell(session.cloud, group, start, screen, seen)
    return INTERRUPTED


def _tell(cloud: Cloud, group: str, start: datetime, screen: Screen, seen: set[str]) -> set[str]:
    """Print the events since `start` that were not seen; returns the ids of all since then."""
    found = _events(cloud, group, start)
    for event in found:
        if event["eventId"] not in seen:
            screen.out.print(line(event), markup=False)
    return {event["eventId"] for event in found}


def parse_span(text: str) -> timedelta:
    """A time span such as `10m`.

    Raises:
        ConfigurationError: it is none.
    """
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if not found:
        raise ConfigurationError(f"--since {text}: a number and s, m, h or d, such as 10m.")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _events(cloud: Cloud, group: str, start: datetime) -> list[dict[str, Any]]:
    """The events of every task since then, in the order of their times."""
    try:
        found = cloud.pages(
            "logs",
            "filter_log_events",
            "events",
            logGroupName=group,
            startTime=int(start.timestamp() * 1000),
        )
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        raise ConfigurationError(f"There is no log group {group}: `up` makes it.") from error
    return sorted(found, key=lambda event: event["timestamp"])


def moment(event: dict[str, Any]) -> datetime:
    """When an event happened."""
    return datetime.fromtimestamp(event["timestamp"] / 1000, UTC)


def described(event: dict[str, Any]) -> dict[str, str]:
    """An event as JSON."""
    return {
        "time": moment(event).isoformat(),
        "task": event["logStreamName"].rpartition("/")[2],
        "message": event["message"].rstrip("\n"),
    }


def line(event: dict[str, Any]) -> str:
    """An event as a line: time, the task's short id, message."""
    row = described(event)
    return f"{moment(event):%H:%M:%S} {row['task'][:8]} {row['message']}"
