"""Schedules of scaling."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from localcloud.scaling.schedule import ScheduleError, due

BEGUN = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("schedule", "timezone", "moment", "expected"),
    [
        ("cron(0 8 * * ? *)", None, datetime(2026, 11, 23, 8, 0, tzinfo=UTC), True),
        ("cron(0 8 * * ? *)", None, datetime(2026, 11, 23, 8, 1, tzinfo=UTC), False),
        ("cron(0 8 ? * MON-FRI *)", None, datetime(2026, 11, 22, 8, 0, tzinfo=UTC), False),
        ("cron(0 8 ? * 2-6 *)", None, datetime(2026, 11, 23, 8, 0, tzinfo=UTC), True),
        ("cron(0/15 * * * ? *)", None, datetime(2026, 11, 23, 8, 45, tzinfo=UTC), True),
        ("cron(0 8 * JAN,NOV ? *)", None, datetime(2026, 11, 23, 8, 0, tzinfo=UTC), True),
        ("cron(0 9 * * ? *)", "Europe/Berlin", datetime(2026, 11, 23, 8, 0, tzinfo=UTC), True),
        ("at(2026-11-23T08:00:00)", None, datetime(2026, 11, 23, 8, 0, tzinfo=UTC), True),
        ("at(2026-11-23T09:00:00)", None, datetime(2026, 11, 23, 8, 0, tzinfo=UTC), False),
        ("rate(2 hours)", None, datetime(2026, 11, 23, 14, 0, tzinfo=UTC), True),
        ("rate(2 hours)", None, datetime(2026, 11, 23, 13, 0, tzinfo=UTC), False),
        ("rate(5 minutes)", None, datetime(2026, 11, 23, 12, 0, tzinfo=UTC), False),
    ],
)
def test_moments(schedule: str, timezone: str | None, moment: datetime, expected: bool) -> None:
    assert due(schedule, timezone, BEGUN)(moment) is expected


@pytest.mark.parametrize(
    "schedule",
    [
        "every day",
        "cron(0 8 * * ?)",
        "cron(0 25 * * ? *)",
        "cron(0 8 L * ? *)",
        "cron(*/0 8 * * ? *)",
        "rate(0 minutes)",
        "rate(1 week)",
        "at(tomorrow)",
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(ScheduleError):
        due(schedule, None, BEGUN)


def test_an_unknown_time_zone_is_named() -> None:
    with pytest.raises(ScheduleError, match="Mars/Olympus"):
        due("cron(0 8 * * ? *)", "Mars/Olympus", BEGUN)
