"""What follows from a task's fate for its deployment and its service: counts, causes, events.

Every function here is called with the state's lock held.
"""

from __future__ import annotations

from collections import Counter

from localcloud.ecs import rollout, scheduler
from localcloud.ecs.core import Core
from localcloud.ecs.model import Deployment, Rollout, ServiceRecord, Task, TaskStatus
from localcloud.ecs.scheduler import Stop
from localcloud.ecs.task_definitions import forget_deleted

STEADY_AGAIN_SECONDS = 6 * 3600.0
FORGET_SERVICES_SECONDS = 3600.0


def account(core: Core, service: ServiceRecord, now: float, *, seen_at: float) -> None:
    """Count the successes and failures since the last round.

    Args:
        core: the state.
        service: whose tasks are counted.
        now: the time, in seconds.
        seen_at: when the look at the tasks began, in seconds. On a busy machine a look takes
            seconds, and a task may have exited since; it has been healthy only until then.
    """
    deployments = {deployment.id: deployment for deployment in service.deployments}
    for task in [t for t in core.state.tasks.values() if t.service_arn == service.arn]:
        deployment = deployments.get(task.deployment_id or "")
        if deployment is None:
            continue
        if not task.settled and _has_settled(task, seen_at, core.settling_seconds):
            task.settled = True
            deployment.consecutive_failures = deployment.start_failures = 0
            deployment.impaired = False
        if not task.live and not task.counted and _failed(task):
            count_failure(core, service, deployment, task, now)


def _has_settled(task: Task, seen_at: float, seconds: float) -> bool:
    if not scheduler.healthy(task) or task.healthy_since is None:
        return False
    return seen_at - task.healthy_since >= seconds


def _failed(task: Task) -> bool:
    return task.stop_code in ("TaskFailedToStart", "EssentialContainerExited")


def count_failure(
    core: Core, service: ServiceRecord, deployment: Deployment, task: Task, now: float
) -> None:
    """A task of the deployment failed: it did not start, it exited, or it failed a check."""
    task.counted = True
    deployment.failed_tasks += 1
    deployment.updated_at = now
    deployment.consecutive_failures += 1
    if task.settled:
        return
    deployment.start_failures += 1
    started = task.stop_code != "TaskFailedToStart"
    deployment.next_start_at = now + scheduler.backoff(deployment, started=started)
    if deployment is not service.primary and not task.was_healthy:
        deployment.desired = max(0, deployment.desired - 1)
    if not started and deployment.start_failures >= scheduler.IMPAIRED_AFTER:
        if not deployment.impaired:
            rollout.log(
                service,
                "is unable to consistently start tasks successfully. For more information, see "
                "the Troubleshooting section of the Amazon ECS Developer Guide.",
                now,
            )
        deployment.impaired = True
    entry = rollout.open_entry(core.state, service)
    if entry is not None and entry.breaker_status == "MONITORING":
        entry.breaker_failures = deployment.consecutive_failures


def judge_breaker(core: Core, service: ServiceRecord, now: float) -> None:
    """Trip the deployment circuit breaker when its threshold is reached."""
    breaker = service.deployment_configuration.get("deploymentCircuitBreaker", {})
    primary = service.primary
    if not breaker.get("enable") or primary.rollout != Rollout.IN_PROGRESS:
        return
    limit = rollout.threshold(service.deployment_configuration, service.desired_count)
    if breaker.get("resetOnHealthyTask", True):
        failures = primary.consecutive_failures
    else:
        failures = primary.failed_tasks
    if failures < limit:
        return
    entry = rollout.open_entry(core.state, service)
    if entry is not None:
        entry.breaker_status = "TRIGGERED"
    cause = "ECS deployment circuit breaker: tasks failed to start."
    rollout.fail(core.state, service, cause, now, rollback=breaker.get("rollback", False))


def stop(core: Core, service: ServiceRecord, decision: Stop, now: float) -> None:
    """Put a task on its way down, for the scheduler's reason."""
    task = decision.task
    begin_stop(task, "ServiceSchedulerInitiated", decision.reason, now)
    if not decision.failure or task.counted:
        return
    for deployment in service.deployments:
        if deployment.id == task.deployment_id:
            count_failure(core, service, deployment, task, now)


def begin_stop(task: Task, code: str, reason: str, now: float) -> None:
    """DEACTIVATING where targets must drain first, else STOPPING."""
    task.desired_status = "STOPPED"
    task.stop_code, task.stopped_reason = code, reason
    task.stopping_at = now
    task.healthy_since = None
    task.status = TaskStatus.DEACTIVATING if task.registered else TaskStatus.STOPPING
    task.version += 1


def log_stops(service: ServiceRecord, stops: list[Stop], now: float) -> None:
    """Events for stopped tasks, in the service's words.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
    """
    for one in stops:
        if one.failure:
            failed = one.reason.removeprefix("Task failed ")
            if failed.startswith("ELB"):
                failed = f"(port {_port(one.task)}) is unhealthy in" + failed.partition(" in")[2]
            rollout.log(service, f"(task {one.task.id}) {failed}", now)
    if stops:
        names = " ".join(f"(task {one.task.id})" for one in stops)
        rollout.log(service, f"has stopped {len(stops)} running tasks: {names}.", now)
    draining = [one.task for one in stops if one.task.registered]
    if draining:
        rollout.log(service, f"has begun draining connections on {len(draining)} tasks.", now)
        groups = Counter(group for task in draining for group, _ in task.registered)
        for group, count in groups.items():
            rollout.log(service, f"deregistered {count} targets in (target-group {group})", now)


def _port(task: Task) -> int:
    return task.registered[0][1] if task.registered else 0


def log_starts(service: ServiceRecord, tasks: list[Task], now: float) -> None:
    """The event for started tasks."""
    if tasks:
        names = " ".join(f"(task {task.id})" for task in tasks)
        rollout.log(service, f"has started {len(tasks)} tasks: {names}.", now)


def note_steady(service: ServiceRecord, now: float, *, steady: bool) -> None:
    """The event for a steady state: when it is reached, and every six hours."""
    if steady and (not service.steady or now - service.steady_at >= STEADY_AGAIN_SECONDS):
        rollout.log(service, "has reached a steady state.", now)
        service.steady_at = now
    service.steady = steady


def forget_stopped(core: Core, now: float, seconds: float, most: int) -> None:
    """Drop stopped tasks after their hour, and never keep more than `most` of a service."""
    stopped: Counter[str | None] = Counter()
    for task in sorted(
        (t for t in core.state.tasks.values() if t.status == TaskStatus.STOPPED),
        key=lambda t: t.stopped_at or 0.0,
        reverse=True,
    ):
        stopped[task.service_arn] += 1
        if now - (task.stopped_at or now) > seconds or stopped[task.service_arn] > most:
            del core.state.tasks[task.arn]
    for arn, service in list(core.state.services.items()):
        if service.deleted_at is not None and now - service.deleted_at > FORGET_SERVICES_SECONDS:
            forget_service(core, arn)
    forget_deleted(core)


def forget_service(core: Core, arn: str) -> None:
    """Drop a deleted service with its ledger."""
    state = core.state
    state.services.pop(arn, None)
    for entry in [e for e in state.ledger.values() if e.service_arn == arn]:
        del state.ledger[entry.arn]
    for revision in [r for r in state.revisions.values() if r.service_arn == arn]:
        del state.revisions[revision.arn]
