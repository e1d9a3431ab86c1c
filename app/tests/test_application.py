"""The routes, as a client sees them."""

import json
import logging

import pytest
from starlette.testclient import TestClient

from app.hello.application import create_application
from app.hello.logs import JsonFormatter, LogRequests
from app.hello.settings import Settings

SETTINGS = Settings(release="r-7", commit="abc123", host="container-1")


@pytest.fixture
def client():
    with TestClient(create_application(SETTINGS)) as client:
        yield client


def test_hello_names_release_commit_and_container(client):
    response = client.get("/")
    assert response.status_code == 200
    assert response.text.splitlines() == [
        "Hello World!",
        "release: r-7",
        "commit: abc123",
        "host: container-1",
    ]


def test_hello_is_json_for_those_who_ask(client):
    assert client.get("/", headers={"Accept": "application/json"}).json() == {
        "message": "Hello World!",
        "release": "r-7",
        "commit": "abc123",
        "host": "container-1",
    }


def test_health_answers(client):
    assert client.get("/health").status_code == 200


def test_head_is_answered(client):
    assert client.head("/").status_code == 200


def test_unknown_path(client):
    assert client.get("/nowhere").status_code == 404


def test_answers_are_never_stored(client):
    assert client.get("/").headers["cache-control"] == "no-store"


def test_a_health_check_is_named_in_its_line(client, caplog):
    caplog.set_level(logging.INFO, "hello.requests")
    client.get("/", headers={"User-Agent": "ELB-HealthChecker/2.0"})
    [record] = [r for r in caplog.records if r.name == "hello.requests"]
    assert json.loads(JsonFormatter().format(record))["checker"] == "ELB-HealthChecker/2.0"


def test_one_line_a_request_without_the_query(client, caplog):
    caplog.set_level(logging.INFO, "hello.requests")
    client.get("/?token=hunter2", headers={"Authorization": "hunter2", "X-Amzn-Trace-Id": "Root=1"})
    [record] = [r for r in caplog.records if r.name == "hello.requests"]
    line = JsonFormatter().format(record)
    entry = json.loads(line)
    assert entry["method"] == "GET"
    assert entry["path"] == "/"
    assert entry["status"] == 200
    assert entry["trace"] == "Root=1"
    assert entry["checker"] is None
    assert entry["duration_ms"] >= 0
    assert "hunter2" not in line
    assert "\n" not in line


def test_a_failing_request_is_logged_as_500(caplog):
    async def broken(*_):
        raise RuntimeError("broken")

    caplog.set_level(logging.INFO, "hello.requests")
    client = TestClient(LogRequests(broken), raise_server_exceptions=False)
    assert client.get("/").status_code == 500
    [record] = [r for r in caplog.records if r.name == "hello.requests"]
    assert record.fields["status"] == 500


def test_settings_have_defaults():
    settings = Settings.load({})
    assert (settings.port, settings.release, settings.commit) == (9292, "development", "unknown")
    assert settings.keep_alive_seconds > 60


def test_settings_come_from_the_environment():
    settings = Settings.load({"PORT": "8080", "RELEASE": "r", "COMMIT": "c", "DRAIN_SECONDS": "3"})
    assert (settings.port, settings.release, settings.commit) == (8080, "r", "c")
    assert settings.drain_seconds == 3


@pytest.mark.parametrize("value", ["http", "-1", "65536", "8080.5"])
def test_a_wrong_port_is_named(value):
    with pytest.raises(ValueError, match="PORT is"):
        Settings.load({"PORT": value})
