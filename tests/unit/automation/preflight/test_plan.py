"""The plan that the checks read is what the program will choose."""

from __future__ import annotations

from typing import Any

import pytest

from automation.preflight.plan import plan
from tests.unit.automation.preflight.stage import Stage

RUNNING = {"taskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:4"}


CONTAINERS = [{"name": "proxy", "image": "proxy:1"}, {"name": "app", "image": "web@sha256:4"}]


@pytest.mark.parametrize(
    ("service", "token", "arguments", "what"),
    [
        (None, "", (None, False), "build"),
        (RUNNING, "", (None, False), "build"),
        (RUNNING, "t", (None, False), "kept"),
        (RUNNING, "t", (None, True), "build"),
        (RUNNING, "t", ("web:1", False), "image"),
        (None, "t", (None, False), "build"),
    ],
)
def test_the_plan_is_what_the_program_will_choose(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    service: dict[str, Any] | None,
    token: str,
    arguments: tuple[str | None, bool],
    what: str,
) -> None:
    stage.settings = (
        {"github_owner": "o", "github_repository": "r", "github_token": token} if token else {}
    )
    session = stage.planned().session
    session.__dict__["service"] = None
    monkeypatch.setattr("automation.preflight.plan.describe_service", lambda *_: service)
    revisions = {RUNNING["taskDefinition"]: {"containerDefinitions": CONTAINERS}}
    monkeypatch.setattr(
        "automation.preflight.plan.task_definition", lambda _cloud, arn: revisions[arn]
    )
    monkeypatch.setattr("automation.preflight.plan.find_engine", lambda: None)
    planned = plan(session, *arguments)
    assert planned.new == (service is None)
    chosen = {"image": planned.image, "build": planned.build, "kept": planned.kept}
    assert [name for name, value in chosen.items() if value] == [what]
    assert planned.kept in (None, "web@sha256:4")
