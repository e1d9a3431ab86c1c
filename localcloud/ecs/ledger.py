"""Service deployments and revisions: the record of releases, and how to stop one.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.ecs import arns, errors, rollout, shifting
from localcloud.ecs.core import Core, given_members, page
from localcloud.ecs.model import Revision, ServiceDeployment, State, Task
from localcloud.ecs.service_shape import pending, running
from localcloud.shared import clock
from localcloud.shared.core import moment
from localcloud.shared.service import Call, ServiceError

MAXIMUM_DESCRIBED = 20
KEPT_SECONDS = 90 * 86400.0
"""How long a service deployment can be looked up:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
"""
_STOPPABLE = ("PENDING", "IN_PROGRESS")


def list_deployments(core: Core, call: Call) -> Mapping[str, Any]:
    """ListServiceDeployments: newest first."""
    given = call.input
    window = given.get("createdAt", {})
    with core.lock:
        service = core.service(call, given.get("cluster"), given["service"])
        found = [
            entry
            for entry in core.state.ledger.values()
            if entry.service_arn == service.arn
            and _is_kept(entry)
            and (not given.get("status") or entry.status in given["status"])
            and ("after" not in window or moment(entry.created_at) >= window["after"])
            and ("before" not in window or moment(entry.created_at) <= window["before"])
        ]
    found.sort(key=lambda entry: entry.created_at, reverse=True)
    shown, token = page(found, given, default=20)
    return {
        "serviceDeployments": [
            given_members(
                {
                    "serviceDeploymentArn": entry.arn,
                    "serviceArn": entry.service_arn,
                    "clusterArn": entry.cluster_arn,
                    "startedAt": entry.started_at,
                    "createdAt": entry.created_at,
                    "finishedAt": entry.finished_at,
                    "targetServiceRevisionArn": entry.target_revision,
                    "status": entry.status,
                    "statusReason": entry.reason,
                }
            )
            for entry in shown
        ],
        "nextToken": token,
    }


def _is_kept(entry: ServiceDeployment) -> bool:
    return clock.now() - entry.created_at < KEPT_SECONDS


def describe_deployments(core: Core, call: Call) -> Mapping[str, Any]:
    """DescribeServiceDeployments."""
    wanted = call.input["serviceDeploymentArns"]
    if len(wanted) > MAXIMUM_DESCRIBED:
        raise errors.invalid("You can describe up to 20 service deployments.")
    found, failures = [], []
    with core.lock:
        for arn in wanted:
            entry = core.state.ledger.get(arn)
            if entry is None or not _is_kept(entry):
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(_deployment(core.state, entry))
    return {"serviceDeployments": found, "failures": failures}


def _deployment(state: State, entry: ServiceDeployment) -> dict[str, Any]:
    breaker = {
        "status": entry.breaker_status,
        "failureCount": entry.breaker_failures,
        "threshold": entry.breaker_threshold,
    }
    alarms = {
        "status": entry.alarms_status,
        "alarmNames": (entry.configuration.get("alarms") or {}).get("alarmNames", []),
        "triggeredAlarmNames": entry.triggered_alarms,
    }
    return given_members(
        {
            "serviceDeploymentArn": entry.arn,
            "serviceArn": entry.service_arn,
            "clusterArn": entry.cluster_arn,
            "createdAt": entry.created_at,
            "startedAt": entry.started_at,
            "finishedAt": entry.finished_at,
            "stoppedAt": entry.stopped_at,
            "updatedAt": entry.updated_at,
            "sourceServiceRevisions": [_summary(state, arn) for arn in entry.source_revisions],
            "targetServiceRevision": _summary(state, entry.target_revision, entry.requested),
            "status": entry.status,
            "statusReason": entry.reason,
            "deploymentConfiguration": entry.configuration,
            "rollback": given_members(entry.rollback) if entry.rollback else None,
            "deploymentCircuitBreaker": breaker,
            "alarms": alarms,
            "lifecycleStage": _stage(state, entry),
        }
    )


def _stage(state: State, entry: ServiceDeployment) -> str | None:
    """Where an open deployment is, for those that shift traffic."""
    service = state.services.get(entry.service_arn)
    if service is None or not shifting.shifted(service) or entry.finished_at is not None:
        return None
    return shifting.stage(service, clock.now())


def _summary(state: State, arn: str, requested: int | None = None) -> dict[str, Any]:
    deployments = {
        d.id: d for s in state.services.values() for d in s.deployments if d.revision_arn == arn
    }
    tasks: list[Task] = [t for t in state.tasks.values() if t.deployment_id in deployments]
    wanted = sum(d.desired for d in deployments.values())
    shares = [d for d in deployments.values() if d.traffic]
    weight = {"requestedProductionTrafficWeight": float(shares[0].traffic)} if shares else {}
    return weight | {
        "arn": arn,
        "requestedTaskCount": wanted if deployments or requested is None else requested,
        "runningTaskCount": running(tasks),
        "pendingTaskCount": pending(tasks),
    }


def describe_revisions(core: Core, call: Call) -> Mapping[str, Any]:
    """DescribeServiceRevisions, with the image digests that its first task resolved."""
    wanted = call.input["serviceRevisionArns"]
    if len(wanted) > MAXIMUM_DESCRIBED:
        raise errors.invalid("You can describe up to 20 service revisions.")
    found, failures = [], []
    with core.lock:
        for arn in wanted:
            if (revision := core.state.revisions.get(arn)) is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(_revision(revision))
    return {"serviceRevisions": found, "failures": failures}


def _revision(revision: Revision) -> dict[str, Any]:
    return given_members(
        {
            "serviceRevisionArn": revision.arn,
            "serviceArn": revision.service_arn,
            "clusterArn": revision.cluster_arn,
            "taskDefinition": revision.task_definition,
            "capacityProviderStrategy": revision.capacity_strategy or None,
            "launchType": revision.launch_type,
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "loadBalancers": revision.load_balancers,
            "networkConfiguration": revision.network,
            "containerImages": revision.images,
            "guardDutyEnabled": False,
            "createdAt": revision.created_at,
        }
    )


def stop_deployment(core: Core, call: Call) -> Mapping[str, Any]:
    """StopServiceDeployment: ROLLBACK goes back to the last completed one; ABORT leaves everything
    as it is."""
    kind = call.input.get("stopType") or "ROLLBACK"
    arn = call.input["serviceDeploymentArn"]
    now = clock.now()
    with core.change() as state:
        entry = state.ledger.get(arn)
        if entry is None:
            raise ServiceError(
                "ServiceDeploymentNotFoundException", "The service deploy ARN was not found."
            )
        if entry.status not in _STOPPABLE:
            raise ServiceError(
                "ConflictException",
                f"The service deployment can't be stopped in the status {entry.status}.",
            )
        service = state.services[entry.service_arn]
        cause = f"StopServiceDeployment: {arns.name_of(call.principal)} asked for {kind}."
        if kind == "ABORT":
            rollout.abort(state, service, cause, now)
        else:
            rollout.fail(state, service, cause, now, rollback=True)
    return {"serviceDeploymentArn": arn}
