"""The Condition element: operators, sets, absent keys.

Operators: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
Sets: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from localcloud.iam.matching import (
    Lookup,
    equals_literally,
    matches_arn,
    matches_wildcards,
    substitute,
)


@dataclass(frozen=True)
class Condition:
    """One operator applied to one key.

    Attributes:
        operator: without set prefix and `IfExists`, in the grammar's spelling.
        quantifier: `ForAllValues`, `ForAnyValue` or None.
        if_exists: whether an absent key satisfies it.
        key: the condition key as written.
        values: the values of the policy.
    """

    operator: str
    quantifier: str | None
    if_exists: bool
    key: str
    values: tuple[str, ...]


Test = Callable[[str, str], bool]
"""Whether a value of the policy and a value of the request agree."""


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        test: compares one value of the policy with one of the request.
        negated: whether the condition holds when no value agrees.
    """

    test: Test
    negated: bool = False


def _number(text: str) -> Decimal:
    return Decimal(text.strip())


def _moment(text: str) -> datetime:
    text = text.strip()
    if text.replace(".", "", 1).isdigit() and len(text) > 4:
        return datetime.fromtimestamp(float(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _numeric(compare: Callable[[Decimal, Decimal], bool]) -> Test:
    def test(wanted: str, actual: str) -> bool:
        try:
            return compare(_number(actual), _number(wanted))
        except InvalidOperation:
            return False

    return test


def _dated(compare: Callable[[datetime, datetime], bool]) -> Test:
    def test(wanted: str, actual: str) -> bool:
        try:
            return compare(_moment(actual), _moment(wanted))
        except ValueError:
            return False

    return test


def _in_network(wanted: str, actual: str) -> bool:
    try:
        address = ipaddress.ip_address(actual)
        network = ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False
    return address.version == network.version and address in network


def _same(wanted: str, actual: str) -> bool:
    return equals_literally(wanted, actual)


def _same_in_any_case(wanted: str, actual: str) -> bool:
    return equals_literally(wanted, actual, ignore_case=True)


OPERATORS: dict[str, Operator] = {
    "StringEquals": Operator(_same),
    "StringNotEquals": Operator(_same, negated=True),
    "StringEqualsIgnoreCase": Operator(_same_in_any_case),
    "StringNotEqualsIgnoreCase": Operator(_same_in_any_case, negated=True),
    "StringLike": Operator(matches_wildcards),
    "StringNotLike": Operator(matches_wildcards, negated=True),
    "NumericEquals": Operator(_numeric(lambda a, w: a == w)),
    "NumericNotEquals": Operator(_numeric(lambda a, w: a == w), negated=True),
    "NumericLessThan": Operator(_numeric(lambda a, w: a < w)),
    "NumericLessThanEquals": Operator(_numeric(lambda a, w: a <= w)),
    "NumericGreaterThan": Operator(_numeric(lambda a, w: a > w)),
    "NumericGreaterThanEquals": Operator(_numeric(lambda a, w: a >= w)),
    "DateEquals": Operator(_dated(lambda a, w: a == w)),
    "DateNotEquals": Operator(_dated(lambda a, w: a == w), negated=True),
    "DateLessThan": Operator(_dated(lambda a, w: a < w)),
    "DateLessThanEquals": Operator(_dated(lambda a, w: a <= w)),
    "DateGreaterThan": Operator(_dated(lambda a, w: a > w)),
    "DateGreaterThanEquals": Operator(_dated(lambda a, w: a >= w)),
    "Bool": Operator(_same_in_any_case),
    "BinaryEquals": Operator(_same),
    "IpAddress": Operator(_in_network),
    "NotIpAddress": Operator(_in_network, negated=True),
    "ArnEquals": Operator(matches_arn),
    "ArnNotEquals": Operator(matches_arn, negated=True),
    "ArnLike": Operator(matches_arn),
    "ArnNotLike": Operator(matches_arn, negated=True),
    "Null": Operator(_same_in_any_case),
}
"""Every operator of the grammar; `Null` asks for presence and is treated by `holds` itself."""


def holds(condition: Condition, lookup: Lookup, *, variables: bool = True) -> bool:
    """Whether a condition is satisfied by a request.

    Args:
        condition: of the policy.
        lookup: the request's condition keys.
        variables: whether the policy's version replaces variables.
    """
    actual = lookup(condition.key)
    if condition.operator == "Null":
        absent = "true" if actual is None or len(actual) == 0 else "false"
        return any(value.lower() == absent for value in condition.values)
    wanted = _wanted(condition.values, lookup) if variables else condition.values
    if wanted is None:
        return False
    return _compare(condition, OPERATORS[condition.operator], wanted, actual)


def _wanted(values: Iterable[str], lookup: Lookup) -> tuple[str, ...] | None:
    replaced = [substitute(value, lookup) for value in values]
    if all(value is None for value in replaced) and replaced:
        return None
    return tuple(value for value in replaced if value is not None)


def _compare(
    condition: Condition, operator: Operator, wanted: Sequence[str], actual: Sequence[str] | None
) -> bool:
    def agrees(value: str) -> bool:
        found = any(operator.test(pattern, value) for pattern in wanted)
        return not found if operator.negated else found

    quantifier = (condition.quantifier or "").lower()
    if actual is None or len(actual) == 0:
        if condition.if_exists or quantifier == "forallvalues":
            return True
        return operator.negated and quantifier != "foranyvalue"
    if quantifier == "forallvalues":
        return all(agrees(value) for value in actual)
    if quantifier == "foranyvalue":
        return any(agrees(value) for value in actual)
    if operator.negated:
        return all(agrees(value) for value in actual)
    return any(agrees(value) for value in actual)
