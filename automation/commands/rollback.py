"""`rollback`: put back a release, with no build, and end with the verdict."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from automation.aws.ecs import (
    describe_service,
    register,
    revision_number,
    service_deployment,
    service_deployments,
    task_definition,
)
from automation.deployment.releases import Release, before, current, releases
from automation.deployment.report import Done, report
from automation.deployment.verdict import ENDED
from automation.errors import ConfigurationError, DriverError
from automation.screen import Screen
from automation.stack.operations import Session, no_changes, opened

STOP_SECONDS = 900.0
POLL_SECONDS = 1.0


def rollback(stack: str, screen: Screen, to: int | None = None) -> int:
    """Put back a release.

    A revision that the engine has deregistered can't be deployed again, so it is registered anew
    with the same content; its number is then a new one.

    Args:
        stack: the stack's name.
        screen: where results and progress go.
        to: the release's number; the one before the current by default.

    Returns:
        0 if that release runs and is healthy, else 1.

    Raises:
        ConfigurationError: there is no such release.
    """
    with opened(stack, screen, changes=True) as session:
        if describe_service(session.cloud, session.service) is None:
            raise ConfigurationError(f"The stack {stack} has no service: nothing to roll back.")
        wanted = choose(releases(session.cloud, session.service), to)
        began = datetime.now(UTC)
        stop_running_deployment(session)
        definition = deployable(session, wanted)
        screen.note(f"Putting back release {wanted.number} ({wanted.image})")
        session.cloud.client("ecs").update_service(
            cluster=session.service.cluster,
            service=session.service.service,
            taskDefinition=definition,
        )
        if revision_number(definition) != wanted.number:
            screen.note(f"Release {wanted.number} is now release {revision_number(definition)}")
        return report(session, Done(began, no_changes(), session.outputs()))


def choose(found: list[Release], to: int | None) -> Release:
    """The release to put back.

    Raises:
        ConfigurationError: there is none, or it runs already.
    """
    serving = current(found)
    if to is None:
        wanted = before(found)
        if wanted is None:
            raise ConfigurationError("There is no earlier healthy release to go back to.")
        return wanted
    for release in found:
        if release.number == to:
            if release is serving and release.state == "current":
                raise ConfigurationError(f"Release {to} is the one that runs.")
            return release
    known = ", ".join(str(release.number) for release in found) or "none"
    raise ConfigurationError(f"There is no release {to}; there are: {known}.")


def stop_running_deployment(session: Session) -> None:
    """Stop a deployment that is going on, and wait until it has ended.

    Raises:
        DriverError: it does not end.
    """
    running = [
        d for d in service_deployments(session.cloud, session.service) if d["status"] not in ENDED
    ]
    if not running:
        return
    ecs = session.cloud.client("ecs")
    arn = running[0]["serviceDeploymentArn"]
    session.screen.note("Stopping the deployment that is going on")
    if running[0]["status"] in {"PENDING", "IN_PROGRESS"}:
        ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        found = service_deployment(session.cloud, arn)
        if found is None or found["status"] in ENDED:
            return
        time.sleep(POLL_SECONDS)
    raise DriverError(f"The running deployment has not stopped after {STOP_SECONDS:.0f} s: {arn}")


def deployable(session: Session, release: Release) -> str:
    """The ARN of a task definition with the release's content that ECS accepts."""
    definition = task_definition(session.cloud, release.task_definition)
    if definition["status"] == "ACTIVE":
        return release.task_definition
    return register(session.cloud, definition)
