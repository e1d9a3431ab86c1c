"""When a scheduled action is due.

https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Due = Callable[[datetime], bool]
"""Whether an action is due in the minute that begins at a moment."""

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_UNITS = {"minute": 1, "hour": 60, "day": 24 * 60}
_FIELDS: tuple[tuple[int, int, list[str]], ...] = (
    (0, 59, []),
    (0, 23, []),
    (1, 31, []),
    (1, 12, _MONTHS),
    (1, 7, _DAYS),
    (1970, 2199, []),
)


def minute(moment: datetime) -> datetime:
    """When the minute of a moment began."""
    return moment.replace(second=0, microsecond=0)


class ScheduleError(ValueError):
    """A schedule that is wrong, or that the local cloud does not know; the text says why."""


def due(schedule: str, timezone: str | None, begun: datetime) -> Due:
    """The moments of a schedule.

    Args:
        schedule: `at(yyyy-mm-ddThh:mm:ss)`, `rate(VALUE UNIT)` or `cron(FIELDS)`.
        timezone: an IANA name; UTC by default.
        begun: what a rate counts from.

    Raises:
        ScheduleError: it is none of these.
    """
    zone = _zone(timezone)
    found = re.fullmatch(r"(at|rate|cron)\((.+)\)", schedule.strip())
    if found is None:
        raise ScheduleError(f"{schedule} is none of at(...), rate(...) and cron(...)")
    kind, content = found.groups()
    if kind == "at":
        return _at(content, zone)
    return _rate(content, begun) if kind == "rate" else _cron(content, zone)


def _zone(name: str | None) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ScheduleError(f"there is no time zone {name}") from error


def _at(content: str, zone: ZoneInfo | None) -> Due:
    try:
        moment = datetime.fromisoformat(content).replace(tzinfo=zone or UTC, second=0)
    except ValueError as error:
        raise ScheduleError(f"at({content}) is no yyyy-mm-ddThh:mm:ss") from error
    return lambda minute: minute == moment


def _rate(content: str, begun: datetime) -> Due:
    found = re.fullmatch(r"([1-9]\d*) (minute|hour|day)s?", content)
    if found is None:
        raise ScheduleError(f"rate({content}) is no number of minutes, hours or days")
    minutes = int(found[1]) * _UNITS[found[2]]
    first = begun.replace(second=0, microsecond=0)

    def is_due(minute: datetime) -> bool:
        passed = (minute - first) // timedelta(minutes=1)
        return passed > 0 and passed % minutes == 0

    return is_due


def _cron(content: str, zone: ZoneInfo | None) -> Due:
    fields = content.split()
    if len(fields) != len(_FIELDS):
        raise ScheduleError(f"cron({content}) has not six fields")
    sets = [_values(field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)]

    def is_due(minute: datetime) -> bool:
        local = minute.astimezone(zone or UTC)
        weekday = local.isoweekday() % 7 + 1
        now = (local.minute, local.hour, local.day, local.month, weekday, local.year)
        return all(value in allowed for value, allowed in zip(now, sets, strict=True))

    return is_due


def _values(field: str, low: int, high: int, names: list[str]) -> set[int]:
    """The values that a field allows: `*`, `?`, `1-5`, `MON,FRI`, `0/15`."""
    result: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            first, last = low, high
        else:
            begin, _, end = span.partition("-")
            first = _number(begin, field, low, names)
            last = _number(end, field, low, names) if end else (high if step else first)
        if not (low <= first <= last <= high) or (step and not step.isdigit()) or step == "0":
            raise ScheduleError(f"{field} is not within {low} and {high}")
        result |= set(range(first, last + 1, int(step or 1)))
    return result


def _number(text: str, field: str, low: int, names: list[str]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + low
    if not text.isdigit():
        raise ScheduleError(f"the local cloud does not know {field} in a cron expression")
    return int(text)
