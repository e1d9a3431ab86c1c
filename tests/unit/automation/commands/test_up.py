"""The report of `up`: what the engine said stands first, whatever happens afterwards."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from automation.aws.ecs import ServiceName
from automation.deployment import processes
from automation.deployment import report as module
from automation.deployment.report import Done, report
from automation.deployment.rollout import Watch
from automation.deployment.verdict import Verdict
from automation.errors import DriverError, EngineFailed, ServiceFailed
from automation.unexpected_errors import AGAIN
from infra.names import Names
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured

URN = "urn:pulumi:local::p::fargate-cd:infra:Service$aws:ecs/service:Service::service-service"
REFUSED: Any = {"Error": {"Code": "ServiceUnavailable", "Message": "try later"}}
SILENT: list[Exception] = [
    EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    ClientError(REFUSED, "DescribeServices"),
]


class SilentCloud:
    """An account that nobody answers for."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def client(self, _service: str) -> Any:
        raise self.error

    def now(self) -> datetime:
        return datetime.now(UTC)

    def pages(self, *_names: str, **_arguments: Any) -> Any:
        raise self.error


@pytest.fixture(autouse=True)
def watch_of_a_silent_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "watched", lambda session: Watch(session.cloud, session.service))


def session(captured: Captured, folder: Path, error: Exception) -> Any:
    cloud, name = SilentCloud(error), ServiceName("c", "s")
    return SimpleNamespace(
        screen=captured.screen,
        file=SimpleNamespace(name="local", settings=Settings.parse({"target": "local"})),
        target=SimpleNamespace(failure_file=lambda _stack: folder / "failure.json"),
        names=Names("fargate-cd", "local"),
        cloud=cloud,
        service=name,
        services={"web": name},
    )


@pytest.mark.parametrize("error", SILENT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("resource", [URN, "urn:pulumi:local::p::aws:lb/x:X::x", None])
def test_the_engines_words_stand_first_where_nobody_answers(
    error: Exception,
    resource: str | None,
    captured: Captured,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    captured.screen.json = True
    kind = ServiceFailed if resource == URN else EngineFailed
    failure = kind("aws:Service service-service: the provider is gone", ["EOF"], resource)
    done = Done(datetime.now(UTC), {"create": 3}, {}, failure)
    assert report(session(captured, tmp_path, error), done) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["result"], document["changes"]) == ("failed", {"create": 3})
    assert document["diagnosis"]["cause"] == failure.message
    assert document["diagnosis"]["evidence"][0] == "EOF"
    said = captured.err.getvalue()
    assert said.index("the provider is gone") < said.index("EOF")
    words = ("AWS can't be asked", "try later")
    assert any(word in said for word in words) == (resource == URN)


BEFORE = Verdict("rolled_back", "The circuit breaker stopped it.", "arn:before")
REFUSAL = ServiceFailed(
    "aws:Service service-service: InvalidParameterException: No such role", [], URN
)


def refused(
    captured: Captured, folder: Path, monkeypatch: pytest.MonkeyPatch, **verdicts: Verdict
) -> Any:
    """What `up` prints whose UpdateService ECS refused; the verdicts are on each process."""
    monkeypatch.setattr(
        processes, "await_all", lambda *given: {name: verdicts[name] for name in given[3]}
    )
    monkeypatch.setattr(module, "gather", lambda *_: pytest.fail("asks about the one before"))
    captured.screen.json = True
    one = session(captured, folder, SILENT[0])
    one.services = dict.fromkeys(verdicts, one.service)
    done = Done(datetime.now(UTC), {"update": 1}, {}, REFUSAL, dict.fromkeys(verdicts, "arn:1"))
    assert report(one, done) == 1


@pytest.mark.parametrize("result", ["succeeded", "rolled_back", "failed"])
def test_a_refused_update_is_not_judged_by_the_deployment_before(
    result: Any,
    captured: Captured,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused(captured, tmp_path, monkeypatch, web=replace(BEFORE, result=result))
    document = json.loads(capsys.readouterr().out)
    assert document["result"] == "failed"
    assert "No such role" in document["diagnosis"]["cause"]


def test_what_was_released_beside_a_refused_process_goes_back(
    captured: Captured,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put_back: list[str] = []

    def remember(_session: Any, process: str, _definition: str) -> bool:
        put_back.append(process)
        return True

    monkeypatch.setattr(processes, "_put_back", remember)
    worker = Verdict("succeeded", "r", "arn:2", own=True, process="worker")
    refused(captured, tmp_path, monkeypatch, web=replace(BEFORE, result="succeeded"), worker=worker)
    document = json.loads(capsys.readouterr().out)
    assert put_back == ["worker"]
    assert (document["result"], document["processes"]["web"]) == ("failed", "failed")


def test_a_deployment_that_ecs_began_is_judged_by_ecs(
    captured: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine fails, too, when a deployment does not become steady."""
    verdict = replace(BEFORE, own=True)
    monkeypatch.setattr(processes, "await_all", lambda *_: {"web": verdict})
    one = session(captured, tmp_path, SILENT[0])
    judged = module._judged(one, Done(datetime.now(UTC), {}, {}, REFUSAL), None)
    assert judged.verdict == verdict


def test_a_success_that_nobody_can_confirm_is_none(captured: Captured, tmp_path: Path) -> None:
    done = Done(datetime.now(UTC), {}, {})
    with pytest.raises(DriverError, match="Could not connect") as told:
        report(session(captured, tmp_path, SILENT[0]), done)
    assert told.value.exit_code == 1
    assert told.value.evidence == [AGAIN]
