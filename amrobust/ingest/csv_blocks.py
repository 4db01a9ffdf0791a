"""CSV tables of any size, block by block: numbers become numbers as they are read, and texts are kept once.

A block in which every line is a row is parsed by Arrow. From the first that is not so on (an empty line, a line break in
quotes, a row too short), the csv module reads on, which knows the line of everything and refuses what is no table.
"""

from __future__ import annotations

import codecs
import csv
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.column_builder import FEW, ColumnBuilder, add_arrow
from amrobust.ingest.columns import Column
from amrobust.ingest.limits import MAX_LOG, MAX_TABLE_CELLS, check_size
from amrobust.ingest.table import ABSENT
from amrobust.runs.files import escape, reason

BLOCK = 4_000_000
"""Bytes that are parsed at once, and that a line may have."""
SAMPLE = 250_000
"""Bytes by which columns of numbers are told from others at first."""
ROWS = 20_000
"""Rows of the csv module that are taken over at once."""

_NAN = re.compile(rb"nan\(", re.IGNORECASE)

Watch = Callable[[Path, int, int], None]
watch: ContextVar[Watch | None] = ContextVar("watch", default=None)
"""Told of a large file how many bytes are read, and how many there are: for a bar on a terminal."""


class Rows:
    """The rows of a table behind its header, read into columns."""

    def __init__(self, path: Path, names: Sequence[str], delimiter: str) -> None:
        self.path, self.delimiter = path, delimiter
        self.size = check_size(path, MAX_LOG)
        self.names = names
        self.builders: list[ColumnBuilder] = []
        self.lines: list[Sequence[int]] = []
        self.count = 0

    def read(self, start: int, line: int) -> tuple[list[Column], Sequence[int]]:
        """Everything from byte ``start``, where ``line`` begins; the columns, and the line of every row.

        Raises UserError on what is no table, or larger than what is read.
        """
        try:
            with self.path.open("rb") as file:
                sample = file.read(BLOCK)
                rows = min(sample.count(b"\n") * self.size // len(sample), MAX_TABLE_CELLS // len(self.names))
                # A little more than it looks like: what is not used takes no memory.
                expected = rows + rows // 20 + 1000
                self.builders = [ColumnBuilder(self.path, name, expected, "") for name in self.names]
                self._blocks(file, start, line)
        except OSError as error:
            raise UserError(f"cannot read {escape(self.path)} ({reason(error)})") from None
        columns = []
        while self.builders:
            columns.append(self.builders.pop(0).column())
        if all(isinstance(part, range) for part in self.lines):
            return columns, range(line, line + self.count)
        return columns, array("q", chain.from_iterable(self.lines))

    def _blocks(self, file: BinaryIO, start: int, line: int) -> None:
        file.seek(start)
        buffer = bytearray(2 * BLOCK)
        view = memoryview(buffer)
        left = 0
        while filled := left + (new := file.readinto(view[left : left + BLOCK])):  # type: ignore[attr-defined]
            end = buffer.rfind(b"\n", 0, filled) + 1 if new else filled
            rows = self._regular(buffer, end, line) if end else 0
            if not rows:
                file.seek(start)
                self._irregular(file, line)
                break
            left = filled - end
            buffer[:left] = buffer[end:filled]
            line += rows
            start += end
            self._tell(min(start, self.size - 1))
        self._tell(self.size)

    def _tell(self, done: int) -> None:
        if told := watch.get():
            told(self.path, done, self.size)

    def _took(self, rows: int, lines: Sequence[int]) -> None:
        self.count += rows
        self.lines.append(lines)
        if self.count * len(self.builders) > MAX_TABLE_CELLS:
            raise UserError(f"{escape(self.path)} has more than {MAX_TABLE_CELLS:,} cells")

    def _regular(self, buffer: bytearray, end: int, line: int) -> int:
        """Take over the block up to ``end`` whose every line is a row, and how many there are; 0 where it is none such."""
        if buffer.find(b"\r", 0, end) >= 0 and buffer.count(b"\r", 0, end) != buffer.count(b"\r\n", 0, end):
            return 0
        if buffer.find(b'"', 0, end) >= 0 and not _quotes_whole_cells(buffer[:end], self.delimiter):
            return 0
        if self._has_blank_line(buffer, end):
            return 0
        wanted = [builder.is_numbers for builder in self.builders]
        if not self.count and (sample := buffer.rfind(b"\n", 0, min(end, SAMPLE)) + 1):
            first = self._parsed(buffer, sample, wanted)
            wanted = [_distinct(cells) > FEW for cells in first.itercolumns()] if first else wanted
        table = self._parsed(buffer, end, wanted) if any(wanted) else None
        if table is None:
            table = self._parsed(buffer, end, [False] * len(wanted))
        # Arrow passes over empty lines, and a cell in quotes may have several.
        rows = buffer.count(b"\n", 0, end) + (buffer[end - 1] != ord("\n"))
        if table is None or table.num_rows != rows:
            return 0
        many = [
            wants or _distinct(cells) > FEW for wants, cells in zip(wanted, table.itercolumns(), strict=True)
        ]
        if many != wanted:
            table = self._parsed(buffer, end, many) or table
        for builder, cells in zip(self.builders, table.itercolumns(), strict=True):
            add_arrow(builder, cells.combine_chunks())
        self._took(rows, range(line, line + rows))
        return rows

    def _has_blank_line(self, buffer: bytearray, end: int) -> bool:
        """Whether a line up to ``end`` has empty cells alone, as spreadsheets leave below a table."""
        cells = (len(self.names) - 1) * self.delimiter.encode()
        lines = cells + b"\n", cells + b"\r\n"
        # Of one column it is an empty line, which Arrow passes over.
        return bool(cells) and (
            buffer.startswith(lines, 0, end)
            or any(buffer.find(b"\n" + line, 0, end) >= 0 for line in lines)
            or bytes(buffer[max(0, end - len(cells) - 1) : end]) in (cells, b"\n" + cells)
        )

    def _parsed(self, buffer: bytearray, end: int, numbers: Sequence[bool]) -> Any | None:
        """The block as an Arrow table, of ``numbers`` where these are asked for, else codes; None where it is no such table."""
        import pyarrow
        from pyarrow import csv as arrow

        names = [str(place) for place in range(len(numbers))]
        texts = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        kinds = [pyarrow.float64() if number else texts for number in numbers]
        try:
            table = arrow.read_csv(
                pyarrow.py_buffer(memoryview(buffer)[:end]),
                read_options=arrow.ReadOptions(column_names=names, block_size=1 << 20),
                parse_options=arrow.ParseOptions(delimiter=self.delimiter),
                convert_options=arrow.ConvertOptions(
                    column_types=dict(zip(names, kinds, strict=True)),
                    null_values=list(ABSENT),
                    strings_can_be_null=True,
                ),
            )
        except pyarrow.ArrowException:
            return None
        # Arrow takes nan(ind) for a number.
        suspicious = any(numbers) and buffer.find(b"(", 0, end) >= 0 and _NAN.search(buffer, 0, end)
        return None if suspicious else table

    def _irregular(self, file: BinaryIO, line: int) -> None:
        """Read on with the csv module, to the end."""
        rows = csv.reader(self._texts(file, line), delimiter=self.delimiter)
        wanted = len(self.builders)
        try:
            while part := list(islice(_with_lines(rows, line - 1), ROWS)):
                for at, row in part:
                    if len(row) != wanted:
                        raise UserError(
                            f"{escape(self.path)}, line {at}: the number of cells is not that of the header"
                        )
                for builder, cells in zip(
                    self.builders, zip(*(row for _, row in part), strict=True), strict=True
                ):
                    builder.add_cells(cells)
                self._took(len(part), [at for at, _ in part])
                self._tell(min(file.tell(), self.size - 1))
        except csv.Error as error:
            at = line - 1 + rows.line_num
            raise UserError(f"cannot read {escape(self.path)} as CSV, line {at}: {error}") from None

    def _texts(self, file: BinaryIO, line: int) -> Iterator[str]:
        """Lines as the csv module wants them, each within bounds."""
        while raw := file.readline(BLOCK):
            if len(raw) == BLOCK and not raw.endswith(b"\n"):
                raise UserError(f"{escape(self.path)}, line {line}: it has more than {BLOCK:,} bytes")
            try:
                yield from _split(codecs.decode(raw, "utf-8"))
            except UnicodeDecodeError as error:
                at = file.tell() - len(raw) + error.start
                raise UserError(
                    f"{escape(self.path)} is not UTF-8 text ({error.reason} at byte {at}): save it as UTF-8"
                ) from None
            line += 1


def _distinct(cells: Any) -> int:
    """The most different cells that a part of a column has."""
    return max(len(part.dictionary) if hasattr(part, "dictionary") else 0 for part in cells.chunks)


def _split(line: str) -> list[str]:
    """A line at the carriage returns in it too, which end lines as well."""
    if "\r" not in line.removesuffix("\n").removesuffix("\r"):
        return [line]
    parts = line.split("\r")
    return [f"{part}\r" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _with_lines(rows: Any, before: int) -> Iterator[tuple[int, list[str]]]:
    """Each row that has a cell with anything in it, with the number of its line."""
    for row in rows:
        if any(map(str.strip, row)):
            yield before + rows.line_num, row


def _quotes_whole_cells(block: bytearray, delimiter: str) -> bool:
    """Whether every quote in a block begins or ends a cell: then no line break is hidden at its end."""
    content = np.frombuffer(b"\n" + block + b"\n", np.uint8)
    quotes = np.flatnonzero(content == ord('"'))
    ends = np.isin(content[quotes + np.where(np.arange(len(quotes)) % 2, 1, -1)], [ord(delimiter), 10, 13])
    return len(quotes) % 2 == 0 and bool(ends.all())
