"""The state on disk: one JSON file, written whole and put in place in one step."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from pydantic import TypeAdapter

from localcloud.ecs.model import State

_ADAPTER = TypeAdapter(State)


class Store:
    """Keeps `State` in a file that is whole at every moment, also after a kill.

    Args:
        folder: where `ecs.json` lives; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "ecs.json"
        self._written = b""
        self._lock = Lock()
        self.state = self._load()

    def _load(self) -> State:
        if not self._file.exists():
            return State()
        self._written = self._file.read_bytes()
        return _ADAPTER.validate_json(self._written)

    def save(self) -> None:
        """Write the state when it differs from what the file holds."""
        content = _ADAPTER.dump_json(self.state)
        with self._lock:
            if content == self._written:
                return
            temporary = self._file.with_suffix(".new")
            with temporary.open("wb") as stream:
                stream.write(content)
            temporary.replace(self._file)
            self._written = content
