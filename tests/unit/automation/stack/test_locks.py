"""A living owner means exit 3; a dead one's lock is taken away, and only that."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from automation import paths
from automation.engine.command import DRIVER_VARIABLE
from automation.errors import UpdateRunning
from automation.stack import locks

HOST = socket.gethostname()


def message(path: Path | str, pid: int, since: datetime, host: str = HOST) -> str:
    """What the engine prints (pkg/backend/diy/lock.go)."""
    stamp = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        " code: 1\n stderr: error: the stack is currently locked by 1 lock(s). Either wait for the "
        "other process(es) to end or delete the lock file with `pulumi cancel`.\n"
        f"  file://{path}?no_tmp_dir=true: created by root@{host} (pid {pid}) at {stamp}"
    )


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "a b" / "lock.json"
    path.parent.mkdir()
    path.write_text("{}")
    path.with_name("lock.json.attrs").write_text("{}")
    return path


def quoted(path: Path) -> str:
    return str(path).replace(" ", "%20")


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_owner_is_read_from_the_engines_words(lock: Path) -> None:
    since = datetime(2026, 11, 23, 9, 7, 8, tzinfo=UTC)
    (owner,) = locks.owners(message(quoted(lock), 5535, since))
    assert (owner.user, owner.host, owner.pid, owner.since) == ("root", HOST, 5535, since)


def test_a_dead_owners_lock_is_taken_away_and_said(lock: Path) -> None:
    notes: list[str] = []
    locks.clear_dead(
        "s", message(quoted(lock), dead_pid(), datetime.now(UTC)), notes.append, lock.unlink
    )
    assert not lock.exists()
    assert "taken over" in notes[0]


def test_a_younger_process_of_the_same_number_is_not_the_owner(lock: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=400)
    locks.clear_dead("s", message(quoted(lock), os.getpid(), long_ago), lambda _: None, lock.unlink)
    assert not lock.exists()


def test_a_living_owner_keeps_its_lock(lock: Path) -> None:
    later = datetime.now(UTC) + timedelta(seconds=1)
    with pytest.raises(UpdateRunning, match=f"process {os.getpid()}"):
        locks.clear_dead(
            "s", message(quoted(lock), os.getpid(), later), lambda _: None, lock.unlink
        )
    assert lock.exists()


def test_an_owner_on_another_host_counts_as_living(lock: Path) -> None:
    with pytest.raises(UpdateRunning, match="elsewhere") as refused:
        locks.clear_dead(
            "s",
            message(quoted(lock), dead_pid(), datetime.now(UTC), "elsewhere"),
            lambda _: None,
            lock.unlink,
        )
    assert lock.exists()
    (advice,) = refused.value.evidence
    assert "can only be seen on elsewhere" in advice
    command = advice.partition("free its lock first: ")[2]
    subprocess.run(shlex.split(command), check=True)
    assert not lock.exists()


@pytest.mark.parametrize(
    ("address", "command"),
    [
        ("s3://bucket/.pulumi/locks/a.json", "aws s3 rm s3://bucket/.pulumi/locks/a.json"),
        (
            "s3://bucket?region=eu-west-1&awssdk=v2/.pulumi/locks/a.json",
            "aws s3 rm s3://bucket/.pulumi/locks/a.json",
        ),
        (
            "s3://bucket/.pulumi/locks/a.json?region=eu-west-1&endpoint=http://minio.example:9000",
            "aws s3 rm s3://bucket/.pulumi/locks/a.json",
        ),
        ("gs://bucket/.pulumi/locks/a.json", "gcloud storage rm gs://bucket/.pulumi/locks/a.json"),
        ("azblob://box/.pulumi/locks/a.json", "delete azblob://box/.pulumi/locks/a.json"),
    ],
)
def test_how_the_lock_of_another_machine_is_freed(address: str, command: str) -> None:
    text = message("X", 1, datetime.now(UTC), "elsewhere")
    error = locks.running("s", text.replace("file://X?no_tmp_dir=true", address))
    assert error.evidence[0].endswith(f"free its lock first: {command}")
    assert error.exit_code == 3


def test_a_dead_owners_lock_in_a_bucket_is_freed_by_the_engine() -> None:
    text = message("X", dead_pid(), datetime.now(UTC)).replace("file://X", "s3://bucket/lock.json")
    freed: list[bool] = []
    locks.clear_dead("s", text, lambda _: None, lambda: freed.append(True))
    assert freed == [True]


def test_words_that_name_no_owner_mean_a_running_update() -> None:
    with pytest.raises(UpdateRunning):
        locks.clear_dead(
            "s", "[409] Conflict: Another update is currently in progress.", print, pytest.fail
        )


def test_an_orphaned_engine_is_waited_for(lock: Path) -> None:
    engine = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env=os.environ | {DRIVER_VARIABLE: str(dead_pid())},
    )
    since = datetime.now(UTC) + timedelta(seconds=1)
    notes: list[str] = []

    def note(line: str) -> None:
        notes.append(line)
        if "finishes" in line:  # only from now on it can
            engine.stdin.write(b"\n")
            engine.stdin.close()

    locks.clear_dead("s", message(quoted(lock), engine.pid, since), note, lock.unlink)
    assert engine.poll() == 0, "it ended by itself"
    assert "finishes" in notes[0]
    assert not lock.exists()


def test_an_orphan_that_hangs_is_ended(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "ORPHAN_SECONDS", 0.2)
    engine = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        env=os.environ | {DRIVER_VARIABLE: str(dead_pid())},
    )
    since = datetime.now(UTC) + timedelta(seconds=1)
    notes: list[str] = []
    locks.clear_dead("s", message(quoted(lock), engine.pid, since), notes.append, lock.unlink)
    assert any("is ended" in note for note in notes)
    assert not psutil.pid_exists(engine.pid)


def test_of_two_commands_one_is_refused(tmp_path: Path) -> None:
    with locks.one_update(tmp_path, "s"):
        with locks.one_update(tmp_path, "other"):
            pass
        with (
            pytest.raises(UpdateRunning, match=f"process {os.getpid()}"),
            locks.one_update(tmp_path, "s"),
        ):
            pass
    with locks.one_update(tmp_path, "s"):
        pass


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from automation import paths\n"
            "with paths.alone(Path(sys.argv[1])) as other:\n"
            "    print(other, flush=True); time.sleep(60)",
            str(tmp_path / "x.lock"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=paths.ROOT,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "None"
    with paths.alone(tmp_path / "x.lock") as other:
        assert other == holder.pid
    holder.kill()
    holder.wait()
    with paths.alone(tmp_path / "x.lock") as other:
        assert other is None
