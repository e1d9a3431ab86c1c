"""Condition operators, sets and absent keys: one row a documented behaviour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.iam.conditions import OPERATORS, Condition, holds
from localcloud.iam.policy import parse

DOCS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
OPERATORS_PAGE = DOCS + "reference_policies_elements_condition_operators.html"
SETS_PAGE = DOCS + "reference_policies_condition-single-vs-multi-valued-context-keys.html"

# operator, values of the policy, values of the request, holds, page
ROWS = [
    ("StringEquals", ["a"], ["a"], True, OPERATORS_PAGE),
    ("StringEquals", ["a"], ["A"], False, OPERATORS_PAGE),
    ("StringEquals", ["a*"], ["ab"], False, OPERATORS_PAGE),
    ("StringEquals", ["a", "b"], ["b"], True, OPERATORS_PAGE),
    ("StringNotEquals", ["a", "b"], ["b"], False, OPERATORS_PAGE),
    ("StringNotEquals", ["a", "b"], ["c"], True, OPERATORS_PAGE),
    ("StringEqualsIgnoreCase", ["Abc"], ["aBC"], True, OPERATORS_PAGE),
    ("StringNotEqualsIgnoreCase", ["Abc"], ["aBC"], False, OPERATORS_PAGE),
    ("StringLike", ["home/*"], ["home/ann/x"], True, OPERATORS_PAGE),
    ("StringLike", ["home/?"], ["home/ab"], False, OPERATORS_PAGE),
    ("StringNotLike", ["home/*"], ["home/ann"], False, OPERATORS_PAGE),
    ("NumericEquals", ["10"], ["10.0"], True, OPERATORS_PAGE),
    ("NumericNotEquals", ["10"], ["11"], True, OPERATORS_PAGE),
    ("NumericLessThan", ["10"], ["9"], True, OPERATORS_PAGE),
    ("NumericLessThan", ["10"], ["10"], False, OPERATORS_PAGE),
    ("NumericLessThanEquals", ["10"], ["10"], True, OPERATORS_PAGE),
    ("NumericGreaterThan", ["9"], ["10"], True, OPERATORS_PAGE),
    ("NumericGreaterThanEquals", ["10"], ["9"], False, OPERATORS_PAGE),
    ("NumericLessThan", ["10"], ["many"], False, OPERATORS_PAGE),
    ("DateEquals", ["2026-11-23T10:00:00Z"], ["2026-11-23T10:00:00+00:00"], True, OPERATORS_PAGE),
    ("DateNotEquals", ["2026-11-23"], ["2026-11-24"], True, OPERATORS_PAGE),
    ("DateLessThan", ["2026-11-23T10:00:00Z"], ["2026-11-23T09:59:59Z"], True, OPERATORS_PAGE),
    ("DateLessThanEquals", ["2026-11-23"], ["2026-11-23T00:00:00Z"], True, OPERATORS_PAGE),
    ("DateGreaterThan", ["2026-11-23"], ["2026-11-23T00:00:01Z"], True, OPERATORS_PAGE),
    ("DateGreaterThanEquals", ["1763856000"], ["2025-11-23T00:00:00Z"], True, OPERATORS_PAGE),
    ("Bool", ["true"], ["true"], True, OPERATORS_PAGE),
    ("Bool", ["false"], ["true"], False, OPERATORS_PAGE),
    ("BinaryEquals", ["QmluYXJ5"], ["QmluYXJ5"], True, OPERATORS_PAGE),
    ("IpAddress", ["203.0.113.0/24"], ["203.0.113.7"], True, OPERATORS_PAGE),
    ("IpAddress", ["203.0.113.7"], ["203.0.113.8"], False, OPERATORS_PAGE),
    ("IpAddress", ["2001:DB8:1234::/48"], ["2001:db8:1234::1"], True, OPERATORS_PAGE),
    ("NotIpAddress", ["203.0.113.0/24"], ["198.51.100.1"], True, OPERATORS_PAGE),
    (
        "ArnEquals",
        ["arn:aws:ecs:*:1:*"],
        ["arn:aws:ecs:us-east-1:1:task/c/t"],
        True,
        OPERATORS_PAGE,
    ),
    ("ArnLike", ["arn:aws:ecs:*:1:*"], ["arn:aws:ecs:us-east-1:2:task/c/t"], False, OPERATORS_PAGE),
    ("ArnLike", ["arn:aws:ecs:*"], ["arn:aws:ecs:us-east-1:1:task"], False, OPERATORS_PAGE),
    ("ArnNotEquals", ["arn:aws:s3:::b"], ["arn:aws:s3:::c"], True, OPERATORS_PAGE),
    ("ArnNotLike", ["arn:aws:s3:::*"], ["arn:aws:s3:::c"], False, OPERATORS_PAGE),
    ("Null", ["true"], None, True, OPERATORS_PAGE),
    ("Null", ["true"], ["x"], False, OPERATORS_PAGE),
    ("Null", ["false"], ["x"], True, OPERATORS_PAGE),
    ("Null", ["false"], None, False, OPERATORS_PAGE),
    # An absent key: positive operators fail, negated ones and IfExists hold.
    ("StringEquals", ["a"], None, False, OPERATORS_PAGE),
    ("StringEqualsIfExists", ["a"], None, True, OPERATORS_PAGE),
    ("StringEqualsIfExists", ["a"], ["b"], False, OPERATORS_PAGE),
    ("StringNotEquals", ["a"], None, True, OPERATORS_PAGE),
    ("NotIpAddress", ["203.0.113.0/24"], None, True, OPERATORS_PAGE),
    ("NumericLessThanIfExists", ["1"], None, True, OPERATORS_PAGE),
    ("Bool", ["false"], None, False, OPERATORS_PAGE),
    ("BoolIfExists", ["false"], None, True, OPERATORS_PAGE),
    # Several values in the request.
    ("ForAllValues:StringEquals", ["a", "b"], ["a"], True, SETS_PAGE),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False, SETS_PAGE),
    ("ForAllValues:StringEquals", ["a"], None, True, SETS_PAGE),
    ("ForAllValues:StringEquals", ["a"], [], True, SETS_PAGE),
    ("ForAllValues:StringNotEquals", ["a"], ["b", "c"], True, SETS_PAGE),
    ("ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], True, SETS_PAGE),
    ("ForAnyValue:StringEquals", ["a"], ["b"], False, SETS_PAGE),
    ("ForAnyValue:StringEquals", ["a"], None, False, SETS_PAGE),
    ("ForAnyValue:StringNotEquals", ["a"], None, False, SETS_PAGE),
    ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True, SETS_PAGE),
    ("ForAnyValue:StringLike", ["env*"], ["team", "environment"], True, SETS_PAGE),
]


def condition(operator: str, values: list[str]) -> Condition:
    """A condition as the parser makes it."""
    text = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*",'
        f'"Condition":{{"{operator}":{{"aws:test":{str(values).replace(chr(39), chr(34))}}}}}}}]}}'
    )
    return parse(text).statements[0].conditions[0]


@pytest.mark.parametrize(("operator", "wanted", "actual", "expected", "page"), ROWS)
def test_operator(
    operator: str, wanted: list[str], actual: list[str] | None, expected: bool, page: str
) -> None:
    assert holds(condition(operator, wanted), {"aws:test": actual}.get) is expected, page


def test_every_operator_has_a_row() -> None:
    written = {row[0].split(":")[-1].removesuffix("IfExists") for row in ROWS}
    assert written == set(OPERATORS)


def test_variables_in_values_follow_the_request() -> None:
    found = condition("StringEquals", ["${aws:PrincipalTag/team}"])
    keys = {"aws:test": ["red"], "aws:PrincipalTag/team": ["red"]}
    assert holds(found, keys.get)
    assert not holds(found, {"aws:test": ["red"]}.get)


def test_a_policy_of_2008_has_no_variables() -> None:
    found = condition("StringEquals", ["${aws:username}"])
    keys = {"aws:test": ["${aws:username}"], "aws:username": ["ann"]}
    assert holds(found, keys.get, variables=False)
    assert not holds(found, keys.get)


TEXT = st.text(alphabet="abc", max_size=3)


@given(wanted=st.lists(TEXT, min_size=1, max_size=3), actual=TEXT)
def test_a_negated_operator_is_the_opposite(wanted: list[str], actual: str) -> None:
    lookup = {"aws:test": [actual]}.get
    for name in ("StringEquals", "StringLike"):
        negated = name.replace("String", "StringNot")
        assert holds(condition(name, wanted), lookup) != holds(condition(negated, wanted), lookup)


@given(wanted=st.permutations(["a", "b*", "c"]), actual=TEXT)
def test_the_order_of_values_does_not_matter(wanted: list[str], actual: str) -> None:
    lookup = {"aws:test": [actual]}.get
    expected = holds(condition("StringLike", ["a", "b*", "c"]), lookup)
    assert holds(condition("StringLike", wanted), lookup) is expected
