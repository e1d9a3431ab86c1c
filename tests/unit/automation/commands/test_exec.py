"""Which task `exec` runs in, and what it refuses in words."""

from __future__ import annotations

from typing import Any

import pytest

from automation.commands.exec import choose, exec_command
from automation.errors import ConfigurationError
from automation.screen import Screen


def task(name: str, ready: bool = True) -> dict[str, Any]:
    return {"taskArn": f"arn:x:task/c/{name}", "enableExecuteCommand": ready}


def test_the_newest_task_that_allows_it_is_chosen() -> None:
    tasks = [task("aaa", ready=False), task("bbb"), task("ccc")]
    assert choose(tasks, None) is tasks[1]
    assert choose(tasks, "cc") is tasks[2]


@pytest.mark.parametrize(
    ("tasks", "wanted", "words"),
    [
        ([task("aaa"), task("bbb")], "zz", "there are: aaa, bbb"),
        ([task("aaa", ready=False)], None, "were started before `exec` was on"),
    ],
)
def test_what_is_not_there_is_named(
    tasks: list[dict[str, Any]], wanted: str | None, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        choose(tasks, wanted)


def test_one_document_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--json"):
        exec_command("dev", Screen(json=True), ["ls"])
