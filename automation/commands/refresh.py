"""`refresh`: bring the state in line with the cloud, and say what drifted."""

from __future__ import annotations

from typing import Any

from pulumi import automation as auto

from automation.operations import opened
from automation.progress import Progress, display_name
from automation.screen import Screen


def refresh(stack: str, screen: Screen) -> int:
    """Read every resource; what differs from the state is printed and taken into the state."""
    with opened(stack, screen, changes=True) as session:
        drifted = session.perform("Refreshing", _refresh)
    screen.document({"stack": stack, "drifted": drifted})
    for row in drifted:
        what = ", ".join(row["properties"]) or row["operation"]
        screen.result(f"  {display_name(row['urn'])}: {what}")
    screen.result(f"{stack}: {len(drifted)} drifted" if drifted else f"{stack}: nothing drifted")
    return 0


def _refresh(stack: auto.Stack, progress: Progress) -> list[dict[str, Any]]:
    stack.refresh(on_event=progress.on_event, suppress_outputs=True, suppress_progress=True)
    return [
        {"urn": s.urn, "operation": s.operation, "properties": list(s.properties)}
        for s in progress.drifted
    ]
