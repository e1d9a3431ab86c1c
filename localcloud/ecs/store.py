"""The state on disk."""

from __future__ import annotations

from pathlib import Path

from localcloud.ecs.model import State
from localcloud.shared.state_file import StateFile


class Store(StateFile[State]):
    """Keeps `State` through a kill of the process; it changes too often to wait for the disk.

    Args:
        folder: where `ecs.json` lives; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "ecs.json", State, synced=False)
