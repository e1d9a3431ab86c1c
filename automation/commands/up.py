"""`up`: create or update the stack, and end with the verdict on what runs then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pulumi import automation as auto

from automation.aws.http_check import url_answers
from automation.deployment.pipeline_transition import no_release_meanwhile
from automation.deployment.verdict import Result, Verdict, await_verdict
from automation.diagnosis import last_failure
from automation.diagnosis.diagnosis import Diagnosis, diagnose
from automation.diagnosis.evidence import Facts, gather
from automation.engine.progress import Progress
from automation.errors import ConfigurationError, DriverError, ServiceFailed, UpdateRunning
from automation.preflight import checks
from automation.previews.preview_stacks import extended_life, perform_update
from automation.recovery.refresh import settle
from automation.screen import Screen
from automation.stack.operations import Session, opened, shown_changes, shown_outputs
from automation.stack.program import release_program
from automation.unexpected_errors import in_words
from infra.settings.model import Settings


def up(
    stack: str,
    screen: Screen,
    image: str | None = None,
    build: bool = False,
    smoke: bool = True,
    preflight: bool = True,
    branch: str | None = None,
) -> int:
    """Create or update a stack.

    Args:
        stack: its name.
        screen: where results and progress go.
        image: deploy this image and build none.
        build: build and deploy the working tree's application even where a pipeline releases.
        smoke: run the container once on this machine first.
        preflight: make the checks that come before anything is touched, the smoke run included.
        branch: the branch that the stack previews, as it is written.

    Returns:
        0 if the new version runs and is healthy, else 1.
    """
    life: dict[str, object] = {}
    program = release_program(stack, image, build, life)
    with opened(stack, screen, program, create=True, changes=True) as session:
        began = datetime.now(UTC)
        if session.file.environment:
            life |= extended_life(session, branch, began)
        updated = Updated()
        failure: DriverError | None = None
        try:
            if preflight:
                _checked(session, image, build, smoke)
            session.target.before_up(session.file.settings, screen)
            settle(session)
            with no_release_meanwhile(session), session.watch() as watch:
                perform_update(session, life, updated.up, watch.lines)
        except (ConfigurationError, UpdateRunning):
            raise
        except DriverError as error:
            failure = error
        outputs = updated.outputs if updated.outputs is not None else _kept(session, failure)
        return report(session, Done(began, updated.changes, outputs, failure))


def _kept(session: Session, failure: DriverError | None) -> Mapping[str, auto.OutputValue]:
    """The outputs in the state; none where a failure has left no state that can be read."""
    try:
        return session.outputs()
    except DriverError:
        if failure is None:
            raise
        return {}


def _checked(session: Session, image: str | None, build: bool, smoke: bool) -> None:
    """The checks before an update; a stack that was made for it goes when they refuse it."""
    try:
        checks.check(session, image, build, smoke)
    except ConfigurationError:
        if session.created:
            session.remove()
        raise


class Updated:
    """The operation, and what it changed, even if it failed in the end."""

    def __init__(self) -> None:
        self.changes: dict[str, Any] = {}
        self.outputs: Mapping[str, auto.OutputValue] | None = None

    def up(self, stack: auto.Stack, progress: Progress) -> None:
        """Create or update every resource of the stack."""
        try:
            result = stack.up(
                on_event=progress.on_event, suppress_outputs=True, suppress_progress=True
            )
            self.outputs = result.outputs
        finally:
            self.changes = shown_changes(progress)


@dataclass(frozen=True)
class Done:
    """What a command that deploys has done before the verdict.

    Attributes:
        began: when it began; the deployment that it started is younger.
        changes: operation → number of resources.
        outputs: the stack's outputs.
        failure: what failed before ECS had the say.
    """

    began: datetime
    changes: dict[str, Any]
    outputs: Mapping[str, auto.OutputValue]
    failure: DriverError | None = None


@dataclass(frozen=True)
class Report:
    """How a command that deploys ended."""

    stack: str
    verdict: Verdict
    changes: dict[str, Any]
    seconds: float
    outputs: dict[str, Any]
    diagnosis: Diagnosis | None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "stack": self.stack,
            "result": self.verdict.result,
            "changes": self.changes,
            "duration_seconds": round(self.seconds, 1),
            "outputs": self.outputs,
            "diagnosis": self.diagnosis.document() if self.diagnosis else None,
        }


def report(session: Session, done: Done) -> int:
    """Wait for the verdict, print it with the outputs, and return the exit code."""
    url = done.outputs["service_url"].value if "service_url" in done.outputs else None
    verdict = _verdict(session, done, url)
    told = Report(
        stack=session.file.name,
        verdict=verdict,
        changes=done.changes,
        seconds=session.screen.elapsed,
        outputs=shown_outputs(done.outputs),
        diagnosis=(
            None if verdict.result == "succeeded" else _diagnosis(session, verdict, done.failure)
        ),
    )
    _remember(session, done, told)
    session.screen.document(told.document())
    _print(session.screen, told)
    return 0 if verdict.result == "succeeded" else 1


def _remember(session: Session, done: Done, told: Report) -> None:
    """Keep what failed before ECS had the say, which nobody else remembers, for `diagnose`."""
    place = session.target.failure_file(session.file.name)
    before_ecs = done.failure is not None and not isinstance(done.failure, ServiceFailed)
    if told.diagnosis is not None and before_ecs:
        last_failure.write(place, told.diagnosis)
    else:
        last_failure.forget(place)


def _verdict(session: Session, done: Done, url: object) -> Verdict:
    """What became of the deployment; an engine that failed can't end in success."""
    failure = done.failure
    if failure is not None and not isinstance(failure, ServiceFailed):
        return Verdict("failed", failure.message)
    try:
        verdict = _awaited(session, done.began)
    except (BotoCoreError, ClientError) as error:
        if failure is None:
            raise
        # The failure is what a person has to know; that nobody answers any more comes from it.
        failure.evidence.append(in_words(error).message)
        return Verdict("failed", failure.message)
    if failure is not None and verdict.result == "succeeded":
        return Verdict("failed", failure.message, verdict.deployment)
    if verdict.result == "succeeded" and isinstance(url, str):
        balancer = done.outputs.get("load_balancer_dns_name")
        path = url.rstrip("/") + session.file.settings.health_check_path
        answers, sentence = url_answers(path, balancer.value if balancer else None)
        session.screen.note(sentence)
        if not answers:
            return Verdict("failed", sentence, verdict.deployment, verdict.phases)
    return verdict


