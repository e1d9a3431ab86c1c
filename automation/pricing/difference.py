"""What a planned update changes in the cost of a month."""

from __future__ import annotations

from typing import Any

from automation.errors import ConfigurationError
from automation.pricing.estimate import changed_lines, monthly_cost
from automation.pricing.region import region_of
from automation.pricing.resources import Plan
from automation.screen import Screen
from automation.stack.stack_file import StackFile


def cost_difference(plan: Plan, file: StackFile) -> dict[str, Any]:
    """The cost before and after, as JSON; the reason where there are no prices.

    A preview is not about money alone, so a region without prices does not fail it.
    """
    try:
        region = region_of(file)
        before = monthly_cost(plan.before, region)
        after = monthly_cost(plan.after, region)
    except ConfigurationError as error:
        return {"unknown": error.message}
    return {
        "currency": "USD",
        "before": round(before.monthly, 2),
        "after": round(after.monthly, 2),
        "difference": round(after.monthly - before.monthly, 2),
        "lines": {item: round(amount, 2) for item, amount in changed_lines(before, after).items()},
        "unpriced": list(after.unpriced),
    }


def print_difference(screen: Screen, difference: dict[str, Any]) -> None:
    """Print the difference in words."""
    if "unknown" in difference:
        screen.result(f"cost: unknown. {difference['unknown']}")
        return
    for item, amount in difference["lines"].items():
        screen.result(f"  {amount:+9.2f} USD a month  {item}")
    screen.result(
        f"cost: {difference['after']:.2f} USD a month ({difference['difference']:+.2f}); "
        "`cost` shows each line"
    )
