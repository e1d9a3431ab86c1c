"""The run of the container as ECS would run it: what is asked of Docker, and what it tells."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from automation.machine.docker_engine import DockerError, Engine
from automation.preflight import container_run
from infra.settings.model import Settings


@dataclass(frozen=True)
class Fake(Engine):
    """An engine with one container, which listens on a port of this machine."""

    architecture: str = "amd64"
    port: int = 0
    state: dict[str, Any] = field(default_factory=lambda: {"Status": "running"})
    calls: list[tuple[str, ...]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)

    def call(self, *arguments: str) -> str:
        self.calls.append(arguments)
        return "c1\n"

    def inspect(self, _kind: str, _name: str) -> dict[str, Any]:
        ports = {"9292/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(self.port)}]}
        networks = {"bridge": {"IPAddress": "172.17.0.9"}}
        network = {"Ports": ports, "Networks": networks}
        return {"State": self.state, "NetworkSettings": network, "Config": self.config}

    def logs(self, _container: str, _lines: int) -> tuple[str, ...]:
        return ("last words",)


def run(engine: Engine, settings: Settings) -> container_run.Outcome:
    """How the run ended, once the container is removed."""
    with ExitStack() as at_end:
        return container_run.run(engine, "web:1", settings, at_end)


@pytest.fixture
def port() -> Iterator[int]:
    """A server that answers `/` with 200 and everything else with 503."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_the_container_gets_what_the_task_definition_says(port: int) -> None:
    engine = Fake(port=port)
    settings = Settings.parse({"environment": {"A": "b c"}, "memory": 1024})
    assert run(engine, settings).seconds is not None
    (create, start, remove) = engine.calls
    assert create[0] == "create"
    for option in (
        "--publish=127.0.0.1::9292",
        "--env=A=b c",
        "--env=PORT=9292",
        "--memory=1024m",
        "--memory-swap=1024m",
        "--user=10001:10001",
        "--read-only",
        "--cap-drop=ALL",
        "--no-healthcheck",
    ):
        assert option in create
    assert create[-1] == "web:1"
    assert start == ("start", "c1")
    assert remove == ("rm", "--force", "--volumes", "c1")


def test_it_is_asked_as_a_load_balancer_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []

    class Picky(http.server.BaseHTTPRequestHandler):
        """Refuses other hosts than its own address, as Django's ALLOWED_HOSTS does."""

        def do_GET(self) -> None:
            asked.append(dict(self.headers))
            self.send_response(200 if self.headers["Host"] == "172.17.0.9:9292" else 400)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Picky) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        engine = Fake(port=server.server_address[1])
        assert run(engine, Settings.parse({})).seconds is not None
        server.shutdown()
    assert asked[0]["User-Agent"] == "ELB-HealthChecker/2.0"


@pytest.mark.parametrize(
    ("config", "has"),
    [
        ({}, False),
        ({"Healthcheck": None}, False),
        ({"Healthcheck": {"Test": ["NONE"]}}, False),
        ({"Healthcheck": {"Test": ["CMD-SHELL", "curl localhost"]}}, True),
    ],
)
def test_an_images_own_health_check_is_seen(config: dict[str, Any], has: bool) -> None:
    assert container_run.has_health_check(Fake(config=config), "web:1") is has


def test_an_entry_point_and_a_command_follow_docker() -> None:
    described = {"entryPoint": ["/init", "--"], "command": ["serve"]}
    assert "--entrypoint=/init" in container_run.container_options(described)
    assert container_run._command(described) == ["--", "serve"]


@pytest.mark.parametrize(("killed", "words"), [(True, "OutOfMemoryError"), (False, "")])
def test_a_container_that_ends_is_told_as_ecs_would(killed: bool, words: str) -> None:
    engine = Fake(state={"Status": "exited", "ExitCode": 137, "OOMKilled": killed})
    outcome = run(engine, Settings.parse({}))
    assert outcome.seconds is None
    ((name, code, reason),) = outcome.facts.stopped[0].containers
    assert (name, code) == ("app", 137)
    assert reason.startswith(words)
    assert outcome.facts.logs == ("last words",)
    assert engine.calls[-1][0] == "rm"


def test_a_health_path_that_answers_otherwise_is_told(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_run, "grace_period", lambda _: 1)
    settings = Settings.parse({"health_check_path": "/up"})
    outcome = run(Fake(port=port), settings)
    assert outcome.facts.events[0].endswith("Health checks failed with these codes: [503]")


def test_the_update_does_not_wait_until_the_container_is_removed(port: int) -> None:
    going_on = threading.Event()

    @dataclass(frozen=True)
    class Slow(Fake):
        def call(self, *arguments: str) -> str:
            if arguments[0] == "rm":
                assert going_on.wait(60)
                self.calls.append(arguments)
                raise DockerError("is removed by the next command")
            return super().call(*arguments)

    engine = Slow(port=port)
    with ExitStack() as at_end:
        outcome = container_run.run(engine, "web:1", Settings.parse({}), at_end)
        assert outcome.seconds is not None
        assert engine.calls[-1][0] == "start"
        going_on.set()
    assert engine.calls[-1][0] == "rm"
