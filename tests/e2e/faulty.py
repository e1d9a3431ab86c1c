"""An application that goes wrong in every way that its environment asks for, and its stack."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.e2e.checkout import Checkout, until

DOCKERFILE = """\
ARG BASE_IMAGE=public.ecr.aws/docker/library/python:3.13-slim
FROM ${BASE_IMAGE}
ENV PYTHONUNBUFFERED=1
COPY faulty.py /faulty.py
CMD ["python3", "/faulty.py"]
"""

PROGRAM = '''\
"""EXIT: end with this code. EAT: take this many MiB. START: seconds before it listens.
BROKEN: what `/` answers instead of 200. ONLY: but for /always the one path that is there.
LISTEN: the port, in place of the one that it is told."""
import os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if "EXIT" in os.environ:
    print("the table orders is missing")
    sys.exit(int(os.environ["EXIT"]))
eaten = b"x" * (int(os.environ.get("EAT", "0")) * 1024 * 1024)
time.sleep(float(os.environ.get("START", "0")))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        broken = self.path == "/" and os.environ.get("BROKEN")
        if self.path not in (os.environ.get("ONLY", self.path), "/always"):
            broken = 404
        self.send_response(int(broken or 200))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


port = int(os.environ.get("LISTEN") or os.environ["PORT"])
server = ThreadingHTTPServer(("0.0.0.0", port), Handler)
print(f"listening on port {port}")
server.serve_forever()
'''

SETTINGS = {
    "app_path": "faulty",
    # Three tasks that fail at once trip the circuit breaker, whose least threshold is three.
    "desired_count": 3,
    "deregistration_delay": 1,
    "stop_timeout": 2,
}


def prepare(checkout: Checkout, **settings: object) -> None:
    """Put the application into a checkout and set its stack up for it."""
    folder = checkout.root / "faulty"
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "faulty.py").write_text(PROGRAM)
    checkout.configure(**(SETTINGS | settings))


def up(checkout: Checkout, exit_code: int = 0, *arguments: str) -> dict[str, Any]:
    """The document of an `up`."""
    return checkout.json("up", "--stack", "local", "--yes", *arguments, exit_code=exit_code)


def diagnosis(checkout: Checkout) -> dict[str, Any]:
    """What `diagnose` finds."""
    found: dict[str, Any] = checkout.json("diagnose", "--stack", "local")["diagnosis"]
    return found


def names(checkout: Checkout) -> dict[str, str]:
    """The arguments of ECS calls about the stack's service."""
    return {"cluster": "fargate-cd-local", "service": "fargate-cd-local"}


def until_running(checkout: Checkout, count: int, process: str = "") -> None:
    """Wait until a service runs so many tasks: the application's, or a process's of that name."""
    ecs, where = checkout.client("ecs"), names(checkout)
    service = where["service"] + (f"_{process}" if process else "")

    def runs() -> bool:
        found = ecs.describe_services(cluster=where["cluster"], services=[service])["services"]
        return bool(found[0]["runningCount"] == count)

    until(runs)


def until_said(checkout: Checkout, words: str, times: int = 1) -> None:
    """Wait until the application has written as many lines with these words."""
    logs, group = checkout.client("logs"), f"/ecs/{names(checkout)['cluster']}/app"

    def said() -> bool:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [event["message"] for page in pages for event in page["events"]]
        return sum(words in line for line in lines) >= times

    until(said)


def wait_for_end(checkout: Checkout, seconds: float = 240) -> str:
    """Wait until the newest deployment of the service has ended; returns its status."""
    ecs = checkout.client("ecs")
    deadline = time.monotonic() + seconds
    status = ""
    while time.monotonic() < deadline:
        rows = ecs.list_service_deployments(**names(checkout))["serviceDeployments"]
        newest = max(rows, key=lambda row: row["createdAt"])
        status = str(newest["status"])
        if status in {"SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED"}:
            return status
        time.sleep(0.5)
    raise AssertionError(f"the deployment has not ended after {seconds} s: {status}")


@dataclass
class Visitor:
    """Somebody who asks a URL all the time; counts what is not a 200."""

    url: str
    answers: int = 0
    faults: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join(timeout=30)

    def _visit(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                with urllib.request.urlopen(self.url, timeout=20) as answer:
                    answer.read()
                self.answers += 1
            except urllib.error.HTTPError as error:
                self._note(error.code, began)
            except (OSError, http.client.HTTPException) as error:
                self._note(error, began)
            self._ended.wait(0.1)

    def _note(self, what: object, began: float) -> None:
        """Keep a fault, with how long the request took: one longer than the drain is cut off."""
        self.faults.append(f"{time.time():.1f}: {what} after {time.monotonic() - began:.1f} s")


def fails(checkout: Checkout, url: str, *arguments: str) -> dict[str, Any]:
    """An `up` that must be rolled back while the old version goes on answering.

    Returns:
        Its diagnosis, which `diagnose` finds too.
    """
    with Visitor(f"{url}/health") as visitor:
        document = up(checkout, 1, "--no-smoke", *arguments)
    assert visitor.answers > 0
    assert visitor.faults == []
    assert document["result"] == "rolled_back", document
    later = diagnosis(checkout)
    assert (later["name"], later["setting"]) == (
        document["diagnosis"]["name"],
        document["diagnosis"]["setting"],
    )
    assert later["evidence"]
    return later


def heals(checkout: Checkout) -> None:
    """An `up` that must end healthy, with nothing left to diagnose."""
    document = up(checkout, 0, "--no-smoke")
    assert document["result"] == "succeeded"
    assert diagnosis(checkout) is None
