"""A session between its client and a command: what is left when one of them goes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from localcloud.ecs.agent.conversation import Conversation
from localcloud.ecs.agent.data_channel import INPUT, Message, PayloadType


class Client:
    """Shakes hands and takes no output: it has gone, which the reader has not noticed yet."""

    def __init__(self) -> None:
        self.noticed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield Message(INPUT, b"{}", PayloadType.HANDSHAKE_RESPONSE).encoded()
        self.noticed.wait(30)

    def send(self, data: bytes) -> None:
        if Message.decoded(data).payload_type == PayloadType.OUTPUT:
            raise ConnectionClosedOK(None, None)


def test_a_command_that_prints_ends_with_its_client() -> None:
    ours, command = socket.socketpair()
    command.sendall(b"begun")
    api: Any = SimpleNamespace(
        exec_create=lambda *_, **__: {"Id": "1"},
        exec_start=lambda *_, **__: SimpleNamespace(_sock=ours, close=ours.close),
    )
    client: Any = Client()
    with pytest.raises(ConnectionClosed):
        Conversation(client, api, "session").hold("container", "sh")
    client.noticed.set()
    with command:
        assert command.recv(16) == b"\x03\x04"
