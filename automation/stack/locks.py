"""Locks of a stack: the driver's own, and the engine's in the backend.

The engine writes a lock file into a backend that it keeps itself (file, S3, ...). If it is killed
the lock stays. A lock whose owner is dead is recognised by its process id, its host and its time,
and taken away; a living owner means that another update is running.
"""

from __future__ import annotations

import re
import shlex
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import psutil

from automation import paths
from automation.engine.command import DRIVER_VARIABLE
from automation.errors import UpdateRunning

_OWNER = re.compile(
    r"^\s*(?P<lock>\S+): created by (?P<user>.*)@(?P<host>[^@\s]*) "
    r"\(pid (?P<pid>\d+)\) at (?P<time>\S+)$",
    re.MULTILINE,
)
"""How the engine names the owner of a lock (pkg/backend/diy/lock.go)."""

_QUERY = re.compile(r"\?.*?(?=/\.pulumi/|$)")
"""What a backend's address says of itself; an endpoint in it has slashes."""

CLOCK_SECONDS = 2.0
"""The lock's time has whole seconds and is taken a moment after the owner began."""

DELETED_BY = {"file": "rm", "s3": "aws s3 rm", "gs": "gcloud storage rm"}
"""The scheme of a backend → the command that deletes a file of it.
https://www.pulumi.com/docs/iac/concepts/state-and-backends/#using-a-diy-backend"""

ORPHAN_SECONDS = 120.0
"""How long an engine whose driver is dead may take to finish what it began."""

ELSEWHERE = (
    "Whether process {0.pid} still runs can only be seen on {0.host}. Wait until it ends, and run "
    "this again. Only if it is dead, free its lock first: {0.freed_by}"
)

Note = Callable[[str], None]


@dataclass(frozen=True)
class Owner:
    """Who holds a lock of the engine.

    Attributes:
        lock: the lock's address.
        user: the user's name.
        host: the host's name.
        pid: the engine's process id on that host.
        since: when the lock was taken.
    """

    lock: str
    user: str
    host: str
    pid: int
    since: datetime

    def __str__(self) -> str:
        return f"process {self.pid} of {self.user} on {self.host}, since {self.since:%H:%M:%S}"

    @property
    def here(self) -> bool:
        """Whether it is a process of this machine."""
        return self.host == socket.gethostname()

    @property
    def freed_by(self) -> str:
        """The command that deletes the lock, which is named by its address in the backend."""
        address = _QUERY.sub("", self.lock)
        scheme, _, path = address.partition("://")
        command = DELETED_BY.get(scheme, "delete")
        return f"{command} {shlex.quote(unquote(path) if scheme == 'file' else address)}"


def owners(message: str) -> list[Owner]:
    """The owners that the engine's message about a locked stack names."""
    return [
        Owner(m["lock"], m["user"], m["host"], int(m["pid"]), datetime.fromisoformat(m["time"]))
        for m in _OWNER.finditer(message)
    ]


def is_dead(owner: Owner) -> bool:
    """Whether a lock's owner is certainly dead.

    An owner on another host can't be seen from here and counts as living.
    """
    if not owner.here:
        return False
    try:
        process = psutil.Process(owner.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        # A younger process has the same number: the owner was an earlier one.
        return bool(process.create_time() > owner.since.timestamp() + CLOCK_SECONDS)
    except psutil.NoSuchProcess:
        return True


def is_orphan(owner: Owner) -> bool:
    """Whether a living owner is an engine whose driver has died."""
    if not owner.here:
        return False
    try:
        process = psutil.Process(owner.pid)
        driver = process.environ().get(DRIVER_VARIABLE)
        return driver is not None and str(process.ppid()) != driver
    except psutil.Error:
        return False


def running(stack: str, message: str) -> UpdateRunning:
    """Return the error about another running update, from the engine's message."""
    found = owners(message)
    names = ", ".join(map(str, found)) or "the backend names no owner"
    said = f"Another update of the stack {stack} is running: {names}."
    return UpdateRunning(said, [ELSEWHERE.format(each) for each in found if not each.here])


def clear_dead(stack: str, message: str, note: Note, cancel: Callable[[], None]) -> None:
    """Remove the locks of dead owners.

    Nobody else gets a lock while one is there, so the engine's `cancel`, which frees all of them,
    takes none from a living owner.

    Args:
        stack: the stack's name.
        message: what the engine said about the locked stack.
        note: gets a line for each lock.
        cancel: frees every lock of the stack, in whichever backend (`Stack.cancel`).

    Raises:
        UpdateRunning: an owner lives, or works on another machine.
    """
    found = owners(message)
    if not found:
        raise running(stack, message)
    for owner in found:
        if not is_dead(owner) and is_orphan(owner):
            _await_orphan(owner, note)
        if not is_dead(owner):
            raise running(stack, message)
    for owner in found:
        note(f"The lock of {owner} is taken over: that process is dead")
    cancel()


def _await_orphan(owner: Owner, note: Note) -> None:
    """Let an engine without a driver finish; end it if it does not."""
    note(f"The driver of an earlier update is dead; its engine (process {owner.pid}) finishes")
    try:
        process = psutil.Process(owner.pid)
        try:
            process.wait(timeout=ORPHAN_SECONDS)
        except psutil.TimeoutExpired:
            note(f"The engine (process {owner.pid}) has not finished and is ended")
            process.kill()
            process.wait(timeout=10)
    except psutil.NoSuchProcess:
        return
    time.sleep(0.1)


@contextmanager
def one_update(folder: Path, stack: str) -> Iterator[None]:
    """Let one command of this driver at a time change a stack on this machine.

    Two engines that start in the same moment see each other's lock and both give up; this lock
    is asked first, so that exactly one of them runs.

    Raises:
        UpdateRunning: another command holds it.
    """
    with paths.alone(folder / f"{stack}.lock") as holder:
        if holder is not None:
            who = f"process {holder}" if holder else "another process"
            raise UpdateRunning(
                f"Another update of the stack {stack} is running: {who} on this machine."
            )
        yield
