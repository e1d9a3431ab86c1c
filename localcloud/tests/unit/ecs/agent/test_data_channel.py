"""Messages of Session Manager's data channel."""

from __future__ import annotations

import uuid

import pytest

from localcloud.ecs.agent import data_channel
from localcloud.ecs.agent.data_channel import HEADER_LENGTH, Message, PayloadType, acknowledgement


def test_a_message_survives_the_wire() -> None:
    sent = Message(data_channel.OUTPUT, b"hello", PayloadType.OUTPUT, sequence=7)
    assert Message.decoded(sent.encoded()) == sent


def test_the_header_has_the_protocols_length() -> None:
    """https://github.com/aws/session-manager-plugin: the payload's length follows 116 bytes."""
    assert HEADER_LENGTH == 116
    assert Message(data_channel.INPUT, b"ab").encoded()[116:] == b"\x00\x00\x00\x02ab"


def test_the_identifiers_halves_are_swapped() -> None:
    identifier = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
    wire = Message(data_channel.INPUT, b"", identifier=identifier).encoded()
    assert wire[64:80].hex() == "8899aabbccddeeff0011223344556677"


def test_a_changed_payload_is_noticed() -> None:
    wire = bytearray(Message(data_channel.INPUT, b"hello").encoded())
    wire[-1] ^= 1
    with pytest.raises(ValueError, match="digest"):
        Message.decoded(bytes(wire))


def test_a_cut_message_is_noticed() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Message.decoded(b"\0" * 100)


def test_an_acknowledgement_names_what_it_answers() -> None:
    message = Message(data_channel.OUTPUT, b"x", PayloadType.OUTPUT, sequence=3)
    answer = acknowledgement(message)
    assert answer.kind == data_channel.ACKNOWLEDGE
    assert str(message.identifier).encode() in answer.payload
