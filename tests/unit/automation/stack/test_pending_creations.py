"""A creation that failed without an answer is not forgotten, and is settled like a pending one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi.automation import EngineEvent
from pulumi.automation.errors import CommandError

from automation.engine.progress import Failure, Progress
from automation.errors import DriverError
from automation.recovery.refresh import settle
from automation.stack import operations, pending_creations
from automation.stack.target import Target
from tests.unit.automation.conftest import Captured
from tests.unit.automation.diagnosis import recorded

PREFIX = "urn:pulumi:local::fargate-cd::"
SERVICE = f"{PREFIX}fargate-cd:infra:Service$aws:ecs/service:Service::service-service"
ARN = "arn:aws:ecs:us-east-1:123456789012:service/fargate-cd-local/fargate-cd-local"
CLUSTER: dict[str, Any] = {
    "urn": f"{PREFIX}aws:ecs/cluster:Cluster::c",
    "type": "aws:ecs/cluster:Cluster",
    "custom": True,
    "id": "arn:c",
}
PROVIDER: dict[str, Any] = {
    "urn": f"{PREFIX}pulumi:providers:aws::p",
    "type": "pulumi:providers:aws",
    "custom": True,
    "id": "1",
}
ROW = {
    "urn": SERVICE,
    "type": "aws:ecs/service:Service",
    "custom": True,
    "inputs": {"cluster": "fargate-cd-local", "name": "fargate-cd-local"},
    "parent": f"{PREFIX}fargate-cd:infra:Service::service",
    "provider": f"{PROVIDER['urn']}::1",
}
GONE = "rpc error: code = Unavailable desc = error reading from server: EOF"
REFUSED = "ecs CreateService: InvalidParameterException: Creation of service was not idempotent."


def event(kind: str, **body: Any) -> EngineEvent:
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, kind: body})


def failing(message: str, operation: str = "create") -> Callable[[Any, Progress], None]:
    """An operation of the engine in which the service's creation fails."""

    def operation_of_engine(_stack: object, progress: Progress) -> None:
        metadata = {"op": operation, "urn": SERVICE, "type": ROW["type"], "new": ROW}
        progress.on_event(
            event("diagnosticEvent", message=message, severity="error", color="never", urn=SERVICE)
        )
        progress.on_event(event("resOpFailedEvent", metadata=metadata, status=0, steps=1))
        raise CommandError(SimpleNamespace(stdout="", stderr=message, code=255, command="up"))  # type: ignore[arg-type]

    return operation_of_engine


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the creations are remembered."""
    place = tmp_path / "unsettled" / "local.json"
    monkeypatch.setattr(Target, "pending_file", lambda _self, _stack: place)
    return place


@pytest.mark.parametrize(
    ("message", "remembered"),
    [
        (GONE, True),
        ("rpc error: code = Unavailable desc = connection error: connection refused", True),
        ("ecs CreateService: InternalFailure: fault staged", True),
        ("operation error ECS: CreateService, https response error StatusCode: 500", True),
        ("ecs CreateService: Could not connect to the endpoint URL: http://x", True),
        (REFUSED, False),
        ("operation error ECS: CreateService, https response error StatusCode: 400", False),
        ("iam CreateRole: EntityAlreadyExists: Role with name r already exists.", False),
    ],
)
def test_what_may_have_been_carried_out_is_remembered(
    captured: Captured, file: Path, message: str, remembered: bool
) -> None:
    session = recorded.session(recorded.RecordedCloud({}), captured.screen)
    with pytest.raises(DriverError):
        session.perform("Updating", failing(message))
    assert pending_creations.read(file) == ([ROW] if remembered else [])


def test_an_update_that_fails_is_no_creation(captured: Captured, file: Path) -> None:
    session = recorded.session(recorded.RecordedCloud({}), captured.screen)
    with pytest.raises(DriverError):
        session.perform("Updating", failing(GONE, "update"))
    assert not file.exists()


def test_a_later_failure_adds_to_what_is_not_settled(file: Path) -> None:
    other = ROW | {"urn": "other"}
    newer = ROW | {"inputs": {"name": "newer"}}
    pending_creations.remember(file, [ROW, other])
    pending_creations.remember(file, [newer])
    pending_creations.remember(file, [])
    assert pending_creations.read(file) == [newer, other]
    pending_creations.forget(file)
    assert pending_creations.read(file) == []


def test_it_is_pending_and_depends_on_what_exists() -> None:
    component = {"urn": "urn:component", "type": "fargate-cd:infra:Service", "custom": False}
    old = CLUSTER | {"urn": "old", "delete": True}
    state = {"resources": [PROVIDER, component, CLUSTER, old], "pending_operations": None}
    [operation] = pending_creations.with_pending(state, [ROW])["pending_operations"]
    assert operation == {
        "type": "creating",
        "resource": ROW | {"dependencies": [CLUSTER["urn"]]},
    }


def test_one_that_replaces_another_depends_on_the_same() -> None:
    old = ROW | {"id": "old", "dependencies": ["urn:a"]}
    state = {"resources": [CLUSTER, old]}
    [operation] = pending_creations.with_pending(state, [ROW])["pending_operations"]
    assert operation["resource"]["dependencies"] == ["urn:a"]


def test_what_the_engine_has_noted_itself_is_not_noted_twice() -> None:
    noted = {"type": "creating", "resource": ROW | {"dependencies": ["urn:a"]}}
    state = {"resources": [], "pending_operations": [noted]}
    assert pending_creations.with_pending(state, [ROW])["pending_operations"] == [noted]


def test_unclear_needs_the_word_about_this_resource() -> None:
    assert pending_creations.unclear([ROW], [Failure(GONE, None), Failure(GONE, "other")]) == []


def test_the_next_command_adopts_it(
    captured: Captured, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = {"services": [{"serviceArn": ARN, "status": "ACTIVE"}], "failures": []}
    cloud = recorded.RecordedCloud({"DescribeServices": services})
    session = recorded.session(cloud, captured.screen)
    imported: list[Any] = []
    refreshed: list[Any] = []
    stack: Any = session.stack
    stack.import_stack = imported.append
    stack.refresh = lambda **how: refreshed.append(how.get("target"))
    state = {"version": 3, "deployment": {"resources": [PROVIDER, CLUSTER]}}
    monkeypatch.setattr(operations.Session, "state", lambda _session: state)
    monkeypatch.setattr("automation.recovery.refresh._tell_what_was_lost", lambda _session: False)
    pending_creations.remember(file, [ROW])
    settle(session)
    assert imported[0].deployment["resources"][-1]["id"] == ARN
    assert imported[0].deployment["pending_operations"] == []
    # A local cloud that was killed has lost what it did last, so everything is read first.
    assert refreshed == [None, [SERVICE]]
    assert not file.exists()
    settle(session)
    assert (len(imported), len(refreshed)) == (1, 2)
