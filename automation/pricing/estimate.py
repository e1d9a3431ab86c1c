"""What the resources of a stack cost a month, line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automation.pricing.known import unpriced
from automation.pricing.lines import Line, Stack
from automation.pricing.resources import Resources
from automation.pricing.rules import RULES
from automation.pricing.table import CURRENCY, prices_of


@dataclass(frozen=True)
class Estimate:
    """What a stack costs a month.

    Attributes:
        region: whose prices they are.
        lines: the charges.
        at_most: US dollars a month with as many tasks as autoscaling starts at the most.
        unpriced: types of resources about which the rules say nothing.
    """

    region: str
    lines: Sequence[Line]
    at_most: float
    unpriced: Sequence[str] = ()

    @property
    def monthly(self) -> float:
        """US dollars a month."""
        return sum(line.monthly for line in self.lines)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        table = prices_of(self.region)
        return {
            "region": self.region,
            "currency": CURRENCY,
            "monthly": round(self.monthly, 2),
            "monthly_at_most": round(self.at_most, 2),
            "prices_read": {"oldest": str(table.oldest), "newest": str(table.newest)},
            "lines": [line.document() for line in self.lines],
            "unpriced": list(self.unpriced),
        }


def monthly_cost(resources: Resources, region: str) -> Estimate:
    """What resources cost a month, free tiers not counted: they belong to the whole account.

    Args:
        resources: of a state (`of_state`), a planned update (`Plan`), or settings (`offline`).
        region: whose prices.

    Raises:
        ConfigurationError: the price table has no column for the region.
    """
    table = prices_of(region)
    resources = Resources(sorted(resources.all, key=lambda each: (each.type, each.name)))
    lines = _lines(Stack(resources, table))
    most = _lines(Stack(resources, table, at_most=True))
    return Estimate(region, lines, sum(line.monthly for line in most), unpriced(resources))


def _lines(stack: Stack) -> list[Line]:
    return [line for rule in RULES for line in rule(stack)]


def changed_lines(before: Estimate, after: Estimate) -> Mapping[str, float]:
    """Item → US dollars a month more (or less) than before, for what differs."""
    amounts: dict[str, float] = {}
    for estimate, sign in ((before, -1), (after, 1)):
        for line in estimate.lines:
            amounts[line.item] = amounts.get(line.item, 0.0) + sign * line.monthly
    return {item: amount for item, amount in amounts.items() if abs(amount) >= 0.005}
