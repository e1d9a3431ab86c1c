"""What counts as a failure, and when the circuit breaker trips.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from localcloud.ecs import bookkeeping, ledger, rollout
from localcloud.ecs.core import Core
from localcloud.ecs.model import Rollout, ServiceRecord, Task, TaskStatus
from localcloud.ecs.scheduler import SETTLING_SECONDS, SETTLING_VARIABLE, Stop
from localcloud.ecs.store import Store
from localcloud.shared.service import Call, Surroundings
from localcloud.tests.unit.ecs.records import service, task


@pytest.fixture
def core(tmp_path: Path) -> Core:
    """An empty state on disk."""
    return Core(cast(Surroundings, None), Store(tmp_path))


def deployed(core: Core, record: ServiceRecord) -> ServiceRecord:
    """The service in the state, its first deployment just begun."""
    core.state.services[record.arn] = record
    rollout.begin(core.state, record, 0.0)
    return record


def failed_task(core: Core, record: ServiceRecord, **attributes: Any) -> Task:
    """A task of the primary deployment that could not start."""
    one = task(record, record.primary.id, **attributes)
    bookkeeping.begin_stop(one, "TaskFailedToStart", "CannotPullContainerError: none", 1.0)
    core.state.tasks[one.arn] = one
    return one


def account(core: Core, record: ServiceRecord, now: float) -> None:
    """Counts after a look that took no time."""
    bookkeeping.account(core, record, now, seen_at=now)


@pytest.mark.parametrize(
    ("desired", "expected"), [(1, 3), (2, 3), (6, 3), (7, 4), (25, 13), (400, 200), (800, 200)]
)
def test_threshold_is_half_the_desired_count_within_3_and_200(desired: int, expected: int) -> None:
    assert rollout.threshold({}, desired) == expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [("COUNT", 7, 7), ("BOUNDED_PERCENT", 10, 3), ("UNBOUNDED_PERCENT", 10, 2)],
)
def test_a_threshold_of_ones_own(kind: str, value: int, expected: int) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ThresholdConfiguration.html"""
    breaker = {"thresholdConfiguration": {"type": kind, "value": value}}
    assert rollout.threshold({"deploymentCircuitBreaker": breaker}, 20) == expected


def test_three_failures_in_a_row_fail_a_first_deployment(core: Core) -> None:
    record = deployed(core, service(2))
    for count in (1, 2):
        failed_task(core, record)
        account(core, record, 10.0)
        bookkeeping.judge_breaker(core, record, 10.0)
        assert (record.primary.failed_tasks, record.primary.rollout) == (count, "IN_PROGRESS")
    failed_task(core, record)
    account(core, record, 11.0)
    bookkeeping.judge_breaker(core, record, 11.0)
    assert record.primary.rollout == Rollout.FAILED
    entry = next(iter(core.state.ledger.values()))
    assert (entry.status, entry.breaker_status) == ("ROLLBACK_FAILED", "TRIGGERED")


def test_a_failure_is_counted_once(core: Core) -> None:
    record = deployed(core, service(2))
    failed_task(core, record)
    for _ in range(3):
        account(core, record, 10.0)
    assert record.primary.failed_tasks == 1


def test_a_task_has_been_healthy_until_the_last_look(core: Core) -> None:
    record = deployed(core, service(1))
    one = task(record, record.primary.id, healthy=True, settled=False)
    core.state.tasks[one.arn] = one
    one.healthy_since = 20.0
    bookkeeping.account(core, record, 90.0, seen_at=20.0 + SETTLING_SECONDS - 1)
    assert not one.settled
    bookkeeping.account(core, record, 90.0, seen_at=20.0 + SETTLING_SECONDS)
    assert one.settled


def test_a_settled_task_resets_the_count(core: Core) -> None:
    record = deployed(core, service(2))
    failed_task(core, record)
    account(core, record, 10.0)
    good = task(record, record.primary.id, healthy=True, settled=False)
    core.state.tasks[good.arn] = good
    good.healthy_since = 20.0
    account(core, record, 20.0 + SETTLING_SECONDS - 1)
    assert record.primary.consecutive_failures == 1
    account(core, record, 20.0 + SETTLING_SECONDS)
    assert (record.primary.consecutive_failures, record.primary.failed_tasks) == (0, 1)


@pytest.mark.parametrize(
    ("given", "seconds"), [(None, SETTLING_SECONDS), ("", SETTLING_SECONDS), ("2", 2.0)]
)
def test_the_environment_may_name_another_settling_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str | None, seconds: float
) -> None:
    monkeypatch.delenv(SETTLING_VARIABLE, raising=False)
    if given is not None:
        monkeypatch.setenv(SETTLING_VARIABLE, given)
    core = Core(cast(Surroundings, None), Store(tmp_path))
    record = deployed(core, service(1))
    one = task(record, record.primary.id, healthy=True, settled=False)
    core.state.tasks[one.arn] = one
    one.healthy_since = 20.0
    account(core, record, 20.0 + seconds - 0.1)
    assert not one.settled
    account(core, record, 20.0 + seconds)
    assert one.settled


