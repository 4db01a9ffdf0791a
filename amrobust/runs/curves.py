"""Curves as Parquet: a row per seed, output and step, a column per metric, every bit kept; null where none was measured."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amrobust.runs.files import shown
from amrobust.runs.footer import SNAPPY, UNCOMPRESSED, codecs
from amrobust.runs.manifest import CurvesFile, RunFacts
from amrobust.runs.validators import Broken
from amrobust.runs.values import ABSENT, absent

SeedCurves = Mapping[str, Mapping[str, NDArray[np.float64]]]
"""Of one seed: ``[output][metric]`` of shape (epochs,), ABSENT where it was not measured."""

MOST_UNPACKED = 64
"""How many times its size on disk a curves file may have in memory; constant curves reach about 20."""

OTHER_COLUMNS = "its curves file does not have the columns and rows that its manifest announces"

RunCurves = dict[str, dict[str, NDArray[np.float64]]]
"""Of a run: ``[output][metric]`` of shape (seeds, epochs)."""


def metric_names(facts: RunFacts) -> list[str]:
    """The names of the metrics, the primary one first."""
    return [metric.name for metric in facts.metrics]


def encode(curves: Mapping[int, SeedCurves], facts: RunFacts) -> bytes:
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


def decode(data: bytes, seeds: Sequence[int], facts: RunFacts) -> RunCurves:
    """The curves of ``seeds`` (ascending) from :func:`encode`'s bytes.

    What would unpack to far more than the file holds is refused before it is unpacked. Raises Broken unless the columns are
    exactly those of ``facts`` and every seed has every output and epoch once, in encode's order.
    """
    import pyarrow
    import pyarrow.parquet

    rows = len(seeds) * len(facts.outputs) * facts.epochs
    try:
        if not codecs(data) <= {UNCOMPRESSED, SNAPPY}:
            raise Broken("its curves file is compressed in a way that amrobust does not use")
        # Read by this thread alone: a thread of Arrow that still holds bytes as the interpreter ends aborts the process.
        file = pyarrow.parquet.ParquetFile(io.BytesIO(data), read_dictionary=["output"], pre_buffer=False)
        if not file.schema_arrow.equals(_schema(facts, seeds, coded=True)) or file.metadata.num_rows != rows:
            raise Broken(OTHER_COLUMNS)
        _check_sizes(file.metadata, len(data))
        table = file.read(use_threads=False)
        table.validate(full=True)
    except KeyError:  # There is no column of that name to be read as a dictionary.
        raise Broken(OTHER_COLUMNS) from None
    # What Arrow does not know of a codec or an encoding is a RuntimeError.
    except (pyarrow.ArrowException, OSError, MemoryError, OverflowError, ValueError, RuntimeError) as error:
        raise Broken(f"its curves file cannot be read as Parquet ({shown(error).split('. ')[0]})") from None
    if any(table[name].null_count for name in ("seed", "output", "epoch")):
        raise Broken("its curves file has rows that belong to no seed, output or epoch")
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
            raise Broken(
                "its curves file does not have every output and epoch of every complete seed once, in order"
            )
    cubes = {name: columns[name].reshape(shape) for name in metric_names(facts)}
    return {
        output: {name: np.ascontiguousarray(cube[:, index]) for name, cube in cubes.items()}
        for output, index in number.items()
    }


def _check_sizes(metadata: Any, size: int) -> None:
    """Raise Broken where the columns unpack to much more than a file of ``size`` bytes that encode wrote can hold.

    Encode writes numbers plainly, compressed by Snappy, which makes at best 64 bytes out of 3; row groups that repeat one
    stored value without end are what a bomb is made of.
    """
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    # Counted in rows, which is what reading allocates for, not in what the file says of its own pages.
    unpacked = metadata.num_rows * 8 * metadata.num_columns
    if unpacked > MOST_UNPACKED * size + 1_000_000 or sum(g.num_rows for g in groups) != metadata.num_rows:
        raise Broken(f"its curves file would unpack to {unpacked:,} bytes out of {size:,}")


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
    """Each row's output as its number. Raises Broken on an output that has none."""
    parts = [np.array([], np.int64)]
    for chunk in outputs.chunks:
        names = chunk.dictionary.to_pylist()
        codes = _numbers(chunk.indices, np.int32)
        if any(names[code] not in number for code in np.unique(codes)):
            raise Broken("its curves file has an output that its manifest does not name")
        parts.append(np.array([number.get(name, -1) for name in names], np.int64)[codes])
    return np.concatenate(parts)


def _schema(facts: RunFacts, seeds: Sequence[int], *, coded: bool = False) -> Any:
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
    if not (np.abs(values) <= 2.0**1000).all():
        return None, None
    power = int(np.frexp(np.abs(values).max())[1])
    scaled = np.ldexp(values, -power)
    mean = float(np.ldexp(scaled.mean(), power))
    return mean, float(np.ldexp(scaled.std(ddof=1), power)) if len(values) > 1 else None
