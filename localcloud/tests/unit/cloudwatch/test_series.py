"""Series of exactly one metric."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from moto.cloudwatch.models import MetricAggregatedDatum, MetricDatum

from localcloud.cloudwatch.series import LONGEST_BACKLOG, Metric, Points, is_statistic


def datum(at: float, value: float, unit: str = "Count", **dimensions: str) -> MetricDatum:
    rows = [{"Name": name, "Value": one} for name, one in dimensions.items()]
    return MetricDatum("space", "name", value, rows, datetime.fromtimestamp(at, UTC), unit)


def several(at: float, *values: float) -> MetricAggregatedDatum:
    return MetricAggregatedDatum(
        "space",
        "name",
        min(values),
        max(values),
        len(values),
        sum(values),
        [],
        datetime.fromtimestamp(at, UTC),
    )


def metric(unit: str | None = None, **dimensions: str) -> Metric:
    return Metric("space", "name", frozenset(dimensions.items()), unit)


def test_dimensions_are_matched_exactly() -> None:
    points = Points([datum(0, 1), datum(0, 2, a="x"), datum(0, 4, a="x", b="y")], 0)
    assert points.series(metric(), "Sum", 60) == {0: 1}
    assert points.series(metric(a="x"), "Sum", 60) == {0: 2}
    assert points.series(metric(b="y", a="x"), "Sum", 60) == {0: 4}
    assert points.series(metric(b="y"), "Sum", 60) == {}


def test_units_and_the_beginning_are_minded() -> None:
    points = Points([datum(0, 1), datum(60, 2), datum(60, 4, unit="Bytes")], 60)
    assert points.series(metric(), "Sum", 60) == {60: 6}
    assert points.series(metric("Bytes"), "Sum", 60) == {60: 4}
    assert points.units(metric()) == "Bytes", "the newest"


def test_points_that_came_late_are_found_and_old_ones_not_searched_for() -> None:
    late = datum(100, 1)
    assert Points([late, *[datum(0, 1)] * 10], 60).series(metric(), "Sum", 60) == {60: 1}
    buried = [late, *[datum(0, 1)] * (LONGEST_BACKLOG + 1)]
    assert Points(buried, 60).series(metric(), "Sum", 60) == {}


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ("Sum", 16),
        ("Average", 4),
        ("Minimum", 1),
        ("Maximum", 9),
        ("SampleCount", 4),
        ("p50", 3),
        ("p95", 9),
    ],
)
def test_statistics_of_values_and_of_sets(statistic: str, value: float) -> None:
    kept: list[Any] = [several(0, 3, 3), datum(30, 1), datum(59, 9)]
    assert Points(kept, 0).series(metric(), statistic, 60) == {0: value}


@pytest.mark.parametrize("name", ["p95", "p99.9", "p100", "Sum"])
def test_known_statistics(name: str) -> None:
    assert is_statistic(name)


@pytest.mark.parametrize("name", ["tm90", "IQM", "p101", "sum"])
def test_unknown_statistics(name: str) -> None:
    assert not is_statistic(name)
