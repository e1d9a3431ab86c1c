"""ExecuteCommand's sessions: a command on a terminal in a container, over a WebSocket.

What differs from AWS: no agent runs inside the container, Docker starts the command, so a
read-only root file system is no hindrance. The channel is not encrypted with a KMS key, since it
does not leave the machine.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from docker.errors import APIError
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from localcloud.ecs.agent import session_logs
from localcloud.ecs.agent.conversation import Conversation
from localcloud.ecs.agent.sessions import Sessions
from localcloud.ecs.core import Core
from localcloud.ecs.model import Task
from localcloud.ecs.runtime import Runtime

log = logging.getLogger(__name__)

PATH = "/v1/data-channel/"
OPEN_WITHIN_SECONDS = 60.0
TOKEN_WITHIN_SECONDS = 30.0


@dataclass
class Shell:
    """One session that was handed out.

    Attributes:
        settings: the cluster's executeCommandConfiguration.
    """

    id: str
    token: str
    task: Task
    container: str
    runtime_id: str
    command: str
    settings: dict[str, Any]
    made: float = field(default_factory=time.monotonic)


class Shells:
    """Serves the sessions on loopback."""

    def __init__(self, core: Core, runtime: Runtime, sessions: Sessions) -> None:
        self._core, self._runtime, self._sessions = core, runtime, sessions
        self._open: dict[str, Shell] = {}
        self._lock = threading.Lock()
        self._server: Server | None = None

    def start(self) -> None:
        """Listen on a free port of the loopback address."""
        self._server = serve(self._serve, "127.0.0.1", 0)
        threading.Thread(target=self._server.serve_forever, daemon=True, name="ecs shells").start()

    def stop(self) -> None:
        """Stop listening; sessions under way end."""
        if self._server is not None:
            self._server.shutdown()

    def open(
        self, task: Task, container: str, runtime_id: str, command: str, settings: dict[str, Any]
    ) -> dict[str, str]:
        """A session's id, address and token, to be used once and soon.

        Args:
            settings: the cluster's executeCommandConfiguration.

        Raises:
            RuntimeError: before `start`.
        """
        if self._server is None:
            raise RuntimeError("the sessions are not being served")
        port = self._server.socket.getsockname()[1]
        identifier = f"ecs-execute-command-{secrets.token_hex(9)}"
        token = secrets.token_urlsafe(32)
        with self._lock:
            now = time.monotonic()
            for key in [k for k, s in self._open.items() if now - s.made > OPEN_WITHIN_SECONDS]:
                del self._open[key]
            self._open[identifier] = Shell(
                identifier, token, task, container, runtime_id, command, settings
            )
        return {
            "sessionId": identifier,
            "streamUrl": f"ws://127.0.0.1:{port}{PATH}{identifier}?role=publish_subscribe",
            "tokenValue": token,
        }

    def _serve(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else ""
        identifier = path.partition("?")[0].removeprefix(PATH)
        with self._lock:
            shell = self._open.pop(identifier, None)
        try:
            if shell is None or not _admitted(connection, shell):
                connection.close(1008, "the session is unknown or its token is wrong")
                return
            self._hold(connection, shell)
        except (ConnectionClosed, TimeoutError, ValueError) as error:
            log.info("the session %s ended: %s", identifier, error)
        except APIError as error:
            log.warning("the session %s could not run its command: %s", identifier, error)
            connection.close(1011, str(error.explanation or error)[:100])

    def _hold(self, connection: ServerConnection, shell: Shell) -> None:
        conversation = Conversation(connection, self._runtime.client.api, shell.id)
        try:
            conversation.hold(shell.runtime_id, shell.command)
        finally:
            session_logs.keep(
                self._sessions,
                shell.task,
                self._core.state.task_definitions[shell.task.definition_arn],
                shell.settings,
                (shell.id, shell.container, bytes(conversation.output)),
            )


def _admitted(connection: ServerConnection, shell: Shell) -> bool:
    """Whether the client's first message carries the session's token."""
    first = json.loads(connection.recv(timeout=TOKEN_WITHIN_SECONDS))
    given = first.get("TokenValue") if isinstance(first, dict) else None
    return secrets.compare_digest(str(given), shell.token)
