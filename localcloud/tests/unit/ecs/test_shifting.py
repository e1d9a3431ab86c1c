"""When traffic is shifted, and when the older tasks may go."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.ecs import rollout, scheduler, shifting
from localcloud.ecs.model import ServiceRecord, State, Task
from localcloud.tests.unit.ecs.records import service, task

BALANCER = {
    "targetGroupArn": "group/one",
    "containerName": "app",
    "containerPort": 80,
    "advancedConfiguration": {
        "alternateTargetGroupArn": "group/two",
        "productionListenerRule": "rule",
        "roleArn": "role",
    },
}


def shifted(**configuration: Any) -> tuple[State, ServiceRecord, list[Task]]:
    """A service of two whose first deployment has completed, with its tasks."""
    record = service(2)
    record.load_balancers = [BALANCER]
    record.deployment_configuration = record.deployment_configuration | configuration
    state = State(services={record.arn: record})
    rollout.begin(state, record, 0.0)
    shifting.given(record, 100, 0.0)
    rollout.complete(state, record, 0.0)
    return state, record, [task(record, record.primary.id, healthy=True) for _ in range(2)]


def updated(state: State, record: ServiceRecord) -> list[Task]:
    """Begins the next deployment; its tasks, all healthy."""
    rollout.begin(state, record, 10.0)
    return [task(record, record.primary.id, healthy=True) for _ in range(2)]


@pytest.mark.parametrize(
    ("configuration", "percents", "holds"),
    [
        ({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 2}, [100], [120]),
        ({"strategy": "CANARY"}, [5, 100], [600, 0]),
        (
            {
                "strategy": "CANARY",
                "bakeTimeInMinutes": 1,
                "canaryConfiguration": {"canaryPercent": 0.5, "canaryBakeTimeInMinutes": 3},
            },
            [1, 100],
            [180, 60],
        ),
        ({"strategy": "LINEAR"}, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100], [360] * 9 + [0]),
        ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0}}, [40, 80, 100], None),
    ],
)
def test_steps(
    configuration: dict[str, Any], percents: list[int], holds: list[float] | None
) -> None:
    steps = shifting.steps(configuration)
    assert [step.percent for step in steps] == percents
    assert holds is None or [step.hold for step in steps] == holds


def test_deployments_take_turns_in_the_two_groups() -> None:
    state, record, _ = shifted(strategy="BLUE_GREEN")
    assert shifting.group_of(BALANCER, record.primary.slot) == "group/one"
    updated(state, record)
    assert shifting.group_of(BALANCER, record.primary.slot) == "group/two"


def test_nothing_shifts_before_every_new_task_is_healthy() -> None:
    state, record, old = shifted(strategy="BLUE_GREEN")
    new = updated(state, record)
    new[1].healthy_since = None
    assert shifting.due(record, old + new, 20.0) is None
    assert shifting.held(record, 20.0)
    new[1].healthy_since = 15.0
    assert shifting.due(record, old + new, 20.0) == 100


def test_the_older_tasks_stay_for_the_bake_time() -> None:
    state, record, old = shifted(strategy="BLUE_GREEN", bakeTimeInMinutes=1)
    new = updated(state, record)
    decision = scheduler.plan(record, old + new, 20.0)
    assert not decision.stops
    assert not decision.completed
    shifting.given(record, 100, 30.0)
    assert not scheduler.plan(record, old + new, 80.0).stops
    assert {stop.task.id for stop in scheduler.plan(record, old + new, 90.0).stops} == {
        one.id for one in old
    }


def test_new_tasks_start_beside_the_old_whatever_the_maximum() -> None:
    state, record, old = shifted(strategy="BLUE_GREEN")
    record.deployment_configuration["maximumPercent"] = 100
    record.deployment_configuration["minimumHealthyPercent"] = 50
    rollout.begin(state, record, 10.0)
    assert len(scheduler.plan(record, old, 20.0).starts) == 2


def test_a_canary_is_watched_before_the_rest_follows() -> None:
    state, record, old = shifted(strategy="CANARY")
    tasks = old + updated(state, record)
    assert shifting.due(record, tasks, 20.0) == 5
    shifting.given(record, 5, 20.0)
    assert [d.traffic for d in record.deployments] == [5, 95]
    assert shifting.due(record, tasks, 619.0) is None
    assert shifting.due(record, tasks, 620.0) == 100


def test_the_way_back_is_taken_at_once() -> None:
    state, record, old = shifted(strategy="CANARY", bakeTimeInMinutes=60)
    new = updated(state, record)
    shifting.given(record, 5, 20.0)
    rollout.fail(state, record, "alarm: detected.", 30.0, rollback=True)
    assert shifting.due(record, old + new, 30.0) == 100
    assert not scheduler.plan(record, old + new, 30.0).stops
    shifting.given(record, 100, 31.0)
    assert shifting.due(record, old + new, 31.0) is None
    stopped = {stop.task.id for stop in scheduler.plan(record, old + new, 31.0).stops}
    assert stopped == {one.id for one in new}


def test_one_that_is_replaced_midway_gives_its_traffic_back_first() -> None:
    state, record, old = shifted(strategy="CANARY")
    replaced = updated(state, record)
    shifting.given(record, 5, 20.0)
    rollout.begin(state, record, 30.0)
    assert record.primary.slot == 1
    assert shifting.due(record, old + replaced, 30.0) == 0
    assert not scheduler.plan(record, old + replaced, 30.0).stops
    shifting.given(record, 0, 31.0)
    stopped = {stop.task.id for stop in scheduler.plan(record, old + replaced, 31.0).stops}
    assert stopped == {one.id for one in replaced}
    assert record.primary.step == 0


def test_what_was_rolled_out_task_by_task_has_all_the_traffic() -> None:
    """So a release that shifts traffic and fails before the shift leaves it where it is."""
    record = service(2)
    record.load_balancers = [BALANCER]
    state = State(services={record.arn: record})
    rollout.begin(state, record, 0.0)
    rollout.complete(state, record, 0.0)
    old = [task(record, record.primary.id, healthy=True) for _ in range(2)]
    record.deployment_configuration["strategy"] = "BLUE_GREEN"
    rollout.begin(state, record, 10.0)
    rollout.fail(state, record, "ECS deployment circuit breaker: x.", 20.0, rollback=True)
    assert shifting.due(record, old, 30.0) is None
    assert not shifting.held(record, 30.0)


def test_back_to_rolling_in_the_group_that_serves() -> None:
    state, record, _ = shifted(strategy="BLUE_GREEN")
    updated(state, record)
    shifting.given(record, 100, 20.0)
    rollout.complete(state, record, 30.0)
    record.deployment_configuration["strategy"] = "ROLLING"
    rollout.begin(state, record, 40.0)
    assert record.primary.slot == 1
    assert not shifting.held(record, 40.0)
