"""Settings that would cost less, found by running the program under them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automation.pricing.estimate import monthly_cost
from automation.pricing.resources import Resources
from infra.settings.model import Settings, SettingsError

LEAST_SAVING = 0.01
"""US dollars a month below which another setting is not worth a word."""


@dataclass(frozen=True)
class Choice:
    """A setting that may cost less.

    Attributes:
        changes: setting → value.
        trade: what it gives up.
    """

    changes: Mapping[str, Any]
    trade: str


CHOICES: Sequence[Choice] = (
    Choice(
        {"egress": "public"},
        "tasks get public addresses, which their security group keeps the internet from",
    ),
    Choice({"egress": "nat"}, "one NAT gateway serves all zones, and fails with its own"),
    Choice({"architecture": "ARM64"}, "the image must be built for ARM64"),
    Choice({"spot": True}, "AWS may take every task but one away with two minutes' notice"),
    Choice({"container_insights": False}, "no metrics beside those of service and load balancer"),
    Choice({"flow_logs": False}, "no record of the network's connections"),
    Choice({"monitoring": False}, "no dashboard, and no alarm tells of errors or of missing tasks"),
)
"""None of them changes what the application can do."""


@dataclass(frozen=True)
class Alternative:
    """A cheaper choice.

    Attributes:
        changes: setting → value.
        monthly: US dollars a month under it.
        saving: US dollars a month less than now.
        trade: what it gives up.
    """

    changes: Mapping[str, Any]
    monthly: float
    saving: float
    trade: str

    @property
    def words(self) -> str:
        """The settings, as a person writes them."""
        return ", ".join(
            f"{name}: {str(v).lower() if isinstance(v, bool) else v}"
            for name, v in self.changes.items()
        )

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "settings": dict(self.changes),
            "monthly": round(self.monthly, 2),
            "saving": round(self.saving, 2),
            "trade": self.trade,
        }


def alternatives(
    settings: Settings, region: str, program: Callable[[Settings], Resources]
) -> list[Alternative]:
    """The choices that would cost less, the cheapest first.

    Args:
        settings: as they are.
        region: whose prices.
        program: settings → the resources under them.
    """
    now = monthly_cost(program(settings), region).monthly
    found = []
    for choice in CHOICES:
        changed = changed_settings(settings, choice.changes)
        if changed is None:
            continue
        monthly = monthly_cost(program(changed), region).monthly
        if now - monthly >= LEAST_SAVING:
            found.append(Alternative(choice.changes, monthly, now - monthly, choice.trade))
    return sorted(found, key=lambda each: each.monthly)


def changed_settings(settings: Settings, changes: Mapping[str, Any]) -> Settings | None:
    """The settings with other values; None if they have them already, or don't allow them."""
    values = settings.model_dump(exclude_unset=True)
    if all(getattr(settings, name) == value for name, value in changes.items()):
        return None
    try:
        return Settings.parse(values | dict(changes))
    except SettingsError:
        return None
