"""The repository of the settings is made once, in the local Git host alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from automation.errors import DriverError
from automation.machine import git_host
from automation.stack.target import TARGETS
from infra.settings.model import Settings
from localcloud.server.serving import listen, serve
from tests.unit.automation.conftest import Captured

SETTINGS = Settings.parse(
    {"github_owner": "acme", "github_repository": "hello", "github_token": "word"}
)


class Host:
    """A Git host that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.repositories: set[str] = set()
        self.refuses = False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        self.asked.append(f"{request.method} {request.path}")
        status = 200
        if request.method == "POST":
            self.repositories.add(request.get_json()["name"])
            status = 422 if self.refuses else 201
        elif request.path.rpartition("/")[2] not in self.repositories:
            status = 404
        return Response("{}", status, content_type="application/json")(environ, start_response)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host()
    server = serve(made, listen("127.0.0.1", 0), "git host of a test")
    monkeypatch.setenv("GITHUB_BASE_URL", f"http://127.0.0.1:{server.port}/")
    yield made
    server.stop()


def test_it_is_made_once(host: Host, captured: Captured) -> None:
    for _ in range(2):
        TARGETS["local"].before_up(SETTINGS, captured.screen)
    assert host.asked == [
        "GET /api/v3/repos/acme/hello",
        "POST /api/v3/orgs/acme/repos",
        "GET /api/v3/repos/acme/hello",
    ]


def test_without_a_pipeline_nothing_is_asked(host: Host, captured: Captured) -> None:
    git_host.ensure_repository(Settings.parse({}), captured.screen)
    TARGETS["aws"].before_up(SETTINGS, captured.screen)
    assert host.asked == []


def test_a_refusal_is_told(host: Host, captured: Captured) -> None:
    host.refuses = True
    with pytest.raises(DriverError, match="answered 422"):
        git_host.ensure_repository(SETTINGS, captured.screen)


def test_a_host_that_is_gone_is_told(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_BASE_URL", "http://127.0.0.1:9/")
    with pytest.raises(DriverError, match="does not answer"):
        git_host.ensure_repository(SETTINGS, captured.screen)
