"""The releases of a service, from ECS's own record of deployments and revisions.

A release is a revision of the task definition; its number is the revision's. The record is ECS's
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html); there is no
second one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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
)

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
        state: current, superseded, deploying, stopped, rolled back or failed.
        task_definition: the revision's ARN.
    """

    number: int
    image: str
    commit: str | None
    when: datetime
    state: str
    task_definition: str


def releases(cloud: Cloud, name: ServiceName) -> list[Release]:
    """Every release that ECS remembers, newest deployment first; none without a service."""
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
    return list(found.values())


def current(found: Iterable[Release]) -> Release | None:
    """The release that serves now, or that is being deployed where none serves yet."""
    rows = list(found)
    for state in ("current", "deploying"):
        for release in rows:
            if release.state == state:
                return release
    return None


def earlier(found: Iterable[Release]) -> list[Release]:
    """The releases to which one can go back, newest first: those that were healthy once."""
    return [release for release in found if release.state == "superseded"]


def _state(deployment: dict[str, Any], is_current: bool) -> str:
    state = STATES.get(deployment["status"], "deploying")
    if state == "superseded" and is_current:
        return "current"
    return state


def _image(cloud: Cloud, revision: dict[str, Any]) -> str:
    """The image of the revision's first container, as the task definition names it."""
    images = revision.get("containerImages")
    if images:
        return str(images[0]["image"])
    definition = task_definition(cloud, revision["taskDefinition"])
    return str(definition["containerDefinitions"][0]["image"])
