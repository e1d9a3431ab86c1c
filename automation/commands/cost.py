"""`cost`: what a stack costs a month, line by line, and what would cost less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pulumi.automation.errors import CommandError

from automation.pricing.alternatives import Alternative, alternatives
from automation.pricing.estimate import Estimate, monthly_cost
from automation.pricing.lines import Line
from automation.pricing.offline import offline
from automation.pricing.region import region_of
from automation.pricing.resources import Resources, of_state
from automation.pricing.table import assumptions, prices_of
from automation.screen import Screen
from automation.stack.engine_failures import explain
from automation.stack.operations import opened
from automation.stack.stack_file import StackFile, load_stack_file
from automation.stack.target import TARGETS
from infra.settings.model import Settings

FROM_STATE = "what runs (the stack's state)"
FROM_SETTINGS = "the settings (what `up` would make)"


def cost(stack: str, screen: Screen, running: bool = False) -> int:
    """Print what a stack costs a month.

    Args:
        stack: its name.
        screen: where results go.
        running: price what the stack's state holds, instead of what its settings ask for. The
            settings need no engine, no cloud and no credentials.

    Raises:
        ConfigurationError: there are no prices for the region, or no such stack.
    """
    file = load_stack_file(stack)
    region = region_of(file)
    prices_of(region)
    planned = _planned(file, file.settings, region)
    estimate = monthly_cost(_running(stack, screen) if running else planned, region)

    def program(settings: Settings) -> Resources:
        return planned if settings is file.settings else _planned(file, settings, region)

    cheaper = alternatives(file.settings, region, program)
    basis = FROM_STATE if running else FROM_SETTINGS
    free = TARGETS[file.settings.target].free
    priced = Priced(stack, free, basis, estimate, cheaper)
    screen.document(priced.document())
    _print(screen, priced)
    return 0


@dataclass(frozen=True)
class Priced:
    """What the command tells.

    Attributes:
        stack: its name.
        free: its target costs nothing.
        basis: what was priced, in words.
        estimate: the charges.
        cheaper: choices that would cost less.
    """

    stack: str
    free: bool
    basis: str
    estimate: Estimate
    cheaper: Sequence[Alternative]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "stack": self.stack,
            "basis": self.basis,
            **self.estimate.document(),
            "alternatives": [each.document() for each in self.cheaper],
            "assumptions": {
                key: {"value": each.value, "unit": each.unit, "meaning": each.meaning}
                for key, each in assumptions().items()
            },
        }


def _planned(file: StackFile, settings: Settings, region: str) -> Resources:
    return offline(settings, file.project, file.name, region)


def _running(stack: str, screen: Screen) -> Resources:
    with opened(stack, screen) as session:
        try:
            return of_state(session.state().get("deployment") or {})
        except CommandError as error:
            raise explain(error, (), session.file) from error


def _print(screen: Screen, priced: Priced) -> None:
    estimate, cheaper = priced.estimate, priced.cheaper
    screen.table(
        ("USD a month", "charge", "quantity", "unit price"),
        [_row(line) for line in estimate.lines],
    )
    screen.result(
        f"\n{priced.stack} in {estimate.region}: {estimate.monthly:.2f} USD a month, "
        f"from {priced.basis}"
    )
    if estimate.at_most - estimate.monthly >= 0.005:
        screen.result(f"With as many tasks as autoscaling starts: {estimate.at_most:.2f} USD")
    if priced.free:
        screen.result("The local cloud costs nothing: these are AWS's prices for the same stack")
    for each in cheaper[:1]:
        screen.result(f"Cheapest alternative: {_told(each)}")
    for each in cheaper[1:]:
        screen.result(f"  also: {_told(each)}")
    for kind in estimate.unpriced:
        screen.warn(f"Not in the estimate: {kind} (automation/pricing/known.py does not know it)")
    table = prices_of(estimate.region)
    screen.result(
        f"Prices: AWS's list prices without free tiers, taxes and discounts, read between "
        f"{table.oldest} and {table.newest} (automation/pricing/prices.csv); "
        "* by assumption (assumptions.csv)" + _approximate(estimate)
    )


def _row(line: Line) -> tuple[str, str, str, str]:
    mark = "*" if line.assumed else " "
    about = "~" if line.approximate else ""
    price = f"{about}{line.unit_price:g} a {line.unit}"
    return f"{line.monthly:9.2f} {mark}", line.item, f"{line.quantity:g} {line.unit}", price


def _told(each: Alternative) -> str:
    return f"{each.words}: {each.saving:.2f} USD less, {each.monthly:.2f} ({each.trade})"


def _approximate(estimate: Estimate) -> str:
    if not any(line.approximate for line in estimate.lines):
        return ""
    return "; ~ from memory: compare it with AWS's page"