def test_a_settling_time_that_is_no_number_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTLING_VARIABLE, "soon")
    with pytest.raises(ValueError, match="soon"):
        Core(cast(Surroundings, None), cast(Store, None))


def test_a_stop_by_the_user_is_no_failure(core: Core) -> None:
    record = deployed(core, service(2))
    one = task(record, record.primary.id, healthy=True)
    core.state.tasks[one.arn] = one
    bookkeeping.begin_stop(one, "UserInitiated", "Task stopped by user", 5.0)
    account(core, record, 10.0)
    assert record.primary.failed_tasks == 0


def test_a_failed_health_check_is_a_failure(core: Core) -> None:
    record = deployed(core, service(2))
    one = task(record, record.primary.id, status=TaskStatus.RUNNING, started_at=1.0)
    core.state.tasks[one.arn] = one
    bookkeeping.stop(core, record, Stop(one, "Task failed container health checks", True), 40.0)
    account(core, record, 41.0)
    assert (record.primary.failed_tasks, record.primary.consecutive_failures) == (1, 1)
    assert (one.stop_code, one.status) == ("ServiceSchedulerInitiated", TaskStatus.STOPPING)


def test_rolls_back_to_the_last_completed_deployment(core: Core) -> None:
    record = deployed(core, service(2))
    first = record.primary
    rollout.complete(core.state, record, 20.0)
    record.task_definition = record.task_definition.replace(":1", ":2")
    second = rollout.begin(core.state, record, 30.0)
    cause = "ECS deployment circuit breaker: tasks failed to start."
    rollout.fail(core.state, record, cause, 40.0, rollback=True)
    assert (record.primary, record.primary.rollout) == (first, Rollout.IN_PROGRESS)
    assert (second.status, second.rollout) == ("ACTIVE", Rollout.FAILED)
    assert record.task_definition.endswith(":1")
    entry = core.state.ledger[second.ledger_arn]
    assert entry.status == "ROLLBACK_IN_PROGRESS"
    rollout.complete(core.state, record, 50.0)
    assert entry.status == "ROLLBACK_SUCCESSFUL"
    assert record.deployments == [first]


def test_without_rollback_a_failed_deployment_stays_primary(core: Core) -> None:
    record = deployed(core, service(2))
    rollout.complete(core.state, record, 20.0)
    second = rollout.begin(core.state, record, 30.0)
    rollout.fail(core.state, record, "ECS deployment circuit breaker: x.", 40.0, rollback=False)
    assert (record.primary, second.rollout) == (second, Rollout.FAILED)
    assert core.state.ledger[second.ledger_arn].status == "STOPPED"


def test_a_newer_deployment_stops_the_one_in_progress(core: Core) -> None:
    record = deployed(core, service(2))
    first = core.state.ledger[record.primary.ledger_arn]
    rollout.begin(core.state, record, 5.0)
    assert (first.status, first.finished_at) == ("STOPPED", 5.0)


def test_the_ledger_stays_bounded(core: Core) -> None:
    record = deployed(core, service(1))
    for number in range(rollout.LEDGER_KEPT + 20):
        rollout.complete(core.state, record, float(number))
        rollout.begin(core.state, record, float(number))
    assert len(core.state.ledger) == rollout.LEDGER_KEPT
    assert len(core.state.revisions) <= rollout.LEDGER_KEPT + 2


def test_stopped_tasks_are_forgotten_after_an_hour_and_beyond_a_number(core: Core) -> None:
    record = deployed(core, service(1))
    for number in range(10):
        one = failed_task(core, record)
        one.status, one.stopped_at = TaskStatus.STOPPED, float(number * 1000)
    bookkeeping.forget_stopped(core, 9000.0, 3600.0, most=3)
    assert sorted(t.stopped_at or 0 for t in core.state.tasks.values()) == [7000.0, 8000.0, 9000.0]
    bookkeeping.forget_stopped(core, 12000.0, 3600.0, most=3)
    assert [t.stopped_at for t in core.state.tasks.values()] == [9000.0]


def test_the_state_comes_back_from_disk(core: Core, tmp_path: Path) -> None:
    record = deployed(core, service(2))
    failed_task(core, record)
    with core.change():
        record.desired_count = 7
    assert Store(tmp_path).state == core.state


def test_a_deployment_can_be_looked_up_for_90_days(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html"""
    record = deployed(core, service(1))
    arn = record.primary.ledger_arn
    monkeypatch.setattr(core, "service", lambda *_: record)

    def seen(days: float) -> tuple[int, int]:
        monkeypatch.setattr("localcloud.ecs.ledger.clock.now", lambda: days * 86400.0)
        listed = ledger.list_deployments(core, cast(Call, SimpleNamespace(input={"service": "s"})))
        wanted = {"serviceDeploymentArns": [arn]}
        told = ledger.describe_deployments(core, cast(Call, SimpleNamespace(input=wanted)))
        return len(listed["serviceDeployments"]), len(told["serviceDeployments"])

    assert (seen(89.9), seen(90.1)) == ((1, 1), (0, 0))
