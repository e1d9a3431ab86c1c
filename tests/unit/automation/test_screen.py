"""What a terminal gets: pictures that fit its width, and results that can be copied."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from automation import screen as screen_module
from automation.commands.releases import print_releases, short_image
from automation.commands.status import _print
from automation.deployment.releases import Release
from automation.engine.progress import Progress
from automation.errors import ChangesFound, DriverError
from automation.screen import Screen
from tests.unit.automation.conftest import Captured, await_words
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


@pytest.mark.parametrize("as_json", [False, True])
def test_a_reader_that_went_away_ends_the_command_without_a_word(as_json: bool) -> None:
    """As `run.py status | head -1`; the pipe is closed before anything is written."""
    program = "from automation.screen import Screen; s = Screen(json={}); s.{}"
    call = "document(['x'])" if as_json else "result('x')"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", program.format(as_json, call)],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_error_after_the_document_is_told_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    """As where `preview --expect-no-changes` finds some: one document, and the exit code."""
    screen = Screen(json=True, err=terminal(80))
    screen.document({"changes": {"create": 1}})
    assert screen.fail(ChangesFound("There are changes.")) == 4
    assert json.loads(capsys.readouterr().out) == {"changes": {"create": 1}}
    assert written(screen.err) == ["Error: There are changes."]


def test_a_wait_says_on_a_plain_log_that_it_goes_on(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen_module, "LOOK_SECONDS", 0.01)
    captured.screen.result("a line")
    with captured.screen.waiting("Building"):
        time.sleep(0.1)
    assert captured.err.getvalue() == "", "there was a line just now"
    monkeypatch.setattr(screen_module, "SILENT_SECONDS", 0.0)
    with captured.screen.waiting("Building"):
        await_words("Building", captured)


def test_a_wait_is_drawn_on_a_terminal_and_leaves_nothing() -> None:
    err = terminal(80)
    with Screen(err=err).waiting("Building"):
        pass
    assert any("Building" in line for line in written(err))


def document(**further: Any) -> dict[str, Any]:
    """What `status` tells, as JSON has it."""
    began = (datetime.now(UTC) - timedelta(minutes=90)).isoformat()
    release = {
        "number": 7,
        "state": "current",
        "image": IMAGE,
        "commit": "a1b2c3d4e5",
        "when": began,
    }
    task = {"id": "abc", "release": 7, "status": "RUNNING", "address": "10.0.0.9", "started": began}
    return {
        "stack": "local",
        "url": "http://app.example",
        "service": {"running": 1, "desired": 1, "pending": 0, "deployment": None, "events": ["e"]},
        "release": release,
        "tasks": [task],
        "targets": [{"id": "10.0.0.9:9292", "state": "healthy", "reason": None}],
        "pipeline": {"name": None, "stages": []},
        "alarms": [{"name": "a", "state": "OK"}, {"name": "b", "state": "OK"}],
    } | further


def shown(**further: Any) -> list[str]:
    out = terminal(80)
    _print(Screen(out=out), document(**further), ROLLOUT)
    return written(out)


def test_a_rollout_stands_before_the_tasks_that_a_small_terminal_cuts_off() -> None:
    lines = shown()
    assert lines[4:6] == ROLLOUT
    assert lines[6].startswith("  task abc")
    assert lines[-1] == "  e"


def test_the_status_shows_address_commit_and_ages_and_each_task_once() -> None:
    lines = shown()
    assert lines[1] == "http://app.example"
    assert lines[2] == "release 7 (current, commit a1b2c3d, 1 h 30 min ago)"
    assert lines[6:8] == [
        "  task abc  release 7  RUNNING, healthy, 1 h 30 min ago",
        "alarms: 2 well",
    ]


def test_what_is_not_well_has_a_line_of_its_own() -> None:
    targets = [
        {"id": "10.0.0.9:9292", "state": "unhealthy", "reason": "it answered 500"},
        {"id": "10.0.0.7:9292", "state": "draining", "reason": None},
    ]
    alarms = [{"name": "a", "state": "ALARM"}, {"name": "b", "state": "INSUFFICIENT_DATA"}]
    lines = shown(targets=targets, alarms=alarms)
    assert lines[6:10] == [
        "  task abc  release 7  RUNNING, unhealthy: it answered 500, 1 h 30 min ago",
        "  target 10.0.0.7:9292  draining",
        "  alarm a  ALARM",
        "alarms: 1 without data",
    ]


def test_states_have_colours_on_a_terminal() -> None:
    out = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    _print(Screen(out=out), document())
    line = next(line for line in written(out) if "task abc" in line)
    assert line.startswith("\x1b[32m")


def test_half_made_stacks_have_a_status_too() -> None:
    lines = shown(release=None, tasks=[], targets=[], alarms=[], url=None)
    assert lines[1:3] == ROLLOUT


def test_releases_of_several_processes_tell_what_each_ran() -> None:
    out, when = terminal(120), datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    arns = {"worker": "family_worker:3", "web": "family:1"}
    row = Release(1, IMAGE, None, when, "current", "family:1", arns)
    print_releases(Screen(out=out), [row])
    assert written(out)[0].rstrip().endswith("revisions")
    assert written(out)[1].rstrip().endswith("web 1, worker 3")


@pytest.mark.parametrize("image", [IMAGE, "host.example/a/very/long/name/of/an/image:" + "v" * 60])
def test_the_releases_fit_a_terminal_of_eighty_columns(image: str) -> None:
    out = terminal(80)
    when = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    commit = "a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2-dirty"
    rows = [
        Release(1234, image, commit, when, "rolled back", "arn"),
        Release(1, image, None, when, "x", "arn"),
    ]
    print_releases(Screen(out=out), rows)
    assert len(written(out)) == 3
    assert "1234" in written(out)[1]
    assert "a1b2c3d-dirty" in written(out)[1]
    assert max(map(len, written(out))) <= 80
    assert written(out)[1].rstrip().endswith(short_image(image))
