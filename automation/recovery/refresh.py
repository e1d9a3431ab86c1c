"""Repairs the state: refreshes after data loss, imports interrupted creations."""

from __future__ import annotations

from pulumi import automation as auto

from automation.engine.progress import Progress, display_name
from automation.recovery.adoption import CREATING, adopt
from automation.stack import pending_creations
from automation.stack.operations import Session


def settle(session: Session) -> None:
    """Repair the state after data loss or an interrupted update, and say so.

    Raises:
        DriverError: it can't be told what an interrupted update has made.
    """
    lost = _tell_what_was_lost(session)
    if session.created:
        return
    if lost or _may_have_lost(session):
        session.screen.warn("The stack's state is brought in line with what is still there")
        session.perform("Refreshing", _refresh)
    _adopt_what_was_interrupted(session)


def _tell_what_was_lost(session: Session) -> bool:
    """Warn of what the target lost at its last start; return whether it lost anything."""
    lost = session.target.lost()
    if lost is None:
        return False
    session.screen.warn(lost.strip())
    return True


def _may_have_lost(session: Session) -> bool:
    """Whether the target was killed and may have lost its last changes.

    The local cloud writes a change down within a second; AWS loses nothing that it has answered.
    """
    return session.target.forgetful and bool(pending_creations.read(session.pending_file))


def _refresh(stack: auto.Stack, progress: Progress) -> None:
    stack.refresh(on_event=progress.on_event, suppress_outputs=True, suppress_progress=True)


def _adopt_what_was_interrupted(session: Session) -> None:
    """Settle creations that a killed update began and did not finish."""
    state = session.state()
    rows = pending_creations.read(session.pending_file)
    deployment = pending_creations.with_pending(state.get("deployment") or {}, rows)
    pending = [row for row in deployment.get("pending_operations") or [] if row["type"] == CREATING]
    if not pending:
        return
    session.screen.warn(f"An earlier update was cut off while it created {len(pending)} resources")
    adopted = adopt(deployment, session.cloud)
    settled = auto.Deployment(version=state["version"], deployment=adopted.deployment)
    session.perform("Adopting", lambda stack, _progress: stack.import_stack(settled))
    pending_creations.forget(session.pending_file)
    for urn in adopted.urns:
        session.screen.warn(f"  {display_name(urn)} exists and is adopted")
    for urn in adopted.absent:
        session.screen.warn(f"  {display_name(urn)} is created again")
    if adopted.urns:
        session.perform(
            "Reading what is adopted",
            lambda stack, progress: stack.refresh(
                target=adopted.urns,
                on_event=progress.on_event,
                suppress_outputs=True,
                suppress_progress=True,
            ),
        )
