"""Target tracking: which alarms watch a policy's metric, and what capacity follows from it.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-targettracking.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

PERIOD_SECONDS = 60
HIGH_PERIODS = 3
LOW_PERIODS = 15
LOW_SHARE = 0.9
"""Scaling in begins this far below the target, so that it does not swing back at once."""
DEFAULT_COOLDOWN_SECONDS = 300


class UntrackedMetricError(ValueError):
    """A metric that the local cloud does not track; the text names it."""


class InvalidMetricsError(ValueError):
    """Metrics that AWS refuses; the text says why."""


_UTILIZATION = {
    "ECSServiceAverageCPUUtilization": "CPUUtilization",
    "ECSServiceAverageMemoryUtilization": "MemoryUtilization",
}


def watched(configuration: Mapping[str, Any], resource_id: str) -> list[dict[str, Any]]:
    """The metric that a policy tracks, as CloudWatch's MetricDataQueries.

    Args:
        configuration: TargetTrackingScalingPolicyConfiguration.
        resource_id: `service/CLUSTER/SERVICE`.

    Returns:
        The one query, or the queries of a metric math expression; exactly one returns data.

    Raises:
        UntrackedMetricError: it is none that a service has.
    """
    if own := configuration.get("CustomizedMetricSpecification"):
        return _math(own["Metrics"]) if own.get("Metrics") else [_customized(own)]
    predefined = configuration.get("PredefinedMetricSpecification") or {}
    kind = predefined.get("PredefinedMetricType", "no metric")
    _, cluster, service = resource_id.split("/")
    if kind in _UTILIZATION:
        dimensions = {"ClusterName": cluster, "ServiceName": service}
        return [_single("AWS/ECS", _UTILIZATION[kind], dimensions, "Average")]
    balancer, separator, group = predefined.get("ResourceLabel", "").partition("/targetgroup/")
    if kind == "ALBRequestCountPerTarget" and separator:
        dimensions = {"LoadBalancer": balancer, "TargetGroup": f"targetgroup/{group}"}
        return [_single("AWS/ApplicationELB", "RequestCountPerTarget", dimensions, "Sum")]
    raise UntrackedMetricError(f"PredefinedMetricType {kind}")


def _single(
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    statistic: str,
    unit: str | None = None,
) -> dict[str, Any]:
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
    }
    stat = {"Metric": metric, "Stat": statistic, "Period": PERIOD_SECONDS}
    return {
        "Id": "value",
        "MetricStat": {**stat, "Unit": unit} if unit else stat,
        "ReturnData": True,
    }


def _customized(own: Mapping[str, Any]) -> dict[str, Any]:
    dimensions = {d["Name"]: d["Value"] for d in own.get("Dimensions", [])}
    return _single(
        own["Namespace"], own["MetricName"], dimensions, own["Statistic"], own.get("Unit")
    )


def _math(metrics: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking-metric-math.html"""
    queries = []
    for each in metrics:
        query = {"ReturnData": True, **each}
        if ("Expression" in each) == ("MetricStat" in each):
            raise InvalidMetricsError(f"{each['Id']} needs either Expression or MetricStat")
        if stat := each.get("MetricStat"):
            query["MetricStat"] = {**stat, "Period": PERIOD_SECONDS}
        queries.append(query)
    if sum(query["ReturnData"] for query in queries) != 1:
        raise InvalidMetricsError("exactly one metric must return data")
    return queries


def proportional(capacity: int, value: float, target: float) -> int:
    """The capacity at which a metric that falls with it would be at its target."""
    return math.ceil(capacity * value / target - 1e-9)
