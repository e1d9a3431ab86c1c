"""Between a Session Manager client and a command in a container."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from docker.errors import APIError
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from localcloud.ecs.agent import data_channel
from localcloud.ecs.agent.command_line import UnfinishedCommandError, split
from localcloud.ecs.agent.data_channel import Message, PayloadType

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 30.0
HANG_UP_SECONDS = 10.0
"""How long a command may take to end once its client has gone; then it is left to itself."""
AGAIN_SECONDS = 0.5
OUTPUT_KEPT = 4 * 1024 * 1024
"""Bytes of a session's output that are kept for its log; what comes after is left out."""
_CHUNK = 4096
_HANG_UP = b"\x03\x04"
"""Ctrl-C and Ctrl-D: what ends a command or a shell whose client has gone."""

ENVIRONMENT = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
_REFUSED = "Unable to start command: "
_OCI_ERROR = b"OCI runtime exec failed"
"""How Docker tells, as the command's output, that it could not start it."""


class _NotStartedError(Exception):
    """The command could not be started; the message is the agent's."""


def _in_words_of_go(program: str, told: bytes) -> str:
    if b"permission denied" in told:
        return f"fork/exec {program}: permission denied"
    if "/" in program:
        return f"fork/exec {program}: no such file or directory"
    return f'exec: "{program}": executable file not found in $PATH'


def _await_end(terminal: socket.socket) -> None:
    """Read what nobody takes any more, while the command is ended."""
    end = time.monotonic() + HANG_UP_SECONDS
    terminal.settimeout(HANG_UP_SECONDS)
    with suppress(OSError):  # it closed the terminal, or is silent
        while terminal.recv(_CHUNK) and time.monotonic() < end:
            pass


class Conversation:
    """One session, from the handshake to the command's end.

    Args:
        connection: the client's WebSocket.
        api: Docker's low-level API.
        session_id: the session's name.

    Attributes:
        output: what the command printed, for the session's log.
    """

    def __init__(self, connection: ServerConnection, api: Any, session_id: str) -> None:
        self._connection, self._api, self._id = connection, api, session_id
        self._sending = threading.Lock()
        self._sent = 0
        self._expected = 0
        self._agreed, self._ended = threading.Event(), threading.Event()
        self._execution: str | None = None
        self._terminal: socket.socket | None = None
        self._early = bytearray()
        self._size: dict[str, int] | None = None
        self.output = bytearray()

    def hold(self, container: str, command: str) -> None:
        """Shake hands, run the command, pass both directions on until it ends.

        Raises:
            TimeoutError: the client did not shake hands.
            docker.errors.APIError: the command can't be started.
            websockets.exceptions.ConnectionClosed: the client has gone.
        """
        threading.Thread(target=self._read, daemon=True, name="ecs session").start()
        self._send(PayloadType.HANDSHAKE_REQUEST, data_channel.handshake_request())
        if not self._agreed.wait(HANDSHAKE_SECONDS):
            raise TimeoutError("the client did not answer the handshake")
        self._send(PayloadType.HANDSHAKE_COMPLETE, data_channel.handshake_complete())
        try:
            self._run(container, split(command))
            last = ""
        except UnfinishedCommandError as error:
            last = f"{_REFUSED}Failed to parse commands input: {error}"
        except _NotStartedError as error:
            last = f"{_REFUSED}Failed to start pty: {error}"
        self._connection.send(data_channel.closed(self._id, last).encoded())

    def _run(self, container: str, words: list[str]) -> None:
        """Run the words without a shell, as root whatever user the container has: so does AWS.

        The user is a number, since an image without a shell often has no list of users.
        """
        self._execution = self._api.exec_create(
            container, words, stdin=True, tty=True, user="0", environment=ENVIRONMENT
        )["Id"]
        stream: Any = self._api.exec_start(self._execution, tty=True, socket=True)
        try:
            terminal: socket.socket = stream._sock
            with self._sending:
                terminal.sendall(bytes(self._early))
                self._terminal = terminal
                size = self._size
            if size is not None:
                self._resize(size)
            while chunk := terminal.recv(_CHUNK):
                if not self.output and chunk.startswith(_OCI_ERROR):
                    raise _NotStartedError(_in_words_of_go(words[0], chunk))
                self.output += chunk[: max(0, OUTPUT_KEPT - len(self.output))]
                self._send(PayloadType.OUTPUT, chunk)
        except ConnectionClosed:
            _await_end(terminal)
            raise
        finally:
            self._ended.set()
            self._terminal = None
            stream.close()

    def _send(self, kind: PayloadType, payload: bytes) -> None:
        with self._sending:
            message = Message(data_channel.OUTPUT, payload, kind, self._sent)
            self._sent += 1
            self._connection.send(message.encoded())

    def _read(self) -> None:
        try:
            for data in self._connection:
                if isinstance(data, bytes):
                    self._take(Message.decoded(data))
        except (ConnectionClosed, ValueError, OSError) as error:
            log.info("the session %s lost its client: %s", self._id, error)
        self._hang_up()

    def _hang_up(self) -> None:
        """Type Ctrl-C until the command ends: a shell misses one while it starts a program."""
        end = time.monotonic() + HANG_UP_SECONDS
        while time.monotonic() < end:
            self._type(_HANG_UP)
            if self._ended.wait(AGAIN_SECONDS):
                return

    def _take(self, message: Message) -> None:
        """A message of the client; one that was sent again is acknowledged again, no more."""
        if message.kind != data_channel.INPUT:
            return
        with self._sending:
            self._connection.send(data_channel.acknowledgement(message).encoded())
        if message.sequence != self._expected:
            return
        self._expected += 1
        if message.payload_type == PayloadType.HANDSHAKE_RESPONSE:
            self._agreed.set()
        elif message.payload_type == PayloadType.OUTPUT:
            self._type(message.payload)
        elif message.payload_type == PayloadType.SIZE:
            with self._sending:
                self._size = json.loads(message.payload)  # kept for a terminal that is yet to come
                started = self._terminal is not None
            if started:
                self._resize(self._size)
        elif message.payload_type == PayloadType.FLAG:
            self._type(_HANG_UP)

    def _resize(self, size: dict[str, int]) -> None:
        try:
            self._api.exec_resize(self._execution, height=size["rows"], width=size["cols"])
        except APIError as error:  # the command ended first; its output and status are what counts
            log.info("the terminal of the session %s kept its size: %s", self._id, error)

    def _type(self, keys: bytes) -> None:
        """Pass keys on; those that come before the terminal does are kept for it."""
        with self._sending:
            if self._terminal is None:
                self._early += keys
                return
            terminal = self._terminal
        try:
            terminal.sendall(keys)
        except OSError as error:
            log.info("the session %s has ended: %s", self._id, error)
