"""The status page: what it shows, to whom, and that nothing in it is taken for HTML."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from localcloud.codepipeline import lifecycle
from localcloud.codepipeline.core import Core, Store
from localcloud.codepipeline.links import PAGES
from localcloud.codepipeline.model import FAILED, SUCCEEDED, Revision
from localcloud.codepipeline.view import View
from localcloud.tests.unit.codepipeline.harness import FakeEvents, pipeline, surroundings

HAND = ("StartPipelineExecution", "test")
PAGE = f"{PAGES}/release/view"


BUILD = "[Container] 2026/11/23 12:00:00.123456 "


class Logs:
    """One log stream."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines or (f"{BUILD}Running command <b>make</b>\n",)

    def get_log_events(self, limit: int, **_asked: Any) -> dict[str, Any]:
        return {"events": [{"message": line} for line in self.lines][-limit:]}


@pytest.fixture
def core(tmp_path: Path) -> Core:
    """A pipeline whose test failed."""
    events: Any = FakeEvents()
    made = Core(surroundings(tmp_path, client=lambda *_: Logs()), Store(tmp_path), events)
    one = pipeline()
    made.state.pipelines[one.arn] = one
    execution = lifecycle.begin(one, HAND, events)
    lifecycle.schedule(one, events)
    source = execution.actions[0]
    source.status = SUCCEEDED
    execution.artifacts["Source"] = source.outputs[0]
    message = "<script>alert(1)</script>\nmore"
    execution.revisions.append(
        Revision("Source", "Source", "c0ffee00" * 5, message, "http://127.0.0.1:1/c", 0.0)
    )
    lifecycle.schedule(one, events)
    test = execution.actions[1]
    test.log_stream_arn = "arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream:s"
    test.status, test.error_message = FAILED, "Build terminated with state: FAILED"
    lifecycle.schedule(one, events)
    return made


def test_stages_actions_commits_and_logs(core: Core) -> None:
    answer = Client(View(core)).get(PAGE, environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert answer.status_code == 200
    for text in (
        'data-stage="Source" data-status="Succeeded"',
        'data-stage="Test" data-status="Failed"',
        'data-stage="Deploy" data-status=""',
        "c0ffee00",
        "Test: Build terminated with state: FAILED",
        "Running command &lt;b&gt;make&lt;/b&gt;",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ):
        assert text in answer.text
    assert "alert(1)</script>" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_stages_of_an_earlier_run_are_marked(core: Core) -> None:
    def marks() -> dict[str, str]:
        text = Client(View(core)).get(PAGE, environ_base={"REMOTE_ADDR": "127.0.0.1"}).text
        return dict(re.findall(r'data-stage="(\w+)".* data-run="(\w+)"', text))

    assert set(marks().values()) == {"newest"}
    (one,) = core.state.pipelines.values()
    events: Any = core.events
    lifecycle.begin(one, HAND, events)
    lifecycle.schedule(one, events)
    assert marks() == {
        "Source": "newest",
        "Test": "earlier",
        "Build": "newest",
        "Deploy": "newest",
    }


def test_an_excerpt_shows_the_error_and_not_the_closing_phases(core: Core) -> None:
    closing = [f"{BUILD}Phase complete: {number}\n" for number in range(30)]
    output = [f"line {number}\n" for number in range(20)]
    logs = Logs(f"{BUILD}Running command x\n", *output, "the error\n", *closing)
    core.surroundings = replace(core.surroundings, client=lambda *_: logs)
    text = Client(View(core)).get(PAGE, environ_base={"REMOTE_ADDR": "127.0.0.1"}).text
    assert "line 19\nthe error\n</pre>" in text
    assert "Phase complete" not in text
    assert "line 8\n" not in text


def test_a_whole_log(core: Core) -> None:
    run = next(iter(core.state.pipelines.values())).executions[0].actions[1]
    client = Client(View(core))
    answer = client.get(f"{PAGES}/release/log/{run.id}", environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert "[Container] 2026/11/23" in answer.text


@pytest.mark.parametrize(
    ("path", "address", "status"),
    [
        (f"{PAGES}/other/view", "127.0.0.1", 404),
        (f"{PAGE}?region=eu-west-1", "127.0.0.1", 404),
        (f"{PAGES}/release/log/{'0' * 36}", "127.0.0.1", 404),
        (f"{PAGES}/release/elsewhere", "127.0.0.1", 404),
        (PAGE, "172.18.0.3", 403),
    ],
)
def test_what_is_not_shown(path: str, address: str, status: int, core: Core) -> None:
    answer = Client(View(core)).get(path, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status


def test_nothing_can_be_posted(core: Core) -> None:
    answer = Client(View(core)).post(PAGE, environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert answer.status_code == 405
