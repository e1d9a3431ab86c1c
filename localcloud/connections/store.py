"""The connections, in one file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from localcloud.shared.state_file import write_atomically

PENDING, AVAILABLE = "PENDING", "AVAILABLE"


@dataclass
class Connection:
    """A connection to the Git host.

    Attributes:
        arn: with the prefix of the API that made it.
        status: PENDING until a person has authorized it, then AVAILABLE.
    """

    arn: str
    name: str
    provider: str
    status: str = PENDING
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """The region that the connection is in."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """The twelve digits of the account."""
        return self.arn.split(":")[4]

    @property
    def identifier(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]


_ADAPTER = TypeAdapter(dict[str, Connection])


class Store:
    """Connections by ARN behind one lock, on disk after every change.

    Args:
        folder: where `connections.json` lives.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "connections.json"
        self._lock = threading.RLock()
        self._known: dict[str, Connection] = {}
        if self._file.exists():
            self._known = _ADAPTER.validate_json(self._file.read_bytes())

    @contextmanager
    def change(self) -> Iterator[dict[str, Connection]]:
        """Hold the connections and write them at the end."""
        with self._lock:
            yield self._known
            write_atomically(self._file, _ADAPTER.dump_json(self._known))

    @contextmanager
    def read(self) -> Iterator[dict[str, Connection]]:
        """Hold the connections unchanged."""
        with self._lock:
            yield self._known


@cache
def store_of(shared_dir: str) -> Store:
    """Return the one store of the services' shared folder."""
    return Store(Path(shared_dir))
