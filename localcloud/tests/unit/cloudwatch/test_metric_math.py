"""Metric math."""

from __future__ import annotations

import pytest

from localcloud.cloudwatch.metric_math import MathError, Series, evaluate

KNOWN: dict[str, Series] = {"a": {0: 2.0, 60: 4.0}, "b": {60: 8.0, 120: 0.0}, "none": {}}
TIMES = [-60, 0, 60, 120, 180]


@pytest.mark.parametrize(
    ("expression", "series"),
    [
        ("a + b", {60: 12.0}),
        ("100 * a / SUM([a, b])", {0: 100.0, 60: 100 / 3}),
        ("SUM([a, b])", {0: 2.0, 60: 12.0, 120: 0.0}),
        ("MAX([a, none])", {0: 2.0, 60: 4.0}),
        ("AVG([a, b])", {0: 2.0, 60: 6.0, 120: 0.0}),
        ("a / b", {60: 0.5}),
        ("b / b", {60: 1.0}),  # no data point where the divisor is zero
        ("a - MIN(a)", {0: 0.0, 60: 2.0}),
        ("-a", {0: -2.0, 60: -4.0}),
        ("ABS(-a)", {0: 2.0, 60: 4.0}),
        ("IF(a > 3, a, 0)", {0: 0.0, 60: 4.0}),
        ("none + a", {}),
        ("IF(a > 3, a)", {60: 4.0}),
        ("IF(b > 3, a)", {60: 4.0}),
        ("IF(a, b)", {0: 0.0, 60: 8.0}),  # 0 where the condition holds and b has no data point
        ("FILL(a, 1)", {-60: 1.0, 0: 2.0, 60: 4.0, 120: 1.0, 180: 1.0}),
        ("FILL(a, b)", {0: 2.0, 60: 4.0, 120: 0.0}),
        ("FILL(a, REPEAT)", {0: 2.0, 60: 4.0, 120: 4.0, 180: 4.0}),
        ("FILL(none, REPEAT)", {}),
        ("IF(FILL(a, REPEAT), FILL(a, 0))", {0: 2.0, 60: 4.0, 120: 0.0, 180: 0.0}),
    ],
)
def test_expressions(expression: str, series: Series) -> None:
    assert evaluate(expression, KNOWN, TIMES) == pytest.approx(series)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("a +", "is not metric math"),
        ("c", "no metric c"),
        ("FILL(a, LINEAR)", "no metric LINEAR"),
        ("FILL(a, [b])", "FILL takes a number, one time series or REPEAT"),
        ("RATE(a)", "does not evaluate RATE"),
        ("a.b", "does not evaluate a.b"),
        ("__import__('os')", "does not evaluate"),
        ("1 + 1", "no single time series"),
        ("[a, b]", "no single time series"),
        ("[a] + 1", "arithmetic with lists"),
    ],
)
def test_what_is_not_evaluated_is_named(expression: str, words: str) -> None:
    with pytest.raises(MathError, match=words):
        evaluate(expression, KNOWN, TIMES)
