"""The policy grammar: what is read, what is refused and in which words."""

import json
from typing import Any

import pytest

from localcloud.iam.policy import PolicyError, parse

GRAMMAR = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"
GOOD: dict[str, Any] = {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}
TRUST: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "ecs-tasks.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def document(*statements: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


REFUSED: list[tuple[str, Any, str]] = [
    ("{", "identity", "invalid Json"),
    ("[]", "identity", "not a JSON object"),
    ('{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}', "identity", "twice"),
    (document(GOOD, Other=1), "identity", "prohibited field Other"),
    (document(GOOD, Version="2020-01-01"), "identity", "2020-01-01"),
    ('{"Version":"2012-10-17"}', "identity", "no Statement"),
    (document({**GOOD, "Effect": "allow"}), "identity", "Invalid effect"),
    (document(without(GOOD, "Action")), "identity", "must contain actions"),
    (document(without(GOOD, "Resource")), "identity", "must contain resources"),
    (document({**GOOD, "NotAction": "s3:*"}), "identity", "both Action and NotAction"),
    (document({**GOOD, "Action": "ecs"}), "identity", "prefaced by a vendor"),
    (document({**GOOD, "Resource": "bucket"}), "identity", "must be in ARN format"),
    (document({**GOOD, "Sid": "a b"}), "identity", "alpha-numeric"),
    (document({**GOOD, "Sid": "a"}, {**GOOD, "Sid": "a"}), "identity", "unique"),
    (document({**GOOD, "Principal": "*"}), "identity", "should not specify a principal"),
    (document({**GOOD, "Condition": {"StringIs": {"aws:a": "b"}}}), "identity", "StringIs"),
    (document({**GOOD, "Condition": {"StringEquals": {"a": "b"}}}), "identity", "vendor"),
    (document({**GOOD, "Condition": {"NullIfExists": {"aws:a": "b"}}}), "identity", "NullIfExists"),
    (document({**GOOD, "Action": [1]}), "identity", "neither a string"),
    (document(without(TRUST, "Principal")), "trust", "required field Principal"),
    (document({**TRUST, "Resource": "*"}), "trust", "prohibited field Resource"),
    (document({**TRUST, "Principal": {"Robot": "x"}}), "trust", "prohibited field Robot"),
    ('{"Version":"2012-10-17","Statement":[]}', "trust", "no Statement"),
]


@pytest.mark.parametrize(("text", "kind", "words"), REFUSED)
def test_a_malformed_policy_is_refused(text: str, kind: Any, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        parse(text, kind)


def test_a_single_statement_may_stand_without_a_list() -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": GOOD})
    assert parse(text).statements[0].actions == ("ecs:*",), GRAMMAR


def test_the_version_defaults_to_2008() -> None:
    assert parse(json.dumps({"Statement": [GOOD]})).version == "2008-10-17"


def test_a_star_principal_means_everyone() -> None:
    statement = parse(document({**TRUST, "Principal": "*"}), "trust").statements[0]
    assert statement.principals == (("AWS", "*"),)


def test_numbers_and_truth_values_become_text() -> None:
    condition = {"Bool": {"aws:SecureTransport": False}, "NumericLessThan": {"s3:max-keys": 10}}
    found = parse(document({**GOOD, "Condition": condition})).statements[0].conditions
    assert [row.values for row in found] == [("false",), ("10",)]


def test_a_parsed_policy_is_remembered() -> None:
    assert parse(document(GOOD)) is parse(document(GOOD))
