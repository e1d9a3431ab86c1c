"""The release command with real containers: once for each release, and a bad one stops it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import faulty
from tests.e2e.checkout import Checkout

COMMAND = ["python3", "/migrate.py"]
STACK = ("--stack", "local")


def release(folder: Path, program: str) -> None:
    """Give the application in a folder another migration, and so another image."""
    (folder / "migrate.py").write_text(program)
    dockerfile = faulty.DOCKERFILE.replace(
        "COPY faulty.py", "COPY migrate.py /migrate.py\nCOPY faulty.py"
    )
    (folder / "Dockerfile").write_text(dockerfile)


def settings(checkout: Checkout, **others: object) -> None:
    """Put the application into a checkout, and set its stack up."""
    faulty.prepare(checkout, desired_count=1, release_command=COMMAND, **others)
    release(checkout.root / "faulty", "print('migrated to 1')")


@pytest.fixture(scope="module")
def stack(checkout: Checkout) -> Checkout:
    settings(checkout)
    return checkout


def log(checkout: Checkout) -> list[str]:
    """What the application and its release commands have written, oldest first."""
    events: Any = checkout.json("logs", *STACK, "--since", "1h")
    return [str(event["message"]) for event in events]


def image(checkout: Checkout) -> str:
    return str(checkout.json("status", *STACK)["release"]["image"])


def test_it_runs_before_the_first_task_of_a_new_stack(stack: Checkout) -> None:
    faulty.up(stack)
    lines = log(stack)
    assert lines.count("migrated to 1") == 1
    assert lines.index("migrated to 1") < lines.index("listening on port 9292")


def test_an_update_of_the_settings_does_not_run_it_again(stack: Checkout) -> None:
    stack.configure(environment={"COLOUR": "red"})
    faulty.up(stack)
    assert log(stack).count("migrated to 1") == 1


def test_a_failure_stops_the_release_and_the_version_before_runs_on(stack: Checkout) -> None:
    before = image(stack)
    release(stack.root / "faulty", "import sys; print('no table orders'); sys.exit(3)")
    told = faulty.up(stack, 1)
    assert told["result"] == "failed"
    found = told["diagnosis"]
    assert "ended with exit code 3" in found["cause"]
    assert found["setting"].startswith("fargate-cd:release_command")
    assert "no table orders" in found["evidence"]
    assert image(stack) == before
    assert stack.json("diagnose", *STACK)["diagnosis"]["setting"] == found["setting"]


def test_the_next_good_release_runs_it(stack: Checkout) -> None:
    release(stack.root / "faulty", "print('migrated to 2')")
    faulty.up(stack)
    assert log(stack).count("migrated to 2") == 1


def test_a_killed_driver_leaves_it_running_and_the_next_one_follows_it(stack: Checkout) -> None:
    release(
        stack.root / "faulty", "import time; print('begun'); time.sleep(20); print('migrated to 3')"
    )
    update = stack.begin("up", *STACK, "--yes")
    faulty.until_said(stack, "begun")
    assert update.poll() is None, update.communicate()[0]
    update.send_signal(signal.SIGKILL)
    update.wait()
    done = stack.run("up", *STACK, "--yes")
    assert done.returncode == 0, done.stderr
    assert "was started already; following it" in done.stderr or "is not repeated" in done.stderr
    assert log(stack).count("migrated to 3") == 1


def test_a_preview_runs_it_with_its_own_image_and_log(stack: Checkout) -> None:
    before = len(log(stack))
    faulty.up(stack, 0, "--branch", "login")
    events: Any = stack.json("logs", *STACK, "--branch", "login", "--since", "1h")
    assert [event["message"] for event in events].count("migrated to 3") == 1
    assert len(log(stack)) == before
    faulty.up(stack, 0, "--branch", "login")
    assert stack.run("destroy", *STACK, "--yes", "--branch", "login").returncode == 0


def test_every_update_runs_it_where_that_is_asked_for(stack: Checkout) -> None:
    stack.configure(release_command_on="every_update", environment={"COLOUR": "blue"})
    faulty.up(stack)
    assert log(stack).count("migrated to 3") == 2
