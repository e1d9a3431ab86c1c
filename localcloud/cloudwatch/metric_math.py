"""Metric math over series of data points, as far as alarms of services need it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Series = dict[float, float]
"""The beginning of a period, in seconds since the epoch → the period's value."""

Value = Series | float | list[Series]


class MathError(ValueError):
    """An expression that is wrong, or that the local cloud does not evaluate; the text says which
    part."""


_OPERATORS: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: math.fmod,
    ast.Lt: lambda a, b: float(a < b),
    ast.LtE: lambda a, b: float(a <= b),
    ast.Gt: lambda a, b: float(a > b),
    ast.GtE: lambda a, b: float(a >= b),
    ast.Eq: lambda a, b: float(a == b),
    ast.NotEq: lambda a, b: float(a != b),
}
_EACH: Mapping[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
_OVER: Mapping[str, Callable[[list[float]], float]] = {
    "SUM": math.fsum,
    "MAX": max,
    "MIN": min,
    "AVG": lambda values: math.fsum(values) / len(values),
}
FUNCTIONS = sorted({*_EACH, *_OVER, "FILL", "IF"})


@dataclass(frozen=True)
class _Known:
    """What an expression is evaluated over: see `evaluate`."""

    series: Mapping[str, Series]
    times: Sequence[float]


def evaluate(expression: str, known: Mapping[str, Series], times: Sequence[float]) -> Series:
    """An expression's series.

    Args:
        expression: such as `100 * errors / SUM([errors, answers])`.
        known: identifier → its series.
        times: the beginnings of all periods that are looked at, oldest first, in seconds since the
            epoch: those that FILL fills.

    Raises:
        MathError: it is no metric math, or beyond what is evaluated here.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise MathError(f"the expression {expression} is not metric math: {error.msg}") from error
    value = _value(tree.body, _Known(known, times))
    if not isinstance(value, dict):
        raise MathError(f"the expression {expression} yields no single time series")
    return value


def _value(node: ast.AST, known: _Known) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name(id=name) if name in known.series:
            return known.series[name]
        case ast.Name(id=name):
            raise MathError(f"there is no metric {name}")
        case ast.List(elts=elements):
            return [_series(_value(element, known)) for element in elements]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _combine(operator.sub, 0.0, _value(operand, known))
        case ast.BinOp(op=kind) if type(kind) in _OPERATORS:
            return _combine(
                _OPERATORS[type(kind)], _value(node.left, known), _value(node.right, known)
            )
        case ast.Compare(ops=[kind], comparators=[right]) if type(kind) in _OPERATORS:
            return _combine(_OPERATORS[type(kind)], _value(node.left, known), _value(right, known))
        case ast.Call(func=ast.Name(id="FILL"), args=[what, value], keywords=[]):
            return _fill(_series(_value(what, known)), value, known)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, [_value(argument, known) for argument in arguments])
    raise MathError(f"the local cloud does not evaluate {ast.unparse(node)}")


def _series(value: Value) -> Series:
    if not isinstance(value, dict):
        raise MathError("a list holds time series only")
    return value


def _combine(function: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """Point by point: where one of two series has no point, the result has none."""
    if isinstance(left, list) or isinstance(right, list):
        raise MathError("the local cloud does not do arithmetic with lists")
    if isinstance(left, float) and isinstance(right, float):
        return function(left, right)
    times = [set(side) for side in (left, right) if isinstance(side, dict)]
    result: Series = {}
    for time in sorted(set.intersection(*times)):
        a = left[time] if isinstance(left, dict) else left
        b = right[time] if isinstance(right, dict) else right
        try:
            result[time] = function(a, b)
        except (ZeroDivisionError, ValueError):
            continue  # CloudWatch has no data point there either
    return result


def _call(name: str, arguments: list[Value]) -> Value:
    match name, arguments:
        case _, [list() as many] if name in _OVER:
            times = sorted({time for one in many for time in one})
            return {t: _OVER[name]([one[t] for one in many if t in one]) for t in times}
        case _, [dict() as one] if name in _OVER and one:
            return _OVER[name](list(one.values()))
        case _, [dict()] if name in _OVER:
            return {}
        case _, [dict() as one] if name in _EACH:
            return {time: float(_EACH[name](value)) for time, value in one.items()}
        case "IF", [dict() as condition, yes]:
            return _choose(condition, yes, {})
        case "IF", [dict() as condition, yes, no]:
            return _choose(condition, yes, no)
    raise MathError(
        f"the local cloud does not evaluate {name} of {len(arguments)} arguments like these; "
        f"it knows {', '.join(FUNCTIONS)}"
    )


def _choose(condition: Series, yes: Value, no: Value) -> Series:
    """Where the condition holds a point that `yes` lacks is 0, elsewhere one of `no` is none."""
    result: Series = {}
    for time, truth in condition.items():
        side = yes if truth else no
        if isinstance(side, float):
            result[time] = side
        elif isinstance(side, dict) and (truth or time in side):
            result[time] = side.get(time, 0.0)
    return result


def _fill(series: Series, filler: ast.AST, known: _Known) -> Series:
    """With a number, or the points of another series, or the value before each gap."""
    if isinstance(filler, ast.Name) and filler.id == "REPEAT":
        return _repeat(series, known.times)
    match _value(filler, known):
        case float() as number:
            return dict.fromkeys(known.times, number) | series
        case dict() as other:
            return {time: other[time] for time in known.times if time in other} | series
    raise MathError("FILL takes a number, one time series or REPEAT")


def _repeat(series: Series, times: Sequence[float]) -> Series:
    """With the latest point before each gap; before the first point there is none."""
    result: Series = {}
    latest: float | None = None
    for time in times:
        latest = series.get(time, latest)
        if latest is not None:
            result[time] = latest
    return result
