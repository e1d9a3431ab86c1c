"""Target tracking: which alarms watch a policy's metric, and what capacity follows from it.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-targettracking.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PERIOD_SECONDS = 60
HIGH_PERIODS = 3
LOW_PERIODS = 15
LOW_SHARE = 0.9
"""Scaling in begins this far below the target, so that it does not swing back at once."""
DEFAULT_COOLDOWN_SECONDS = 300


class UntrackedMetricError(ValueError):
    """A metric that the local cloud does not track; the text names it."""


@dataclass(frozen=True)
class Watched:
    """The metric of a policy, by CloudWatch's names."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    unit: str | None = None


_UTILIZATION = {
    "ECSServiceAverageCPUUtilization": "CPUUtilization",
    "ECSServiceAverageMemoryUtilization": "MemoryUtilization",
}


def watched(configuration: Mapping[str, Any], resource_id: str) -> Watched:
    """The metric that a policy tracks.

    Args:
        configuration: TargetTrackingScalingPolicyConfiguration.
        resource_id: `service/CLUSTER/SERVICE`.

    Raises:
        UntrackedMetricError: it is none that a service has.
    """
    if own := configuration.get("CustomizedMetricSpecification"):
        if own.get("Metrics"):
            raise UntrackedMetricError("CustomizedMetricSpecification.Metrics (metric math)")
        dimensions = tuple((d["Name"], d["Value"]) for d in own.get("Dimensions", []))
        return Watched(
            own["Namespace"], own["MetricName"], dimensions, own["Statistic"], own.get("Unit")
        )
    predefined = configuration.get("PredefinedMetricSpecification") or {}
    kind = predefined.get("PredefinedMetricType", "no metric")
    _, cluster, service = resource_id.split("/")
    if kind in _UTILIZATION:
        dimensions = (("ClusterName", cluster), ("ServiceName", service))
        return Watched("AWS/ECS", _UTILIZATION[kind], dimensions, "Average")
    balancer, separator, group = predefined.get("ResourceLabel", "").partition("/targetgroup/")
    if kind == "ALBRequestCountPerTarget" and separator:
        dimensions = (("LoadBalancer", balancer), ("TargetGroup", f"targetgroup/{group}"))
        return Watched("AWS/ApplicationELB", "RequestCountPerTarget", dimensions, "Sum")
    raise UntrackedMetricError(f"PredefinedMetricType {kind}")


def proportional(capacity: int, value: float, target: float) -> int:
    """The capacity at which a metric that falls with it would be at its target."""
    return math.ceil(capacity * value / target - 1e-9)
