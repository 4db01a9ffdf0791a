"""The wire format of protocol buffers: fields by number, nothing of what they mean.

A reader of its own, since a few fields of two log formats are all that is wanted: protobuf with generated classes, or
tensorboard with a server around it, would be the larger risk and the larger install.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field = tuple[int, int, int | bytes]
"""Number, wire type, and the value: an integer of a varint, raw bytes of all others."""


class Malformed(ValueError):
    """Bytes that are no message."""


def fields(message: bytes) -> Iterator[Field]:
    """The fields of ``message`` in order. Raises Malformed."""
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, position = _varint(message, position)
            yield number, wire, value
            continue
        if wire == BYTES:
            size, position = _varint(message, position)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
        else:
            raise Malformed(f"wire type {wire}")
        if size > end - position:
            raise Malformed("a field that is longer than its message")
        yield number, wire, message[position : position + size]
        position += size


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return value, position
    raise Malformed("a number that does not end")


def signed(value: int) -> int:
    """A varint as a signed number of 64 bits."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >= 1 << 63 else value


def double(value: int | bytes) -> float:
    """A fixed64 field as a double."""
    return (
        float(struct.unpack("<d", value)[0]) if isinstance(value, bytes) and len(value) == 8 else float("nan")
    )


def single(value: int | bytes) -> float:
    """A fixed32 field as a float."""
    return (
        float(struct.unpack("<f", value)[0]) if isinstance(value, bytes) and len(value) == 4 else float("nan")
    )


def string(value: int | bytes) -> str:
    """A bytes field as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
