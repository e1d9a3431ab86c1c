"""What the local cloud has lost is told by `up`, whether the stack is new or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from automation.machine import local_cloud
from automation.recovery.refresh import settle
from automation.stack.target import TARGETS
from tests.unit.automation.conftest import Captured


@dataclass
class FakeSession:
    """A session whose engine only counts."""

    screen: Any
    created: bool
    target: Any
    pending_file: Path
    performed: list[str] = field(default_factory=list)

    def perform(self, verb: str, _operation: object) -> dict[str, Any]:
        self.performed.append(verb)
        return {}

    def state(self) -> dict[str, Any]:
        return self.perform("Reading the state", None)


def session(captured: Captured, created: bool, target: str = "local") -> FakeSession:
    nothing = Path("/nonexistent/unsettled.json")
    return FakeSession(captured.screen, created, TARGETS[target], nothing)


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = SimpleNamespace(lost_state="The queues are lost.\n")
    monkeypatch.setattr(local_cloud, "local_cloud", lambda: cloud)


@pytest.mark.usefixtures("lost")
def test_an_old_stack_is_refreshed(captured: Captured) -> None:
    one = session(captured, created=False)
    settle(one)  # type: ignore[arg-type]
    assert one.performed == ["Refreshing", "Reading the state"]
    assert "The queues are lost." in captured.err.getvalue()


@pytest.mark.usefixtures("lost")
def test_a_new_stack_has_nothing_to_refresh(captured: Captured) -> None:
    one = session(captured, created=True)
    settle(one)  # type: ignore[arg-type]
    assert one.performed == []
    assert "The queues are lost." in captured.err.getvalue()


@pytest.mark.usefixtures("lost")
def test_on_aws_nothing_is_asked(captured: Captured) -> None:
    one = session(captured, created=False, target="aws")
    settle(one)  # type: ignore[arg-type]
    assert one.performed == ["Reading the state"]
    assert captured.err.getvalue() == ""
