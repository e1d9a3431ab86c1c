"""Events become lines with names and times, and never show a property's value."""

from __future__ import annotations

import io
import time

import pytest
from pulumi.automation import EngineEvent
from rich.console import Console

from automation.engine import progress as module
from automation.engine.progress import Progress, display_name, plain
from automation.screen import Screen
from tests.unit.automation.conftest import Captured, await_words

STACK = "urn:pulumi:local::fargate-cd::"
ROLE = STACK + "fargate-cd:infra:Roles$aws:iam/role:Role::roles-task"
SERVICE = STACK + "aws:ecs/service:Service::service"


def step(kind: str, operation: str, urn: str = ROLE, **more: object) -> EngineEvent:
    state = {"type": "t", "urn": urn, "inputs": {"password": "hush"}, "custom": True}
    metadata = {"op": operation, "urn": urn, "type": "t", "provider": "", "new": state, **more}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, kind: {"metadata": metadata}})


def diagnostic(message: str, severity: str, urn: str | None = ROLE) -> EngineEvent:
    event = {"message": message, "severity": severity, "color": "never", "urn": urn}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, "diagnosticEvent": event})


def summary(**changes: int) -> EngineEvent:
    event = {"resourceChanges": changes, "durationSeconds": 1, "maybeCorrupt": False}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, "summaryEvent": event})


def test_the_name_of_a_resource_is_its_type_and_name() -> None:
    assert display_name(ROLE) == "aws:Role roles-task"
    assert display_name(STACK + "pulumi:pulumi:Stack::fargate-cd-local") == (
        "pulumi:Stack fargate-cd-local"
    )


def test_colours_are_taken_off() -> None:
    assert plain("<{%fg 1%}>error<{%reset%}> \x1b[31mred\x1b[0m\n") == "error red"


def test_a_step_is_told_when_it_is_done_without_its_values(captured: Captured) -> None:
    with Progress(captured.screen, "Updating") as progress:
        progress.on_event(step("resourcePreEvent", "create"))
        progress.on_event(step("resOutputsEvent", "create"))
        progress.on_event(step("resourcePreEvent", "same", SERVICE))
        progress.on_event(step("resOutputsEvent", "same", SERVICE))
        progress.on_event(summary(create=1, same=1))
    told = captured.err.getvalue()
    assert "created aws:Role roles-task (0.0 s)" in told
    assert "service" not in told
    assert "hush" not in told
    assert progress.changes == {"create": 1, "same": 1}
    assert [(s.urn, s.operation) for s in progress.steps] == [(ROLE, "create")]


def test_a_preview_says_what_would_happen(captured: Captured) -> None:
    with Progress(captured.screen, "Previewing", preview=True) as progress:
        progress.on_event(step("resourcePreEvent", "replace", diffs=["cpu"]))
        progress.on_event(step("resOutputsEvent", "replace"))
    assert "would replace aws:Role roles-task" in captured.err.getvalue()
    assert progress.steps[0].properties == ("cpu",)


def test_errors_are_kept_and_debug_is_dropped(captured: Captured) -> None:
    with Progress(captured.screen, "Updating") as progress:
        progress.on_event(diagnostic("<{%fg 1%}>denied<{%reset%}>", "error"))
        progress.on_event(diagnostic("noise", "debug"))
        progress.on_event(diagnostic("Step 1/4 : FROM base", "info"))
        progress.on_event(step("resourcePreEvent", "create"))
        progress.on_event(step("resOpFailedEvent", "create"))
    told = captured.err.getvalue()
    assert [(f.message, f.urn) for f in progress.failures] == [("denied", ROLE)]
    assert "noise" not in told
    assert "aws:Role roles-task: Step 1/4 : FROM base" in told
    assert "failed: create aws:Role roles-task" in told


def test_components_are_not_told_and_are_no_drift(captured: Captured) -> None:
    component = step("resourcePreEvent", "create")
    assert component.resource_pre_event is not None
    assert component.resource_pre_event.metadata.new is not None
    component.resource_pre_event.metadata.new.custom = False
    with Progress(captured.screen, "Updating") as progress:
        progress.on_event(component)
        for _ in range(2):  # once when it is registered, once when its outputs are
            progress.on_event(step("resOutputsEvent", "create"))
    assert captured.err.getvalue() == ""
    assert progress.drifted == []


def test_a_refresh_that_ends_otherwise_is_drift(captured: Captured) -> None:
    with Progress(captured.screen, "Refreshing") as progress:
        progress.on_event(step("resourcePreEvent", "refresh"))
        progress.on_event(step("resOutputsEvent", "update", diffs=["cidr"]))
        progress.on_event(step("resourcePreEvent", "refresh", SERVICE))
        progress.on_event(step("resOutputsEvent", "same", SERVICE))
    assert [(d.urn, d.properties) for d in progress.drifted] == [(ROLE, ("cidr",))]


def test_a_plain_log_says_what_still_goes_on(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STILL_SECONDS", 0.0)
    with Progress(captured.screen, "Updating") as progress:
        progress.on_event(step("resourcePreEvent", "create"))
        await_words("still at create aws:Role roles-task", captured)


def test_a_plain_log_says_that_it_goes_on_before_the_engine_begins_a_step(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while the program builds an image."""
    monkeypatch.setattr("automation.screen.SILENT_SECONDS", 0.0)
    with Progress(captured.screen, "Updating"):
        await_words("Updating goes on", captured)


def test_a_terminal_shows_a_table_and_never_deadlocks() -> None:
    err = io.StringIO()
    screen = Screen(err=Console(file=err, force_terminal=True, width=120), out=Console(file=err))
    with Progress(screen, "Updating") as progress:
        for _ in range(200):
            progress.on_event(step("resourcePreEvent", "create"))
            progress.on_event(step("resOutputsEvent", "create"))
        progress.on_event(step("resourcePreEvent", "create", SERVICE))
        deadline = time.monotonic() + 30
        while "aws:Service service" not in err.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "create" in err.getvalue()
    assert "aws:Service service" in err.getvalue()
