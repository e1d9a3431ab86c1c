"""Wildcards, ARNs and policy variables."""

import pytest

from localcloud.iam.matching import matches_arn, matches_wildcards, substitute

VARIABLES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"
RESOURCE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"
)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("ecs:*", "ecs:UpdateService", True),
        ("ecs:Update*", "ecs:UpdateService", True),
        ("ecs:Describe?ervices", "ecs:DescribeServices", True),
        ("ecs:Describe?", "ecs:DescribeServices", False),
        ("*", "", True),
        ("a.c", "abc", False),
        ("[a]*", "[a]b", True),
        ("a*", "a\nb", True),
    ],
)
def test_wildcards(pattern: str, text: str, expected: bool) -> None:
    assert matches_wildcards(pattern, text) is expected


@pytest.mark.parametrize(
    ("pattern", "arn", "expected"),
    [
        ("*", "arn:aws:ecs:us-east-1:1:service/c/s", True),
        ("arn:aws:ecs:*:1:service/c/*", "arn:aws:ecs:us-east-1:1:service/c/s", True),
        ("arn:aws:ecs:*:service/c/s", "arn:aws:ecs:us-east-1:1:service/c/s", False),
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/a/b:c", True),
        ("arn:aws:s3:::bucket", "arn:aws:s3:::bucket/a", False),
        ("arn:aws:ecs:us-east-1:1:SERVICE/c/s", "arn:aws:ecs:us-east-1:1:service/c/s", False),
        ("arn:aws:logs:*:*:log-group:/a:*", "arn:aws:logs:r:1:log-group:/a:log-stream:x", True),
        ("arn:aws:logs:*:*:log-group:/a", "arn:aws:logs:r:1:log-group:/a:log-stream:x", False),
        ("arn:aws:s3:::b", "*", False),
    ],
)
def test_arns_match_by_segment(pattern: str, arn: str, expected: bool) -> None:
    assert matches_arn(pattern, arn) is expected, RESOURCE


@pytest.mark.parametrize(
    ("text", "keys", "expected"),
    [
        ("home/${aws:username}/*", {"aws:username": ["ann"]}, "home/ann/*"),
        ("home/${aws:username}", {}, None),
        ("home/${aws:username, 'nobody'}", {}, "home/nobody"),
        (
            "home/${aws:PrincipalTag/team, 'company-wide'}",
            {"aws:PrincipalTag/team": ["x"]},
            "home/x",
        ),
        ("home/${aws:TagKeys}", {"aws:TagKeys": ["a", "b"]}, None),
    ],
)
def test_variables(text: str, keys: dict[str, list[str]], expected: str | None) -> None:
    assert substitute(text, lambda key: keys.get(key)) == expected, VARIABLES


def test_the_value_of_a_variable_has_no_wildcards() -> None:
    pattern = substitute("arn:aws:s3:::b/${aws:username}", {"aws:username": ["*"]}.get)
    assert pattern is not None
    assert not matches_arn(pattern, "arn:aws:s3:::b/ann")
    assert matches_arn(pattern, "arn:aws:s3:::b/*")


@pytest.mark.parametrize(("mark", "literal"), [("${*}", "*"), ("${?}", "?"), ("${$}", "$")])
def test_characters_that_stand_for_themselves(mark: str, literal: str) -> None:
    pattern = substitute(f"a{mark}b", lambda key: None if key else [])
    assert pattern is not None
    assert matches_wildcards(pattern, f"a{literal}b")
    assert not matches_wildcards(pattern, "axb")
