"""`previews`: the preview stacks of an environment."""

from __future__ import annotations

from datetime import UTC, datetime

from automation.errors import ConfigurationError
from automation.previews.preview_stacks import PreviewStack, previews_of, require_environment_name
from automation.screen import Screen, duration
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


def moment(text: str | None) -> datetime:
    """A moment that a person gave, or now; without an offset it is UTC.

    Raises:
        ConfigurationError: it is not a time.
    """
    if text is None:
        return datetime.now(UTC)
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--at {text!r} must be a time in UTC, such as 2026-12-31T18:00."
        ) from error
    return given if given.tzinfo else given.replace(tzinfo=UTC)
