"""Patterns of triggers: what each takes, as the page on glob patterns says."""

from __future__ import annotations

import pytest

from localcloud.codepipeline import triggers
from localcloud.shared.pushes import Push
from localcloud.shared.service import ServiceError
from localcloud.tests.unit.codepipeline import harness

PAGE = "https://docs.aws.amazon.com/codepipeline/latest/userguide/syntax-glob.html"
PATTERNS = {
    "main": (["main"], ["main2", "a/main"]),
    "release/*": (["release/1"], ["release/a/b", "release"]),
    "app/**": (["app/a", "app/a/b"], ["apps/a", "app"]),
    "**/README.md": (["a/README.md", "a/b/README.md"], ["README.mdx"]),
    "common/**/*.js": (["common/a/b.js"], ["common/a/b.ts"]),
    "v?": (["v1"], ["v10", "v/"]),
    "{a,b/*}.py": (["a.py", "b/c.py"], ["c.py", "a,b.py"]),
    "[ab]x": (["ax", "bx"], ["cx"]),
    "[!ab]x": (["cx"], ["ax"]),
    r"a\*": (["a*"], ["ab"]),
    "a,b": (["a,b"], ["a", "b"]),
    "a.c": (["a.c"], ["abc"]),
}


def definition(**criteria: list[str]) -> dict[str, object]:
    """A pipeline that pushes of branches start."""
    source = harness.action(
        "Source",
        "Source",
        "CodeStarSourceConnection",
        configuration={
            "ConnectionArn": "arn",
            "FullRepositoryId": "acme/hello",
            "BranchName": "main",
        },
    )
    git = {"sourceActionName": "Source", "push": [{"branches": criteria}]}
    whole = harness.definition(triggers=[{"gitConfiguration": git}])
    whole["stages"][0] = {"name": "Source", "actions": [source]}
    return whole


def starts(pattern: str, name: str) -> bool:
    push = Push("Acme/Hello", f"refs/heads/{name}", "c", ())
    return bool(list(triggers.started(definition(includes=[pattern]), push)))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern(pattern: str) -> None:
    taken, left = PATTERNS[pattern]
    assert [name for name in (*taken, *left) if starts(pattern, name)] == taken


def test_excludes_win() -> None:
    given = definition(includes=["**"], excludes=["main"])
    for name, expected in (("main", 0), ("other", 1)):
        push = Push("acme/hello", f"refs/heads/{name}", "c", ())
        assert len(list(triggers.started(given, push))) == expected


@pytest.mark.parametrize("pattern", ["a{b", "[z-a]"])
def test_a_broken_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ServiceError, match="no glob pattern"):
        triggers.check(definition(includes=[pattern]))
