"""The tagging API's index: as old as its lag after a change, and no longer."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.emulator.tag_index import Lag, LateIndex

LAG = 8


class World:
    """An inventory that changes, seen through an index; the time is told."""

    def __init__(self, seconds: float = LAG) -> None:
        self.now, self.present = 100.0, 0
        self.waiting: list[Callable[[], None]] = []
        lag = Lag(seconds, lambda: self.now, lambda _seconds, act: self.waiting.append(act))
        self.index = LateIndex(lambda: self.present, lag)

    def change(self) -> None:
        self.present += 1
        self.index.changed()

    def after(self, seconds: float) -> int:
        """What is shown some seconds later, all that waited having been done."""
        while self.waiting:
            self.waiting.pop()()
        self.now += seconds
        return self.index.shown()


def test_after_its_lag_it_shows_what_there_is() -> None:
    world = World()
    world.change()
    world.after(LAG)
    world.change()
    assert [world.after(1) for _ in range(LAG + 1)] == [1] * (LAG - 1) + [2, 2]


def test_what_changes_all_the_time_is_shown_as_it_was() -> None:
    world = World()
    shown = []
    for _ in range(20):
        world.change()
        shown.append(world.after(1))
    assert shown == [1] * LAG + list(range(2, 21 - LAG + 1))


def test_changes_are_gathered_and_old_inventories_dropped() -> None:
    world = World()
    world.change()
    world.change()
    assert len(world.waiting) == 1
    for _ in range(100):
        world.change()
        world.after(1)
    assert len(world.index._kept) <= LAG + 2


def test_without_a_lag_nothing_is_kept() -> None:
    world = World(seconds=0)
    world.change()
    assert (world.waiting, world.after(0)) == ([], 1)
