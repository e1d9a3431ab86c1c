"""The price table: `prices.csv` with a column for each region, and `assumptions.csv`.

Both are data, to be kept by hand: a row carries the day on which its figures were read in print
and the page of AWS that publishes them. A figure that begins with `~` was in no print that could be
found: it is written down from memory, and is to be compared with that page first.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from automation.errors import ConfigurationError

FOLDER = Path(__file__).parent
OTHER_COLUMNS = ("key", "unit", "read", "source")
APPROXIMATE = "~"
CURRENCY = "USD"


@dataclass(frozen=True)
class Price:
    """A row of the table, for one region.

    Attributes:
        amount: US dollars for one unit.
        unit: such as `hour` or `GB`.
        read: when the figure was read in print.
        source: the page that publishes it.
        approximate: no print of the figure was at hand; compare it with `source`.
    """

    amount: float
    unit: str
    read: date
    source: str
    approximate: bool


@dataclass(frozen=True)
class Assumption:
    """What the resources themselves don't tell, such as traffic.

    Attributes:
        value: how much.
        unit: of what.
        meaning: in words.
    """

    value: float
    unit: str
    meaning: str


@dataclass(frozen=True)
class PriceTable:
    """The prices of one region.

    Attributes:
        region: such as `eu-central-1`.
        prices: key → price.
    """

    region: str
    prices: Mapping[str, Price]

    @property
    def oldest(self) -> date:
        """The day on which the oldest figure was read."""
        return min(price.read for price in self.prices.values())

    @property
    def newest(self) -> date:
        """The day on which the newest figure was read."""
        return max(price.read for price in self.prices.values())


@cache
def regions() -> tuple[str, ...]:
    """The regions that have a column."""
    return tuple(name for name in _rows("prices.csv")[0] if name not in OTHER_COLUMNS)


@cache
def prices_of(region: str) -> PriceTable:
    """The prices of a region.

    Raises:
        ConfigurationError: the table has no column for it.
    """
    if region not in regions():
        raise ConfigurationError(
            f"There are no prices for the region {region}: automation/pricing/prices.csv has "
            f"{', '.join(regions())}. Add a column {region} with the prices of the pages in "
            "its column `source`."
        )
    return PriceTable(region, {row["key"]: _price(row, region) for row in _rows("prices.csv")})


@cache
def assumptions() -> Mapping[str, Assumption]:
    """What is assumed, by key."""
    return {
        row["key"]: Assumption(float(row["value"]), row["unit"], row["meaning"])
        for row in _rows("assumptions.csv")
    }


def _price(row: Mapping[str, str], region: str) -> Price:
    figure = row[region]
    return Price(
        amount=float(figure.removeprefix(APPROXIMATE)),
        unit=row["unit"],
        read=date.fromisoformat(row["read"]),
        source=row["source"],
        approximate=figure.startswith(APPROXIMATE),
    )


@cache
def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(newline="") as file:
        return list(csv.DictReader(file))
