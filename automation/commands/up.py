"""`up`: create or update the stack, and end with the verdict on what runs then."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pulumi import automation as auto

from automation import local
from automation.errors import DriverError
from automation.operations import Session, opened, shown_changes
from automation.program import release_program
from automation.progress import Progress
from automation.screen import Screen
from automation.verdict import Result, Verdict, await_verdict, url_answers

SECRET = "[secret]"  # noqa: S105 - what is shown instead of one


@dataclass(frozen=True)
class Diagnosis:
    """Why something failed: one cause, what shows it, and what to change."""

    cause: str
    evidence: list[str]
    setting: str | None
    resource: str | None


def up(stack: str, screen: Screen, image: str | None = None, build: bool = False) -> int:
    """Create or update a stack.

    Args:
        stack: its name.
        screen: where results and progress go.
        image: deploy this image and build none.
        build: build and deploy the working tree's application even where a pipeline releases.

    Returns:
        0 if the new version runs and is healthy, else 1.
    """
    program = release_program(stack, image, build)
    with opened(stack, screen, program, create=True, changes=True) as session:
        began = datetime.now(UTC)
        refresh_what_was_lost(session)
        failure: DriverError | None = None
        changes: dict[str, Any] = {}
        try:
            changes = session.perform("Updating", _up)
        except DriverError as error:
            if error.exit_code != 1:
                raise
            failure = error
        return report(session, began, changes, failure)


def _up(stack: auto.Stack, progress: Progress) -> dict[str, Any]:
    stack.up(on_event=progress.on_event, suppress_outputs=True, suppress_progress=True)
    return shown_changes(progress)


def refresh_what_was_lost(session: Session) -> None:
    """After a restart of the local cloud that lost something: say so, and refresh the state."""
    if session.target.name != "local":
        return
    lost = local.process().lost_state(local.state_dir())
    if lost is None:
        return
    session.screen.warn(lost.strip())
    session.screen.warn("The stack's state is brought in line with what is still there")
    session.perform("Refreshing", _refresh)


def _refresh(stack: auto.Stack, progress: Progress) -> None:
    stack.refresh(on_event=progress.on_event, suppress_outputs=True, suppress_progress=True)


def report(
    session: Session, began: datetime, changes: dict[str, Any], failure: DriverError | None
) -> int:
    """Wait for the verdict, print it with the outputs, and return the exit code."""
    screen = session.screen
    outputs = {k: v.value for k, v in session.outputs().items()}
    secret = {k for k, v in session.outputs().items() if v.secret}
    shown = {k: SECRET if k in secret else v for k, v in outputs.items()}
    verdict = _verdict(session, began, failure, outputs.get("service_url"))
    diagnosis = None
    if verdict.result != "succeeded":
        diagnosis = _diagnosis(verdict, failure)
    screen.document(
        {
            "stack": session.file.name,
            "result": verdict.result,
            "changes": changes,
            "duration_seconds": round(screen.elapsed, 1),
            "outputs": shown,
            "diagnosis": asdict(diagnosis) if diagnosis else None,
        }
    )
    _print(screen, session.file.name, verdict, changes, shown, diagnosis)
    return 0 if verdict.result == "succeeded" else 1


def _verdict(
    session: Session, began: datetime, failure: DriverError | None, url: object
) -> Verdict:
    """What became of the deployment; an engine that failed can't end in success."""
    if failure is not None and failure.resource and "ecs/service:Service" not in failure.resource:
        return Verdict("failed", failure.message)
    if failure is not None and not failure.resource:
        return Verdict("failed", failure.message)
    verdict = await_verdict(session.cloud, session.service, began, session.screen.note)
    if failure is not None and verdict.result == "succeeded":
        return Verdict("failed", failure.message, verdict.deployment)
    if verdict.result == "succeeded" and isinstance(url, str):
        answers, sentence = url_answers(url)
        session.screen.note(sentence)
        if not answers:
            return Verdict("failed", sentence, verdict.deployment, verdict.phases)
    return verdict


def _diagnosis(verdict: Verdict, failure: DriverError | None) -> Diagnosis:
    evidence = list(failure.evidence) if failure else []
    if failure and failure.message != verdict.reason:
        evidence.insert(0, failure.message)
    return Diagnosis(
        cause=verdict.reason,
        evidence=evidence,
        setting=None,
        resource=failure.resource if failure else verdict.deployment,
    )


WORDS: dict[Result, str] = {
    "succeeded": "Succeeded",
    "failed": "Failed",
    "rolled_back": "Rolled back: the version before is serving",
}


def _print(
    screen: Screen,
    stack: str,
    verdict: Verdict,
    changes: dict[str, Any],
    outputs: dict[str, Any],
    diagnosis: Diagnosis | None,
) -> None:
    done = ", ".join(f"{n} {k}" for k, n in changes.items() if n and k != "same") or "no changes"
    screen.result(f"{stack}: {WORDS[verdict.result]} ({done}, {screen.elapsed:.0f} s)")
    for phase, seconds in verdict.phases.items():
        screen.result(f"  {phase}: {seconds:.1f} s")
    if diagnosis:
        screen.complain(DriverError(diagnosis.cause, diagnosis.evidence))
        return
    for name, value in sorted(outputs.items()):
        if name != "service_url":
            screen.result(f"  {name}: {value}")
    if "service_url" in outputs:
        screen.result(f"\n{outputs['service_url']}")
