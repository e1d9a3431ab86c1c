"""`diagnose`: why the last deployment failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from automation.aws.codepipeline import Run, runs
from automation.aws.ecs import describe_service, service_deployments
from automation.deployment.verdict import ENDED
from automation.diagnosis import last_failure
from automation.diagnosis.diagnosis import Diagnosis, diagnose
from automation.diagnosis.evidence import Facts, gather
from automation.diagnosis.pipeline import diagnose_run
from automation.screen import Screen
from automation.stack.operations import Session, opened


def diagnose_command(stack: str, screen: Screen) -> int:
    """Print the cause of the last failure, its evidence and what to change."""
    with opened(stack, screen) as session:
        found, sentence = find(session)
    screen.document({"stack": stack, "diagnosis": found.document() if found else None})
    screen.result(f"{stack}: {sentence}")
    if found:
        print_diagnosis(screen, found)
    return 0


def find(session: Session) -> tuple[Diagnosis | None, str]:
    """Return the diagnosis of a stack, or None, and a sentence about what was examined."""
    cloud, name = session.cloud, session.service
    service = describe_service(cloud, name)
    latest = next(iter(service_deployments(cloud, name)), None) if service else None
    file = session.target.failure_file(session.file.name)
    earlier = last_failure.read(file, session.screen.warn)
    if earlier and (latest is None or earlier.when > latest["createdAt"]):
        return earlier.diagnosis, f"the last `up` failed ({_told(earlier.when)})"
    if service is None:
        return None, "there is no service yet, and no `up` has failed"
    run = _failed_run(session)
    if run and not _failed_later(latest, run):
        return diagnose_run(
            session, run
        ), f"the pipeline's last run {run.status} ({_told(run.changed)})"
    rows = [_of_process(session, process) for process in session.services]
    return next((row for row in rows if row[0]), rows[0])


def _of_process(session: Session, process: str) -> tuple[Diagnosis | None, str]:
    """Return the diagnosis of one process, or None, and a sentence about what was examined."""
    cloud, name = session.cloud, session.services[process]
    service = describe_service(cloud, name)
    if service is None:
        return None, f"there is no service of {process} yet"
    latest = next(iter(service_deployments(cloud, name)), None)
    arn = latest["serviceDeploymentArn"] if latest else None
    facts = gather(cloud, name, session.names.log_group, arn)
    first = name == session.service
    looked = _looked_at(latest) if first else f"{process}: {_looked_at(latest)}"
    if _is_well(service, latest, facts):
        return None, f"{looked}; nothing to diagnose"
    return diagnose(facts, session.file.settings, arn), looked


def _failed_run(session: Session) -> Run | None:
    """Return the newest failed run, unless a newer one succeeded; running ones don't count."""
    found = runs(session.cloud, session.pipeline) if session.pipeline else []
    ended = (run for run in found if run.failed or run.status == "Succeeded")
    newest = next(ended, None)
    return newest if newest and newest.failed else None


def _failed_later(latest: dict[str, Any] | None, run: Run) -> bool:
    """Whether the service's latest deployment failed, and is newer than the run."""
    if latest is None or latest["createdAt"] <= run.changed:
        return False
    return ENDED.get(latest["status"], "succeeded") != "succeeded"


def _is_well(service: dict[str, Any], latest: dict[str, Any] | None, facts: Facts) -> bool:
    """Whether the latest deployment succeeded and its tasks run and are healthy."""
    if latest and ENDED.get(latest["status"], "succeeded") != "succeeded":
        return False
    going_on = latest is not None and latest["status"] not in ENDED
    complete = going_on or service["runningCount"] >= service["desiredCount"]
    return complete and not facts.targets and not (going_on and facts.stopped)


def _looked_at(latest: dict[str, Any] | None) -> str:
    if latest is None:
        return "the service has no deployment on record"
    status = latest["status"].replace("_", " ").lower()
    return f"the last deployment ({_told(latest['createdAt'])}): {status}"


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}"


def print_diagnosis(screen: Screen, found: Diagnosis) -> None:
    """A diagnosis in words: cause, evidence, what to change."""
    screen.result(f"Cause: {found.cause}")
    for line in found.evidence:
        screen.result(f"  {line}")
    if found.setting:
        screen.result(f"Change: {found.setting}")
