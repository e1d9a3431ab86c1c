"""`previews`: the preview stacks of an environment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from automation.errors import ConfigurationError
from automation.previews.preview_stacks import PreviewStack, previews_of, require_environment_name
from automation.screen import Screen
from automation.stack.operations import connected


def previews(stack: str, screen: Screen, at: str | None = None) -> int:
    """Print the previews of an environment, the one that expires first at the top.

    Args:
        stack: the environment.
        screen: where results go.
        at: the moment for ages and times left; now by default.

    Raises:
        ConfigurationError: the stack is a preview itself, or the moment can't be read.
    """
    now = moment(at)
    require_environment_name(stack)
    found = previews_of(connected(stack, screen, start=False))
    screen.document({"environment": stack, "previews": [each.document(now) for each in found]})
    if not found:
        screen.result(f"{stack} has no previews")
        return 0
    screen.table(
        ("branch", "age", "left", "USD a month", "creator", "url"),
        [_row(each, now) for each in found],
    )
    return 0


def _row(each: PreviewStack, now: datetime) -> tuple[str, ...]:
    return (
        each.branch or f"({each.stack})",
        duration(now - each.created) if each.created else "-",
        duration(each.expires - now) if each.expires > now else "expired",
        "?" if each.monthly is None else f"{each.monthly:.2f}",
        each.creator or "-",
        each.url or "not finished",
    )


def duration(length: timedelta) -> str:
    """A length of time by its two largest units: `3 d 4 h`, `5 h 10 min`, `2 min`."""
    minutes = int(length.total_seconds()) // 60
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [(days, "d"), (hours, "h"), (rest, "min")]
    first = next((index for index, (count, _) in enumerate(parts) if count), 2)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])


def moment(text: str | None) -> datetime:
    """A moment that a person gave, or now; without an offset it is UTC.

    Raises:
        ConfigurationError: it is none.
    """
    if text is None:
        return datetime.now(UTC)
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--at {text!r} is no moment: write it as 2026-12-31T18:00, in UTC."
        ) from error
    return given if given.tzinfo else given.replace(tzinfo=UTC)
