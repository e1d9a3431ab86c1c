"""The local cloud's time: this machine's, which never goes back.

Drains, grace periods and settling times are compared with stamps that were written before. If the
machine's clock is set back by an hour, none of them may take an hour longer. A machine that was
suspended comes back with a later time, which is taken.
"""

from __future__ import annotations

import threading
import time

__all__ = ["now"]


class Clock:
    """A clock that follows this machine's forward, and goes on where that one is set back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wall = time.time()
        self._monotonic = time.monotonic()
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        with self._lock:
            wall, monotonic = time.time(), time.monotonic()
            expected = self._wall + monotonic - self._monotonic
            if wall < expected - BACK_SECONDS:
                self._ahead += expected - wall
            self._wall, self._monotonic = wall, monotonic
            return wall + self._ahead


BACK_SECONDS = 0.5
"""A clock that is corrected by less between two looks is not set back."""

now = Clock().now
