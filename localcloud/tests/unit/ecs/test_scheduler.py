"""The scheduler's decisions, without Docker.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from __future__ import annotations

import pytest

from localcloud.ecs import rollout
from localcloud.ecs.model import Rollout, ServiceRecord, Task, TaskStatus
from localcloud.ecs.scheduler import (
    LONGEST_BACKOFF,
    LONGEST_RESTART_DELAY,
    backoff,
    failing,
    healthy,
    limits,
    plan,
)
from localcloud.tests.unit.ecs.records import service, state_with, task


def completed(record: ServiceRecord, count: int | None = None) -> list[Task]:
    """The service's first deployment is complete; its tasks."""
    state_with(record)
    record.primary.rollout = Rollout.COMPLETED
    record.primary.ever_completed = True
    wanted = record.desired_count if count is None else count
    return [task(record, record.primary.id, healthy=True) for _ in range(wanted)]


def test_first_deployment_starts_all_tasks() -> None:
    record = service(3)
    state_with(record)
    decision = plan(record, [], 1.0)
    assert decision.starts == [record.primary] * 3
    assert not decision.completed


def test_lost_task_is_replaced() -> None:
    record = service(2)
    tasks = completed(record)
    assert plan(record, tasks[:1], 100.0).starts == [record.primary]


def test_tasks_on_their_way_are_not_started_twice() -> None:
    record = service(2)
    state_with(record)
    tasks = [task(record, record.primary.id) for _ in range(2)]
    decision = plan(record, tasks, 1.0)
    assert (decision.starts, decision.stops, decision.completed) == ([], [], False)


def test_complete_only_when_every_task_has_settled() -> None:
    record = service(2)
    state_with(record)
    tasks = [task(record, record.primary.id, healthy=True) for _ in range(2)]
    tasks[1].settled = False
    assert not plan(record, tasks, 20.0).completed
    tasks[1].settled = True
    assert plan(record, tasks, 20.0).completed


def test_incomplete_while_an_older_task_still_stops() -> None:
    record = service(1)
    old = completed(record)
    state = state_with(record)
    assert state.services
    new = task(record, record.primary.id, healthy=True)
    old[0].desired_status, old[0].status = "STOPPED", TaskStatus.STOPPING
    assert not plan(record, [new, *old], 50.0).completed
    assert plan(record, [new], 50.0).completed


def test_a_new_deployment_starts_within_the_maximum_and_stops_nothing_yet() -> None:
    record = service(2)
    old = completed(record)
    state_with(record)
    decision = plan(record, old, 50.0)
    assert decision.starts == [record.primary] * 2
    assert decision.stops == []


def test_older_tasks_stop_one_for_each_settled_newer_one() -> None:
    record = service(2)
    old = completed(record)
    state_with(record)
    new = [task(record, record.primary.id, healthy=True), task(record, record.primary.id)]
    decision = plan(record, [*old, *new], 50.0)
    assert [stop.task for stop in decision.stops] == [old[0]]
    assert record.primary.id in decision.stops[0].reason


def test_without_room_older_tasks_make_way_down_to_the_minimum() -> None:
    record = service(4, configuration={"maximumPercent": 100, "minimumHealthyPercent": 50})
    old = completed(record)
    state_with(record)
    decision = plan(record, old, 50.0)
    assert len(decision.stops) == 2
    assert decision.starts == [record.primary] * 2


def test_an_older_task_that_dies_in_a_rollout_is_replaced_from_its_own_revision() -> None:
    record = service(2, configuration={"maximumPercent": 200})
    old = completed(record)
    older = record.primary
    state_with(record)
    new = [task(record, record.primary.id) for _ in range(2)]
    decision = plan(record, [old[0], *new], 50.0)
    assert decision.starts == [older]


def test_tasks_of_a_revision_that_never_completed_are_not_replaced() -> None:
    record = service(2)
    state_with(record)
    broken = [task(record, record.primary.id) for _ in range(2)]
    state_with(record)
    decision = plan(record, broken, 50.0)
    assert {stop.task.id for stop in decision.stops} == {one.id for one in broken}
    assert decision.starts == [record.primary] * 2


def test_scale_in_keeps_zones_even_and_healthy_tasks() -> None:
    record = service(4)
    tasks = completed(record)
    tasks[3].availability_zone = "us-east-1b"
    tasks[2].healthy_since = None
    record.desired_count = 2
    stopped = [stop.task for stop in plan(record, tasks, 50.0).stops]
    assert stopped == [tasks[2], tasks[0]]


def test_a_task_that_fails_its_checks_is_stopped_after_the_grace_period() -> None:
    record = service(1, grace_period=30)
    state_with(record)
    bad = task(record, record.primary.id, status=TaskStatus.RUNNING, started_at=100.0)
    bad.failing = "Task failed ELB health checks in (target-group tg)"
    assert not failing(record, bad, 129.0)
    assert plan(record, [bad], 129.0).stops == []
    decision = plan(record, [bad], 130.0)
    assert [(stop.task, stop.failure) for stop in decision.stops] == [(bad, True)]


