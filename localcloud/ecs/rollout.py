"""Beginning and ending deployments: the ledger of service deployments and revisions.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
Every function here is called with the state's lock held.
"""

from __future__ import annotations

import math
import uuid
from typing import Any

from localcloud.ecs import arns, shifting
from localcloud.ecs.model import (
    Deployment,
    Event,
    Revision,
    Rollout,
    ServiceDeployment,
    ServiceRecord,
    State,
)

MAXIMUM_EVENTS = 100
LEDGER_KEPT = 100
"""Service deployments and their revisions that a service keeps; AWS lists the last 90 days."""
_OPEN = ("PENDING", "IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_REQUESTED", "STOP_REQUESTED")


def log(service: ServiceRecord, message: str, now: float) -> None:
    """Add a line to the service's event log, newest first, in the service's own form."""
    service.events.insert(0, Event(str(uuid.uuid4()), now, f"(service {service.name}) {message}"))
    del service.events[MAXIMUM_EVENTS:]


def threshold(configuration: dict[str, Any], desired: int) -> int:
    """How many failures in a row trip the circuit breaker.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
    """
    custom = configuration.get("deploymentCircuitBreaker", {}).get("thresholdConfiguration") or {}
    kind = custom.get("type", "BOUNDED_PERCENT")
    value = int(custom.get("value", 50))
    if kind == "COUNT":
        return value
    share = math.ceil(desired * value / 100)
    return max(1, share) if kind == "UNBOUNDED_PERCENT" else min(200, max(3, share))


def begin(state: State, service: ServiceRecord, now: float) -> Deployment:
    """Start rolling out the service as it is described now; replaces what is in progress."""
    for open_one in (d for d in state.ledger.values() if d.service_arn == service.arn):
        if open_one.status in _OPEN:
            finish(open_one, "STOPPED", "Replaced by a newer service deployment.", now)
    deployment_id = arns.deployment_id()
    revision = _revision(service, deployment_id, now)
    state.revisions[revision.arn] = revision
    entry = _ledger_entry(service, revision, deployment_id, now)
    entry.source_revisions = [
        d.revision_arn for d in service.deployments if d.status in ("PRIMARY", "ACTIVE")
    ]
    state.ledger[entry.arn] = entry
    for older in service.deployments:
        older.status = "ACTIVE"
    slot, traffic = shifting.slot_of_next(service)
    deployment = Deployment(
        id=deployment_id,
        revision_arn=revision.arn,
        status="PRIMARY",
        created_at=now,
        updated_at=now,
        desired=service.desired_count,
        ledger_arn=entry.arn,
        rollout_reason=f"ECS deployment {deployment_id} in progress.",
        slot=slot,
        traffic=traffic,
    )
    service.deployments.insert(0, deployment)
    service.steady = False
    _forget_oldest(state, service)
    return deployment


def _revision(service: ServiceRecord, deployment_id: str, now: float) -> Revision:
    """What is rolled out; its ARN ends with the number of the deployment, as on ECS.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-revision.html
    """
    number = deployment_id.partition("/")[2]
    return Revision(
        arn=arns.child(service.cluster_arn, "service-revision", service.name, number),
        service_arn=service.arn,
        cluster_arn=service.cluster_arn,
        created_at=now,
        task_definition=service.task_definition,
        load_balancers=service.load_balancers,
        network=service.network,
        platform_version=service.platform_version,
        launch_type=service.launch_type,
        capacity_strategy=service.capacity_strategy,
    )


def _ledger_entry(
    service: ServiceRecord, revision: Revision, deployment_id: str, now: float
) -> ServiceDeployment:
    configuration = service.deployment_configuration
    breaker = configuration.get("deploymentCircuitBreaker", {}).get("enable", False)
    alarms = (configuration.get("alarms") or {}).get("enable", False)
    return ServiceDeployment(
        arn=arns.child(
            service.cluster_arn,
            "service-deployment",
            service.name,
            arns.service_deployment_id(),
        ),
        service_arn=service.arn,
        cluster_arn=service.cluster_arn,
        created_at=now,
        updated_at=now,
        started_at=now,
        target_revision=revision.arn,
        source_revisions=[],
        configuration=configuration,
        deployment_id=deployment_id,
        breaker_status="MONITORING" if breaker else "DISABLED",
        breaker_threshold=threshold(configuration, service.desired_count) if breaker else 0,
        alarms_status="MONITORING" if alarms else "DISABLED",
        requested=service.desired_count,
    )


