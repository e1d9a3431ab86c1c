"""How the patterns of a policy match: `*` and `?`, ARNs by segment, policy variables.

Elements: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
Variables: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

VARIABLE = re.compile(r"\$\{([^}]*)\}")
WITH_DEFAULT = re.compile(r"^\s*(?P<key>[^,]+?)\s*,\s*'(?P<default>[^']*)'\s*$")
LITERAL_VARIABLES = {"*": "*", "?": "?", "$": "$"}
"""`${*}` stands for the character itself."""

_LITERAL_MARKS = {"*": "\ue000", "?": "\ue001"}
"""Private characters that stand for a literal `*` or `?` between substitution and matching."""

Lookup = Callable[[str], Sequence[str] | None]
"""The values of a condition key in the request; None when the request has none."""


@lru_cache(maxsize=16384)
def _pattern(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    parts = []
    for character in pattern:
        if character == "*":
            parts.append(".*")
        elif character == "?":
            parts.append(".")
        else:
            parts.append(re.escape(_plain(character)))
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _plain(text: str) -> str:
    for literal, mark in _LITERAL_MARKS.items():
        text = text.replace(mark, literal)
    return text


def matches_wildcards(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether the whole text fits the pattern; `*` is any run of characters, `?` is one."""
    return _pattern(pattern, ignore_case=ignore_case).fullmatch(text) is not None


def matches_arn(pattern: str, arn: str) -> bool:
    """Whether an ARN fits, segment by segment; a wildcard never reaches across one of the
    first five colons. A bare `*` fits every resource."""
    if pattern == "*":
        return True
    wanted, actual = pattern.split(":", 5), arn.split(":", 5)
    if len(wanted) != 6 or len(actual) != 6:
        return False
    return all(matches_wildcards(w, a) for w, a in zip(wanted, actual, strict=True))


def equals_literally(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether a substituted value without wildcards is this text."""
    plain = _plain(pattern)
    return plain.lower() == text.lower() if ignore_case else plain == text


def substitute(text: str, lookup: Lookup) -> str | None:
    """The text with its policy variables replaced.

    A value's own `*` and `?` are literal. None when a variable has no single value in the
    request and no default: the statement then doesn't match.
    """
    if "${" not in text:
        return text
    missing = False

    def replace(match: re.Match[str]) -> str:
        nonlocal missing
        name = match.group(1)
        if name in LITERAL_VARIABLES:
            return _LITERAL_MARKS.get(name, name)
        with_default = WITH_DEFAULT.match(name)
        values = lookup(with_default["key"] if with_default else name.strip())
        if values is not None and len(values) == 1:
            return _literal(values[0])
        if with_default:
            return _literal(with_default["default"])
        missing = True
        return ""

    result = VARIABLE.sub(replace, text)
    return None if missing else result


def _literal(text: str) -> str:
    for literal, mark in _LITERAL_MARKS.items():
        text = text.replace(literal, mark)
    return text
