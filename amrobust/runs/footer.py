"""The codecs that a Parquet file's footer names, read before the file is handed to Arrow.

Arrow has no way to ask: it unpacks what the file says, however much that is, and its own accessor ends the process on a codec
that it does not know. The footer is a Thrift struct in the compact protocol; of its fields only the path to the codecs
(FileMetaData.row_groups[].columns[].meta_data.codec in parquet.thrift) is needed here.
"""

from __future__ import annotations

from typing import Any

MAGIC = b"PAR1"
UNCOMPRESSED, SNAPPY = 0, 1
_ROW_GROUPS, _COLUMNS, _META_DATA, _CODEC = 4, 1, 3, 4
_MAX_DEPTH = 20


def codecs(data: bytes) -> set[int]:
    """The codec of every column chunk. Raises ValueError where the footer is not one."""
    length = int.from_bytes(data[-8:-4], "little")
    if len(data) < 12 or data[-4:] != MAGIC or not 0 < length <= len(data) - 12:
        raise ValueError("there is no footer")
    try:
        metadata = _Reader(data[-8 - length : -8]).struct(0)
        return {column[_META_DATA][_CODEC] for group in metadata[_ROW_GROUPS] for column in group[_COLUMNS]}
    except (LookupError, TypeError, UnicodeDecodeError):
        raise ValueError("its footer names no codecs") from None


class _Reader:
    """Thrift's compact protocol: structs as dictionaries by field number, lists as lists, binaries as bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def byte(self) -> int:
        self.place += 1
        return self.data[self.place - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number is too long")

    def number(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def skip(self, size: int) -> bytes:
        if size > len(self.data) - self.place:
            raise ValueError("it is cut off")
        self.place += size
        return self.data[self.place - size : self.place]

    def struct(self, depth: int) -> dict[int, Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("it is too deep")
        fields: dict[int, Any] = {}
        field = 0
        while head := self.byte():
            delta, kind = head >> 4, head & 0x0F
            field = field + delta if delta else self.number()
            # In a struct the two types of a boolean are its values.
            fields[field] = kind == 1 if kind in (1, 2) else self.value(kind, depth)
        return fields

    def list(self, depth: int) -> list[Any]:
        head = self.byte()
        size, kind = head >> 4, head & 0x0F
        if size == 15:
            size = self.varint()
        if size > len(self.data) - self.place:
            raise ValueError("a list is longer than the rest")
        return [self.value(kind, depth) for _ in range(size)]

    def value(self, kind: int, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise ValueError("it holds what no footer does")
        match kind:
            case 1 | 2 | 3:
                return self.byte()
            case 4 | 5 | 6:
                return self.number()
            case 7:
                return self.skip(8)
            case 8:
                return self.skip(self.varint())
            case 9 | 10:
                return self.list(depth + 1)
            case 12:
                return self.struct(depth + 1)
        raise ValueError("it holds what no footer does")
