"""A conformance table: one row a behaviour that AWS documents, with the page's address.

Rows mostly wait for the cloud, so a table plays several at a time; those that would disturb others
play alone, after the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytest

AT_A_TIME = 8
Stage = TypeVar("Stage")


@dataclass(frozen=True)
class Row(Generic[Stage]):
    """A behaviour.

    Attributes:
        says: what AWS documents.
        page: where.
        play: fails when the local cloud does otherwise.
        alone: whether it would disturb other rows.
    """

    says: str
    page: str
    play: Callable[[Stage], None]
    alone: bool = False

    def __str__(self) -> str:
        return self.play.__name__


class Table(Generic[Stage]):
    """Rows in the order of their making."""

    def __init__(self) -> None:
        self.rows: list[Row[Stage]] = []

    def row(
        self, says: str, page: str, *, alone: bool = False
    ) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
        """Adds a row to the table."""

        def add(play: Callable[[Stage], None]) -> Callable[[Stage], None]:
            if not page.startswith("https://docs.aws.amazon.com/"):
                raise ValueError(f"{page} is no page of AWS's documentation")
            self.rows.append(Row(says, page, play, alone))
            return play

        return add


class Played:
    """A table's rows on a stage: begins those that were chosen, and knows how each went."""

    def __init__(self, stage: Any, chosen: list[Row[Any]]) -> None:
        self._stage = stage
        self._pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="row")
        self._ends: dict[Row[Any], Future[None]] = {
            row: self._pool.submit(row.play, stage) for row in chosen if not row.alone
        }

    def await_end(self, row: Row[Any]) -> None:
        """Waits until a row has been played.

        Raises:
            AssertionError: as the row raised it.
        """
        if row.alone:
            self.close()
            row.play(self._stage)
        else:
            self._ends[row].result()

    def close(self) -> None:
        """Waits for the rows that are being played; those that have not begun are left out."""
        self._pool.shutdown(cancel_futures=True)


def chosen(request: pytest.FixtureRequest) -> list[Row[Any]]:
    """The rows of the requesting module that pytest was told to run."""
    items = [item for item in request.session.items if item.path == request.path]
    given = [item.callspec.params.get("row") for item in items if hasattr(item, "callspec")]
    return [row for row in given if isinstance(row, Row)]
