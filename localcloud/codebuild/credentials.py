"""The service role's keys for build containers, on the address that AWS's SDKs trust for it.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
Differs from AWS: the port is not 80, since several local clouds may run on one machine; SDKs are
told by AWS_CONTAINER_CREDENTIALS_FULL_URI.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from localcloud.codebuild.core import Core
from localcloud.ecs.agent.endpoints import ADDRESS
from localcloud.server.serving import Server, listen, serve
from localcloud.shared.service import ServiceError

PATH = "/v2/credentials/"


class CredentialsEndpoint:
    """Answers a build's container, which is known by an unguessable part of the path."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._server: Server | None = None

    def start(self) -> None:
        """Listen where ECS's tasks ask as well, on a port of its own.

        Raises:
            RuntimeError: the address is not this machine's.
        """
        try:
            bound = listen(ADDRESS, 0)
        except OSError as error:
            raise RuntimeError(
                f"Builds could not ask for their role's keys: {ADDRESS} can't be bound ({error})."
            ) from error
        self._core.credentials_url = f"http://{ADDRESS}:{bound.getsockname()[1]}{PATH}"
        self._server = serve(self, bound, "build credentials")

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.stop()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The WSGI application."""
        status, answer = self._answer(environ.get("PATH_INFO", ""))
        body = json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    def _answer(self, path: str) -> tuple[str, dict[str, Any]]:
        token = path.removeprefix(PATH)
        build = next(
            (
                b
                for b in self._core.store.builds
                if b.running and secrets.compare_digest(b.token.encode(), token.encode())
            ),
            None,
        )
        if build is None:
            return "404 Not Found", {"code": "NotFound", "message": "no such build"}
        try:
            keys = self._core.credentials(build)
        except ServiceError as error:
            return "500 Internal Server Error", {"code": error.code, "message": error.message}
        expires = keys.expires_at or datetime.now(UTC)
        return "200 OK", {
            "RoleArn": build.shape["serviceRole"],
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key,
            "Token": keys.session_token,
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
