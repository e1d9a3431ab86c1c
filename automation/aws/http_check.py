"""Whether a service answers at its URL, also where its host name is not in DNS (yet)."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

ANSWER_SECONDS = 30.0
"""How long a healthy service may take until its URL answers from here."""

TIMEOUT_SECONDS = 5.0

AUTHORITY = "FARGATE_CD_CERTIFICATE_AUTHORITY"
"""The variable with the file of a certificate authority to trust beside the usual ones; that of
the local cloud stands in its environment."""

LOCAL, LOOPBACK = ".localhost", "127.0.0.1"
"""Names that lead to this machine, which browsers and curl know without a resolver
(https://www.rfc-editor.org/rfc/rfc6761#section-6.3)."""

HEADERS = {"User-Agent": "fargate-cd", "Connection": "close"}


class UnknownNameError(OSError):
    """The host's name could not be resolved."""


def url_answers(
    url: str,
    balancer: str | None = None,
    seconds: float = ANSWER_SECONDS,
    still: Callable[[str], None] = lambda _line: None,
) -> tuple[bool, str]:
    """Ask the service's URL until it answers below 500.

    Args:
        url: the service's URL.
        balancer: the load balancer's own host name, which is asked where that of the URL can't be
            resolved, since a new record takes a while and may be left to the user.
        seconds: how long to go on asking.
        still: is told after every answer that is not the wanted one.

    Returns:
        Whether it did, and a sentence about the last answer.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer, where = _answer(url), ""
        host = urlsplit(url).hostname or ""
        if isinstance(answer, UnknownNameError) and host.endswith(LOCAL):
            answer = _answer_at(url, LOOPBACK)
        elsewhere = isinstance(answer, UnknownNameError) or host.endswith(LOCAL)
        if isinstance(answer, OSError) and elsewhere and balancer:
            answer = _answer_at(url, balancer)
            where = f" at {balancer}; {host} {_missing(host)}"
        if isinstance(answer, int) and answer < 500:
            return True, f"{url} answers {answer}{where}."
        still(f"Waiting for {url}: {answer}")
        if time.monotonic() > deadline:
            if isinstance(answer, int):
                return False, f"{url} answers {answer}{where}."
            return False, f"{url} can't be reached from here: {answer}{where}."
        time.sleep(0.5)


def _missing(host: str) -> str:
    """Why a name does not open as it is."""
    if host.endswith(LOCAL):
        return f"is not let in at {LOOPBACK}: a port is taken there, or needs privilege"
    return "is not known here yet and must point there"


def _answer(url: str) -> int | OSError:
    """The status that a URL answers with, by way of the machine's proxy if there is one."""
    request = urllib.request.Request(url, headers=HEADERS)  # noqa: S310
    try:
        with urllib.request.urlopen(  # noqa: S310
            request, timeout=TIMEOUT_SECONDS, context=_context()
        ) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError as error:
        if isinstance(error.reason, socket.gaierror):
            return UnknownNameError(str(error.reason))
        return error.reason if isinstance(error.reason, OSError) else OSError(error.reason)
    except OSError as error:
        return error


def _answer_at(url: str, address: str) -> int | OSError:
    """The status that another host answers with when asked for a URL.

    Args:
        url: the URL.
        address: the host; one with a port, which stands for port 80 there, is asked for plain
            HTTP, and names the port that stands for HTTPS by its redirect.
    """
    host, _, port = address.partition(":")
    if not port:
        return _asked(url, host)[0]
    parts = urlsplit(url)
    status, location = _asked(f"http://{parts.hostname}:{port}{parts.path}", host)
    if isinstance(status, int) and location.startswith(f"https://{parts.hostname}:"):
        return _asked(location, host)[0]
    return status


def _asked(url: str, address: str) -> tuple[int | OSError, str]:
    """The status that a host answers with when asked for a URL, and where it sends the client."""
    parts = urlsplit(url)
    kind = _Tls if parts.scheme == "https" else _Plain
    connection = kind(parts.hostname or "", parts.port, address)
    try:
        connection.request("GET", parts.path or "/", headers=HEADERS)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location", "")
    except (OSError, http.client.HTTPException) as error:
        return (error if isinstance(error, OSError) else OSError(repr(error))), ""
    finally:
        connection.close()


class _Plain(http.client.HTTPConnection):
    """A connection to `address` for the requests of another host."""

    def __init__(self, host: str, port: int | None, address: str) -> None:
        super().__init__(host, port, timeout=TIMEOUT_SECONDS)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), TIMEOUT_SECONDS)


class _Tls(_Plain):
    """The same with TLS, whose certificate must be the other host's."""

    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        super().connect()
        self.sock = _context().wrap_socket(self.sock, server_hostname=self.host)


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority = os.environ.get(AUTHORITY)
    if authority and Path(authority).exists():
        context.load_verify_locations(authority)
    return context