def _awaited(session: Session, began: datetime) -> Verdict:
    """Wait for the verdict with a view of the rollout."""
    with session.watch() as watch, session.screen.drawn("Waiting for the verdict", watch.lines):
        return await_verdict(session.cloud, session.service, began, lambda _: None)


def _diagnosis(session: Session, verdict: Verdict, failure: DriverError | None) -> Diagnosis:
    """One cause; a failure of the engine that ECS has no part in is a cause by itself."""
    resource = failure.resource if failure else verdict.deployment
    if verdict.replaced and verdict.result == "failed":
        return Diagnosis(verdict.reason, [], None, verdict.deployment, "replaced")
    settings = session.file.settings
    if failure is not None and not isinstance(failure, ServiceFailed):
        return _by_its_words(failure, settings)
    words = "\n".join([failure.message, *failure.evidence]) if failure else verdict.reason
    try:
        facts = gather(
            session.cloud, session.service, session.names.log_group, verdict.deployment, words
        )
    except (BotoCoreError, ClientError):
        if failure is None:
            raise
        return _by_its_words(failure, settings)
    return diagnose(facts, settings, resource)


def _by_its_words(failure: DriverError, settings: Settings) -> Diagnosis:
    """The cause that the engine's words name, or else the words themselves."""
    text = "\n".join([failure.message, *failure.evidence])
    found = diagnose(Facts(failure=text), settings, failure.resource)
    if found.name != "unknown":
        return found
    return Diagnosis(failure.message, failure.evidence, None, failure.resource)


WORDS: dict[Result, str] = {
    "succeeded": "Succeeded",
    "failed": "Failed",
    "rolled_back": "Rolled back: the version before is serving",
}


def _print(screen: Screen, done: Report) -> None:
    counts = ", ".join(f"{n} {k}" for k, n in done.changes.items() if n and k != "same")
    screen.result(
        f"{done.stack}: {WORDS[done.verdict.result]} "
        f"({counts or 'no changes'}, {done.seconds:.0f} s)"
    )
    if done.verdict.reason and done.diagnosis is None and done.verdict.replaced:
        screen.result(done.verdict.reason)
    for phase, seconds in done.verdict.phases.items() if done.verdict.own else ():
        screen.result(f"  {phase}: {seconds:.1f} s")
    if done.diagnosis:
        found = done.diagnosis
        change = [f"Change: {found.setting}"] if found.setting else []
        screen.complain(DriverError(found.cause, [*found.evidence, *change]))
        return
    for name, value in sorted(done.outputs.items()):
        if name != "service_url" and not isinstance(value, dict):
            screen.result(f"  {name}: {value}")
    if "service_url" in done.outputs:
        screen.result(f"\n{done.outputs['service_url']}")
