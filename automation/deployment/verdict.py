"""The verdict on the deployment that a command started: succeeded, rolled back, or failed.

ECS keeps the ledger: a service deployment has a beginning, a target revision and an end, see
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from automation.aws.clients import Cloud
from automation.aws.ecs import (
    ServiceName,
    describe_service,
    service_deployment,
    service_deployments,
)
from infra.names import WEB

Result = Literal["succeeded", "failed", "rolled_back"]

ENDED: dict[str, Result] = {
    "SUCCESSFUL": "succeeded",
    "ROLLBACK_SUCCESSFUL": "rolled_back",
    "ROLLBACK_FAILED": "failed",
    "STOPPED": "failed",
}
"""Final status of a service deployment → result; every other status is still going on."""

ROLLING_BACK = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})

WAIT_SECONDS = 1800.0
ROLLBACK_SECONDS = 300.0
"""How long a rollback may take, the drain of its tasks aside. ECS itself tries without end."""

POLL_SECONDS = 1.0

Note = Callable[[str], None]


@dataclass(frozen=True)
class Limits:
    """How long to wait for a deployment, in seconds.

    Attributes:
        deployment: for its end, beyond the time for which ECS watches a traffic shift.
        rollback: for the end of its rollback.
    """

    deployment: float = WAIT_SECONDS
    rollback: float = ROLLBACK_SECONDS


@dataclass(frozen=True)
class Verdict:
    """How a deployment ended.

    Attributes:
        result: succeeded, failed or rolled_back.
        reason: one sentence, in ECS's words where it has some.
        deployment: the service deployment's ARN; None if there was none to judge.
        phases: phase → seconds.
        replaced: something else started a later deployment meanwhile.
        own: the deployment is one that the command started, not merely the latest.
        unfinished: the deployment goes on; the reason says what to do.
        process: whose deployment it is.
    """

    result: Result
    reason: str
    deployment: str | None = None
    phases: dict[str, float] = field(default_factory=dict)
    replaced: bool = False
    own: bool = False
    unfinished: bool = False
    process: str = WEB


def await_verdict(
    cloud: Cloud,
    name: ServiceName,
    began: datetime,
    note: Note,
    limits: Limits = Limits(),
) -> Verdict:
    """Wait for the end of the deployment that began at or after `began`.

    If none did, the service's latest deployment is judged: an `up` that changes nothing still ends
    with the truth about what runs.

    Args:
        cloud: the account.
        name: the service.
        began: when the command began.
        note: is told at every look how far the deployment is.
        limits: how long to wait.
    """
    if describe_service(cloud, name) is None:
        return Verdict("failed", f"The service {name.service} does not exist.")
    mine = service_deployments(cloud, name, began)
    every = mine or service_deployments(cloud, name)
    if not every:
        return _steady(cloud, name, note, limits.deployment)
    arn = every[-1 if mine else 0]["serviceDeploymentArn"]
    verdict = _or_replaced(cloud, name, _await_deployment(cloud, arn, note, limits))
    return replace(verdict, own=bool(mine))


def watched_seconds(deployment: dict[str, Any]) -> float:
    """Return how many seconds ECS bakes a deployment that shifts traffic.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
    """
    configuration = deployment.get("deploymentConfiguration", {})
    linear = configuration.get("linearConfiguration", {})
    steps = math.ceil(100 / linear.get("stepPercent", 100)) - 1
    minutes = (
        configuration.get("bakeTimeInMinutes", 0)
        + configuration.get("canaryConfiguration", {}).get("canaryBakeTimeInMinutes", 0)
        + steps * linear.get("stepBakeTimeInMinutes", 0)
    )
    return 60.0 * float(minutes)


def _await_deployment(cloud: Cloud, arn: str, note: Note, limits: Limits) -> Verdict:
    began = time.monotonic()
    rolling_back: float | None = None
    while True:
        deployment = service_deployment(cloud, arn)
        if deployment is None:
            return Verdict("failed", f"ECS does not know the deployment {arn}.", arn)
        if deployment["status"] in ENDED:
            return _judged(deployment)
        note(progress_line(deployment))
        now = time.monotonic()
        if deployment["status"] in ROLLING_BACK:
            rolling_back = now if rolling_back is None else rolling_back
            if now > rolling_back + limits.rollback:
                return _stuck(deployment, limits.rollback)
        limit = limits.deployment + watched_seconds(deployment)
        if now > began + limit:
            reason = f"The deployment has not ended after {limit:.0f} s."
            return Verdict("failed", reason, arn, unfinished=True)
        time.sleep(POLL_SECONDS)


def _stuck(deployment: dict[str, Any], seconds: float) -> Verdict:
    """Return the verdict on a rollback that does not end, with the next step."""
    reason = (
        f"The rollback has not ended after {seconds:.0f} s: the tasks of the version before are "
        "not healthy either, and ECS goes on trying. Correct the cause and run `up`: a new "
        "deployment takes the rollback's place."
    )
    return Verdict("failed", reason, deployment["serviceDeploymentArn"], unfinished=True)


def progress_line(deployment: dict[str, Any]) -> str:
    """Return a running deployment's progress, such as `1 of 2 new tasks run`."""
    target = deployment.get("targetServiceRevision", {})
    running = target.get("runningTaskCount", 0)
    wanted = target.get("requestedTaskCount", 0)
    status = deployment["status"].replace("_", " ").lower()
    return f"Deployment {status}: {running} of {wanted} new tasks run"


