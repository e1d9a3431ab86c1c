"""A service of the emulator that also acts on its own."""

from __future__ import annotations

import threading
from abc import abstractmethod

from localcloud.shared.service import Service, Surroundings


class BackgroundService(Service):
    """A service that acts in a thread of its own on the state that the emulator keeps.

    Args:
        surroundings: the local cloud around it.
    """

    emulated = True

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self._around = surroundings
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=self.name)

    def start(self) -> None:
        """Begin to act."""
        self._thread.start()

    def stop(self) -> None:
        """End after the look under way."""
        self._ended.set()

    @abstractmethod
    def _run(self) -> None:
        """Look again and again until `_ended` is set."""
