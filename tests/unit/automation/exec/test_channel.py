"""Sessions of ExecuteCommand: the client's end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.protocol import State
from websockets.sync.server import ServerConnection, serve

from automation.exec.channel import Session, SessionError
from localcloud.ecs.agent import data_channel
from localcloud.ecs.agent.data_channel import Message, PayloadType


@contextmanager
def agent(*messages: Message) -> Iterator[tuple[dict[str, str], list[Message]]]:
    """An agent that says its part and hears what the client says."""
    heard: list[Message] = []
    ended = threading.Event()

    def talk(connection: ServerConnection) -> None:
        assert json.loads(connection.recv())["TokenValue"] == "token"
        for message in messages:
            connection.send(message.encoded())
        for data in connection:
            assert isinstance(data, bytes)
            heard.append(Message.decoded(data))
        ended.set()

    with serve(talk, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        answer = {
            "sessionId": "one",
            "streamUrl": f"ws://127.0.0.1:{port}/",
            "tokenValue": "token",
        }
        yield answer, heard
        assert ended.wait(60)
        server.shutdown()


def stream(kind: PayloadType, payload: bytes, sequence: int) -> Message:
    return Message(data_channel.OUTPUT, payload, kind, sequence)


def test_output_is_shown_once_and_the_last_words_returned() -> None:
    hello = stream(PayloadType.OUTPUT, b"hello", 2)
    screen = bytearray()
    with agent(
        stream(PayloadType.HANDSHAKE_REQUEST, data_channel.handshake_request(), 0),
        stream(PayloadType.HANDSHAKE_COMPLETE, data_channel.handshake_complete(), 1),
        hello,
        hello,  # sent again, since its acknowledgement was late
        data_channel.closed("one", "good bye"),
    ) as (answer, _):
        assert Session(answer, screen.extend).hold() == "good bye"
    assert screen == b"hello"


def test_what_came_before_the_end_is_shown_though_nobody_takes_its_acknowledgement() -> None:
    gone = threading.Event()
    screen = bytearray()

    def talk(connection: ServerConnection) -> None:
        connection.recv()
        for number, word in enumerate((b"one ", b"two ", b"<exit:7>")):
            connection.send(stream(PayloadType.OUTPUT, word, number).encoded())
        connection.send(data_channel.closed("one", "good bye").encoded())

    def late(output: bytes) -> None:
        assert gone.wait(60)
        screen.extend(output)

    with serve(talk, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        answer = {"sessionId": "one", "streamUrl": f"ws://127.0.0.1:{port}/", "tokenValue": "t"}
        session = Session(answer, late)

        def watch() -> None:
            while session._channel is None or session._channel.state is not State.CLOSED:
                time.sleep(0.01)
            gone.set()

        threading.Thread(target=watch, daemon=True).start()
        assert session.hold() == "good bye"
        server.shutdown()
    assert bytes(screen) == b"one two <exit:7>"


def test_encryption_is_answered_as_unsupported() -> None:
    asked = {"RequestedClientActions": [{"ActionType": "KMSEncryption", "ActionParameters": {}}]}
    with agent(
        stream(PayloadType.HANDSHAKE_REQUEST, json.dumps(asked).encode(), 0),
        data_channel.closed("one", ""),
    ) as (answer, heard):
        Session(answer, bytearray().extend).hold()
    # the agent has heard everything by now
    response = next(m for m in heard if m.payload_type == PayloadType.HANDSHAKE_RESPONSE)
    assert json.loads(response.payload)["ProcessedClientActions"][0]["ActionStatus"] == 3


def test_an_agent_that_is_not_there_is_told() -> None:
    answer = {"sessionId": "one", "streamUrl": "ws://127.0.0.1:1/", "tokenValue": "token"}
    with pytest.raises(SessionError, match="The session one ended"):
        Session(answer, bytearray().extend).hold()
