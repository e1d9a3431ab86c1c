"""A session of ExecuteCommand without the Session Manager plugin: the client's end of its channel.

It speaks the part of the protocol that a command on a terminal needs. A cluster that encrypts its
sessions with a KMS key needs the plugin: that handshake is answered with "unsupported", and the
agent ends the session.

https://github.com/aws/session-manager-plugin
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from automation.exec import data_channel
from automation.exec.data_channel import Message, PayloadType

CLIENT_VERSION = "1.2.0.0"
_SUPPORTED, _UNSUPPORTED = 1, 3


class SessionError(Exception):
    """A session could not be opened or broke off; the text says why."""


@dataclass
class Session:
    """One session, from the answer of ExecuteCommand.

    Args:
        answer: the answer's `session`: sessionId, streamUrl, tokenValue.
        screen: takes what the command prints.
        size: the terminal's columns and rows, if there is one.
    """

    answer: Mapping[str, str]
    screen: Callable[[bytes], Any]
    size: tuple[int, int] | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    """Set once the command runs: what is typed before is kept for it."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._sent = 0
        self._channel: ClientConnection | None = None

    def hold(self) -> str:
        """Exchange messages until the command ends.

        Returns:
            The agent's last words, mostly none.

        Raises:
            SessionError: no such session, a wrong token, or a connection that broke off.
        """
        try:
            with connect(self.answer["streamUrl"], proxy=None, max_size=None) as channel:
                self._channel = channel
                channel.send(
                    json.dumps(
                        {
                            "MessageSchemaVersion": "1.0",
                            "RequestId": self.answer["sessionId"],
                            "TokenValue": self.answer["tokenValue"],
                        }
                    )
                )
                return self._listen(channel)
        except (ConnectionClosed, InvalidHandshake, OSError, ValueError) as error:
            raise SessionError(f"The session {self.answer['sessionId']} ended: {error}") from error

    def type(self, keys: bytes) -> None:
        """Send what was typed; waits for the command to run.

        Raises:
            websockets.exceptions.ConnectionClosed: the session has ended.
        """
        self.ready.wait()
        self._send(PayloadType.OUTPUT, keys)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the command its terminal's size."""
        self._send(PayloadType.SIZE, json.dumps({"cols": columns, "rows": rows}).encode())

    def _send(self, kind: PayloadType, payload: bytes) -> None:
        if self._channel is None:
            raise SessionError("The session is not open yet.")
        with self._lock:
            message = Message(data_channel.INPUT, payload, kind, self._sent)
            self._sent += 1
            self._channel.send(message.encoded())

    def _listen(self, channel: ClientConnection) -> str:
        expected = 0
        for data in channel:
            if not isinstance(data, bytes):
                continue
            message = Message.decoded(data)
            if message.kind == data_channel.CLOSED:
                return str(json.loads(message.payload).get("Output") or "")
            if message.kind != data_channel.OUTPUT:
                continue
            # An agent that is done takes no answer, but what it said before is still to be read.
            with self._lock, suppress(ConnectionClosedOK):
                channel.send(message.acknowledgement().encoded())
            if message.sequence == expected:
                expected += 1
                with suppress(ConnectionClosedOK):
                    self._take(message)
        return ""

    def _take(self, message: Message) -> None:
        if message.payload_type == PayloadType.HANDSHAKE_REQUEST:
            asked = json.loads(message.payload).get("RequestedClientActions", [])
            self._send(PayloadType.HANDSHAKE_RESPONSE, _handshake(asked))
        elif message.payload_type == PayloadType.HANDSHAKE_COMPLETE:
            self.ready.set()
            if self.size is not None:
                self.resize(*self.size)
        elif message.payload_type in (PayloadType.OUTPUT, PayloadType.ERROR):
            if not self.ready.is_set():  # an agent that shakes no hands
                self.ready.set()
            self.screen(message.payload)


def _handshake(asked: list[dict[str, Any]]) -> bytes:
    answers = [
        {
            "ActionType": action["ActionType"],
            "ActionStatus": _SUPPORTED if action["ActionType"] == "SessionType" else _UNSUPPORTED,
            "ActionResult": None,
            "Error": "" if action["ActionType"] == "SessionType" else "Unsupported action",
        }
        for action in asked
    ]
    content = {"ClientVersion": CLIENT_VERSION, "ProcessedClientActions": answers, "Errors": []}
    return json.dumps(content).encode()
