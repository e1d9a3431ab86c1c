"""Step scaling: the number of tasks that a step of a policy sets while its alarm lasts.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-step-scaling-policies.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

EXACT = "ExactCapacity"
DEFAULT_COOLDOWN_SECONDS = 300
MOST_STEPS = 20


class UnknownStepsError(ValueError):
    """Steps that the local cloud does not take; the text names them."""


class InvalidStepsError(ValueError):
    """Steps that Application Auto Scaling refuses; the text says why."""


def check(configuration: Mapping[str, Any]) -> None:
    """Refuse steps that would not act as on AWS.

    Args:
        configuration: StepScalingPolicyConfiguration.

    Raises:
        UnknownStepsError: an adjustment type that is not computed here.
        InvalidStepsError: no steps, too many, or steps with gaps or overlaps.
    """
    kind = configuration.get("AdjustmentType")
    if kind != EXACT:
        raise UnknownStepsError(f"AdjustmentType {kind} in step scaling (only {EXACT})")
    bounds = sorted(map(_bounds, configuration.get("StepAdjustments") or []))
    if not 0 < len(bounds) <= MOST_STEPS:
        raise InvalidStepsError(f"A policy has 1 to {MOST_STEPS} step adjustments")
    for (low, high), (following, _) in zip(bounds, [*bounds[1:], (bounds[-1][1], 0)], strict=True):
        if low >= high:
            raise InvalidStepsError(
                "A step adjustment's lower bound must be less than its upper bound"
            )
        if high != following:
            raise InvalidStepsError("Step adjustment intervals can't overlap or have a gap")


def capacity(configuration: Mapping[str, Any], difference: float) -> int | None:
    """The number of tasks that the steps set; None where no step holds.

    Args:
        configuration: StepScalingPolicyConfiguration, checked.
        difference: the metric's value less the alarm's threshold. Above the threshold a lower
            bound belongs to its step, below it an upper bound.
    """
    for step in configuration["StepAdjustments"]:
        low, high = _bounds(step)
        holds = low <= difference < high if difference >= 0 else low < difference <= high
        if holds:
            return int(step["ScalingAdjustment"])
    return None


def watched(alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The metric of a described alarm, as CloudWatch's MetricDataQueries."""
    if alarm.get("Metrics"):
        return list(alarm["Metrics"])
    metric = {
        "Namespace": alarm["Namespace"],
        "MetricName": alarm["MetricName"],
        "Dimensions": alarm["Dimensions"],
    }
    stat = {"Metric": metric, "Stat": alarm["Statistic"], "Period": alarm["Period"]}
    return [{"Id": "value", "MetricStat": stat}]


def _bounds(step: Mapping[str, Any]) -> tuple[float, float]:
    low, high = step.get("MetricIntervalLowerBound"), step.get("MetricIntervalUpperBound")
    return (
        -math.inf if low is None else float(low),
        math.inf if high is None else float(high),
    )
