"""The state of alarms, by the tables of CloudWatch's documentation."""

from __future__ import annotations

import pytest

from localcloud.cloudwatch.evaluation import AlarmState, Condition, judge

KEPT = AlarmState.INSUFFICIENT_DATA
"""The current state, which `ignore` keeps."""
STATES = {
    "OK": AlarmState.OK,
    "ALARM": AlarmState.ALARM,
    "INSUFFICIENT": AlarmState.INSUFFICIENT_DATA,
    "kept": KEPT,
}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
THREE_OF_THREE = {
    "0-X-X": "OK OK OK OK",
    "----0": "OK OK OK OK",
    "-----": "INSUFFICIENT kept ALARM OK",
    "0XX-X": "ALARM ALARM ALARM ALARM",
    "--X--": "ALARM kept ALARM OK",
}
TWO_OF_THREE = {
    "0-X-X": "ALARM ALARM ALARM ALARM",
    "00X0X": "ALARM ALARM ALARM ALARM",
    "0-X--": "OK OK ALARM OK",
    "----0": "OK OK ALARM OK",
    "---X-": "ALARM kept ALARM OK",
}
ROWS = [
    (breaching, points, treatment, state)
    for breaching, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, states in table.items()
    for treatment, state in zip(TREATMENTS, states.split(), strict=True)
]


@pytest.mark.parametrize(("breaching", "points", "treatment", "state"), ROWS)
def test_missing_data(breaching: int, points: str, treatment: str, state: str) -> None:
    condition = Condition("GreaterThanThreshold", 0.5, 3, breaching, treatment)
    values = [{"0": 0.0, "X": 1.0, "-": None}[point] for point in points]
    assert judge(condition, values, KEPT).state == STATES[state]


@pytest.mark.parametrize(
    ("comparison", "value", "state"),
    [
        ("GreaterThanThreshold", 1, "OK"),
        ("GreaterThanOrEqualToThreshold", 1, "ALARM"),
        ("LessThanThreshold", 1, "OK"),
        ("LessThanOrEqualToThreshold", 1, "ALARM"),
        ("LessThanThreshold", 0.5, "ALARM"),
    ],
)
def test_comparisons(comparison: str, value: float, state: str) -> None:
    found = judge(Condition(comparison, 1, 1, 1), [value], AlarmState.OK)
    assert found.state == state


def test_the_reason_names_values_and_threshold() -> None:
    found = judge(Condition("GreaterThanThreshold", 1.5, 2, 2), [None, 2, 3], AlarmState.OK)
    assert "[2, 3]" in found.reason
    assert "greater than the threshold (1.5)" in found.reason
