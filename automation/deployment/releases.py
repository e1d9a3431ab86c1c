"""The releases of a service, from ECS's own record of deployments and revisions.

A release is a revision of the task definition; its number is the revision's. The record is ECS's
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html); there is no
second one.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from automation.aws.clients import Cloud
from automation.aws.ecr import commit_of
from automation.aws.ecs import (
    ServiceName,
    describe_service,
    revision_number,
    service_deployments,
    service_revisions,
    task_definition,
    task_definition_arns,
)
from infra.names import CONTAINER_NAME

OLD = "old"
"""The state of a release whose deployment ECS no longer has on record."""

OLDER = 10
"""How many of them are read; each takes a call."""

STATES: dict[str, str] = {
    "SUCCESSFUL": "superseded",
    "STOPPED": "stopped",
    "ROLLBACK_SUCCESSFUL": "rolled back",
    "ROLLBACK_FAILED": "failed",
}
"""How a release's last deployment ended → its state; every other status is `deploying`."""


@dataclass(frozen=True)
class Release:
    """One release.

    Attributes:
        number: the revision of the task definition.
        image: what it runs.
        commit: the commit that the image was built from, where the image tells it.
        when: when its last deployment began.
        state: current, superseded, deploying, stopped, rolled back, failed, or old.
        task_definition: the revision's ARN.
        processes: process → the ARN of what it ran; empty where there is one process, or where ECS
            no longer tells.
    """

    number: int
    image: str
    commit: str | None
    when: datetime
    state: str
    task_definition: str
    processes: Mapping[str, str] = field(default_factory=dict)


def releases(cloud: Cloud, name: ServiceName) -> list[Release]:
    """Every release that ECS remembers, newest first; none without a service.

    Where its record of deployments has no earlier one, the task definition's revisions follow.
    """
    service = describe_service(cloud, name)
    if service is None:
        return []
    deployments = service_deployments(cloud, name)
    revisions = service_revisions(cloud, (d["targetServiceRevisionArn"] for d in deployments))
    found: dict[str, Release] = {}
    for deployment in deployments:
        revision = revisions.get(deployment["targetServiceRevisionArn"])
        if revision is None or revision["taskDefinition"] in found:
            continue
        definition = revision["taskDefinition"]
        image = _image(cloud, revision)
        found[definition] = Release(
            number=revision_number(definition),
            image=image,
            commit=commit_of(cloud, image),
            when=deployment["createdAt"],
            state=_state(deployment, definition == service["taskDefinition"]),
            task_definition=definition,
        )
    if not earlier(found.values()):
        found |= _older(cloud, name, service, found)
    return list(found.values())


def running_image(cloud: Cloud, name: ServiceName) -> str | None:
    """The image that a service runs or rolls out now; None without a service."""
    service = describe_service(cloud, name)
    if service is None:
        return None
    return _of_application(task_definition(cloud, service["taskDefinition"]))


def _older(
    cloud: Cloud, name: ServiceName, service: dict[str, Any], known: Container[str]
) -> dict[str, Release]:
    """Return the newest revisions of the family that are older than ECS's record.

    ECS keeps a service deployment for 90 days, see
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html, and a
    revision until it is deleted.
    """
    running = service["taskDefinition"]
    arns = {
        arn
        for status in ("ACTIVE", "INACTIVE")
        for arn in task_definition_arns(cloud, name.service, status)
        if arn not in known and revision_number(arn) <= revision_number(running)
    }
    newest = sorted(arns, key=revision_number, reverse=True)[:OLDER]
    return {arn: _of_revision(cloud, arn, arn == running) for arn in newest}


def _of_revision(cloud: Cloud, arn: str, is_current: bool) -> Release:
    definition = task_definition(cloud, arn)
    image = _of_application(definition)
    return Release(
        number=revision_number(arn),
        image=image,
        commit=commit_of(cloud, image),
        when=definition["registeredAt"],
        state="current" if is_current else OLD,
        task_definition=arn,
    )


def current(found: Iterable[Release]) -> Release | None:
    """Return the release that serves, or else the one that is being deployed."""
    rows = list(found)
    for state in ("current", "deploying"):
        for release in rows:
            if release.state == state:
                return release
    return None


def earlier(found: Iterable[Release]) -> list[Release]:
    """The releases to which one can go back, newest first: those that were healthy once, or of
    which ECS no longer tells how they ended."""
    return [release for release in found if release.state in {"superseded", OLD}]


def _state(deployment: dict[str, Any], is_current: bool) -> str:
    state = STATES.get(deployment["status"], "deploying")
    if state == "superseded" and is_current:
        return "current"
    return state


def _image(cloud: Cloud, revision: dict[str, Any]) -> str:
    """The image of the revision's application, as the task definition names it."""
    images = revision.get("containerImages") or ()
    named = {each["containerName"]: str(each["image"]) for each in images}
    if CONTAINER_NAME in named:
        return named[CONTAINER_NAME]
    return _of_application(task_definition(cloud, revision["taskDefinition"]))


def _of_application(definition: dict[str, Any]) -> str:
    containers = {each["name"]: each for each in definition["containerDefinitions"]}
    return str(containers[CONTAINER_NAME]["image"])
