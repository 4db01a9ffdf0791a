"""Curves as Parquet: a row per seed, output and step, a column per metric, every bit kept; null where none was measured."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amrobust.runs.axis import Axis
from amrobust.runs.files import escape
from amrobust.runs.manifest import CurvesFile, RunMetadata
from amrobust.runs.validators import CorruptRun
from amrobust.runs.values import ABSENT, absent, place

SeedCurves = Mapping[str, Mapping[str, NDArray[np.float64]]]
"""Of one seed: ``[output][metric]`` of shape (epochs,), ABSENT where it was not measured."""

MOST_UNPACKED = 64
"""How many times its size on disk a curves file may have in memory; constant curves reach about 20."""

LARGEST = 2.0**1000
"""About 1e301: values beyond it are divergence, and no statistic takes them."""

MAGIC = b"PAR1"
UNCOMPRESSED, SNAPPY = 0, 1
_ROW_GROUPS, _COLUMNS, _META_DATA, _CODEC = 4, 1, 3, 4
_MAX_DEPTH = 20

OTHER_COLUMNS = "its curves file does not have the columns and rows that its manifest announces"

RunCurves = dict[str, dict[str, NDArray[np.float64]]]
"""Of a run: ``[output][metric]`` of shape (seeds, epochs)."""


def along(axis: Axis, curves: Mapping[int, SeedCurves], own: Axis) -> dict[int, SeedCurves]:
    """``curves`` measured at the coordinates ``own``, along ``axis``, which has all of these: ABSENT elsewhere."""
    at, to = np.array(own.values), np.array(axis.values)
    return {
        seed: {
            output: {name: place(at, values, to) for name, values in metrics.items()}
            for output, metrics in outputs.items()
        }
        for seed, outputs in curves.items()
    }


def metric_names(facts: RunMetadata) -> list[str]:
    """The names of the metrics, the primary one first."""
    return [metric.name for metric in facts.metrics]


def encode(curves: Mapping[int, SeedCurves], facts: RunMetadata) -> bytes:
    """Parquet of the curves of each seed; equal curves give equal bytes. NaN and infinities are kept as they are.

    Columns seed (int32, or int64 where one needs it), output (string), epoch (int32, the place on the run's axis from 1) and a
    float64 column per metric, null where it was not measured, sorted by seed, output and epoch.
    """
    import pyarrow
    import pyarrow.parquet

    seeds, outputs, epochs = sorted(curves), facts.outputs, facts.epochs
    per_seed = len(outputs) * epochs
    columns: dict[str, Any] = {
        "seed": np.repeat(np.array(seeds, _seed_type(seeds)), per_seed),
        "output": [output for _ in seeds for output in outputs for _ in range(epochs)],
        "epoch": np.tile(np.arange(1, epochs + 1, dtype=np.int32), len(seeds) * len(outputs)),
    }
    for name in metric_names(facts):
        values = np.concatenate([curves[seed][output][name] for seed in seeds for output in outputs])
        missing = absent(values)
        columns[name] = pyarrow.array(values, mask=missing) if missing.any() else values
    buffer = io.BytesIO()
    table = pyarrow.table(columns, schema=_schema(facts, seeds))
    pyarrow.parquet.write_table(table, buffer, use_dictionary=["output"], write_statistics=False)
    return buffer.getvalue()


def describe_bytes(data: bytes) -> CurvesFile:
    """The manifest's entry for a curves file of this content."""
    sha256 = hashlib.sha256(data).hexdigest()
    return CurvesFile(f"curves-{sha256[:12]}.parquet", sha256, len(data))


def decode(data: bytes, seeds: Sequence[int], facts: RunMetadata) -> RunCurves:
    """The curves of ``seeds`` (ascending) from :func:`encode`'s bytes.

    What would unpack to far more than the file holds is refused before it is unpacked. Raises CorruptRun unless the columns are
    exactly those of ``facts`` and every seed has every output and epoch once, in encode's order.
    """
    import pyarrow
    import pyarrow.parquet

    rows = len(seeds) * len(facts.outputs) * facts.epochs
    try:
        if not codecs(data) <= {UNCOMPRESSED, SNAPPY}:
            raise CorruptRun("its curves file is compressed in a way that amrobust does not use")
        # Read by this thread alone: a thread of Arrow that still holds bytes as the interpreter ends aborts the process.
        file = pyarrow.parquet.ParquetFile(io.BytesIO(data), read_dictionary=["output"], pre_buffer=False)
        if not file.schema_arrow.equals(_schema(facts, seeds, coded=True)) or file.metadata.num_rows != rows:
            raise CorruptRun(OTHER_COLUMNS)
        _check_sizes(file.metadata, len(data))
        table = file.read(use_threads=False)
        table.validate(full=True)
    except KeyError:  # There is no column of that name to be read as a dictionary.
        raise CorruptRun(OTHER_COLUMNS) from None
    # What Arrow does not know of a codec or an encoding is a RuntimeError.
    except (pyarrow.ArrowException, OSError, MemoryError, OverflowError, ValueError, RuntimeError) as error:
        raise CorruptRun(
            f"its curves file cannot be read as Parquet ({escape(error).split('. ')[0]})"
        ) from None
    if any(table[name].null_count for name in ("seed", "output", "epoch")):
        raise CorruptRun("its curves file has rows that belong to no seed, output or epoch")
    number = {output: index for index, output in enumerate(facts.outputs)}
    shape = (len(seeds), len(facts.outputs), facts.epochs)
    codes = _codes(table["output"], number)
    columns = {
        name: np.concatenate([np.array([], dtype), *(_numbers(c, dtype) for c in table[name].chunks)])
        for name, dtype in [
            ("seed", _seed_type(seeds)),
            ("epoch", np.int32),
            *((m, np.float64) for m in metric_names(facts)),
        ]
    }
    epochs = np.arange(1, facts.epochs + 1, dtype=np.int32)
    wanted = np.array(seeds, np.int64)[:, None, None], np.arange(len(number))[:, None], epochs
    for found, expected in zip((columns["seed"], codes, columns["epoch"]), wanted, strict=True):
        if not (found.reshape(shape) == expected).all():
            raise CorruptRun(
                "its curves file does not have every output and epoch of every complete seed once, in order"
            )
    cubes = {name: columns[name].reshape(shape) for name in metric_names(facts)}
    return {
        output: {name: np.ascontiguousarray(cube[:, index]) for name, cube in cubes.items()}
        for output, index in number.items()
    }


def _check_sizes(metadata: Any, size: int) -> None:
    """Raise CorruptRun where the columns unpack to much more than a file of ``size`` bytes that encode wrote can hold.

    Encode writes numbers plainly, compressed by Snappy, which makes at best 64 bytes out of 3; row groups that repeat one
    stored value without end are what a bomb is made of.
    """
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    # Counted in rows, which is what reading allocates for, not in what the file says of its own pages.
    unpacked = metadata.num_rows * 8 * metadata.num_columns
    if unpacked > MOST_UNPACKED * size + 1_000_000 or sum(g.num_rows for g in groups) != metadata.num_rows:
        raise CorruptRun(f"its curves file would unpack to {unpacked:,} bytes out of {size:,}")


def _numbers(array: Any, dtype: Any) -> NDArray[Any]:
    """An array from its buffer, nulls as ABSENT: pyarrow's own to_numpy would import pandas."""
    valid, data = array.buffers()
    end = array.offset + len(array)
    if not end:
        return np.array([], dtype)
    found = np.frombuffer(data, dtype, count=end)[array.offset :]
    if not array.null_count:
        return found
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")[array.offset : end]
    return np.where(bits, found, ABSENT)


def _seed_type(seeds: Sequence[int]) -> Any:
    """Four bytes where they are enough, as in the files of earlier versions."""
    return np.int32 if all(-(2**31) <= seed < 2**31 for seed in seeds) else np.int64


def _codes(outputs: Any, number: Mapping[str, int]) -> NDArray[np.int64]:
    """Each row's output as its number. Raises CorruptRun on an output that has none."""
    parts = [np.array([], np.int64)]
    for chunk in outputs.chunks:
        names = chunk.dictionary.to_pylist()
        codes = _numbers(chunk.indices, np.int32)
        if any(names[code] not in number for code in np.unique(codes)):
            raise CorruptRun("its curves file has an output that its manifest does not name")
        parts.append(np.array([number.get(name, -1) for name in names], np.int64)[codes])
    return np.concatenate(parts)


def _schema(facts: RunMetadata, seeds: Sequence[int], *, coded: bool = False) -> Any:
    """The columns of a curves file; ``coded`` as they are read, each output as a number into a list of names."""
    import pyarrow

    text = pyarrow.dictionary(pyarrow.int32(), pyarrow.string()) if coded else pyarrow.string()
    number = pyarrow.from_numpy_dtype(_seed_type(seeds))
    index = [("seed", number), ("output", text), ("epoch", pyarrow.int32())]
    return pyarrow.schema([*index, *((name, pyarrow.float64()) for name in metric_names(facts))])


def mean_and_std(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Mean and STD (ddof = 1) over seeds; None where there is none: a STD of one seed, or values that are no result.

    These are not finite, or beyond 2¹⁰⁰⁰ (10³⁰¹), which no statistic takes. In units of a power of two, which changes no digit,
    so that no sum and no square overflows.
    """
    if not (np.abs(values) <= LARGEST).all():
        return None, None
    power = int(np.frexp(np.abs(values).max())[1])
    scaled = np.ldexp(values, -power)
    mean = float(np.ldexp(scaled.mean(), power))
    return mean, float(np.ldexp(scaled.std(ddof=1), power)) if len(values) > 1 else None


def codecs(data: bytes) -> set[int]:
    """The codec of every column chunk of a Parquet file, read before Arrow sees it. Raises ValueError on a footer that is none.

    Arrow has no way to ask: it unpacks what the file says, however much that is, and its own accessor ends the process on a
    codec that it does not know. The footer is a Thrift struct in the compact protocol; only the path to the codecs is needed
    (FileMetaData.row_groups[].columns[].meta_data.codec in parquet.thrift).
    """
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
