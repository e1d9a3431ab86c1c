"""What the commands do around the engine: locks, checks, stacks that come and go, verdicts."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from automation import paths
from automation.commands import preview as previewing
from automation.commands import rollback as rolling_back
from automation.commands import up as upping
from automation.commands.destroy import destroy
from automation.commands.outputs import outputs
from automation.commands.preview import preview
from automation.commands.refresh import refresh
from automation.commands.rollback import rollback
from automation.commands.up import up
from automation.deployment.releases import Release
from automation.deployment.verdict import Verdict
from automation.errors import ConfigurationError, EngineFailed, UpdateRunning
from automation.leftovers.search import Leftover
from automation.screen import Screen
from automation.stack import locks, stack_file
from automation.stack.target import TARGETS
from tests.unit.automation.commands.fake_engine import STACK, URL, FakeEngine, failing, install
from tests.unit.automation.conftest import Captured

LEFT = Leftover("arn:aws:logs:eu-central-1:1:log-group:x", "it is still there")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEngine:
    return install(monkeypatch, tmp_path)


@pytest.fixture
def screen(captured: Captured) -> Screen:
    captured.screen.yes = True
    return captured.screen


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previewing, "cost_difference", lambda *_: None)
    monkeypatch.setattr(previewing, "print_difference", lambda *_: None)


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """A service with two releases; what it was updated to."""
    updates: list[dict[str, str]] = []
    ecs = SimpleNamespace(update_service=lambda **given: updates.append(given))
    when = datetime(2026, 1, 1, tzinfo=UTC)
    found = [
        Release(number, f"image:{number}", None, when, state, f"arn:x:task-definition/app:{number}")
        for number, state in ((2, "current"), (1, "superseded"))
    ]
    service = {"taskDefinition": "arn:x:task-definition/app:2"}
    monkeypatch.setattr(rolling_back, "describe_service", lambda *_: service)
    monkeypatch.setattr(rolling_back, "_same", lambda *_: lambda release: release.number == 2)
    monkeypatch.setattr(rolling_back, "require_ports", lambda *_: None)
    monkeypatch.setattr(rolling_back, "require_secrets", lambda *_: None)
    monkeypatch.setattr(rolling_back, "stack_releases", lambda *_: found)
    monkeypatch.setattr(rolling_back, "stop_running_deployment", lambda *_: None)
    monkeypatch.setattr(rolling_back, "deployable", lambda _session, each: each.task_definition)
    monkeypatch.setattr("automation.aws.clients.Cloud.client", lambda *_: ecs)
    return updates


def test_up_ends_with_the_address_of_what_runs(engine: FakeEngine, captured: Captured) -> None:
    assert up(STACK, captured.screen) == 0
    assert engine.ran == ["up"]
    assert captured.out.getvalue().startswith("dev: Succeeded")
    assert captured.out.getvalue().endswith(f"{URL}\n")
    assert engine.stacks == {STACK}


def test_up_fails_where_the_address_does_not_answer(
    engine: FakeEngine, screen: Screen, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.answers = False
    screen.json = True
    assert up(STACK, screen) == 1
    assert json.loads(capsys.readouterr().out)["result"] == "failed"


@pytest.mark.parametrize("result", ["failed", "rolled_back"])
def test_up_fails_with_the_verdict(engine: FakeEngine, screen: Screen, result: Any) -> None:
    engine.verdict = Verdict(result, "tasks failed to start", "arn", own=True)
    assert up(STACK, screen) == 1


def test_up_fails_with_the_engine_whatever_the_verdict(
    engine: FakeEngine, captured: Captured
) -> None:
    engine.errors = {"up": [failing("error: the bucket exists already")]}
    assert up(STACK, captured.screen) == 1
    assert "the bucket exists already" in captured.err.getvalue()


def test_a_refused_up_leaves_no_new_stack(engine: FakeEngine, screen: Screen) -> None:
    engine.refusal = ConfigurationError("the image does not exist")
    with pytest.raises(ConfigurationError, match="does not exist"):
        up(STACK, screen)
    assert engine.stacks == set()
    assert engine.ran == []


def test_a_refused_up_leaves_an_old_stack_as_it_was(engine: FakeEngine, screen: Screen) -> None:
    engine.stacks = {STACK}
    engine.refusal = ConfigurationError("the image does not exist")
    with pytest.raises(ConfigurationError):
        up(STACK, screen)
    assert engine.stacks == {STACK}
    assert engine.ran == []


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch, captured: Captured) -> Iterator[int]:
    """The person's end of a terminal, which is standard input and standard error."""
    ours, its = pty.openpty()
    with os.fdopen(os.dup(its)) as stdin, os.fdopen(its, "w") as stderr:
        monkeypatch.setattr("sys.stdin", stdin)
        captured.screen.err = Console(file=stderr, width=200, highlight=False)
        yield ours
    os.close(ours)


