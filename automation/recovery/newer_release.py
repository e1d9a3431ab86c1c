"""Reads releases into the state that the pipeline, `rollback` or ECS deployed.

Pulumi compares the program with its state. After such a release the state still names the task
definition of the last `up`, so an unchanged program would deploy the running image once more, or
deploy nothing where other settings run. A refresh of the service and its task definition first
makes the comparison true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi import automation as auto

from automation.aws.ecs import ServiceName, describe_service
from automation.engine.progress import Progress
from automation.stack.operations import Session

SERVICE = "aws:ecs/service:Service"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"


def unknown_release(session: Session) -> list[str]:
    """The URNs to refresh, since a service runs another task definition than the state has."""
    if session.created:
        return []
    state = session.state()
    rows = [
        row
        for row in (state.get("deployment") or {}).get("resources") or []
        if row["type"] in {SERVICE, TASK_DEFINITION} and not row.get("delete")
    ]
    if not any(row["type"] == SERVICE and _differs(session, row) for row in rows):
        return []
    return [row["urn"] for row in rows]


def take_in(session: Session) -> None:
    """Refresh the service and its task definition in the state where another release runs."""
    urns = unknown_release(session)
    if not urns:
        return
    session.screen.note("Another release runs than the last `up` deployed; reading it")

    def refresh(stack: auto.Stack, progress: Progress) -> None:
        stack.refresh(
            target=urns, on_event=progress.on_event, suppress_outputs=True, suppress_progress=True
        )

    session.perform("Reading the release that runs", refresh)


def _differs(session: Session, row: Mapping[str, Any]) -> bool:
    outputs = row.get("outputs") or {}
    name = ServiceName(outputs.get("cluster", ""), outputs.get("name", ""))
    service = describe_service(session.cloud, name) if name.service else None
    return service is not None and service["taskDefinition"] != outputs.get("taskDefinition")
