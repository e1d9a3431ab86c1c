"""The number of tasks that steps set."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.scaling.steps import InvalidStepsError, UnknownStepsError, capacity, check


def steps(*bounds: tuple[float | None, float | None, int]) -> dict[str, Any]:
    return {
        "AdjustmentType": "ExactCapacity",
        "StepAdjustments": [
            {
                **({} if low is None else {"MetricIntervalLowerBound": low}),
                **({} if high is None else {"MetricIntervalUpperBound": high}),
                "ScalingAdjustment": tasks,
            }
            for low, high, tasks in bounds
        ],
    }


BUSY = steps((0, 10, 1), (10, 20, 2), (20, None, 3))


@pytest.mark.parametrize(
    ("difference", "expected"), [(0, 1), (9, 1), (10, 2), (19.5, 2), (20, 3), (900, 3), (-1, None)]
)
def test_above_the_threshold_a_lower_bound_belongs_to_its_step(
    difference: float, expected: int | None
) -> None:
    check(BUSY)
    assert capacity(BUSY, difference) == expected


@pytest.mark.parametrize(("difference", "expected"), [(-1, 0), (-9, 0), (1, None)])
def test_below_the_threshold_an_upper_bound_does(difference: float, expected: int | None) -> None:
    assert capacity(steps((None, 0, 0)), difference) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        steps(),
        steps((0, 5, 1), (6, None, 2)),
        steps((0, 5, 1), (4, None, 2)),
        steps((5, 5, 1)),
        steps(*((float(n), n + 1.0, n) for n in range(21))),
    ],
)
def test_what_aws_refuses_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidStepsError):
        check(wrong)


def test_another_kind_of_adjustment_is_named() -> None:
    with pytest.raises(UnknownStepsError, match="PercentChangeInCapacity"):
        check({**BUSY, "AdjustmentType": "PercentChangeInCapacity"})
