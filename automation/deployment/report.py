"""The report with which a command that deploys ends: the verdict, one cause, the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.ecs import describe_service, is_serving
from automation.aws.http_check import url_answers
from automation.deployment import processes
from automation.deployment.releases import earlier
from automation.deployment.rollout import watched
from automation.deployment.stack_releases import stack_releases, with_running_image
from automation.deployment.verdict import (
    ROLLBACK_SECONDS,
    Limits,
    Result,
    Verdict,
)
from automation.diagnosis import last_failure
from automation.diagnosis.diagnosis import Diagnosis, diagnose
from automation.diagnosis.evidence import Facts, gather
from automation.errors import DriverError, ReleaseCommandFailed, ServiceFailed
from automation.screen import Screen
from automation.stack.operations import Session, shown_outputs
from automation.stack.state_file import OutputValue
from automation.unexpected_errors import after_changes, in_words
from infra.names import WEB
from infra.settings.model import Settings

RELEASE_COMMAND = "fargate-cd:release_command: mend the command, or the image that it runs in"


WEB_SERVICE = "service-service"
"""The logical name of the web process's service; another's is `process-NAME-service`."""


@dataclass(frozen=True)
class Done:
    """What a command that deploys has done before the verdict.

    Attributes:
        began: when it began; the deployment that it started is younger.
        changes: operation → number of resources.
        outputs: the stack's outputs.
        failure: what failed before ECS had the say.
        before: process → the task definition that ran before; none without further processes.
    """

    began: datetime
    changes: dict[str, Any]
    outputs: Mapping[str, OutputValue]
    failure: DriverError | None = None
    before: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """The result of a release.

    Attributes:
        verdict: on the whole of it.
        processes: process → its own verdict; empty where ECS had no part in the failure.
    """

    verdict: Verdict
    processes: Mapping[str, Verdict] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """How a command that deploys ended.

    Attributes:
        stack: the stack's name.
        verdict: on the deployment.
        changes: operation → number of resources.
        seconds: how long the command took.
        outputs: the stack's outputs, secret ones left out.
        diagnosis: the cause, where the verdict is not a success.
        down: the command that brings the service back, where nothing serves.
        processes: process → result; empty where there is only one.
    """

    stack: str
    verdict: Verdict
    changes: dict[str, Any]
    seconds: float
    outputs: dict[str, Any]
    diagnosis: Diagnosis | None
    down: str | None = None
    processes: Mapping[str, Result] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "stack": self.stack,
            "result": self.verdict.result,
            **({"processes": dict(self.processes)} if self.processes else {}),
            "changes": self.changes,
            "duration_seconds": round(self.seconds, 1),
            "outputs": self.outputs,
            "diagnosis": self.diagnosis.document() if self.diagnosis else None,
        }


@after_changes()
def report(session: Session, done: Done) -> int:
    """Wait for the verdict, print it with the outputs, and return the exit code."""
    url = done.outputs["service_url"].value if "service_url" in done.outputs else None
    judged = _judged(session, done, url)
    verdict = judged.verdict
    told = Report(
        stack=session.file.name,
        verdict=verdict,
        changes=done.changes,
        seconds=session.screen.elapsed,
        outputs=shown_outputs(_of_now(session, done.outputs)),
        diagnosis=(
            None if verdict.result == "succeeded" else _diagnosis(session, verdict, done.failure)
        ),
        down=None if verdict.result == "succeeded" else _way_back(session),
        processes=_results(session, judged),
    )
    _remember(session, done, told)
    session.screen.document(told.document())
    _print(session.screen, told)
    return 0 if verdict.result == "succeeded" else 1


def _of_now(session: Session, outputs: Mapping[str, OutputValue]) -> Mapping[str, OutputValue]:
    """Return the outputs with the running image; where nobody answers, as the state has them."""
    try:
        return with_running_image(session, outputs)
    except (BotoCoreError, ClientError):
        return outputs


def _remember(session: Session, done: Done, told: Report) -> None:
    """Save a failure that happened before any ECS deployment, for `diagnose`."""
    place = session.target.failure_file(session.file.name)
    before_ecs = done.failure is not None and not isinstance(done.failure, ServiceFailed)
    if told.diagnosis is not None and before_ecs:
        last_failure.write(place, told.diagnosis, session.cloud.now())
    else:
        last_failure.forget(place)


def _results(session: Session, judged: Judged) -> dict[str, Result]:
    """Map each process to its result; one that was never deployed gets the release's result."""
    if len(session.services) == 1:
        return {}
    whole = judged.verdict.result
    return {
        process: judged.processes[process].result if process in judged.processes else whole
        for process in session.services
    }


def _judged(session: Session, done: Done, url: object) -> Judged:
    """Return the result of the deployments; after a failure of the engine it is no success."""
    failure = done.failure
    if failure is not None and not isinstance(failure, ServiceFailed):
        return Judged(Verdict("failed", failure.message))
    try:
        found = _awaited(session, done)
    except (BotoCoreError, ClientError) as error:
        if failure is None:
            raise
        # The failure is what a person has to know; that nobody answers any more comes from it.
        failure.evidence.append(in_words(error).message)
        return Judged(Verdict("failed", failure.message))
    verdict = processes.whole(found)
    if failure is not None and verdict.result == "succeeded":
        return Judged(Verdict("failed", failure.message, verdict.deployment), found)
    if verdict.result == "succeeded" and isinstance(url, str):
        verdict = _answering(session, done, url, verdict)
    return Judged(verdict, found)


