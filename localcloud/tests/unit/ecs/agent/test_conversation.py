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

HANG_UP = b"\x03\x04"


class Client:
    """Shakes hands, and goes at the first output; the sending side notices it first."""

    def __init__(self) -> None:
        self.gone = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield Message(INPUT, b"{}", PayloadType.HANDSHAKE_RESPONSE).encoded()
        self.gone.wait(30)

    def send(self, data: bytes) -> None:
        if Message.decoded(data).payload_type == PayloadType.OUTPUT:
            self.gone.set()
            raise ConnectionClosedOK(None, None)


def test_a_command_that_misses_the_first_ctrl_c_ends_with_its_client() -> None:
    ours, command = socket.socketpair()
    seen: list[bytes] = []

    def run() -> None:
        with command:
            command.sendall(b"begun")
            seen.extend(command.recv(len(HANG_UP)) for _ in range(2))

    api: Any = SimpleNamespace(
        exec_create=lambda *_, **__: {"Id": "1"},
        exec_start=lambda *_, **__: SimpleNamespace(_sock=ours, close=ours.close),
    )
    client: Any = Client()
    running = threading.Thread(target=run)
    running.start()
    with pytest.raises(ConnectionClosed):
        Conversation(client, api, "session").hold("container", "sh")
    running.join(30)
    assert seen == [HANG_UP, HANG_UP]
