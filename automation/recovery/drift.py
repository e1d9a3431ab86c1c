"""Finds drift between state and cloud, and who caused it: AWS, a release, or a person.

Autoscaling moves the number of tasks, releases move the task definition, and a traffic shift moves
weights; none of them goes through Pulumi, and none is a fault. What is left, somebody did by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pulumi import automation as auto

from automation.engine.progress import Progress, ResourceChange, display_name
from automation.screen import Screen
from infra.settings.model import Settings


@dataclass(frozen=True)
class Expected:
    """A property that changes without a person's hand.

    Attributes:
        type: of the resource, by Pulumi's name.
        property: a pattern of the property's path.
        by: who changes it.
        when: whether the stack's settings make it happen.
    """

    type: str
    property: str
    by: str
    when: str = ""


EXPECTED: tuple[Expected, ...] = (
    Expected("aws:ecs/service:Service", r"desiredCount", "autoscaling"),
    Expected(
        "aws:ecs/service:Service",
        r"taskDefinition",
        "a release: by the pipeline, by `rollback`, or by ECS going back",
    ),
    Expected("aws:ecs/service:Service", r"triggers(\..*)?", "a release"),
    # A revision never changes: what differs is that a newer one was registered.
    Expected("aws:ecs/taskDefinition:TaskDefinition", r".*", "a release"),
    Expected(
        "aws:lb/listener:Listener", r"defaultActions\b.*", "a release that shifts traffic", "shifts"
    ),
    Expected(
        "aws:lb/listenerRule:ListenerRule",
        r"actions\b.*",
        "a release that shifts traffic",
        "shifts",
    ),
    Expected(
        "aws:appautoscaling/target:Target",
        r"(min|max)Capacity",
        "scheduled scaling",
        "scheduled",
    ),
)


def _holds(condition: str, settings: Settings) -> bool:
    conditions = {
        "": True,
        "shifts": settings.strategy != "rolling",
        "scheduled": bool(settings.scheduled_scaling),
    }
    return conditions[condition]


@dataclass(frozen=True)
class Drift:
    """A resource that is not as the state has it.

    Attributes:
        urn: the resource.
        operation: `update`, or `delete` where it is gone.
        properties: what differs.
        by: who changes that without a person's hand; None if a person did.
    """

    urn: str
    operation: str
    properties: tuple[str, ...]
    by: str | None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "urn": self.urn,
            "operation": self.operation,
            "properties": list(self.properties),
            "by": self.by or "hand",
        }


def classify(changes: Iterable[ResourceChange], settings: Settings) -> list[Drift]:
    """Return each difference with its cause; a resource with two causes is listed twice."""
    found: list[Drift] = []
    for change in changes:
        kind = change.urn.split("::")[2].rpartition("$")[2]
        if change.operation == "delete" or not change.properties:
            found.append(Drift(change.urn, "delete", (), None))
            continue
        groups: dict[str | None, list[str]] = {}
        for name in change.properties:
            groups.setdefault(_changer(kind, name, settings), []).append(name)
        found += [
            Drift(change.urn, "update", tuple(names), by)
            for by, names in sorted(groups.items(), key=lambda group: group[0] or "")
        ]
    return found


def _changer(kind: str, name: str, settings: Settings) -> str | None:
    for row in EXPECTED:
        if row.type == kind and re.fullmatch(row.property, name) and _holds(row.when, settings):
            return row.by
    return None


def look(stack: auto.Stack, progress: Progress) -> list[ResourceChange]:
    """Read every resource and compare, without taking anything into the state."""
    stack.preview_refresh(on_event=progress.on_event, suppress_outputs=True, suppress_progress=True)
    return progress.drifted


def print_drift(screen: Screen, found: Iterable[Drift]) -> None:
    """Print one line for each difference, manual changes first."""
    rows = list(found)
    by_hand = [row for row in rows if row.by is None]
    if by_hand:
        screen.result("Changed by hand:")
    for row in by_hand:
        what = ", ".join(row.properties) or "deleted"
        screen.result(f"  {display_name(row.urn)}: {what}")
    for row in rows:
        if row.by is not None:
            names = ", ".join(row.properties)
            screen.result(f"Changed by {row.by}: {display_name(row.urn)}: {names}")