def _answering(session: Session, done: Done, url: str, verdict: Verdict) -> Verdict:
    """Turn a success into a failure if the service's URL does not answer."""
    if "load_balancer_scheme" in done.outputs and not session.target.free:
        session.screen.note(INTERNAL)
        return verdict
    balancer = done.outputs.get("load_balancer_dns_name")
    settings = session.file.settings
    # With a path of its own on a shared load balancer the health path is not sent there.
    path = url if settings.route_paths else url.rstrip("/") + settings.health_check_path
    at = balancer.value if balancer else None
    answers, sentence = url_answers(path, at, still=session.screen.still)
    session.screen.note(sentence)
    if answers:
        return verdict
    return Verdict("failed", sentence, verdict.deployment, verdict.phases)


INTERNAL = (
    "The load balancer is internal, so its URL is not asked from here: ECS has seen the targets "
    "healthy, which decides"
)


def _limits(session: Session) -> Limits:
    settings = session.file.settings
    drain = settings.deregistration_delay + settings.stop_timeout
    return Limits(rollback=ROLLBACK_SECONDS + drain)


def _awaited(session: Session, done: Done) -> dict[str, Verdict]:
    """Wait for the verdicts with a view of the rollout; roll all back if one fails."""
    limits = _limits(session)
    with watched(session) as watch, session.screen.drawn("Waiting for the verdict", watch.lines):
        found = processes.await_all(session, done.began, limits, session.services)
        if done.failure is not None:
            found = _or_refused(found, done.failure)
        return processes.together(session, found, done.before, limits)


def _or_refused(found: Mapping[str, Verdict], failure: DriverError) -> dict[str, Verdict]:
    """The same, but failed where ECS refused the update: the verdict is on the release before."""
    name = (failure.resource or "").rpartition("::")[2]
    process = WEB if name == WEB_SERVICE else name.removeprefix("process-").removesuffix("-service")
    if process not in found or found[process].own:
        return dict(found)
    return {**found, process: Verdict("failed", failure.message, process=process)}


def _way_back(session: Session) -> str | None:
    """Return how to restore the service; None if it serves or does not exist."""
    try:
        service = describe_service(session.cloud, session.service)
        if service is None or is_serving(session.cloud, service):
            return None
        before = earlier(stack_releases(session))
    except (BotoCoreError, ClientError):
        return None
    command, stack = "python automation/run.py", session.file.name
    mend = f"correct the cause and run `{command} up --stack {stack}`"
    if not before:
        return mend
    number = before[0].number
    return (
        f"`{command} rollback --stack {stack} --to {number}` puts release {number} back, or {mend}"
    )


def _diagnosis(session: Session, verdict: Verdict, failure: DriverError | None) -> Diagnosis:
    """Return the one cause: the engine's failure, or what the facts of the deployment show."""
    resource = failure.resource if failure else verdict.deployment
    if verdict.replaced and verdict.result == "failed":
        return Diagnosis(verdict.reason, [], None, verdict.deployment, "replaced")
    settings = session.file.settings
    if isinstance(failure, ReleaseCommandFailed):
        cause, evidence = failure.message, failure.evidence
        return Diagnosis(cause, evidence, RELEASE_COMMAND, resource, "release command failed")
    if failure is not None and not isinstance(failure, ServiceFailed):
        return _by_its_words(failure, settings)
    if failure is not None and verdict.deployment is None:
        return _by_its_words(failure, settings)
    words = "\n".join([failure.message, *failure.evidence]) if failure else verdict.reason
    try:
        facts = gather(
            session.cloud,
            session.services[verdict.process],
            session.names.log_group,
            verdict.deployment,
            words,
        )
    except (BotoCoreError, ClientError):
        if failure is None:
            raise
        return _by_its_words(failure, settings)
    return diagnose(facts, settings, resource)


def _by_its_words(failure: DriverError, settings: Settings) -> Diagnosis:
    """Return the cause that the engine's message names, or else the message."""
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
    screen.result(_first_line(done))
    verdict = done.verdict
    if verdict.unfinished or (verdict.replaced and done.diagnosis is None):
        screen.result(verdict.reason)
    for process, result in done.processes.items():
        screen.result(f"  {process}: {result.replace('_', ' ')}")
    for phase, seconds in verdict.phases.items() if verdict.own else ():
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


def _first_line(done: Report) -> str:
    """Return the verdict in one line; it begins with a warning if no task serves."""
    counts = ", ".join(f"{n} {k}" for k, n in done.changes.items() if n and k != "same")
    figures = f"({counts or 'no changes'}, {done.seconds:.0f} s)"
    if done.down:
        return f"{done.stack}: Failed, the service is DOWN {figures}: {done.down}"
    return f"{done.stack}: {WORDS[done.verdict.result]} {figures}"
