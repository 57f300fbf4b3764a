"""Moshi's messages <-> bytes: one byte of kind, then the payload (kyutai's moshi, `rust/protocol.md` and `server.py`).

Every message is binary. Kinds that are not in `Kind`, and kinds a side has no use for, are to be discarded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """The first byte of a message."""

    HANDSHAKE = 0  # server: the slot is yours, send audio; Moshi's Python server sends no payload
    AUDIO = 1  # both ways: Ogg pages with Opus, 24 kHz mono; may be empty
    TEXT = 2  # server: UTF-8, one piece of what the agent says
    CONTROL = 3  # one byte: 0 start, 1 end of turn, 2 pause, 3 restart; of no use in full duplex
    METADATA = 4  # UTF-8 JSON
    ERROR = 5  # UTF-8
    PING = 6  # no payload
    COLOURED_TEXT = 7  # one byte of colour, then UTF-8


@dataclass(frozen=True)
class MoshiMessage:
    """One message."""

    kind: Kind
    payload: bytes = b""

    def encode(self) -> bytes:
        """The bytes on the wire."""
        return bytes([self.kind]) + self.payload


HANDSHAKE = MoshiMessage(Kind.HANDSHAKE).encode()


def decode(data: bytes) -> MoshiMessage | None:
    """The message in these bytes; None if they are empty or of an unknown kind, which is to be discarded."""
    if not data or data[0] not in Kind._value2member_map_:
        return None
    return MoshiMessage(Kind(data[0]), data[1:])


def text(piece: str) -> bytes:
    """A text message."""
    return MoshiMessage(Kind.TEXT, piece.encode()).encode()


def error(reason: str) -> bytes:
    """An error message."""
    return MoshiMessage(Kind.ERROR, reason.encode()).encode()


def metadata(content: Mapping[str, object]) -> bytes:
    """A metadata message."""
    return MoshiMessage(Kind.METADATA, json.dumps(content).encode()).encode()
