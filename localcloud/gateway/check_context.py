"""What a check of a call may look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcloud.emulator.emulator import backends
from localcloud.shared.service import Call, Surroundings

Check = Callable[["CheckContext", Call], None]


class CheckContext:
    """What the checks look at: the emulator's state of the call's region, and other services."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.client = surroundings.client

    def backend(self, call: Call, service: str | None = None, region: str | None = None) -> Any:
        """The emulator's live state; `aws` is the region of global services."""
        return backends(service or call.service)[call.account][region or call.region]
