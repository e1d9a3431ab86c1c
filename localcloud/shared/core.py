"""What the parts of a service with background work share: its state, and the world around."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic

from localcloud.shared.service import Surroundings
from localcloud.shared.state_file import State, StateFile


@dataclass
class SharedCore(Generic[State]):
    """The state behind one lock.

    Attributes:
        wake: set when the background work has something to look at.
    """

    surroundings: Surroundings
    store: StateFile[State]
    lock: threading.RLock = field(default_factory=threading.RLock, kw_only=True)
    wake: threading.Event = field(default_factory=threading.Event, kw_only=True)

    @property
    def state(self) -> State:
        """The state; change it inside `change()` only."""
        return self.store.state

    @contextmanager
    def change(self, wake: bool = True) -> Iterator[State]:
        """Hold the state, write it to disk at the end, and wake the background work."""
        with self.lock:
            yield self.store.state
            self.store.save()
        if wake:
            self.wake.set()


def moment(seconds: float) -> datetime:
    """A time as the API's answers carry it."""
    return datetime.fromtimestamp(seconds, UTC)
