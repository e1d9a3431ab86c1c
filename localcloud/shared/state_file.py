"""Files that are either as before or complete, whenever the process is killed."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter

State = TypeVar("State")


def write_atomically(file: Path, content: bytes, synced: bool = True) -> None:
    """Replaces a file's content; a kill in between leaves the old one. Owner-readable alone.

    Args:
        file: the file; its folder is made when missing.
        content: all of it.
        synced: whether it must be on the disk at the return, not only with the system.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            if synced:
                os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class StateFile(Generic[State]):
    """The state of a service behind a lock, in a JSON file that is whole at every moment.

    Args:
        file: where it is; read at once when it exists.
        kind: the state's type, which called without arguments makes an empty one.
        synced: whether a saved state must be on the disk, not only with the system.
    """

    def __init__(self, file: Path, kind: type[State], *, synced: bool = True) -> None:
        self._file, self._synced = file, synced
        self._adapter: TypeAdapter[State] = TypeAdapter(kind)
        self._lock = threading.RLock()
        self._written = file.read_bytes() if file.exists() else b""
        self.state = self._adapter.validate_json(self._written) if self._written else kind()

    def save(self) -> None:
        """Write the state when it differs from what the file holds."""
        content = self._adapter.dump_json(self.state)
        with self._lock:
            if content != self._written:
                write_atomically(self._file, content, self._synced)
                self._written = content

    @contextmanager
    def read(self) -> Iterator[State]:
        """Hold the state unchanged."""
        with self._lock:
            yield self.state

    @contextmanager
    def change(self) -> Iterator[State]:
        """Hold the state and write it at the end."""
        with self._lock:
            yield self.state
            self.save()
