"""One charge of a bill, and what the rules that make charges know about a stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from automation.pricing.resources import Resource, Resources
from automation.pricing.table import PriceTable

SCALABLE = "aws:appautoscaling/target:Target"


@dataclass(frozen=True)
class Line:
    """One charge.

    Attributes:
        item: what is charged.
        quantity: how many units a month.
        unit: such as `hour` or `GB`.
        unit_price: US dollars for one.
        assumed: the quantity depends on traffic or use, which is assumed.
        approximate: no print of the price was at hand.
        read: when the price was read in print.
        source: the page that publishes it.
    """

    item: str
    quantity: float
    unit: str
    unit_price: float
    assumed: bool
    approximate: bool
    read: str
    source: str

    @property
    def monthly(self) -> float:
        """US dollars a month."""
        return self.quantity * self.unit_price

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "item": self.item,
            "quantity": round(self.quantity, 4),
            "unit": self.unit,
            "unit_price": self.unit_price,
            "monthly": round(self.monthly, 2),
            "assumed": self.assumed,
            "approximate": self.approximate,
            "read": self.read,
            "source": self.source,
        }


@dataclass(frozen=True)
class Stack:
    """What a rule sees: the resources, the prices, and how many tasks run."""

    resources: Resources
    table: PriceTable
    at_most: bool = False

    def line(self, key: str, item: str, quantity: float, assumed: bool = False) -> Line:
        """A charge at a price of the table.

        Args:
            key: of the price.
            item: what the bill calls it.
            quantity: a month, in the price's unit.
            assumed: whether the quantity is an assumption.
        """
        price = self.table.prices[key]
        return Line(
            item=item,
            quantity=quantity,
            unit=price.unit,
            unit_price=price.amount,
            assumed=assumed,
            approximate=price.approximate,
            read=str(price.read),
            source=price.source,
        )

    def tasks(self, service: Resource) -> int:
        """How many tasks of the service run: with autoscaling its lower bound, or its upper one.

        The number that the service itself asks for counts only without autoscaling, since a stack
        that runs keeps the number with which it began.
        """
        bound = "maxCapacity" if self.at_most else "minCapacity"
        # What is scaled is known by a name that may only be known when it exists.
        of_process = service.name.removesuffix("service") if _is_process(service) else ""
        bounds = [
            int(target.inputs[bound])
            for target in self.resources.of(SCALABLE)
            if (target.name.startswith(of_process) if of_process else not _is_process(target))
        ]
        return max(bounds, default=int(service.inputs.get("desiredCount") or 0))


def _is_process(resource: Resource) -> bool:
    """Whether a resource is one of a process beside the web process."""
    return resource.name.startswith("process-")
