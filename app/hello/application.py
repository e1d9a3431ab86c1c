"""The service's routes."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .logs import LogRequests
from .settings import Settings

GREETING = "Hello World!"
_NEVER_STORED = {"Cache-Control": "no-store", "Vary": "Accept"}


def create_application(settings: Settings) -> Starlette:
    """The service as an ASGI application."""

    def hello(request: Request) -> Response:
        facts = {"release": settings.release, "commit": settings.commit, "host": settings.host}
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"message": GREETING, **facts}, headers=_NEVER_STORED)
        lines = [GREETING, *(f"{name}: {value}" for name, value in facts.items())]
        return PlainTextResponse("\n".join(lines) + "\n", headers=_NEVER_STORED)

    def health(_: Request) -> Response:
        """Whether this process answers; it asks nothing of anyone else."""
        return PlainTextResponse("ok\n", headers=_NEVER_STORED)

    return Starlette(
        routes=[Route("/", hello), Route("/health", health)],
        middleware=[Middleware(LogRequests)],
    )
