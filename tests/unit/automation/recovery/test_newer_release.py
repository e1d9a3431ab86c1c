"""`up` reads first what the pipeline or `rollback` has released, and deploys what differs."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from automation.aws.ecs import ServiceName
from automation.recovery import newer_release
from automation.recovery.newer_release import SERVICE, TASK_DEFINITION, take_in, unknown_release
from tests.unit.automation.conftest import Captured

FAMILY = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:"
URN = "urn:pulumi:dev::fargate-cd::"


def row(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """A resource of the state."""
    return {"type": kind, "urn": f"{URN}{kind}::{name}", **more}


def service(name: str, revision: int) -> dict[str, Any]:
    """A service of the state, and the revision that the last `up` deployed."""
    outputs = {"cluster": "c", "name": name, "taskDefinition": f"{FAMILY}{revision}"}
    return row(SERVICE, name, outputs=outputs)


STATE = [
    service("web", 3),
    service("worker", 3),
    row(TASK_DEFINITION, "task-definition"),
    row(TASK_DEFINITION, "old-definition", delete=True),
    row("aws:iam/role:Role", "roles-task"),
]
READ = ["web", "worker", "task-definition"]


class Session:
    """An open stack whose engine notes what it is asked to refresh."""

    created = False
    cloud = None

    def __init__(self, captured: Captured) -> None:
        self.screen = captured.screen
        self.refreshed: list[str] = []

    def state(self) -> dict[str, Any]:
        return {"deployment": {"resources": STATE}}

    def perform(self, _verb: str, operation: Callable[[Any, Any], None]) -> None:
        stack = SimpleNamespace(refresh=lambda target, **_: self.refreshed.extend(target))
        operation(stack, SimpleNamespace(on_event=None))


@pytest.fixture
def session(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stack in which each service runs the revision in `running`; None for one that is gone."""
    one: Any = Session(captured)
    one.running = {"web": 3, "worker": 3}

    def describe(_cloud: None, name: ServiceName) -> dict[str, str] | None:
        revision = one.running[name.service]
        return None if revision is None else {"taskDefinition": f"{FAMILY}{revision}"}

    monkeypatch.setattr(newer_release, "describe_service", describe)
    return one


def test_the_release_of_the_last_up_is_known(session: Any, captured: Captured) -> None:
    take_in(session)
    assert session.refreshed == []
    assert captured.err.getvalue() == ""


@pytest.mark.parametrize("process", ["web", "worker"])
def test_another_release_is_read_before_the_program_is_compared_with_it(
    session: Any, captured: Captured, process: str
) -> None:
    session.running[process] = 4
    take_in(session)
    assert [urn.rpartition("::")[2] for urn in session.refreshed] == READ
    assert "Another release runs than the last `up` deployed" in captured.err.getvalue()


def test_nothing_is_read_where_nothing_can_have_been_released(session: Any) -> None:
    session.running = {"web": None, "worker": None}
    assert unknown_release(session) == []
    session.running, session.created = {"web": 4, "worker": 3}, True
    assert unknown_release(session) == []
