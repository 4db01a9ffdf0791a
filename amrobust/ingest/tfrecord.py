"""TFRecord files: length, masked CRC-32C of the length, data, masked CRC-32C of the data."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_LOG, check_size
from amrobust.runs.files import escape, reason

MAX_RECORD = 1_000_000
"""Bytes of a record that is looked into; larger ones (images, graphs) are passed over."""

BATCH = 20_000
_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8


def records(path: Path) -> Iterator[tuple[bytes | None, bool]]:
    """Each record's data, None of one that is passed over, and whether the file is whole so far.

    Ends at a record that is cut off, as the last one of a log that is still written is: with (None, False). Raises UserError
    on a checksum that does not match: the file is damaged, or none of this kind.
    """
    size = check_size(path, MAX_LOG)
    try:
        with path.open("rb") as file:
            heads: list[bytes] = []
            data: list[bytes | None] = []
            marks: list[bytes] = []
            while True:
                head = file.read(12)
                length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else 0
                whole = len(head) == 12 and length <= size - file.tell() - 4
                if whole:
                    heads.append(head)
                    if length > MAX_RECORD:
                        file.seek(length + 4, 1)
                        data.append(None)
                        marks.append(b"")
                    else:
                        data.append(file.read(length))
                        marks.append(file.read(4))
                if not whole or len(heads) == BATCH:
                    # The length of a record that seems cut off may be what is damaged.
                    _check(
                        path, heads if not head or len(head) < 12 or whole else [*heads, head], data, marks
                    )
                    yield from ((item, True) for item in data)
                    heads, data, marks = [], [], []
                    if not whole:
                        if head:
                            yield None, False
                        return
    except OSError as error:
        raise UserError(f"cannot read {escape(path)} ({reason(error)})") from None


def _check(path: Path, heads: list[bytes], data: list[bytes | None], marks: list[bytes]) -> None:
    lengths = masked_crcs([head[:8] for head in heads])
    contents = [item for item in data if item is not None]
    kept = [mark for mark in marks if mark]
    if lengths != [struct.unpack("<I", head[8:])[0] for head in heads]:
        raise UserError(
            f"{escape(path)} is damaged, or no event file: a record's length has the wrong checksum"
        )
    if masked_crcs(contents) != [struct.unpack("<I", mark)[0] for mark in kept]:
        raise UserError(
            f"{escape(path)} is damaged: a record has the wrong checksum; delete the file if the run can be spared"
        )


def masked_crcs(chunks: list[bytes]) -> list[int]:
    """The masked CRC-32C (Castagnoli) of every chunk: those of one length together, a byte of all at a time."""
    found = np.zeros(len(chunks), np.uint32)
    by_length: dict[int, list[int]] = {}
    for place, chunk in enumerate(chunks):
        by_length.setdefault(len(chunk), []).append(place)
    for length, places in by_length.items():
        block = np.frombuffer(b"".join(chunks[place] for place in places), np.uint8).reshape(
            len(places), length
        )
        found[places] = _crc32c(block)
    rotated = (found >> np.uint32(15)) | (found << np.uint32(17))
    return [int(value) for value in rotated + np.uint32(_MASK_DELTA)]


def _crc32c(block: NDArray[np.uint8]) -> NDArray[np.uint32]:
    crc = np.full(len(block), 0xFFFFFFFF, np.uint32)
    table = _table()
    for column in block.T:
        crc = table[(crc ^ column) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    return crc ^ np.uint32(0xFFFFFFFF)


@cache
def _table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> np.uint32(1)) ^ np.uint32(_POLYNOMIAL), table >> np.uint32(1))
    return table.astype(np.uint32)
