"""The client's end of a session of ExecuteCommand, as the Session Manager plugin holds it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect

from localcloud.ecs.agent.data_channel import (
    CLOSED,
    INPUT,
    OUTPUT,
    Message,
    PayloadType,
    acknowledgement,
)


def converse(session: Mapping[str, str], screen: Callable[[bytes], Any], typed: bytes = b"") -> str:
    """Hold a session until its command ends.

    Args:
        session: of the answer of ExecuteCommand.
        screen: takes what the command prints.
        typed: is sent once the command runs.

    Returns:
        The agent's last words, mostly none.

    Raises:
        websockets.exceptions.ConnectionClosed: no such session, or a wrong token.
    """
    replies = {
        PayloadType.HANDSHAKE_REQUEST: Message(INPUT, b"{}", PayloadType.HANDSHAKE_RESPONSE),
        PayloadType.HANDSHAKE_COMPLETE: Message(INPUT, typed, PayloadType.OUTPUT, sequence=1),
    }
    with connect(session["streamUrl"], proxy=None, max_size=None) as channel:
        opening = {"RequestId": session["sessionId"], "TokenValue": session["tokenValue"]}
        channel.send(json.dumps({"MessageSchemaVersion": "1.0", **opening}))
        for data in channel:
            message = Message.decoded(data if isinstance(data, bytes) else data.encode())
            if message.kind == CLOSED:
                return str(json.loads(message.payload).get("Output") or "")
            if message.kind != OUTPUT:
                continue
            # An agent that is done takes no answer, but what it said before is still to be read.
            with suppress(ConnectionClosedOK):
                channel.send(acknowledgement(message).encoded())
                if reply := replies.pop(PayloadType(message.payload_type), None):
                    channel.send(reply.encoded())
            if message.payload_type in (PayloadType.OUTPUT, PayloadType.ERROR):
                screen(message.payload)
    return ""
