"""The index behind the tagging API, which lags: what it lists is the inventory of a while ago.

AWS's is eventually consistent. Something new is not listed at once, and something deleted still is,
there for up to hours, here for some seconds.
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

LAG_SECONDS = 8.0
PAUSE_SECONDS = 2.0
"""How long changes are gathered before the inventory is taken again."""

NOT_LISTED = frozenset({"PutMetricData", "PutLogEvents", "Publish", "SendMessage"})
"""Calls that come all the time and change no resource."""

Inventory = TypeVar("Inventory")


def on_thread(seconds: float, act: Callable[[], None]) -> None:
    """Act after some seconds, on a thread that ends with the process."""
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()


@dataclass(frozen=True)
class Lag:
    """How old what an index lists is.

    Attributes:
        seconds: after a change; with 0 it is never old.
        clock: seconds, of any beginning.
        later: acts after some seconds.
    """

    seconds: float = 0
    clock: Callable[[], float] = time.monotonic
    later: Callable[[float, Callable[[], None]], None] = on_thread


class LateIndex(Generic[Inventory]):
    """The inventories of the last seconds, of one region.

    An inventory is taken beside the calls that change it, so that no call waits for it.

    Args:
        take: takes the inventory as it is now.
        lag: how old what is shown is.
    """

    def __init__(self, take: Callable[[], Inventory], lag: Lag) -> None:
        self._take, self._lag = take, lag
        self._lock = threading.Lock()
        self._kept: list[tuple[float, Inventory]] = []
        self._changed, self._waits = -math.inf, False

    def changed(self) -> None:
        """Note that a call may have changed the inventory."""
        if not self._lag.seconds:
            return
        with self._lock:
            self._changed = self._lag.clock()
            if self._waits:
                return
            self._waits = True
        self._lag.later(PAUSE_SECONDS, self._keep)

    def shown(self) -> Inventory:
        """The inventory of a while ago; that of now where nothing has changed since."""
        with self._lock:
            moment = self._lag.clock() - self._lag.seconds
            if self._kept and self._changed > moment:
                past = [kept for taken, kept in self._kept if taken <= moment]
                return past[-1] if past else self._kept[0][1]
        return self._take()

    def _keep(self) -> None:
        with self._lock:
            self._waits = False
        inventory = self._take()
        with self._lock:
            now = self._lag.clock()
            past = [each for each in self._kept if each[0] <= now - self._lag.seconds]
            self._kept = [*past[-1:], *self._kept[len(past) :], (now, inventory)]
