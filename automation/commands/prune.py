"""`prune`: destroy the previews whose time is up or whose branch is gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from automation import paths
from automation.commands.destroy import remove_stack
from automation.commands.previews import moment
from automation.errors import UpdateRunning
from automation.previews.preview_stacks import PreviewStack, previews_of, require_environment_name
from automation.previews.remote_branches import (
    RemoteUnknown,
    remote_branches,
    remote_name,
    stack_remote,
)
from automation.screen import Screen
from automation.stack.operations import connected
from automation.unexpected_errors import in_words
from infra.names import environment_of, preview_stack
from infra.settings.model import Settings


@dataclass(frozen=True)
class Pruned:
    """The result of pruning one preview.

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
    remote: str | None = None,
) -> int:
    """Destroy the previews of an environment that are due, after a question that lists them.

    The environment itself is never destroyed.

    Args:
        stack: the environment.
        screen: where results and progress go.
        dry_run: say what is due, and touch nothing.
        at: the moment that counts as now.
        remote: a remote of this checkout whose branches count, or its address; by default the
            repository that the environment's settings name, else `origin`.

    Returns:
        0, or 1 if a preview that was due could not be destroyed; the others are gone all the same.

    Raises:
        ConfigurationError: nobody agreed, or the moment can't be read.
    """
    now = moment(at)
    require_environment_name(stack)
    if not dry_run:
        screen.require_answer("Previews that are due are destroyed; `--dry-run` lists them.")
    backend = connected(stack, screen)
    found = previews_of(backend)
    due = reasons(found, now, _heads(screen, backend.file.settings, remote))
    if due and not dry_run:
        _confirm(screen, due)
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


def _confirm(screen: Screen, due: Mapping[str, str]) -> None:
    if not screen.yes:
        for name, why in due.items():
            screen.warn(f"  {name}: {why}")
    count = "this preview" if len(due) == 1 else f"these {len(due)} previews"
    screen.confirm(f"Destroy {count}?")


@dataclass(frozen=True)
class Heads:
    """The branches of a remote.

    Attributes:
        remote: the name under which updates recorded that they saw a branch there; None where
            a person chose the remote, so that each record counts.
        branches: their names.
    """

    remote: str | None
    branches: Collection[str]

    def lost(self, preview: PreviewStack) -> bool:
        """Whether the preview's branch was on the remote and is gone."""
        if preview.remote is None or self.remote not in {None, preview.remote}:
            return False
        labels = {preview_stack(preview.environment, branch) for branch in self.branches}
        return preview.stack not in labels and preview.branch not in self.branches


def reasons(found: list[PreviewStack], now: datetime, heads: Heads | None) -> dict[str, str]:
    """Preview → why it is due.

    Args:
        found: the previews.
        now: the moment that counts.
        heads: the branches of the remote; None where they are not known, so that none is gone.
    """
    due = {}
    for each in found:
        if each.expires <= now:
            due[each.stack] = f"expired on {each.expires:%Y-%m-%d %H:%M} UTC"
        elif heads is not None and heads.lost(each):
            due[each.stack] = "its branch is gone"
    return due


def _heads(screen: Screen, settings: Settings, remote: str | None) -> Heads | None:
    try:
        asked = remote or stack_remote(paths.ROOT, settings)
        branches = remote_branches(paths.ROOT, asked)
    except RemoteUnknown as unknown:
        screen.warn(f"Only expired previews are looked for: {unknown}")
        return None
    return Heads(None if remote else remote_name(settings), branches)


def _destroy(each: PreviewStack, why: str, screen: Screen) -> Pruned:
    """Destroy one preview; a failure is reported and does not stop the others."""
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
