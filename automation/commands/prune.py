"""`prune`: destroy the previews whose time is up or whose branch is gone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from automation import paths
from automation.commands.destroy import remove_stack
from automation.commands.previews import moment
from automation.errors import UpdateRunning
from automation.previews.branches import RemoteUnknown, remote_branches
from automation.previews.preview_stacks import PreviewStack, previews_of, require_environment_name
from automation.screen import Screen
from automation.stack.operations import connected
from automation.unexpected_errors import in_words
from infra.names import environment_of, preview_stack


@dataclass(frozen=True)
class Pruned:
    """What became of a preview that was due.

    Attributes:
        preview: the preview.
        why: why it was due.
        result: `destroyed`, `due` in a dry run, `kept` where an update of it runs, or `failed`.
        problem: why it is still there; empty if it is not, or not meant to go.
    """

    preview: PreviewStack
    why: str
    result: str
    problem: str = ""

    def document(self, now: datetime) -> dict[str, Any]:
        """As JSON."""
        return {
            **self.preview.document(now),
            "why": self.why,
            "result": self.result,
            "problem": self.problem or None,
        }


def prune(
    stack: str,
    screen: Screen,
    dry_run: bool = False,
    at: str | None = None,
    remote: str = "origin",
) -> int:
    """Destroy the previews of an environment that are due; never the environment.

    Args:
        stack: the environment.
        screen: where results and progress go.
        dry_run: say what is due, and touch nothing.
        at: the moment that counts as now.
        remote: the remote of this checkout whose branches count, or its address.

    Returns:
        0, or 1 if a preview that was due could not be destroyed; the others are gone all the same.

    Raises:
        ConfigurationError: nobody agreed, or the moment can't be read.
    """
    now = moment(at)
    require_environment_name(stack)
    if not dry_run:
        screen.confirm(f"Destroy the previews of {stack} that have expired or lost their branch?")
    found = previews_of(connected(stack, screen))
    due = reasons(found, now, _branches(screen, remote))
    kept = [each for each in found if each.stack not in due]
    pruned = [
        Pruned(each, due[each.stack], "due") if dry_run else _destroy(each, due[each.stack], screen)
        for each in found
        if each.stack in due
    ]
    screen.document(
        {
            "environment": stack,
            "dry_run": dry_run,
            "pruned": [each.document(now) for each in pruned],
            "kept": [each.document(now) for each in kept],
        }
    )
    _print(screen, stack, pruned, kept)
    return 1 if any(each.result == "failed" for each in pruned) else 0


def reasons(
    found: list[PreviewStack], now: datetime, branches: Collection[str] | None
) -> dict[str, str]:
    """Preview → why it is due.

    Args:
        found: the previews.
        now: the moment that counts.
        branches: those of the remote; None where they are not known, so that none is gone.
    """
    due = {}
    for each in found:
        alive = branches is None or each.stack in {
            preview_stack(each.environment, branch) for branch in branches
        }
        if each.expires <= now:
            due[each.stack] = f"expired on {each.expires:%Y-%m-%d %H:%M} UTC"
        elif not alive:
            due[each.stack] = "its branch is gone"
    return due


def _branches(screen: Screen, remote: str) -> Collection[str] | None:
    try:
        return remote_branches(paths.ROOT, remote)
    except RemoteUnknown as unknown:
        screen.warn(f"Only expired previews are looked for: {unknown}")
        return None


def _destroy(each: PreviewStack, why: str, screen: Screen) -> Pruned:
    """Destroy one; whatever goes wrong is told, and the next one has its turn."""
    if environment_of(each.stack) != each.environment:
        raise AssertionError(f"{each.stack} is no preview of {each.environment}")
    screen.note(f"{each.stack}: {why}")
    try:
        removed = remove_stack(each.stack, screen)
    except UpdateRunning as running:
        return Pruned(each, why, "kept", running.message)
    except Exception as error:  # noqa: BLE001 - one preview's trouble is not the others'
        return Pruned(each, why, "failed", in_words(error).message)
    if removed.succeeded:
        return Pruned(each, why, "destroyed")
    problem = removed.failure.message if removed.failure else f"{len(removed.left)} left"
    return Pruned(each, why, "failed", problem)


def _print(
    screen: Screen, environment: str, pruned: list[Pruned], kept: list[PreviewStack]
) -> None:
    for each in pruned:
        problem = f": {each.problem}" if each.problem else ""
        screen.result(f"  {each.result:<9} {each.preview.stack} ({each.why}){problem}")
    counts = {"destroyed": 0, "due": 0, "kept": len(kept), "failed": 0}
    for each in pruned:
        counts[each.result] += 1
    words = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    screen.result(f"{environment}: {words or 'no previews'}")
