"""The times of jobs: expressions of EventBridge Scheduler, and when they are due next.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FORM = re.compile(r"(cron|rate|at)\((.+)\)")
RATE = re.compile(r"([1-9]\d*) (minute|hour|day)s?")
MINUTES = {"minute": 1, "hour": 60, "day": 1440}


def expression(value: str) -> str:
    """An expression that EventBridge Scheduler takes."""
    next_run(value, "UTC", datetime.now(UTC), datetime.now(UTC))
    return value


def timezone(value: str) -> str:
    """The IANA name of a time zone."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{value!r} is no time zone; one is Europe/Berlin") from None
    return value


def next_run(schedule: str, zone: str, created: datetime, after: datetime) -> datetime | None:
    """The first moment of a schedule after another moment; None if there is none.

    Args:
        schedule: `cron(…)`, `rate(…)` or `at(…)`.
        zone: the IANA name of the time zone.
        created: when the schedule was made, from which a rate counts.
        after: the other moment.

    Raises:
        ValueError: the expression is wrong.
    """
    found = FORM.fullmatch(schedule)
    if found is None:
        raise ValueError("must be cron(…), rate(…) or at(…)")
    kind, content = found.groups()
    if kind == "rate":
        return _next_of_rate(content, created, after)
    place = ZoneInfo(zone)
    if kind == "at":
        return _at(content, place, after)
    return _next_of_cron(content, place, after)


def _next_of_rate(content: str, created: datetime, after: datetime) -> datetime:
    found = RATE.fullmatch(content)
    if found is None:
        raise ValueError(f"rate({content}) must be a number of minutes, hours or days")
    step = timedelta(minutes=int(found[1]) * MINUTES[found[2]])
    return created + step * ((max(after, created) - created) // step + 1)


def _at(content: str, place: ZoneInfo, after: datetime) -> datetime | None:
    try:
        moment = datetime.strptime(content, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=place)
    except ValueError:
        raise ValueError(f"at({content}) must be at(yyyy-mm-ddThh:mm:ss)") from None
    return moment if moment > after else None


def _next_of_cron(content: str, place: ZoneInfo, after: datetime) -> datetime | None:
    from aws_croniter import AwsCroniter

    try:
        cron = AwsCroniter(content)
    except Exception as error:  # noqa: BLE001 - the library raises `Exception`s of its own
        raise ValueError(f"cron({content}): {error}") from None
    # The library counts in UTC: it is told the place's own clock as if it were UTC's.
    clock = after.astimezone(place).replace(tzinfo=UTC)
    found = cron.get_next(clock)[0]
    return None if found is None else found.replace(tzinfo=place)