@pytest.mark.parametrize(("answer", "ran"), [("y", ["up"]), ("n", []), ("", [])])
def test_up_on_a_terminal_shows_the_changes_and_their_cost_and_asks(
    engine: FakeEngine,
    captured: Captured,
    typing: int,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    ran: list[str],
) -> None:
    cost = {"lines": {"Fargate": 12.0}, "after": 12.0, "difference": 12.0}
    plan = previewing.UpdatePlan({"create": 2, "same": 0}, [], cost)
    monkeypatch.setattr(upping, "planned", lambda _session: plan)
    monkeypatch.setitem(TARGETS, "aws", replace(TARGETS["aws"], free=False))
    monkeypatch.setattr(upping, "check_account", lambda _session: None)
    os.write(typing, f"{answer}\n".encode())
    if ran:
        assert up(STACK, captured.screen) == 0
    else:
        with pytest.raises(ConfigurationError, match="Nothing was touched"):
            up(STACK, captured.screen)
        assert engine.stacks == set()
    asked, shown = b"Make these changes to dev? [y/N]", b""
    while asked not in shown and select.select([typing], [], [], 60)[0]:  # first the answer's echo
        shown += os.read(typing, 4096)
    assert asked in shown
    assert "2 to create" in captured.out.getvalue()
    assert "cost: 12.00 USD a month (+12.00)" in captured.out.getvalue()
    assert engine.ran == ran


@pytest.mark.usefixtures("typing")
@pytest.mark.parametrize(("option", "free"), [("yes", False), ("json", False), ("", True)])
def test_up_at_a_terminal_asks_nothing_with_yes_or_json_or_where_nothing_costs(
    engine: FakeEngine,
    captured: Captured,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    free: bool,
) -> None:
    monkeypatch.setitem(TARGETS, "aws", replace(TARGETS["aws"], free=free))
    monkeypatch.setattr(upping, "check_account", lambda _session: None)
    monkeypatch.setattr(upping, "planned", lambda _session: pytest.fail("asked"))
    setattr(captured.screen, option or "yes", bool(option))
    assert up(STACK, captured.screen) == 0
    assert engine.ran == ["up"]


