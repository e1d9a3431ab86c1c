"""HTTP servers on loopback and on the Docker network: threads, HTTP/1.1 with keep-alive."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server

from localcloud.emulator.emulator import RequestHandler
from localcloud.shared import clock

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
IDLE_SECONDS = 75
LISTEN_BACKLOG = 256


class _Handler(RequestHandler):
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    server_version = "fargate-cd"
    sys_version = ""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The header `Date`: the time by which the local cloud stamps what it makes."""
        return super().date_time_string(clock.now() if timestamp is None else timestamp)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 -- werkzeug's name
        """Nothing: the gateway and the registry log their calls themselves."""


@dataclass
class Server:
    """A running HTTP server."""

    host: str
    port: int
    _server: BaseWSGIServer
    _thread: threading.Thread

    def stop(self) -> None:
        """Ends the server; requests under way are not waited for."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one.

    Raises:
        OSError: the address is taken, or not this machine's.
    """
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    bound.listen(LISTEN_BACKLOG)
    return bound


def serve(application: Application, bound: socket.socket, name: str) -> Server:
    """Serves an application on a bound socket, in the background."""
    host, port = bound.getsockname()[:2]
    server = make_server(
        host, port, application, threaded=True, request_handler=_Handler, fd=bound.fileno()
    )
    bound.close()  # werkzeug works on a copy
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name=name, daemon=True)
    thread.start()
    return Server(host, port, server, thread)
