"""The messages of Session Manager's data channel, as its plugin and agent exchange them.

Field order, sizes and meaning follow the protocol that AWS's open Session Manager plugin speaks:
https://github.com/aws/session-manager-plugin
"""

from __future__ import annotations

import hashlib
import json
import struct
import time
import uuid
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

_LAYOUT = struct.Struct(">I32sIQqQ16s32sI")
HEADER_LENGTH = _LAYOUT.size
"""What the first field says: the bytes up to the payload's length."""


class PayloadType(IntEnum):
    """What a message's payload is."""

    OUTPUT = 1
    ERROR = 2
    SIZE = 3
    HANDSHAKE_REQUEST = 5
    HANDSHAKE_RESPONSE = 6
    HANDSHAKE_COMPLETE = 7
    FLAG = 10
    EXIT_CODE = 12


INPUT = "input_stream_data"
OUTPUT = "output_stream_data"
ACKNOWLEDGE = "acknowledge"
CLOSED = "channel_closed"


@dataclass
class Message:
    """One message; `sequence` counts a side's stream messages from 0."""

    kind: str
    payload: bytes
    payload_type: int = 0
    sequence: int = 0
    flags: int = 0
    identifier: uuid.UUID = field(default_factory=uuid.uuid4)

    def encoded(self) -> bytes:
        """The message on the wire."""
        halves = self.identifier.bytes
        return (
            _LAYOUT.pack(
                HEADER_LENGTH,
                self.kind.encode().ljust(32),
                1,
                int(time.time() * 1000),
                self.sequence,
                self.flags,
                halves[8:] + halves[:8],
                hashlib.sha256(self.payload).digest(),
                self.payload_type,
            )
            + struct.pack(">I", len(self.payload))
            + self.payload
        )

    @classmethod
    def decoded(cls, data: bytes) -> Message:
        """A message off the wire.

        Raises:
            ValueError: it is cut short, or its digest does not fit its payload.
        """
        if len(data) < HEADER_LENGTH + 4:
            raise ValueError("the message is shorter than its header")
        length, kind, _, _, sequence, flags, swapped, digest, payload_type = _LAYOUT.unpack_from(
            data
        )
        payload = data[length + 4 :]
        if payload and hashlib.sha256(payload).digest() != digest:
            raise ValueError("the payload does not fit its digest")
        return cls(
            kind.strip(b"\0 ").decode(),
            payload,
            payload_type,
            sequence,
            flags,
            uuid.UUID(bytes=swapped[8:] + swapped[:8]),
        )


def acknowledgement(of: Message) -> Message:
    """The answer that a stream message asks for."""
    return Message(
        ACKNOWLEDGE,
        _json(
            {
                "AcknowledgedMessageType": of.kind,
                "AcknowledgedMessageId": str(of.identifier),
                "AcknowledgedMessageSequenceNumber": of.sequence,
                "IsSequentialMessage": True,
            }
        ),
        flags=3,
    )


def handshake_request() -> bytes:
    """What the agent asks of the client first: a session that runs a command on a terminal."""
    return _json(
        {
            "AgentVersion": "3.3.0.0",
            "RequestedClientActions": [
                {
                    "ActionType": "SessionType",
                    "ActionParameters": {
                        "SessionType": "InteractiveCommands",
                        "Properties": {},
                    },
                }
            ],
        }
    )


def handshake_complete() -> bytes:
    """What the agent says once the client has answered."""
    return _json({"HandshakeTimeToComplete": 1_000_000, "CustomerMessage": ""})


def closed(session_id: str, words: str) -> Message:
    """The last message of a session."""
    content = {
        "MessageId": str(uuid.uuid4()),
        "CreatedDate": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "DestinationId": "",
        "SessionId": session_id,
        "MessageType": CLOSED,
        "SchemaVersion": 1,
        "Output": words,
    }
    return Message(CLOSED, _json(content))


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
