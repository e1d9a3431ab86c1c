"""Which lines `logs` shows."""

from __future__ import annotations

import pytest

from automation.commands.logs import Wanted, _newest

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
