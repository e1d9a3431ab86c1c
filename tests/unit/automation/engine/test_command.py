"""The engine is run to its end, outlives signals to the driver, and is told to stop by it."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pulumi.automation.errors import CommandError, ConcurrentUpdateError
from semver import VersionInfo

from automation.engine import Engine
from automation.engine.command import DRIVER_VARIABLE

ROOT = Path(__file__).resolve().parents[4]


PATIENCE_SECONDS = 120.0
"""A loaded machine may take long to start an interpreter."""


def appears(path: Path) -> bool:
    """Wait for a file."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return path.exists()


def engine(tmp_path: Path, body: str) -> Engine:
    path = tmp_path / "pulumi"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return Engine(path, VersionInfo(3, 250, 0))


def test_a_command_is_run_without_questions_and_its_output_returned(tmp_path: Path) -> None:
    lines: list[str] = []
    done = engine(tmp_path, 'echo "$@"; echo warned >&2').run(
        ["stack", "ls"], str(tmp_path), {}, on_output=lines.append
    )
    assert done.stdout == "--non-interactive stack ls"
    assert done.stderr == "warned"
    assert lines == [done.stdout]


def test_the_engine_knows_its_driver_and_has_its_own_session(tmp_path: Path) -> None:
    body = f'echo "${DRIVER_VARIABLE} $GIVEN $PULUMI_AUTOMATION_API"; ps -o sid= -p $$'
    done = engine(tmp_path, body).run(["up"], str(tmp_path), {"GIVEN": "yes"})
    told, session = done.stdout.splitlines()
    assert told == f"{os.getpid()} yes true"
    assert int(session) != os.getsid(0)


def test_a_failure_is_the_automation_apis_own_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="code: 7"):
        engine(tmp_path, "exit 7").run(["up"], str(tmp_path), {})
    with pytest.raises(ConcurrentUpdateError):
        engine(tmp_path, "echo the stack is currently locked by 1 lock >&2; exit 1").run(
            ["up"], str(tmp_path), {}
        )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_at_an_interrupt_the_engine_is_asked_to_stop_and_waited_for(
    tmp_path: Path, request: pytest.FixtureRequest, number: signal.Signals
) -> None:
    before = signal.signal(number, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(number, before))
    saved, announced = tmp_path / "saved", tmp_path / "announced"
    save = f"while [ ! -e {announced} ]; do sleep 0.05; done; touch {saved}; exit 1"
    body = f"trap '{save}' INT; touch {tmp_path}/ready; while :; do sleep 0.05; done"
    told: list[bool] = []

    def announce() -> None:
        told.append(saved.exists())
        announced.touch()

    patient = engine(tmp_path, body)
    patient.announce_stop = announce

    def interrupt() -> None:
        if appears(tmp_path / "ready"):
            os.kill(os.getpid(), number)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        patient.run(["up"], str(tmp_path), {})
    assert saved.exists(), "the engine had time to save its state"
    assert told == [False], "the person was told at once"


def test_an_interrupt_reaches_the_commands_of_other_threads(tmp_path: Path) -> None:
    body = f"trap 'touch {tmp_path}/stopped-$2; exit 1' INT; touch {tmp_path}/ready-$2\n"
    patient = engine(tmp_path, body + "while :; do sleep 0.05; done")
    failures: list[Exception] = []

    def beside() -> None:
        try:
            patient.run(["refresh"], str(tmp_path), {})
        except CommandError as error:
            failures.append(error)

    def interrupt() -> None:
        if appears(tmp_path / "ready-refresh") and appears(tmp_path / "ready-preview"):
            os.kill(os.getpid(), signal.SIGINT)

    threads = [threading.Thread(target=run) for run in (beside, interrupt)]
    for thread in threads:
        thread.start()
    with pytest.raises(KeyboardInterrupt):
        patient.run(["preview"], str(tmp_path), {})
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert len(failures) == 1
    assert (tmp_path / "stopped-refresh").exists()


def test_an_interrupt_in_the_middle_of_a_garbage_collection_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python prints and forgets what is raised there."""
    sleep = time.sleep
    pending = [signal.SIGINT]

    def interrupt(phase: str, _info: dict[str, int]) -> None:
        if phase == "start" and pending and (tmp_path / "ready").exists():
            os.kill(os.getpid(), pending.pop())
            sleep(0)

    def collecting_sleep(seconds: float) -> None:
        gc.collect()
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", collecting_sleep)
    body = f"trap 'kill $!; exit 1' INT; touch {tmp_path}/ready; sleep 60 & wait"
    gc.callbacks.append(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            engine(tmp_path, body).run(["up"], str(tmp_path), {})
    finally:
        gc.callbacks.remove(interrupt)


def test_the_engine_survives_a_killed_driver(tmp_path: Path) -> None:
    """It goes on writing output after the driver is gone, and is not ended by a broken pipe."""
    finished = tmp_path / "finished"
    body = (
        f"touch {tmp_path}/ready; sleep 0.6; i=0; "
        f"while [ $i -lt 2000 ]; do printf '%060d\\n' $i; i=$((i+1)); done; "
        f"touch {finished}"
    )
    engine(tmp_path, body)
    driver = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from semver import VersionInfo\n"
            "from automation.engine.command import Engine\n"
            "Engine(Path(sys.argv[1]), VersionInfo(3)).run(['up'], '/', {})",
            str(tmp_path / "pulumi"),
        ],
        cwd=ROOT,
    )
    assert appears(tmp_path / "ready")
    driver.kill()
    driver.wait()
    assert appears(finished)
