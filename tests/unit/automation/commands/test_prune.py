"""Which previews are due, and what `prune` does with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from automation.commands import prune as pruning
from automation.commands.destroy import Removed
from automation.commands.prune import Heads, reasons
from automation.errors import ConfigurationError, DriverError, UpdateRunning
from automation.previews.preview_stacks import PreviewStack
from infra.names import preview_stack
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured
from tests.unit.automation.previews.given import AT, NOW, removing


def preview(
    branch: str = "login",
    left: float = 1.0,
    environment: str = "dev",
    remote: str | None = "origin",
) -> PreviewStack:
    """A preview that has `left` hours left, and whose branch was seen on a remote."""
    return PreviewStack(
        stack=preview_stack(environment, branch),
        environment=environment,
        branch=branch,
        creator="mia",
        remote=remote,
        url="http://127.0.0.1:20000",
        created=NOW - timedelta(hours=5),
        expires=NOW + timedelta(hours=left),
        monthly=7.0,
    )


def test_expired_previews_and_those_without_a_branch_are_due() -> None:
    found = [preview("old", -0.1), preview("just", 0), preview("gone"), preview("feature/Ü")]
    due = reasons(found, NOW, Heads("origin", {"old", "just", "feature/Ü", "main"}))
    assert due == {
        "dev-preview-old": "expired on 2026-11-23 11:54 UTC",
        "dev-preview-just": "expired on 2026-11-23 12:00 UTC",
        "dev-preview-gone": "its branch is gone",
    }


def test_without_a_remote_no_branch_is_gone() -> None:
    assert reasons([preview("gone")], NOW, None) == {}


@pytest.mark.parametrize("seen", [None, "octo/other"])
def test_a_branch_that_was_never_on_the_remote_is_not_gone(seen: str | None) -> None:
    found = [preview("unpushed", remote=seen)]
    assert reasons(found, NOW, Heads("octo/shop", {"main"})) == {}
    chosen = reasons(found, NOW, Heads(None, {"main"}))
    assert bool(chosen) == (seen is not None), "a remote that a person names counts for all seen"


def test_a_preview_without_a_label_of_today_lives_as_long_as_its_branch() -> None:
    old = replace(preview("feature/a"), stack="dev-preview-feature-a-0123abcd")
    assert reasons([old], NOW, Heads("origin", {"feature/a"})) == {}


@pytest.fixture
def due(monkeypatch: pytest.MonkeyPatch) -> list[PreviewStack]:
    """Three previews, of which two have expired, in a world without engine and remote."""
    found = [preview("one", -1), preview("two", -1), preview("three")]
    backend = SimpleNamespace(file=SimpleNamespace(settings=Settings()))
    monkeypatch.setattr(pruning, "connected", lambda *_: backend)
    monkeypatch.setattr(pruning, "previews_of", lambda _: found)
    monkeypatch.setattr(pruning, "_heads", lambda *_: None)
    return found


def test_a_dry_run_touches_nothing(
    due: list[PreviewStack], captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = removing(monkeypatch, {})
    assert pruning.prune("dev", captured.screen, dry_run=True, at=AT) == 0
    assert asked == []
    assert "2 due" not in captured.err.getvalue()
    assert "dev: 2 due, 1 kept" in captured.out.getvalue()


def test_prune_without_a_terminal_asks_nothing(due: list[PreviewStack], captured: Captured) -> None:
    with pytest.raises(ConfigurationError, match="add --yes") as error:
        pruning.prune("dev", captured.screen, at=AT)
    assert (error.value.exit_code, "--dry-run" in error.value.message) == (2, True)


@pytest.mark.parametrize(("answer", "destroyed"), [("y", 2), ("n", 0)])
def test_prune_lists_what_will_go_before_it_asks(
    due: list[PreviewStack],
    captured: Captured,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    destroyed: int,
) -> None:
    asked = removing(monkeypatch, {})
    captured.screen.err = Console(
        file=captured.err, width=200, force_terminal=True, highlight=False
    )

    def answered() -> str:
        shown = captured.err.getvalue()
        assert shown.index("dev-preview-one: expired") < shown.index("Destroy these 2 previews?")
        assert "dev-preview-three" not in shown
        return answer

    terminal = SimpleNamespace(isatty=lambda: True, readline=answered)
    monkeypatch.setattr("sys.stdin", terminal)
    if destroyed:
        assert pruning.prune("dev", captured.screen, at=AT) == 0
    else:
        with pytest.raises(ConfigurationError, match="Nothing was touched"):
            pruning.prune("dev", captured.screen, at=AT)
    assert len(asked) == destroyed


@pytest.mark.parametrize(
    ("fate", "result", "code"),
    [
        (DriverError("no"), "failed", 1),
        (RuntimeError("odd"), "failed", 1),
        (Removed(3, [], DriverError("half")), "failed", 1),
        (UpdateRunning("busy"), "kept", 0),
    ],
)
def test_one_that_fails_does_not_stop_the_others(
    due: list[PreviewStack],
    captured: Captured,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fate: Any,
    result: str,
    code: int,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    captured.screen.yes = True
    asked = removing(monkeypatch, {"dev-preview-one": fate})
    assert pruning.prune("dev", captured.screen, at=AT) == code
    assert asked == ["dev-preview-one", "dev-preview-two"]
    assert f"{result:<9} dev-preview-one" in captured.out.getvalue()
    assert "destroyed dev-preview-two" in captured.out.getvalue()


def test_prune_takes_no_preview_for_an_environment(captured: Captured) -> None:
    with pytest.raises(ConfigurationError, match="give its environment, dev"):
        pruning.prune("dev-preview-a", captured.screen)