def _forget_oldest(state: State, service: ServiceRecord) -> None:
    entries = sorted(
        (d for d in state.ledger.values() if d.service_arn == service.arn),
        key=lambda d: d.created_at,
        reverse=True,
    )
    in_use = {d.revision_arn for d in service.deployments}
    for entry in entries[LEDGER_KEPT:]:
        del state.ledger[entry.arn]
        if entry.target_revision not in in_use:
            state.revisions.pop(entry.target_revision, None)


def finish(entry: ServiceDeployment, status: str, reason: str | None, now: float) -> None:
    """Close a row of the ledger."""
    entry.status = status
    entry.reason = reason
    entry.updated_at = now
    entry.finished_at = now
    if status == "STOPPED":
        entry.stopped_at = now
    if entry.breaker_status == "MONITORING":
        entry.breaker_status = "MONITORING_COMPLETE"
    if entry.alarms_status == "MONITORING":
        entry.alarms_status = "MONITORING_COMPLETE"


def complete(state: State, service: ServiceRecord, now: float) -> None:
    """The primary deployment has reached its steady state; older ones are gone."""
    primary = service.primary
    primary.rollout = Rollout.COMPLETED
    primary.rollout_reason = f"ECS deployment {primary.id} completed."
    primary.updated_at = now
    primary.ever_completed = True
    primary.consecutive_failures = primary.start_failures = 0
    service.deployments = [primary]
    if (entry := open_entry(state, service)) is not None:
        rolled_back = entry.status == "ROLLBACK_IN_PROGRESS"
        finish(entry, "ROLLBACK_SUCCESSFUL" if rolled_back else "SUCCESSFUL", entry.reason, now)
    log(service, f"(deployment {primary.id}) deployment completed.", now)


def open_entry(state: State, service: ServiceRecord) -> ServiceDeployment | None:
    """The service's row of the ledger that is still open, if any."""
    for entry in state.ledger.values():
        if entry.service_arn == service.arn and entry.status in _OPEN:
            return entry
    return None


def fail(state: State, service: ServiceRecord, cause: str, now: float, *, rollback: bool) -> None:
    """The primary deployment has failed; with `rollback`, go back to the last completed one.

    Args:
        cause: such as `ECS deployment circuit breaker: tasks failed to start.`; begins with what
            found the failure and a colon.
    """
    failed = service.primary
    failed.rollout = Rollout.FAILED
    failed.rollout_reason = cause
    failed.updated_at = now
    finder, _, what = cause.partition(": ")
    log(service, f"(deployment {failed.id}) deployment failed: {what}", now)
    entry = open_entry(state, service)
    target = next((d for d in service.deployments if d.ever_completed and d is not failed), None)
    if entry is None:
        return
    if not rollback:
        finish(entry, "STOPPED", cause, now)
    elif entry.status == "ROLLBACK_IN_PROGRESS" or target is None:
        finish(entry, "ROLLBACK_FAILED", f"{cause} No rollback candidate was found.", now)
    else:
        _roll_back(service, entry, failed, target, cause, now)
        _describe_as(service, state.revisions[target.revision_arn])
        target.rollout_reason = f"{finder}: rolling back to deploymentId {target.id}."


def abort(state: State, service: ServiceRecord, cause: str, now: float) -> None:
    """Stop the rollout where it is: no further task is started or replaced for it."""
    primary = service.primary
    primary.rollout = Rollout.FAILED
    primary.rollout_reason = cause
    primary.updated_at = now
    if (entry := open_entry(state, service)) is not None:
        finish(entry, "STOPPED", cause, now)


def _roll_back(
    service: ServiceRecord,
    entry: ServiceDeployment,
    failed: Deployment,
    target: Deployment,
    cause: str,
    now: float,
) -> None:
    failed.status = "ACTIVE"
    target.status = "PRIMARY"
    target.rollout = Rollout.IN_PROGRESS
    target.updated_at = now
    target.desired = service.desired_count
    target.consecutive_failures = target.start_failures = 0
    service.deployments.remove(target)
    service.deployments.insert(0, target)
    entry.status = "ROLLBACK_IN_PROGRESS"
    entry.reason = f"Service deployment rolled back because of {_trigger(cause)}."
    entry.updated_at = now
    entry.rollback = {
        "reason": entry.reason,
        "startedAt": now,
        "serviceRevisionArn": target.revision_arn,
    }
    log(service, f"rolling back to (deployment {target.id}).", now)


def _describe_as(service: ServiceRecord, revision: Revision) -> None:
    service.task_definition = revision.task_definition
    service.load_balancers = revision.load_balancers
    service.network = revision.network
    service.platform_version = revision.platform_version
    service.launch_type = revision.launch_type
    service.capacity_strategy = revision.capacity_strategy


def _trigger(cause: str) -> str:
    if cause.startswith("ECS deployment circuit breaker"):
        return "the circuit breaker threshold being exceeded"
    return cause.removesuffix(".")
