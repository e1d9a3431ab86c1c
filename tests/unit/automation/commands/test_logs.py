"""Which lines `logs` shows."""

from __future__ import annotations

import pytest

from automation.commands.logs import Wanted, _newest, line

CHECK = '{"status": 200, "checker": "ELB-HealthChecker/2.0"}'
LINES = {
    "plain": "Listening on 8080",
    "check": CHECK,
    "access log of a check": '10.0.0.9 - "GET / HTTP/1.1" 200 "ELB-HealthChecker/2.0"',
    "level": '{"level": "error", "message": "no"}',
    "exception": "ValueError: no",
    "traceback": "Traceback (most recent call last):",
    "status": '{"level": "info", "status": 503}',
    "access log": '10.0.0.9 - "GET / HTTP/1.1" 500 12',
    "mirror": "terrors of mirrors",
}
ERRORS = {"level", "exception", "traceback", "status", "access log"}
CHECKS = {"check", "access log of a check"}


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (Wanted(), LINES.keys() - CHECKS),
        (Wanted(health_checks=True), LINES.keys()),
        (Wanted(errors=True), ERRORS),
        (Wanted(text="LISTENING"), {"plain"}),
        (Wanted(text="status", errors=True), {"status"}),
        (Wanted(text="checker"), set()),
    ],
    ids=["default", "health checks", "errors", "filter", "filter and errors", "filter and checks"],
)
def test_the_lines_that_are_shown(wanted: Wanted, shown: set[str]) -> None:
    assert {name for name, text in LINES.items() if wanted({"message": text})} == shown


@pytest.mark.parametrize(("tail", "left"), [(None, "abc"), (2, "bc"), (9, "abc"), (0, "")])
def test_the_newest_lines(tail: int | None, left: str) -> None:
    assert "".join(event["e"] for event in _newest([{"e": e} for e in "abc"], tail)) == left


@pytest.mark.parametrize(("container", "shown"), [("", 3), ("app", 2), ("otel", 1)])
def test_the_lines_of_one_container(container: str, shown: int) -> None:
    streams = ("app/app/t1", "worker/app/t2", "app/otel/t1")
    events = [{"message": "m", "logStreamName": stream} for stream in streams]
    assert len([each for each in events if Wanted(container=container)(each)]) == shown


def test_a_line_of_a_sidecar_begins_with_its_name() -> None:
    event = {"message": "hello\n", "logStreamName": "app/otel/0123456789", "timestamp": 0}
    assert line(event) == "00:00:00 01234567 otel: hello"
    assert line({**event, "logStreamName": "app/app/0123456789"}) == "00:00:00 01234567 hello"
