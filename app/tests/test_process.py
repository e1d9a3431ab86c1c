"""The real process: its start, its connections, its end."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

APP = Path(__file__).parent.parent
PATIENCE_SECONDS = 60
"""For everything that happens at once on a machine that is not loaded."""
SLOW_APPLICATION = """
import asyncio
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from hello.server import serve
from hello.settings import Settings
import os

async def slow(request):
    print("asked", flush=True)
    while not os.path.exists(os.environ.get("ANSWERED_AT", "")):
        await asyncio.sleep(0.05)
    return PlainTextResponse("finished")

serve(Starlette(routes=[Route("/", slow)]), Settings.load(os.environ))
"""


class Service:
    """The service as a process, as its container runs it."""

    def __init__(self, *command, **environment):
        # Bound, and so nobody else's; the service's own socket may listen on it all the same.
        self.reserved = socket.socket()
        self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reserved.bind(("127.0.0.1", 0))
        self.port = self.reserved.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=APP,
            env={**os.environ, "PORT": str(self.port), "PYTHONUNBUFFERED": "1", **environment},
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_listening(self):
        self.wait_until_connecting(is_possible=True)

    def wait_until_connecting(self, *, is_possible):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if (probe.connect_ex(("127.0.0.1", self.port)) == 0) is is_possible:
                    return
            time.sleep(0.05)
        pytest.fail(f"connecting: not {is_possible} within {PATIENCE_SECONDS} s")

    def wait_until_asked(self):
        """Until the slow application has the request."""
        for line in self.process.stdout:
            if line == "asked\n":
                return
        pytest.fail("the service ended before it was asked")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)


@pytest.fixture
def start():
    services = []

    def start_service(*command, **environment):
        service = Service(*command, **environment)
        services.append(service)
        service.wait_until_listening()
        return service

    yield start_service
    for service in services:
        service.process.kill()
        service.process.communicate(timeout=PATIENCE_SECONDS)
        service.reserved.close()


def test_serves_and_logs_json_lines(start):
    service = start("-m", "hello", RELEASE="r-1")
    connection = service.connect()
    connection.request("GET", "/?secret=1")
    assert b"release: r-1" in connection.getresponse().read()
    service.process.send_signal(signal.SIGTERM)
    output, _ = service.process.communicate(timeout=PATIENCE_SECONDS)
    entries = [json.loads(line) for line in output.splitlines()]
    [request] = [entry for entry in entries if entry["message"] == "request"]
    assert request["path"] == "/"
    assert "secret" not in output


def test_keeps_a_connection_alive(start):
    service = start("-m", "hello")
    connection = service.connect()
    connection.request("GET", "/")
    connection.getresponse().read()
    first = connection.sock
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    assert connection.sock is first
    assert response.getheader("connection") != "close"


def test_sigterm_finishes_what_is_in_flight_and_refuses_what_is_new(start, tmp_path):
    answered = tmp_path / "answered"
    service = start("-c", SLOW_APPLICATION, ANSWERED_AT=str(answered), DRAIN_SECONDS="120")
    answers = []

    def ask():
        connection = service.connect()
        connection.request("GET", "/")
        response = connection.getresponse()
        answers.append((response.status, response.getheader("connection"), response.read()))

    thread = threading.Thread(target=ask)
    thread.start()
    service.wait_until_asked()
    service.process.send_signal(signal.SIGTERM)
    service.wait_until_connecting(is_possible=False)
    with pytest.raises(ConnectionRefusedError):
        service.connect().request("GET", "/")
    assert (answers, service.process.poll()) == ([], None)
    answered.touch()
    thread.join(timeout=PATIENCE_SECONDS)
    assert answers == [(200, "close", b"finished")]
    assert service.process.wait(timeout=PATIENCE_SECONDS) in (0, -signal.SIGTERM)


def test_sigterm_ends_an_idle_service_at_once(start):
    service = start("-m", "hello", DRAIN_SECONDS="120")
    connection = service.connect()
    connection.request("GET", "/")
    connection.getresponse().read()
    started = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(timeout=PATIENCE_SECONDS)
    assert time.monotonic() - started < 30, "neither the drain nor the connection's time-out"


def test_a_request_longer_than_the_drain_is_cut(start):
    service = start("-c", SLOW_APPLICATION, DRAIN_SECONDS="1")
    connection = service.connect()
    connection.request("GET", "/")
    service.wait_until_asked()
    started = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(timeout=PATIENCE_SECONDS)
    assert time.monotonic() - started > 0.5


def test_a_wrong_setting_ends_with_2():
    finished = subprocess.run(
        [sys.executable, "-m", "hello"],
        cwd=APP,
        env={**os.environ, "PORT": "none"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert finished.returncode == 2
    assert "PORT is 'none'" in finished.stderr
