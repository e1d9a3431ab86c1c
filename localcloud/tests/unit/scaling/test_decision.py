"""What follows from bounds and policies."""

from __future__ import annotations

import pytest

from localcloud.scaling.decision import Reading, decide
from localcloud.scaling.tracking import (
    InvalidMetricsError,
    UntrackedMetricError,
    proportional,
    watched,
)

CONTENT = Reading("content", None)


@pytest.mark.parametrize(
    ("capacity", "readings", "expected"),
    [
        (2, [], None),
        (1, [], 2),  # below the bounds
        (9, [CONTENT], 5),  # above them
        (2, [Reading("a", 4), CONTENT], 4),
        (2, [Reading("a", 9)], 5),
        (5, [Reading("a", 9)], None),
        (4, [Reading("a", 2), CONTENT], None),  # all must agree to shrink
        (4, [Reading("a", 2), Reading("b", 3)], 3),
        (4, [Reading("a", 0)], 2),
        (4, [Reading("a", 2, shrinks=False)], None),
        (4, [Reading("a", 2), Reading("b", None, shrinks=False)], 2),
        (3, [Reading("a", 2), Reading("b", 4)], 4),  # growing comes first
    ],
)
def test_changes(capacity: int, readings: list[Reading], expected: int | None) -> None:
    change = decide(capacity, (2, 5), readings)
    assert (change and change.capacity) == expected


def test_what_is_suspended_does_not_happen() -> None:
    assert decide(2, (1, 5), [Reading("a", 4)], may_grow=False) is None
    assert decide(2, (1, 5), [Reading("a", 1)], may_shrink=False) is None


@pytest.mark.parametrize(
    ("capacity", "value", "target", "expected"),
    [(2, 100, 50, 4), (2, 60, 50, 3), (4, 10, 50, 1), (3, 50, 50, 3), (3, 0, 50, 0)],
)
def test_capacity_is_proportional(
    capacity: int, value: float, target: float, expected: int
) -> None:
    assert proportional(capacity, value, target) == expected


def test_requests_are_those_of_the_label() -> None:
    predefined = {
        "PredefinedMetricType": "ALBRequestCountPerTarget",
        "ResourceLabel": "app/web/1a2b/targetgroup/web/3c4d",
    }
    [query] = watched({"PredefinedMetricSpecification": predefined}, "service/c/s")
    stat = query["MetricStat"]
    assert stat["Metric"]["Dimensions"] == [
        {"Name": "LoadBalancer", "Value": "app/web/1a2b"},
        {"Name": "TargetGroup", "Value": "targetgroup/web/3c4d"},
    ]
    assert (stat["Metric"]["MetricName"], stat["Stat"]) == ("RequestCountPerTarget", "Sum")


STAT = {"Metric": {"Namespace": "Own", "MetricName": "Load"}, "Stat": "Sum"}


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ([{"Id": "a", "MetricStat": STAT, "Expression": "a"}], "either Expression or MetricStat"),
        ([{"Id": "a"}], "either Expression or MetricStat"),
        ([{"Id": "a", "MetricStat": STAT}, {"Id": "b", "MetricStat": STAT}], "exactly one"),
    ],
)
def test_wrong_metric_math_is_refused(metrics: list[dict[str, object]], words: str) -> None:
    with pytest.raises(InvalidMetricsError, match=words):
        watched({"CustomizedMetricSpecification": {"Metrics": metrics}}, "service/c/s")


def test_an_untracked_metric_is_named() -> None:
    predefined = {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"}
    with pytest.raises(UntrackedMetricError, match="DynamoDBReadCapacityUtilization"):
        watched({"PredefinedMetricSpecification": predefined}, "service/c/s")
