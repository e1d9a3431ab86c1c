"""Folders and files that the driver keeps on this machine, and locks between its processes."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The project's root: where `Pulumi.yaml` is."""

PROJECT_FILE = ROOT / "Pulumi.yaml"

APPLICATION = "fargate-cd"


def cache_dir() -> Path:
    """The user's cache of this project, shared by all checkouts (XDG base directories)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / APPLICATION


def of_project(folder: Path) -> Path:
    """What this project keeps in a folder that it shares with other projects.

    Two applications have stacks of the same name, whose locks and files are not the same.
    """
    found = re.search(r"^name:\s*[\"']?([\w.-]+)", PROJECT_FILE.read_text(), re.MULTILINE)
    return folder / "projects" / (found[1] if found else APPLICATION)


@contextmanager
def exclusively(path: Path, note: Callable[[str], None], what: str) -> Iterator[None]:
    """Hold a file lock; waits for its holder, and says once that it does.

    The lock belongs to the open file, so the kernel frees it when its holder dies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        if not _try_lock(handle.fileno()):
            note(f"Waiting for another process that is at {what}")
            while not _try_lock(handle.fileno()):
                time.sleep(0.2)
        yield


@contextmanager
def alone(path: Path) -> Iterator[int | None]:
    """Hold a file lock or give up at once.

    Yields:
        None if the lock is ours until the end of the block, else the process id of its holder
        (0 if the holder has not written it yet).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as handle:
        if not _try_lock(handle.fileno()):
            handle.seek(0)
            text = handle.read().strip()
            yield int(text) if text.isdigit() else 0
            return
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
