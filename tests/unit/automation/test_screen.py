"""What a terminal gets: pictures that fit its width, and results that can be copied."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from automation.commands.status import _print
from automation.engine.progress import Progress
from automation.errors import ChangesFound, DriverError
from automation.screen import Screen
from tests.unit.automation.conftest import Captured
from tests.unit.automation.engine.test_progress import SERVICE, step

IMAGE = "localhost:23805/fargate-cd-local@sha256:" + "b6313471" * 8
ROLLOUT = ["  rollout in progress", "    new release 7: 1 of 2 run, 1 healthy"]


def terminal(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def written(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_picture_of_an_operation_has_a_line_a_step_at_every_width(width: int) -> None:
    progress = Progress(Screen(err=terminal(width)), "Updating", beside=lambda: ROLLOUT)
    progress.on_event(step("resourcePreEvent", "create-replacement", SERVICE + "-of-long-name" * 9))
    console = terminal(width)
    drawn = console.render_lines(progress._table(), pad=False)  # as a live picture is
    lines = ["".join(segment.text for segment in line) for line in drawn]
    assert len(lines) == 4
    assert max(map(len, lines)) <= width
    assert lines[1].startswith("     0 s  create-replacement a")
    assert lines[2:] == ROLLOUT


def test_results_and_errors_are_not_broken_into_lines() -> None:
    out, err = terminal(40), terminal(40)
    screen = Screen(out=out, err=err)
    screen.result(f"  image_uri: {IMAGE}")
    command = f"aws ecr batch-delete-image --repository-name fargate-cd --image-ids {IMAGE}"
    screen.complain(DriverError("It stays: " + command, [command]))
    assert written(out) == [f"  image_uri: {IMAGE}"]
    assert written(err) == [f"Error: It stays: {command}", f"  {command}"]


def test_an_error_after_the_document_is_told_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    """As where `preview --expect-no-changes` finds some: one document, and the exit code."""
    screen = Screen(json=True, err=terminal(80))
    screen.document({"changes": {"create": 1}})
    assert screen.fail(ChangesFound("There are changes.")) == 4
    assert json.loads(capsys.readouterr().out) == {"changes": {"create": 1}}
    assert written(screen.err) == ["Error: There are changes."]


def test_a_rollout_stands_before_the_tasks_that_a_small_terminal_cuts_off() -> None:
    out = terminal(80)
    task = {"id": "abc", "release": 7, "status": "RUNNING"}
    document = {
        "stack": "local",
        "service": {"running": 3, "desired": 2, "pending": 0, "deployment": None, "events": ["e"]},
        "release": {"number": 7, "state": "deploying", "image": IMAGE},
        "tasks": [task],
        "targets": [],
        "pipeline": {"name": None, "stages": []},
        "alarms": [{"name": "a", "state": "OK"}],
    }
    _print(Screen(out=out), document, ROLLOUT)
    lines = written(out)
    assert lines[2:4] == ROLLOUT
    assert lines[4].startswith("  task abc")
    assert lines[-1] == "  e"


def test_a_wait_is_told_only_where_a_plain_log_was_silent(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("automation.screen.time.monotonic", lambda: now)
    captured.screen.note("begun")
    for now in (5.0, 14.0, 16.0, 20.0, 31.5):  # noqa: B007 - the clock reads it
        captured.screen.still("waiting")
    assert captured.err.getvalue().count("waiting") == 2
