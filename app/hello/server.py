"""Runs an application until SIGTERM, and lets what is in flight finish."""

from __future__ import annotations

import sys

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .logs import logging_configuration
from .settings import Settings


def serve(application: ASGIApp, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    From then on no new connection is accepted, idle ones are closed, answers in flight are
    completed with `Connection: close`, and the process ends when the last one is out or after
    `drain_seconds`.
    """

    async def farewell(scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and server.should_exit:
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        await application(scope, receive, told)

    server = uvicorn.Server(_configuration(farewell, settings))
    server.run()
    if not server.started:
        sys.exit(1)


def _configuration(application: ASGIApp, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        host="0.0.0.0",  # noqa: S104 - in a container; only its load balancer reaches the port
        port=settings.port,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=settings.drain_seconds,
        access_log=False,
        log_config=logging_configuration(),
        server_header=False,
        lifespan="off",
        http="h11",
        loop="asyncio",
        ws="none",
    )
