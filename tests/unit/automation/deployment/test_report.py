"""The report's first line tells when nothing serves, and what brings the service back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from automation.aws.ecs import ServiceName
from automation.deployment import report as module
from automation.deployment.releases import Release
from automation.deployment.report import Done, Judged, report
from automation.deployment.verdict import Verdict
from automation.diagnosis.diagnosis import Diagnosis
from infra.names import Names
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured

SERVICE = {"runningCount": 0, "loadBalancers": []}
EARLIER = Release(3, "web:3", None, datetime.now(UTC), "superseded", "arn:3")


@pytest.fixture
def session(captured: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    cause = Diagnosis("The container's process ended.", [], "the application")
    monkeypatch.setattr(module, "_diagnosis", lambda *_: cause)
    monkeypatch.setattr(module, "stack_releases", lambda *_: [])
    monkeypatch.setattr(module, "describe_service", lambda *_: SERVICE)
    return SimpleNamespace(
        screen=captured.screen,
        file=SimpleNamespace(name="dev", settings=Settings.parse({})),
        target=SimpleNamespace(failure_file=lambda _stack: tmp_path / "failure.json"),
        names=Names("fargate-cd", "dev"),
        cloud=None,
        service=ServiceName("c", "s"),
        services={"web": ServiceName("c", "s")},
    )


def told(session: Any, captured: Captured, verdict: Verdict, monkeypatch: Any) -> str:
    monkeypatch.setattr(module, "_judged", lambda *_: Judged(verdict, {"web": verdict}))
    report(session, Done(datetime.now(UTC), {"update": 1}, {}))
    return captured.out.getvalue()


FAILED = Verdict("failed", "The circuit breaker stopped it.", "d")


def test_nothing_that_serves_is_said_first_with_what_to_do(
    session: Any, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = told(session, captured, FAILED, monkeypatch).splitlines()[0]
    assert "the service is DOWN" in first
    assert "python automation/run.py up --stack dev" in first
    assert "rollback" not in first


@pytest.mark.parametrize("result", ["failed", "rolled_back"])
def test_an_earlier_release_is_offered(
    session: Any, captured: Captured, monkeypatch: pytest.MonkeyPatch, result: Any
) -> None:
    monkeypatch.setattr(module, "stack_releases", lambda *_: [EARLIER])
    first = told(session, captured, Verdict(result, "r", "d"), monkeypatch).splitlines()[0]
    assert "DOWN" in first
    assert "`python automation/run.py rollback --stack dev --to 3` puts release 3 back" in first


@pytest.mark.parametrize("service", [None, {"runningCount": 2, "loadBalancers": []}])
def test_a_service_that_serves_or_never_was_is_not_down(
    session: Any, captured: Captured, monkeypatch: pytest.MonkeyPatch, service: Any
) -> None:
    monkeypatch.setattr(module, "describe_service", lambda *_: service)
    words = told(session, captured, Verdict("rolled_back", "r", "d"), monkeypatch)
    assert "DOWN" not in words
    assert "Rolled back: the version before is serving" in words


def test_a_deployment_that_goes_on_is_said(
    session: Any, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = Verdict("failed", "The rollback has not ended after 300 s.", "d", unfinished=True)
    assert "The rollback has not ended" in told(session, captured, verdict, monkeypatch)


@pytest.mark.parametrize(("free", "asked"), [(False, []), (True, ["http://internal/"])])
def test_an_internal_url_is_asked_only_where_it_can_be_reached(
    session: Any, captured: Captured, monkeypatch: pytest.MonkeyPatch, free: bool, asked: list[str]
) -> None:
    urls: list[str] = []
    session.target.free = free
    monkeypatch.setattr(module, "_awaited", lambda *_: {"web": Verdict("succeeded", "r", "d")})
    monkeypatch.setattr(
        module, "url_answers", lambda url, *_, **__: (bool(urls.append(url)) or True, "answers")
    )
    values = {"service_url": "http://internal", "load_balancer_scheme": "internal"}
    outputs: Any = {k: SimpleNamespace(value=v, secret=False) for k, v in values.items()}
    assert report(session, Done(datetime.now(UTC), {}, outputs)) == 0
    assert urls == asked
    assert ("decides" in captured.err.getvalue()) is not free


def test_each_process_has_its_result(
    session: Any, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.services["worker"] = ServiceName("c", "s_worker")
    bad = Verdict("rolled_back", "r", "d", process="worker")
    both = {"web": Verdict("rolled_back", "r", "d"), "worker": bad}
    monkeypatch.setattr(module, "describe_service", lambda *_: None)
    monkeypatch.setattr(module, "_judged", lambda *_: Judged(bad, both))
    documents: list[dict[str, Any]] = []
    monkeypatch.setattr(session.screen, "document", documents.append)
    assert report(session, Done(datetime.now(UTC), {}, {})) == 1
    assert documents[0]["processes"] == {"web": "rolled_back", "worker": "rolled_back"}
    assert documents[0]["result"] == "rolled_back"
    assert "  worker: rolled back\n" in captured.out.getvalue()
