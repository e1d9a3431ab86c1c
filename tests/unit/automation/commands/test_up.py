"""The report of `up`: what the engine said stands first, whatever happens afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from automation.aws.ecs import ServiceName
from automation.deployment.report import Done, report
from automation.deployment.rollout import Watch
from automation.errors import EngineFailed, ServiceFailed
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

    def pages(self, *_names: str, **_arguments: Any) -> Any:
        raise self.error


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
        watch=lambda: Watch(cloud, name),  # type: ignore[arg-type]
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


def test_a_success_that_nobody_can_confirm_is_none(captured: Captured, tmp_path: Path) -> None:
    done = Done(datetime.now(UTC), {}, {})
    with pytest.raises(EndpointConnectionError):
        report(session(captured, tmp_path, SILENT[0]), done)
