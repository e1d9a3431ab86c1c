"""The state of a target's health: pure steps from one observation to the next.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from localcloud.elb.model import HealthCheck, State


@dataclass(frozen=True)
class Observation:
    """The outcome of one health check: passed, or the reason why not in AWS's words."""

    passed: bool
    reason: str = ""
    description: str = ""


@dataclass(frozen=True)
class Health:
    """What is known about a target.

    Attributes:
        state: as DescribeTargetHealth answers it.
        reason: AWS's code of the reason; empty for a healthy target.
        description: the reason in a sentence.
        passed: checks passed in a row.
        failed: checks failed in a row.
    """

    state: State
    reason: str = ""
    description: str = ""
    passed: int = 0
    failed: int = 0


REGISTERING = Health(
    State.INITIAL, "Elb.RegistrationInProgress", "Target registration is in progress"
)
CHECKING = Health(State.INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress")
UNUSED = Health(
    State.UNUSED,
    "Target.NotInUse",
    "Target group is not configured to receive traffic from the load balancer",
)
DRAINING = Health(
    State.DRAINING, "Target.DeregistrationInProgress", "Target deregistration is in progress"
)
NOT_REGISTERED = Health(
    State.UNUSED, "Target.NotRegistered", "Target is not registered to the target group"
)
TIMED_OUT = Observation(False, "Target.Timeout", "Request timed out")
FAILED = Observation(False, "Target.FailedHealthChecks", "Health checks failed")


def matches(matcher: str, status: int) -> bool:
    """Whether a status code is one of the matcher's codes and ranges, such as `200,301-399`."""
    return any(low <= status <= high for low, high in matcher_ranges(matcher))


def matcher_ranges(matcher: str) -> list[tuple[int, int]]:
    """The ranges of a matcher, both ends included.

    Raises:
        ValueError: it is not a list of codes and ranges.
    """
    ranges = []
    for part in matcher.split(","):
        low, _, high = part.strip().partition("-")
        ranges.append((int(low), int(high or low)))
    return ranges


def judged(status: int, matcher: str) -> Observation:
    """What an answer with this status code means."""
    if matches(matcher, status):
        return Observation(True)
    return Observation(
        False,
        "Target.ResponseCodeMismatch",
        f"Health checks failed with these codes: [{status}]",
    )


def observed(health: Health, observation: Observation, check: HealthCheck) -> Health:
    """The health after one more check.

    A newly registered target needs one passed check to be healthy, an unhealthy one
    `healthy_threshold` in a row; `unhealthy_threshold` failures in a row make any unhealthy.
    """
    if health.state not in (State.INITIAL, State.HEALTHY, State.UNHEALTHY):
        return health
    if observation.passed:
        passed = health.passed + 1
        enough = check.healthy_threshold if health.state is State.UNHEALTHY else 1
        if passed >= enough:
            return Health(State.HEALTHY, passed=passed)
        return replace(health, passed=passed, failed=0)
    failed = health.failed + 1
    if health.state is State.UNHEALTHY or failed >= check.unhealthy_threshold:
        return Health(State.UNHEALTHY, observation.reason, observation.description, failed=failed)
    return replace(health, passed=0, failed=failed)


def routable(states: Iterable[State]) -> frozenset[State]:
    """The states whose targets get new requests: the healthy ones; with none, all unhealthy ones.

    "If a target group contains only unhealthy registered targets, the load balancer routes
    requests to all those targets, regardless of their health status" (fail open).
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    """
    if State.HEALTHY in set(states):
        return frozenset({State.HEALTHY})
    return frozenset({State.UNHEALTHY})
