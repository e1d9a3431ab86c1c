"""The client's messages on Session Manager's data channel.

Field order, sizes and meaning follow the protocol of AWS's open Session Manager plugin:
https://github.com/aws/session-manager-plugin

The local cloud has the agent's end in a module of its own: neither package imports the other.
"""

from __future__ import annotations

import hashlib
import json
import struct
import time
import uuid
from dataclasses import dataclass, field
from enum import IntEnum

_HEADER = struct.Struct(">I32sIQqQ16s32sI")
"""Length of the header, type, schema version, milliseconds since 1970, sequence number, flags,
identifier (its halves swapped), SHA-256 of the payload, type of the payload. The payload's length
follows, in four bytes, and the payload."""

_ACKNOWLEDGED = 3
"""The flags of an acknowledgement: the first and the last message of its stream."""


class PayloadType(IntEnum):
    """What a message's payload is."""

    OUTPUT = 1
    ERROR = 2
    SIZE = 3
    HANDSHAKE_REQUEST = 5
    HANDSHAKE_RESPONSE = 6
    HANDSHAKE_COMPLETE = 7


INPUT = "input_stream_data"
OUTPUT = "output_stream_data"
CLOSED = "channel_closed"
_ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True)
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
        header = _HEADER.pack(
            _HEADER.size,
            self.kind.encode().ljust(32),
            1,
            int(time.time() * 1000),
            self.sequence,
            self.flags,
            halves[8:] + halves[:8],
            hashlib.sha256(self.payload).digest(),
            self.payload_type,
        )
        return header + struct.pack(">I", len(self.payload)) + self.payload

    @classmethod
    def decoded(cls, data: bytes) -> Message:
        """A message off the wire.

        Raises:
            ValueError: it is cut short, or its digest does not fit its payload.
        """
        if len(data) < _HEADER.size + 4:
            raise ValueError("the message is shorter than its header")
        length, kind, _, _, sequence, flags, swapped, digest, payload_type = _HEADER.unpack_from(
            data
        )
        payload = data[length + 4 :]
        if payload and hashlib.sha256(payload).digest() != digest:
            raise ValueError("the payload does not fit its digest")
        identifier = uuid.UUID(bytes=swapped[8:] + swapped[:8])
        name = kind.strip(b"\0 ").decode()
        return cls(name, payload, payload_type, sequence, flags, identifier)

    def acknowledgement(self) -> Message:
        """The answer that a stream message asks for."""
        content = {
            "AcknowledgedMessageType": self.kind,
            "AcknowledgedMessageId": str(self.identifier),
            "AcknowledgedMessageSequenceNumber": self.sequence,
            "IsSequentialMessage": True,
        }
        return Message(_ACKNOWLEDGE, json.dumps(content).encode(), flags=_ACKNOWLEDGED)
