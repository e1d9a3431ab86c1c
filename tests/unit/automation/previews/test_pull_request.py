"""The comment in a pull request: what it says, and that there is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from automation.previews import pull_request
from automation.previews.pull_request import MARK, cell, publish, read, text
from tests.github_comments import GitHub

OUTPUTS = {
    "service_url": "http://lb:20000",
    "image_uri": "r/app@sha256:0",
    "preview_expires": "2026-12-31T18:00:00+00:00",
}
SUCCEEDED = {
    "stack": "dev-preview-a",
    "result": "succeeded",
    "duration_seconds": 61.2,
    "outputs": OUTPUTS,
    "diagnosis": None,
}
DIAGNOSIS = {
    "cause": "The container exits at once",
    "evidence": ["Traceback <b>", "KeyError: 'A|B'"],
    "setting": "fargate-cd:environment",
    "resource": None,
}


def test_a_preview_that_runs() -> None:
    costs = {"previews": [{"stack": "dev-preview-a", "monthly_usd": 7.126}]}
    body = text(SUCCEEDED, costs)
    assert body.startswith(MARK)
    for part in (*OUTPUTS.values(), "succeeded after 61 s", "7.13 USD a month"):
        assert part in body or cell(part) in body


def test_a_preview_that_failed_says_why() -> None:
    body = text({**SUCCEEDED, "result": "rolled_back", "diagnosis": DIAGNOSIS})
    assert "rolled back after" in body
    assert "**Why:** The container exits at once" in body
    assert "Traceback &#60;b&#62;<br>KeyError: 'A&#124;B'" in body
    assert "**Change:** fargate-cd:environment" in body


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (None, "failed before it began"),
        ({"error": "another update runs", "details": ["pid 7"]}, "refused.** another update runs"),
        ({"result": "succeeded", "deleted": 9, "leftovers": []}, "gone.** 9 resources"),
        ({"result": "failed", "deleted": 1, "leftovers": [{"arn": "a:b"}]}, "a:b"),
    ],
)
def test_every_end_has_words(done: Any, said: str) -> None:
    assert said in text(done)


def test_a_value_stays_one_line_and_calls_nobody() -> None:
    assert cell("a\n# b @all `x`") == "a # b &#64;all &#96;x&#96;"


def test_a_command_that_printed_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("")
    assert read(str(tmp_path / "empty.json")) is None
    assert read(str(tmp_path / "none.json")) is None


@pytest.fixture(params=[0, 250])
def github(request: pytest.FixtureRequest) -> Iterator[GitHub]:
    with GitHub(request.param) as server:
        yield server


def test_one_comment_is_updated_in_place(
    github: GitHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    people = len(github.comments)
    done = tmp_path / "preview.json"
    done.write_text(json.dumps(SUCCEEDED))
    for name, value in github.environment.items():
        monkeypatch.setenv(name, value)
    assert pull_request.main([str(done)]) == 0
    assert publish(text({**SUCCEEDED, "result": "failed"}), github.environment)
    assert len(github.comments) == people + 1
    assert "failed after" in github.comments[-1]["body"]
    assert github.calls.count("POST") == 1


def test_without_a_right_to_comment_it_fails(github: GitHub) -> None:
    with pytest.raises(pull_request.requests.HTTPError):
        publish("x", {**github.environment, "GITHUB_TOKEN": "no"})
