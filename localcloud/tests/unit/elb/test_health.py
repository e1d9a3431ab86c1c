from __future__ import annotations

import pytest

from localcloud.elb.health import (
    CHECKING,
    DRAINING,
    FAILED,
    TIMED_OUT,
    UNUSED,
    Health,
    Observation,
    judged,
    matches,
    observed,
    routable,
)
from localcloud.elb.model import HealthCheck, State

PASSED = Observation(True)
CHECK = HealthCheck("HTTP", None, "/", "200", 30, 5, healthy_threshold=3, unhealthy_threshold=2)


def after(health: Health, *observations: Observation) -> Health:
    for observation in observations:
        health = observed(health, observation, CHECK)
    return health


@pytest.mark.parametrize(
    ("start", "observations", "state"),
    [
        (CHECKING, [], State.INITIAL),
        (CHECKING, [PASSED], State.HEALTHY),
        (CHECKING, [FAILED], State.INITIAL),
        (CHECKING, [FAILED, PASSED], State.HEALTHY),
        (CHECKING, [FAILED, FAILED], State.UNHEALTHY),
        (CHECKING, [PASSED, FAILED], State.HEALTHY),
        (CHECKING, [PASSED, FAILED, PASSED, FAILED], State.HEALTHY),
        (CHECKING, [PASSED, FAILED, FAILED], State.UNHEALTHY),
        (CHECKING, [FAILED, FAILED, PASSED, PASSED], State.UNHEALTHY),
        (CHECKING, [FAILED, FAILED, PASSED, PASSED, PASSED], State.HEALTHY),
        (CHECKING, [FAILED, FAILED, PASSED, PASSED, FAILED, PASSED], State.UNHEALTHY),
        (DRAINING, [PASSED], State.DRAINING),
        (UNUSED, [PASSED], State.UNUSED),
    ],
)
def test_states(start: Health, observations: list[Observation], state: State) -> None:
    assert after(start, *observations).state is state


def test_the_latest_reason_is_told() -> None:
    sick = after(CHECKING, FAILED, TIMED_OUT)
    assert (sick.reason, sick.description) == ("Target.Timeout", "Request timed out")
    assert after(sick, judged(500, "200")).description == (
        "Health checks failed with these codes: [500]"
    )
    assert after(CHECKING, PASSED).reason == ""


@pytest.mark.parametrize(
    ("matcher", "status", "expected"),
    [
        ("200", 200, True),
        ("200", 201, False),
        ("200,204", 204, True),
        ("200-299", 299, True),
        ("200-299,401", 401, True),
        ("200-299,401", 400, False),
    ],
)
def test_matches(matcher: str, status: int, expected: bool) -> None:
    assert matches(matcher, status) is expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([State.HEALTHY, State.UNHEALTHY], {State.HEALTHY}),
        ([State.UNHEALTHY, State.UNHEALTHY], {State.UNHEALTHY}),
        ([State.UNHEALTHY, State.INITIAL], {State.UNHEALTHY}),
        ([State.DRAINING], {State.UNHEALTHY}),
    ],
)
def test_routable(states: list[State], expected: set[State]) -> None:
    assert routable(states) == expected
