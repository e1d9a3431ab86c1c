"""`rollback`: put back a release, with no build, and end with the verdict.

A stack without a pipeline gets the whole release back: image and settings. In a stack with a
pipeline only the image goes back, with the settings of the last `up`: the pipeline releases images,
the program describes everything else, and the pipeline's next release starts from the revision that
runs (https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ECS.html).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from automation.aws.ecs import (
    ServiceName,
    describe_service,
    is_serving,
    register,
    registrable,
    revision_number,
    service_deployment,
    service_deployments,
    task_definition,
)
from automation.deployment import processes
from automation.deployment.releases import Release, earlier
from automation.deployment.report import Done, report
from automation.deployment.stack_releases import parts, stack_releases
from automation.deployment.verdict import ENDED, ROLLBACK_SECONDS
from automation.errors import ConfigurationError
from automation.screen import Screen
from automation.stack.operations import Session, no_changes, opened
from automation.stack.secret_rights import readable_secrets
from infra.names import CONTAINER_NAME
from infra.policies.tasks import secret_resource

POLL_SECONDS = 1.0

Same = Callable[[Release], bool]
"""Whether putting a release back would change nothing."""


def rollback(stack: str, screen: Screen, to: int | None = None) -> int:
    """Put back a release, of every process.

    A revision that the engine has deregistered can't be deployed again, so it is registered anew
    with the same content; its number is then a new one.

    Args:
        stack: the stack's name.
        screen: where results and progress go.
        to: the release's number; by default the newest one before that differs from what runs.

    Returns:
        0 if that release runs and is healthy, else 1.

    Raises:
        ConfigurationError: there is no such release, or the service can't run it as it is.
    """
    with opened(stack, screen, changes=True) as session:
        service = _service(session)
        wanted = choose(stack_releases(session), to, _same(session, service))
        if session.pipeline is None:
            require_ports(session, service, wanted)
            require_secrets(session, wanted)
        began = session.cloud.now()
        for name in session.services.values():
            stop_running_deployment(session, name)
        before = processes.running(session)
        _put_back(session, service, wanted)
        for process in list(session.services)[1:]:
            processes.follow(session, process, wanted)
        done = Done(began, no_changes(), session.outputs(), before=before)
        return report(session, done)


def _put_back(session: Session, service: Mapping[str, Any], wanted: Release) -> None:
    """Deploy what the web process, or the one in its place, ran with a release.

    Where it runs that already, it is started anew only if it is down.
    """
    definition = deployable(session, wanted)
    runs = definition == service["taskDefinition"]
    if runs and wanted.processes and not _is_down(session, service):
        return
    session.cloud.client("ecs").update_service(
        cluster=session.service.cluster,
        service=session.service.service,
        taskDefinition=definition,
        forceNewDeployment=runs,
    )
    if revision_number(definition) != wanted.number:
        session.screen.note(f"Release {wanted.number} is now release {revision_number(definition)}")


def _is_down(session: Session, service: Mapping[str, Any]) -> bool:
    """Whether nothing serves, and something should."""
    wanted = service.get("desiredCount", 1) > 0
    return wanted and not is_serving(session.cloud, dict(service))


def _service(session: Session) -> dict[str, Any]:
    service = describe_service(session.cloud, session.service)
    if service is None:
        raise ConfigurationError(
            f"The stack {session.file.name} has no service: nothing to roll back."
        )
    return service


def choose(found: list[Release], to: int | None, same: Same) -> Release:
    """Choose the release to roll back to.

    Raises:
        ConfigurationError: there is none, or it runs already.
    """
    if to is None:
        wanted = next((release for release in earlier(found) if not same(release)), None)
        if wanted is None:
            raise ConfigurationError(
                "There is no earlier healthy release that differs from the one that runs."
            )
        return wanted
    named = [release for release in found if release.number == to]
    wanted = next((release for release in named if not same(release)), next(iter(named), None))
    if wanted is None:
        known = ", ".join(str(release.number) for release in found) or "none"
        raise ConfigurationError(f"There is no release {to}; there are: {known}.")
    if same(wanted):
        raise ConfigurationError(f"Release {to} is the one that runs, or has the same content.")
    return wanted


def _same(session: Session, service: dict[str, Any]) -> Same:
    """Return a test for the release that runs; none passes it if the service is down."""
    if _is_down(session, service):
        return lambda _release: False
    running = task_definition(session.cloud, service["taskDefinition"])
    if session.pipeline is not None:
        image = processes.images(running).get(CONTAINER_NAME)
        return lambda release: release.image == image

    runs = processes.running(session) or {next(iter(session.services)): service["taskDefinition"]}

    def same(release: Release) -> bool:
        of_release = parts(session, release).items()
        return all(_same_content(session, arn, runs.get(process)) for process, arn in of_release)

    return same


def _same_content(session: Session, wanted: str, running: str | None) -> bool:
    """Whether two task definitions say the same."""
    if running is None or wanted == running:
        return wanted == running
    one, other = (task_definition(session.cloud, arn) for arn in (wanted, running))
    return registrable(session.cloud, one) == registrable(session.cloud, other)


def require_ports(session: Session, service: Mapping[str, Any], release: Release) -> None:
    """Refuse a release whose container lacks the port to which the load balancer forwards.

    Raises:
        ConfigurationError: it does; the message says how to deploy the release's image.
    """
    definition = task_definition(session.cloud, release.task_definition)
    ports = {
        container["name"]: [row["containerPort"] for row in container.get("portMappings", [])]
        for container in definition["containerDefinitions"]
    }
    for balancer in service.get("loadBalancers", []):
        has = ports.get(balancer["containerName"], [])
        if balancer["containerPort"] not in has:
            stack, file = session.file.name, session.file.path.name
            port = str(has[0]) if has else "the port of that release"
            raise ConfigurationError(
                f"Release {release.number} listens on port {port}, and the load balancer forwards "
                f"to port {balancer['containerPort']}.",
                [
                    f"Set fargate-cd:container_port: {port} in {file}, then run "
                    f"`python automation/run.py up --stack {stack} --image {release.image}`"
                ],
            )


def require_secrets(session: Session, release: Release) -> None:
    """Refuse a release that reads a secret which the tasks may no longer read.

    Raises:
        ConfigurationError: it does; the message says how to deploy the release's image.
    """
    definitions = [task_definition(session.cloud, arn) for arn in parts(session, release).values()]
    rows = [row for each in definitions for row in each["containerDefinitions"]]
    named = {
        secret["valueFrom"]: secret["name"] for row in rows for secret in row.get("secrets", ())
    }
    granted = readable_secrets(session.state()) if named else None
    gone = {
        name: arn
        for arn, name in named.items()
        if not any(fnmatchcase(secret_resource(arn), each) for each in granted or ())
    }
    if gone and granted is not None:
        stack, file = session.file.name, session.file.path.name
        secrets = ", ".join(f"{name}: {arn}" for name, arn in sorted(gone.items()))
        raise ConfigurationError(
            f"Release {release.number} reads secrets that `up` has taken from the tasks' rights: "
            f"{', '.join(sorted(gone))}.",
            [
                f"Name them again in fargate-cd:secrets in {file} ({secrets}), then run "
                f"`python automation/run.py up --stack {stack} --image {release.image}`"
            ],
        )


def stop_running_deployment(session: Session, name: ServiceName) -> None:
    """Stop a deployment that is going on, and wait until it has ended.

    A rollback that does not end is left to the new deployment, which takes its place.
    """
    every = service_deployments(session.cloud, name)
    running = [deployment for deployment in every if deployment["status"] not in ENDED]
    if not running:
        return
    arn = running[0]["serviceDeploymentArn"]
    session.screen.note("Stopping the deployment that is going on")
    if running[0]["status"] in {"PENDING", "IN_PROGRESS"}:
        session.cloud.client("ecs").stop_service_deployment(
            serviceDeploymentArn=arn, stopType="ROLLBACK"
        )
    settings = session.file.settings
    limit = ROLLBACK_SECONDS + settings.deregistration_delay + settings.stop_timeout
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        found = service_deployment(session.cloud, arn)
        if found is None or found["status"] in ENDED:
            return
        session.screen.still("Waiting until the deployment that was going on is rolled back")
        time.sleep(POLL_SECONDS)
    session.screen.warn(f"It is not rolled back after {limit:.0f} s; a new deployment replaces it")


def deployable(session: Session, release: Release) -> str:
    """The ARN of a task definition that puts the release back."""
    definition = task_definition(session.cloud, release.task_definition)
    if session.pipeline is not None:
        session.screen.note(
            f"Putting back the image of release {release.number} ({release.image}) with the "
            f"settings of the last `up`; {session.file.path.name} and `up` change settings"
        )
        running = task_definition(session.cloud, _service(session)["taskDefinition"])
        return register(
            session.cloud,
            processes.with_image(running, processes.images(definition)[CONTAINER_NAME]),
        )
    session.screen.note(f"Putting back release {release.number} ({release.image})")
    if definition["status"] == "ACTIVE":
        return release.task_definition
    return register(session.cloud, definition)
