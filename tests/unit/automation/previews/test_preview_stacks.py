"""Previews in the driver: which stack, how long it lives, which are due, what is deleted."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from automation.commands.previews import moment
from automation.engine.progress import Failure
from automation.errors import ConfigurationError, DriverError
from automation.previews import preview_stacks
from automation.previews.preview_stacks import previews_of
from automation.screen import duration
from automation.stack import stack_file
from automation.stack.engine_failures import resource_failure
from infra.ingress.preview_route import free_port
from infra.names import Names
from tests.unit.automation.conftest import Captured
from tests.unit.automation.previews.given import (
    AT,
    NOW,
    SEEN,
    SHARED_PARAMETER,
    backend,
    session,
    state,
)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ({"seconds": 5}, "0 min"),
        ({"minutes": 59}, "59 min"),
        ({"hours": 3, "minutes": 10}, "3 h 10 min"),
        ({"days": 2, "hours": 23, "minutes": 59}, "2 d 23 h"),
    ],
)
def test_durations_have_two_units(length: dict[str, int], words: str) -> None:
    assert duration(timedelta(**length)) == words


def test_a_moment_is_in_utc_unless_it_says_otherwise() -> None:
    assert moment("2026-11-23T12:00") == NOW
    assert moment("2026-11-23T13:00+01:00") == NOW
    with pytest.raises(ConfigurationError, match="must be a time"):
        moment("tomorrow")


def test_previews_are_read_from_the_backend(project: Path, captured: Captured) -> None:
    found = previews_of(
        backend(
            project,
            captured,
            {
                "local": state(service_url="http://127.0.0.1"),
                "local-preview-b": state(
                    preview_branch="b",
                    preview_creator="mia",
                    service_url="http://127.0.0.1:20000",
                    preview_expires="2026-11-25T12:00:00+00:00",
                ),
                "local-preview-half": {"resources": []},
                "other-preview-c": state(preview_branch="c"),
            },
        )
    )
    by_name = {each.stack: each for each in found}
    assert by_name.keys() == {"local-preview-b", "local-preview-half"}
    b, half = by_name["local-preview-b"], by_name["local-preview-half"]
    assert (b.branch, b.creator, b.url) == ("b", "mia", "http://127.0.0.1:20000")
    assert b.document(NOW)["age_seconds"] == 3 * 3600
    assert b.document(NOW)["seconds_left"] == 2 * 86400
    assert (half.branch, half.created) == (None, None)
    assert half.expires == SEEN.replace(tzinfo=UTC) + timedelta(hours=72)


def test_the_states_in_a_folder_are_read_without_the_engine(
    project: Path, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{project}")
    opened = backend(project, captured, {"local-preview-b": {"resources": []}})
    states = project / ".pulumi" / "stacks" / opened.file.project
    states.mkdir(parents=True)
    saved = {"version": 3, "checkpoint": {"latest": state(preview_branch="b")}}
    (states / "local-preview-b.json").write_text(json.dumps(saved))
    assert [each.branch for each in previews_of(opened)] == ["b"]


def test_another_update_extends_and_keeps_the_creator(captured: Captured, project: Path) -> None:
    old = {
        "preview_branch": "login",
        "preview_creator": "mia",
        "preview_remote": "octo/shop",
        "preview_expires": AT,
    }
    later = NOW + timedelta(hours=10)
    life = preview_stacks.extended_life(session(captured, project, False, **old), None, later)
    assert life == {
        "preview_branch": "login",
        "preview_creator": "mia",
        "preview_remote": "octo/shop",
        "preview_expires": (later + timedelta(hours=72)).isoformat(),
    }
    kept = preview_stacks.kept_life(session(captured, project, False, **old), "login", later)
    assert kept["preview_expires"] == AT


def test_a_preview_without_its_environment_leaves_nothing(
    captured: Captured, project: Path
) -> None:
    opened = session(captured, project, True)
    opened.cloud.pages = lambda *_, **__: []
    removed: list[bool] = []
    opened.remove = lambda: removed.append(True)
    with pytest.raises(ConfigurationError, match="up --stack local"):
        preview_stacks.extended_life(opened, "login", NOW)
    assert removed == [True]


class Busy:
    """An environment's load balancer, and a session whose update meets another preview."""

    def __init__(self, project: Path, captured: Captured, errors: list[DriverError]) -> None:
        self.file = stack_file.load_stack_file("local-preview-login", project)
        self.screen = captured.screen
        self.errors = errors
        self.names = Names("p", "local-preview-login")
        self.cloud = SimpleNamespace(pages=self.pages)

    def pages(self, _service: str, operation: str, _key: str, **_: str) -> list[dict[str, Any]]:
        listener = {"ListenerArn": "listener", "Port": 80}
        rules = [
            {"RuleArn": "a", "Priority": "1500", "IsDefault": False},
            {"RuleArn": "b", "Priority": "default", "IsDefault": True},
        ]
        answers: dict[str, list[dict[str, Any]]] = {
            "describe_listeners": [listener],
            "describe_rules": rules,
            "get_parameters_by_path": [SHARED_PARAMETER],
        }
        return answers[operation]

    def perform(self, _verb: str, _operation: object, beside: object) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


LISTENER = "urn:pulumi:local-preview-login::p::aws:lb/listener:Listener::preview-listener"


def taken(code: str) -> DriverError:
    return resource_failure(Failure(f"creating it\n{code}: it is taken", LISTENER))


@pytest.mark.parametrize("code", ["DuplicateListener", "PriorityInUse"])
def test_a_number_that_another_was_quicker_with_is_left_to_it(
    project: Path, captured: Captured, code: str
) -> None:
    life: dict[str, object] = {}
    busy: Any = Busy(project, captured, [taken(code), taken(code)])
    assert preview_stacks.perform_update(busy, life, lambda *_: None) == "done"
    first = free_port("local-preview-login 1", {})
    second = free_port("local-preview-login 2", {})
    assert (life["preview_port"], first != second) == (second, True)


def test_other_failures_are_not_tried_again(project: Path, captured: Captured) -> None:
    busy: Any = Busy(project, captured, [DriverError("no"), DriverError("again")])
    with pytest.raises(DriverError, match="no"):
        preview_stacks.perform_update(busy, {}, lambda *_: None)


def test_it_gives_up_in_the_end(project: Path, captured: Captured) -> None:
    busy: Any = Busy(project, captured, [taken("DuplicateListener") for _ in range(9)])
    with pytest.raises(DriverError, match="preview-listener"):
        preview_stacks.perform_update(busy, {}, lambda *_: None)
    assert len(busy.errors) == 9 - preview_stacks.PORT_ATTEMPTS
