"""How decisions are written in the log.

Is: batch <-> bytes, with a version from the first byte. Is not: what they mean.
A batch is one entry of the log: all decisions that one fsync makes durable.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from flamenco_p2p.farm.decisions import Envelope
from flamenco_p2p.farm.errors import Broken

VERSION = 1

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Envelope])


def encode_batch(batch: list[Envelope]) -> bytes:
    """Return the entry's bytes."""
    return bytes([VERSION]) + _encoder.encode(batch)


def decode_batch(payload: bytes) -> list[Envelope]:
    """Return the decisions of an entry. Raises `Broken` if this program is too old to read it."""
    if payload[:1] == bytes([VERSION]):
        with suppress(msgspec.ValidationError):  # a kind of decision that is not known here
            return _decoder.decode(payload[1:])
    raise Broken(
        "The log holds decisions of a newer version of this program.",
        remedy="Update flamenco-p2p on this machine.",
    )
