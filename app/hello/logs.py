"""Logs: one JSON object a line on standard output, one line a request."""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOG = logging.getLogger("hello.requests")

CHECKER = "ELB-HealthChecker/2.0"
"""What a load balancer's health checks call themselves; `run.py logs` leaves such lines out."""


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON; what `extra={"fields": …}` holds becomes members of it."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        entry.update(getattr(record, "fields", {}))
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def logging_configuration() -> dict[str, Any]:
    """A `logging.config` dictionary: everything, the server's own lines too, as JSON."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
            }
        },
        "root": {"handlers": ["stdout"], "level": "INFO"},
    }


class LogRequests:
    """Logs every request once it is answered, or has failed.

    The path is logged without its query, and no header but the load balancer's, because
    both may carry secrets.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            _LOG.info("request", extra={"fields": _fields(scope, status, started)})


def _fields(scope: Scope, status: int, started: float) -> dict[str, Any]:
    headers = dict(scope["headers"])
    client = scope.get("client")
    return {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "duration_ms": round((time.perf_counter() - started) * 1000, 1),
        "client": client[0] if client else None,
        "trace": headers.get(b"x-amzn-trace-id", b"").decode("latin-1") or None,
        "checker": CHECKER if headers.get(b"user-agent") == CHECKER.encode() else None,
    }
