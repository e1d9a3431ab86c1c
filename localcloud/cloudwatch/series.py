"""Time series of a metric, from the data points that the emulator keeps.

A metric is its namespace, its name and exactly its dimensions.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localcloud.cloudwatch.metric_math import Series

STATISTICS = ("Sum", "Average", "Minimum", "Maximum", "SampleCount")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")


@dataclass(frozen=True)
class Metric:
    """What a series is asked of.

    Attributes:
        dimensions: names and values.
        unit: only data points of this unit, if given.
    """

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    unit: str | None = None


@dataclass(frozen=True)
class Point:
    """A data point: one value, or the statistics of several."""

    at: float
    unit: str | None
    count: float
    total: float
    least: float
    most: float


def metric(request: Mapping[str, Any], unit: str | None = None) -> Metric:
    """A metric from a request's Namespace, MetricName and Dimensions."""
    dimensions = frozenset((one["Name"], one["Value"]) for one in request.get("Dimensions") or [])
    return Metric(request["Namespace"], request["MetricName"], dimensions, unit)


def is_statistic(name: str) -> bool:
    """Whether the local cloud computes a statistic."""
    return name in STATISTICS or _PERCENTILE.fullmatch(name) is not None


LONGEST_BACKLOG = 5_000
"""Data points arrive nearly in the order of their time: after so many in a row that are too old,
those that came before them are not looked at."""


class Points:
    """Data points by metric, from a moment on.

    Args:
        kept: the emulator's data, in the order of arrival.
        since: seconds since the epoch.
    """

    def __init__(self, kept: Sequence[Any], since: float) -> None:
        self._found: dict[tuple[Any, ...], list[Point]] = defaultdict(list)
        too_old = 0
        for datum in reversed(kept):
            at = _seconds(datum.timestamp)
            if at < since:
                too_old += 1
                if too_old > LONGEST_BACKLOG:
                    break
                continue
            too_old = 0
            dimensions = frozenset((d.name, d.value) for d in datum.dimensions)
            self._found[datum.namespace, datum.name, dimensions].append(_point(datum, at))

    def series(self, wanted: Metric, statistic: str, period: int) -> Series:
        """The statistic of every period that has data."""
        periods: dict[float, list[Point]] = defaultdict(list)
        for point in self._found.get((wanted.namespace, wanted.name, wanted.dimensions), []):
            if wanted.unit in (None, "", point.unit):
                periods[point.at // period * period].append(point)
        return {at: compute(statistic, points) for at, points in sorted(periods.items())}

    def units(self, wanted: Metric) -> str:
        """The unit of a metric's data."""
        points = self._found.get((wanted.namespace, wanted.name, wanted.dimensions), [])
        return next((point.unit for point in points if point.unit), "None")


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _point(datum: Any, at: float) -> Point:
    if hasattr(datum, "sample_count"):
        return Point(at, datum.unit, datum.sample_count, datum.sum, datum.min, datum.max)
    return Point(at, datum.unit, 1.0, datum.value, datum.value, datum.value)


def compute(statistic: str, points: list[Point]) -> float:
    """A statistic of a period's data points, of which there is one at least.

    A percentile takes every value of a data point of several for their average.
    """
    count = math.fsum(point.count for point in points)
    match statistic:
        case "SampleCount":
            return count
        case "Sum":
            return math.fsum(point.total for point in points)
        case "Average":
            return math.fsum(point.total for point in points) / count if count else 0.0
        case "Minimum":
            return min(point.least for point in points)
        case "Maximum":
            return max(point.most for point in points)
    wanted = count * float(statistic[1:]) / 100
    passed = 0.0
    ordered = sorted((p.total / p.count, p.count) for p in points if p.count)
    for value, number in ordered:
        passed += number
        if passed >= wanted:
            return value
    return ordered[-1][0] if ordered else 0.0