def test_a_task_that_was_healthy_is_replaced_before_it_is_stopped() -> None:
    record = service(2)
    tasks = completed(record)
    tasks[0].failing, tasks[0].healthy_since = "Task failed ELB health checks", None
    decision = plan(record, tasks, 100.0)
    assert decision.stops == []
    assert decision.starts == [record.primary]
    replacement = task(record, record.primary.id, healthy=True)
    decision = plan(record, [*tasks, replacement], 110.0)
    assert [stop.task for stop in decision.stops] == [tasks[0]]


def test_without_headroom_an_unhealthy_task_is_stopped_first() -> None:
    record = service(2, configuration={"maximumPercent": 100, "minimumHealthyPercent": 50})
    tasks = completed(record)
    tasks[0].failing, tasks[0].healthy_since = "Task failed ELB health checks", None
    assert [stop.task for stop in plan(record, tasks, 100.0).stops] == [tasks[0]]


def test_backoff_holds_starts_back() -> None:
    record = service(1)
    state_with(record)
    record.primary.next_start_at = 60.0
    assert plan(record, [], 59.0).starts == []
    assert plan(record, [], 60.0).starts == [record.primary]


@pytest.mark.parametrize(
    ("failures", "started", "seconds"),
    [
        (0, False, 0.0),
        (1, False, 1.0),
        (3, False, 4.0),
        (40, False, LONGEST_BACKOFF),
        (40, True, LONGEST_RESTART_DELAY),
    ],
)
def test_backoff_grows_up_to_its_limit(failures: int, started: bool, seconds: float) -> None:
    record = service()
    state_with(record)
    record.primary.start_failures = failures
    assert backoff(record.primary, started=started) == seconds


def test_a_failed_deployment_starts_nothing() -> None:
    record = service(2)
    state = state_with(record)
    rollout.fail(state, record, "ECS deployment circuit breaker: tasks failed to start.", 9.0,
                 rollback=True)  # fmt: skip
    decision = plan(record, [], 10.0)
    assert (decision.starts, decision.completed, decision.steady) == ([], False, False)


def test_healthy_tasks_of_a_failed_deployment_serve_until_they_are_replaced() -> None:
    """Such as when an alarm goes off after the older tasks have gone."""
    record = service(2)
    state = state_with(record)
    rollout.complete(state, record, 5.0)
    target = record.primary
    rollout.begin(state, record, 10.0)
    new = [task(record, record.primary.id, healthy=True) for _ in range(2)]
    cause = "ECS deployment alarms: alarm detected."
    rollout.fail(state, record, cause, 50.0, rollback=True)
    assert record.primary is target
    decision = plan(record, new, 51.0)
    assert (decision.stops, decision.starts) == ([], [target] * 2)
    replaced = [*new, task(record, target.id, healthy=True)]
    assert len(plan(record, replaced, 60.0).stops) == 1


def test_a_deleted_service_stops_everything() -> None:
    record = service(2)
    tasks = completed(record)
    record.status, record.desired_count = "DRAINING", 0
    assert len(plan(record, tasks, 100.0).stops) == 2


@pytest.mark.parametrize(
    ("desired", "low", "high", "expected"),
    [(2, 100, 200, (2, 4)), (3, 50, 150, (2, 4)), (1, 0, 100, (0, 1)), (5, 90, 110, (5, 5))],
)
def test_limits_round_as_documented(
    desired: int, low: int, high: int, expected: tuple[int, int]
) -> None:
    """The minimum is rounded up, the maximum down.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
    """
    record = service(desired, configuration={"minimumHealthyPercent": low, "maximumPercent": high})
    assert limits(record) == expected


@pytest.mark.parametrize("desired", [1, 2, 3, 5])
@pytest.mark.parametrize(("low", "high"), [(100, 200), (50, 150), (50, 100), (0, 100), (75, 200)])
def test_a_rollout_ends_and_keeps_its_limits(desired: int, low: int, high: int) -> None:
    """Simulated to its end: the service never falls below the minimum nor exceeds the maximum.

    Where no task may be missing or extra, nothing can be rolled out, on AWS neither.
    """
    record = service(desired, configuration={"minimumHealthyPercent": low, "maximumPercent": high})
    tasks = completed(record)
    state_with(record)
    lower, upper = limits(record)
    stuck = lower == upper == desired
    for step in range(1, 200):
        now = 100.0 + step
        decision = plan(record, tasks, now)
        for deployment in record.deployments:
            deployment.desired = decision.desired[deployment.id]
        for stop in decision.stops:
            tasks.remove(stop.task)
        tasks += [task(record, one.id) for one in decision.starts]
        assert len(tasks) <= upper
        assert sum(healthy(one) for one in tasks) >= lower
        if decision.completed:
            assert {one.deployment_id for one in tasks} == {record.primary.id}
            assert len(tasks) == desired
            assert not stuck
            return
        _grow_up(tasks, now)
    assert stuck, "the rollout did not end"


def _grow_up(tasks: list[Task], now: float) -> None:
    """One task at a time becomes healthy and settles."""
    for one in tasks:
        if one.status != TaskStatus.RUNNING:
            one.status, one.started_at, one.healthy_since = TaskStatus.RUNNING, now, now
            one.was_healthy = one.settled = True
            return