def _judged(deployment: dict[str, Any]) -> Verdict:
    status = deployment["status"]
    reason = deployment.get("statusReason") or _breaker(deployment) or f"ECS says {status}."
    return Verdict(ENDED[status], reason, deployment["serviceDeploymentArn"], phases(deployment))


def _breaker(deployment: dict[str, Any]) -> str:
    breaker = deployment.get("deploymentCircuitBreaker", {})
    if breaker.get("status") != "TRIGGERED":
        return ""
    return f"The circuit breaker stopped it after {breaker.get('failureCount', 0)} failed tasks."


def phases(deployment: dict[str, Any]) -> dict[str, float]:
    """Map each phase of a finished deployment to its seconds, by ECS's time stamps."""
    marks = [
        (name, deployment[key])
        for name, key in (
            ("waiting", "createdAt"),
            ("rollout", "startedAt"),
            ("stopping", "stoppedAt"),
        )
        if key in deployment
    ]
    rollback = deployment.get("rollback", {}).get("startedAt")
    if rollback:
        marks.append(("rollback", rollback))
    marks.sort(key=lambda mark: mark[1])
    ends = [moment for _, moment in marks[1:]] + [deployment.get("finishedAt", marks[-1][1])]
    return {
        name: round((end - begin).total_seconds(), 1)
        for (name, begin), end in zip(marks, ends, strict=True)
    }


def _steady(cloud: Cloud, name: ServiceName, note: Note, seconds: float) -> Verdict:
    """Wait until a service without recorded deployments runs the wanted tasks."""
    deadline = time.monotonic() + seconds
    while True:
        service = describe_service(cloud, name)
        if service is None:
            return Verdict("failed", f"The service {name.service} was deleted meanwhile.")
        if len(service["deployments"]) == 1 and service["runningCount"] == service["desiredCount"]:
            return Verdict("succeeded", "The service runs as many tasks as it should.")
        if time.monotonic() > deadline:
            return Verdict("failed", f"The service is not steady after {seconds:.0f} s.")
        note(f"{service['runningCount']} of {service['desiredCount']} tasks run")
        time.sleep(POLL_SECONDS)


def _or_replaced(cloud: Cloud, name: ServiceName, verdict: Verdict) -> Verdict:
    """Name a later deployment that replaced the one that this command started."""
    if verdict.deployment is None:
        return verdict
    latest = next(iter(service_deployments(cloud, name)), None)
    if latest is None or latest["serviceDeploymentArn"] == verdict.deployment:
        return verdict
    number = latest["serviceDeploymentArn"].rpartition("/")[2]
    reason = f"{verdict.reason} Something else has started another deployment since: {number}."
    return replace(verdict, reason=reason, replaced=True)
