"""`refresh`: bring the state in line with the cloud, and say what drifted."""

from __future__ import annotations

from pulumi import automation as auto

from automation.engine.progress import Progress, ResourceChange
from automation.recovery.drift import Drift, classify, print_drift
from automation.screen import Screen
from automation.stack.operations import opened


def refresh(stack: str, screen: Screen) -> int:
    """Read every resource; what differs from the state is printed and taken into the state."""
    with opened(stack, screen, changes=True) as session:
        drifted = classify(session.perform("Refreshing", _refresh), session.file.settings)
    screen.document({"stack": stack, "drifted": [drift.document() for drift in drifted]})
    print_drift(screen, drifted)
    screen.result(f"{stack}: {summary(drifted)}")
    return 0


def summary(drifted: list[Drift]) -> str:
    """How many resources differ, and by whom."""
    by_hand = len({drift.urn for drift in drifted if drift.by is None})
    others = len({drift.urn for drift in drifted if drift.by is not None})
    if not drifted:
        return "nothing drifted"
    return f"{by_hand} changed by hand, {others} by AWS or a release"


def _refresh(stack: auto.Stack, progress: Progress) -> list[ResourceChange]:
    stack.refresh(on_event=progress.on_event, suppress_outputs=True, suppress_progress=True)
    return progress.drifted
