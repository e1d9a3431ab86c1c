"""Releases several processes together: each has a verdict, and one failure rolls back all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from automation.aws.ecs import describe_service, register, revision_number, task_definition
from automation.deployment.releases import Release, releases
from automation.deployment.verdict import Limits, Result, Verdict, await_verdict
from automation.stack.operations import Session
from infra.names import CONTAINER_NAME, WEB

Verdicts = Mapping[str, Verdict]
"""Process → how its deployment ended, the web process first."""


def running(session: Session) -> dict[str, str]:
    """Map each process to the ARN of the task definition that its service runs."""
    if len(session.services) == 1:
        return {}
    described = {
        process: describe_service(session.cloud, name) for process, name in session.services.items()
    }
    return {process: row["taskDefinition"] for process, row in described.items() if row}


def await_all(
    session: Session, began: datetime, limits: Limits, processes: Iterable[str]
) -> dict[str, Verdict]:
    """Wait for the verdict on each process; their deployments run in parallel."""
    return {
        process: replace(
            await_verdict(
                session.cloud, session.services[process], began, session.screen.still, limits
            ),
            process=process,
        )
        for process in processes
    }


def failed(verdicts: Verdicts) -> list[Verdict]:
    """Return the verdicts that are not a success."""
    return [verdict for verdict in verdicts.values() if verdict.result != "succeeded"]


def together(
    session: Session, verdicts: Verdicts, before: Mapping[str, str], limits: Limits
) -> dict[str, Verdict]:
    """Roll back the other processes if one has failed.

    ECS itself takes back the process that failed; this puts the others back to what they ran.

    Args:
        session: the open stack.
        verdicts: on every process.
        before: process → the task definition that ran before; none for a new process.
        limits: how long to wait.

    Returns:
        The verdicts after that: `rolled_back` for what went back.
    """
    bad = failed(verdicts)
    gone = [p for p, v in verdicts.items() if v.result == "succeeded" and v.own and p in before]
    if not bad or not gone:
        return dict(verdicts)
    names = ", ".join(verdict.process for verdict in bad)
    session.screen.note(f"{names} failed, so {', '.join(gone)} goes back to the release before")
    began = session.cloud.now()
    put_back = [process for process in gone if _put_back(session, process, before[process])]
    ended = await_all(session, began, limits, put_back)
    reason = f"Went back to the release before, since {names} failed."
    return dict(verdicts) | {
        process: replace(
            verdicts[process],
            result="rolled_back" if verdict.result == "succeeded" else "failed",
            reason=reason if verdict.result == "succeeded" else verdict.reason,
        )
        for process, verdict in ended.items()
    }


def whole(verdicts: Verdicts) -> Verdict:
    """Return the release's verdict: healthy only if every process is.

    It is rolled back only when every process runs the release before; a process that had to fail
    without one leaves the release failed.
    """
    bad = failed(verdicts)
    if not bad:
        return verdicts[WEB] if WEB in verdicts else next(iter(verdicts.values()))
    first = next((v for v in bad if not v.reason.startswith("Went back")), bad[0])
    result: Result = "failed" if any(v.result == "failed" for v in bad) else "rolled_back"
    return replace(first, result=result)


def follow(session: Session, process: str, web: Release) -> None:
    """Roll a process back to the task definition it had in a release.

    Where ECS no longer tells that, it is its own release of the same image that began nearest to
    it. Where a pipeline releases,
    or there is none such, the image goes back with the settings of the last `up`.

    Args:
        session: the open stack.
        process: its name.
        web: the release that is put back.
    """
    name = session.services[process]
    service = describe_service(session.cloud, name)
    if service is None:
        return
    if session.pipeline is None and process in web.processes:
        _put_back(session, process, web.processes[process])
        return
    same = [each for each in releases(session.cloud, name) if each.image == web.image]
    if session.pipeline is None and same:
        nearest = min(same, key=lambda each: abs(each.when - web.when))
        _put_back(session, process, nearest.task_definition)
        return
    definition = task_definition(session.cloud, service["taskDefinition"])
    if images(definition).get(CONTAINER_NAME) != web.image:
        _deploy(session, process, register(session.cloud, with_image(definition, web.image)))


def with_image(definition: Mapping[str, Any], image: str) -> dict[str, Any]:
    """Return a task definition with another image in the application's container."""
    containers = [
        {**each, "image": image} if each["name"] == CONTAINER_NAME else each
        for each in definition["containerDefinitions"]
    ]
    return {**definition, "containerDefinitions": containers}


def images(definition: Mapping[str, Any]) -> dict[str, str]:
    """Container → image."""
    return {each["name"]: each["image"] for each in definition["containerDefinitions"]}


def _put_back(session: Session, process: str, definition: str) -> bool:
    """Deploy an earlier task definition; return False if the service runs it already."""
    name = session.services[process]
    service = describe_service(session.cloud, name)
    if service is None or service["taskDefinition"] == definition:
        return False
    found = task_definition(session.cloud, definition)
    if found["status"] != "ACTIVE":
        # The engine has deregistered it; the same content is registered anew.
        definition = register(session.cloud, found)
    _deploy(session, process, definition)
    return True


def _deploy(session: Session, process: str, definition: str) -> None:
    name = session.services[process]
    session.cloud.client("ecs").update_service(
        cluster=name.cluster, service=name.service, taskDefinition=definition
    )
    session.screen.note(f"{process} goes back as its release {revision_number(definition)}")