def test_up_where_nobody_can_be_asked_asks_nothing(
    engine: FakeEngine, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert up(STACK, captured.screen) == 0


def test_without_preflight_nothing_is_checked(engine: FakeEngine, screen: Screen) -> None:
    engine.refusal = ConfigurationError("the image does not exist")
    assert up(STACK, screen, preflight=False) == 0


def test_up_reads_the_settings_file_once(
    engine: FakeEngine, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = stack_file.files.read

    def counted(path: Path) -> Any:
        read.append(path.name)
        return whole(path)

    monkeypatch.setattr(stack_file.files, "read", counted)
    assert up(STACK, screen) == 0
    assert read.count(f"Pulumi.{STACK}.yaml") == 1


@pytest.mark.usefixtures("priced")
def test_a_preview_of_a_new_stack_leaves_none(engine: FakeEngine, screen: Screen) -> None:
    assert preview(STACK, screen, look_for_drift=False) == 0
    assert engine.ran == ["preview"]
    assert engine.stacks == set()


@pytest.mark.usefixtures("priced")
def test_up_and_preview_say_which_image_and_how_many_tasks_stay(
    engine: FakeEngine, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that change nothing are not passed over in silence."""
    told: list[str] = []
    monkeypatch.setattr(upping.task_count, "tell", lambda _: told.append("tasks"))
    monkeypatch.setattr(upping.kept_image, "tell", lambda *_: told.append("image"))
    engine.stacks = {STACK}
    assert up(STACK, screen, preflight=False) == 0
    assert preview(STACK, screen, look_for_drift=False) == 0
    assert sorted(told) == ["image", "image", "tasks", "tasks"]


@pytest.mark.usefixtures("priced")
def test_a_failed_preview_of_a_new_stack_leaves_none(engine: FakeEngine, screen: Screen) -> None:
    engine.errors = {"preview": [failing("error: no")]}
    with pytest.raises(EngineFailed):
        preview(STACK, screen)
    assert engine.stacks == set()


@pytest.mark.usefixtures("priced")
def test_a_preview_of_an_old_stack_leaves_it(engine: FakeEngine, screen: Screen) -> None:
    engine.stacks = {STACK}
    assert preview(STACK, screen, look_for_drift=False) == 0
    assert engine.stacks == {STACK}


@pytest.mark.usefixtures("priced")
def test_a_preview_reads_the_resources_while_it_plans(
    engine: FakeEngine, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.stacks = {STACK}
    both = threading.Barrier(2, timeout=60)
    monkeypatch.setattr(engine, "during", both.wait)  # each waits until the other one runs
    assert preview(STACK, screen) == 0
    assert sorted(engine.ran) == ["preview", "preview_refresh"]


@pytest.mark.usefixtures("priced")
def test_a_preview_that_fails_asks_what_reads_the_resources_to_stop(
    engine: FakeEngine, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.stacks = {STACK}
    engine.errors = {"preview": [failing("error: no")]}

    def during() -> None:
        if threading.current_thread() is not threading.main_thread():
            assert engine.stopped.wait(60)

    monkeypatch.setattr(engine, "during", during)
    with pytest.raises(EngineFailed, match="no"):
        preview(STACK, screen)
    assert engine.stopped.is_set()


def test_a_destroyed_stack_is_removed(engine: FakeEngine, screen: Screen, tmp_path: Path) -> None:
    engine.stacks = {STACK}
    assert destroy(STACK, screen) == 0
    assert engine.ran == ["destroy"]
    assert engine.stacks == set()
    assert not (tmp_path / "work" / STACK).exists()


def test_a_stack_that_leaves_something_stays(engine: FakeEngine, captured: Captured) -> None:
    engine.stacks, engine.left = {STACK}, [LEFT]
    captured.screen.yes = True
    assert destroy(STACK, captured.screen) == 1
    assert engine.stacks == {STACK}
    assert LEFT.arn in captured.out.getvalue()


def test_a_stack_whose_destruction_failed_stays(engine: FakeEngine, screen: Screen) -> None:
    engine.stacks = {STACK}
    engine.errors = {"destroy": [failing("error: the bucket is not empty")]}
    assert destroy(STACK, screen) == 1
    assert engine.stacks == {STACK}


def test_a_rollback_puts_back_the_release_before(
    engine: FakeEngine, screen: Screen, released: list[dict[str, str]]
) -> None:
    engine.stacks = {STACK}
    assert rollback(STACK, screen) == 0
    assert [update["taskDefinition"] for update in released] == ["arn:x:task-definition/app:1"]


def test_a_rollback_to_what_does_not_answer_has_failed(
    engine: FakeEngine, screen: Screen, released: list[dict[str, str]]
) -> None:
    engine.stacks, engine.answers = {STACK}, False
    assert rollback(STACK, screen, to=1) == 1
    assert len(released) == 1


def is_locked(folder: Path) -> bool:
    """Whether another command would be refused now."""
    try:
        with locks.one_update(folder / "locks", STACK):
            return False
    except UpdateRunning:
        return True


CHANGING: dict[str, Callable[..., int]] = {"up": up, "destroy": destroy, "refresh": refresh}


@pytest.mark.parametrize("name", CHANGING)
def test_a_command_that_changes_a_stack_holds_the_drivers_lock(
    engine: FakeEngine, screen: Screen, tmp_path: Path, name: str
) -> None:
    engine.stacks = {STACK}
    seen: list[bool] = []
    engine.during = lambda: seen.append(is_locked(tmp_path))
    assert CHANGING[name](STACK, screen) == 0
    assert seen == [True]
    assert not is_locked(tmp_path)


def test_a_rollback_holds_the_drivers_lock(
    engine: FakeEngine,
    screen: Screen,
    tmp_path: Path,
    released: list[dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine.stacks = {STACK}
    seen: list[bool] = []
    look = rolling_back.stop_running_deployment
    monkeypatch.setattr(
        rolling_back,
        "stop_running_deployment",
        lambda *given: (look(*given), seen.append(is_locked(tmp_path))),
    )
    assert rollback(STACK, screen) == 0
    assert (seen, len(released)) == ([True], 1)


@pytest.mark.parametrize("name", CHANGING)
def test_a_command_is_refused_while_another_one_runs(
    engine: FakeEngine, screen: Screen, tmp_path: Path, name: str
) -> None:
    engine.stacks = {STACK}
    with locks.one_update(tmp_path / "locks", STACK), pytest.raises(UpdateRunning) as refused:
        CHANGING[name](STACK, screen)
    assert refused.value.exit_code == 3
    assert engine.ran == []


@pytest.mark.usefixtures("priced")
def test_a_command_that_only_looks_waits_for_nobody(
    engine: FakeEngine, screen: Screen, tmp_path: Path
) -> None:
    engine.stacks = {STACK}
    with locks.one_update(tmp_path / "locks", STACK):
        assert preview(STACK, screen, look_for_drift=False) == 0
        assert outputs(STACK, screen) == 0


def locked_by(pid: int, lock: Path, since: datetime) -> Exception:
    """What the engine says of a stack that another one has locked."""
    lock.parent.mkdir(exist_ok=True)
    lock.write_text("{}")
    return failing(
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) "
        "to end or delete the lock file with `pulumi cancel`.\n"
        f"  file://{lock}: created by me@{socket.gethostname()} (pid {pid}) at {since:%FT%TZ}"
    )


def test_a_dead_engines_lock_is_cleared_and_the_operation_run_again(
    engine: FakeEngine, screen: Screen, tmp_path: Path
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock = tmp_path / "backend" / "lock.json"
    engine.errors = {"up": [locked_by(gone.pid, lock, datetime.now(UTC))]}
    engine.cancelled = lock.unlink
    assert up(STACK, screen) == 0
    assert engine.ran == ["up", "up"]
    assert not lock.exists()


def test_a_living_engines_lock_stays(engine: FakeEngine, screen: Screen, tmp_path: Path) -> None:
    lock = tmp_path / "backend" / "lock.json"
    soon = datetime.now(UTC) + timedelta(seconds=1)
    engine.errors = {"up": [locked_by(os.getpid(), lock, soon)]}
    engine.cancelled = lock.unlink
    with pytest.raises(UpdateRunning) as refused:
        up(STACK, screen)
    assert refused.value.exit_code == 3
    assert engine.ran == ["up"]
    assert lock.exists()


def test_a_lock_that_comes_again_is_another_update(
    engine: FakeEngine, screen: Screen, tmp_path: Path
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock = tmp_path / "backend" / "lock.json"
    engine.errors = {"up": [locked_by(gone.pid, lock, datetime.now(UTC)) for _ in range(2)]}
    with pytest.raises(UpdateRunning):
        up(STACK, screen)
    assert engine.ran == ["up", "up"]


def test_opening_a_stack_that_does_not_exist_makes_none(engine: FakeEngine, screen: Screen) -> None:
    with pytest.raises(ConfigurationError):
        outputs(STACK, screen)
    assert engine.stacks == set()
    assert Path.cwd() == paths.ROOT
