"""What an alarm's state should be: a pure function of its data points.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

EXTRA_PERIODS = 2
"""How many periods beyond an alarm's own are looked at for data that came late."""


class AlarmState(StrEnum):
    """The states of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True)
class Condition:
    """When an alarm goes off.

    Attributes:
        comparison: a key of `COMPARISONS`.
        periods: how many periods count.
        breaching: how many of them must be beyond the threshold.
        missing: what a period without data means: `missing`, `ignore`, `breaching`,
            `notBreaching`.
    """

    comparison: str
    threshold: float
    periods: int
    breaching: int
    missing: str = "missing"


@dataclass(frozen=True)
class Judgement:
    """A state and the reason that CloudWatch gives for it."""

    state: AlarmState
    reason: str


def judge(condition: Condition, points: Sequence[float | None], current: AlarmState) -> Judgement:
    """The state after a look at the data.

    Args:
        points: the values of the last complete periods, the newest last, None where there is no
            data: the alarm's periods and some before them.
        current: the state until now.
    """
    beyond, words = COMPARISONS[condition.comparison]
    real = [point for point in points if point is not None][-condition.periods :]
    breaches = sum(beyond(point, condition.threshold) for point in real)
    to_fill = condition.periods - len(real)
    unknown = f"{condition.periods} datapoints were unknown."
    if to_fill and condition.missing == "breaching":
        breaches += to_fill
    elif not real and condition.missing == "missing":
        return Judgement(AlarmState.INSUFFICIENT_DATA, f"Insufficient Data: {unknown}")
    elif to_fill and condition.missing == "ignore" and breaches == len(real):
        return Judgement(current, f"Missing data is ignored: {unknown}")
    elif to_fill and condition.missing == "missing" and breaches == len(real):
        breaches = condition.breaching
    state = AlarmState.ALARM if breaches >= condition.breaching else AlarmState.OK
    shown = ", ".join(f"{point:g}" for point in real) or "none"
    negation = "" if state == AlarmState.ALARM else "not "
    return Judgement(
        state,
        f"Threshold Crossed: the last {len(real)} datapoints [{shown}] were {negation}{words} the "
        f"threshold ({condition.threshold:g}) in {condition.breaching} out of "
        f"{condition.periods} periods.",
    )
