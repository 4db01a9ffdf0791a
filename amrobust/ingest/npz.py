"""Arrays in .npz and .npy files: of steps and seeds, an array per method or ``method/metric``, or (steps,) in a .npy per run.

Nothing in them is ever unpickled.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import BinaryIO

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_CELLS, MAX_LOG, check_size, files_under, relative
from amrobust.ingest.logged import STEP_KEYS, LoggedRun, Numbers, Wanted
from amrobust.ingest.table import text
from amrobust.runs.files import escape, is_plain_file, reason

TITLE = "NumPy arrays of steps and seeds in .npz or .npy, or (steps,) in a .npy a run"
SUFFIXES = (".npz", ".npy")
AXES = ("steps", "seeds")
"""Arrays of these names are the labels of the axes, not methods."""

DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError,
)  # fmt: skip
"""What zipfile raises on an archive that is not as it should be."""


def recognises(path: Path) -> bool:
    """A .npz or .npy file, or a folder with one."""
    if path.is_dir():
        return any(file.suffix in SUFFIXES for file in files_under(path))
    return is_plain_file(path) and path.suffix in SUFFIXES


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each seed of each array of two dimensions; arrays (steps,) with one of their steps are one run, and so is one
    in a .npy file, whose steps are positions from 0."""
    files = [f for f in files_under(path) if f.suffix in SUFFIXES] if path.is_dir() else [path]
    if not files:
        raise UserError(f"{escape(path)} has no .npz or .npy file")
    for file in files:
        label = relative(file, path) if path.is_dir() else file.name
        arrays = read_arrays(file)
        alone = arrays.get(file.stem) if file.suffix == ".npy" else None
        if alone is not None and alone.ndim == 1 and alone.size and not wanted.seeds_first:
            series = {"value": (np.arange(float(len(alone))), alone)}
            yield LoggedRun(label, {"name": file.stem}, series, (file,), own_steps="position")
        elif not wanted.seeds_first and (steps := _steps_of_one_run(arrays)):
            series = {name: (arrays[steps], values) for name, values in arrays.items() if name != steps}
            yield LoggedRun(label, {"name": file.stem}, series, (file,), own_steps=steps)
        else:
            yield from _runs(file, label, arrays, wanted.seeds_first)


def _steps_of_one_run(arrays: dict[str, Numbers]) -> str | None:
    """The array that counts the steps of the others, where all are of one dimension and length, and so of one run."""
    shapes = {values.shape for values in arrays.values()}
    alike = len(arrays) > 1 and len(shapes) == 1 and len(shapes.pop()) == 1
    return next((name for name in STEP_KEYS if alike and name in arrays), None)


def _runs(
    path: Path, label: str, arrays: dict[str, Numbers], seeds_first: bool | None
) -> Iterator[LoggedRun]:
    axes = {name: arrays.pop(name) for name in AXES if name in arrays}
    if not arrays:
        raise UserError(f"{escape(path)} has no array but its axes")
    methods: dict[str, dict[str, Numbers]] = {}
    final = all(values.ndim == 1 for values in arrays.values())
    for name, values in arrays.items():
        method, slash, metric = name.rpartition("/")
        found = _oriented(path, name, values, axes, seeds_first)
        methods.setdefault(method if slash else name, {})[metric if slash else "value"] = found
    for method, metrics in methods.items():
        counts = {values.shape[1] for values in metrics.values()}
        if len(counts) > 1:
            raise UserError(
                f"{escape(path)}: the metrics of {escape(method)} have different numbers of seeds"
            )
        seeds = axes["seeds"] if "seeds" in axes else np.arange(counts.pop())
        for column, seed in enumerate(seeds.tolist()):
            series = {
                metric: (
                    axes["steps"] if "steps" in axes and not final else np.arange(1.0, len(values) + 1),
                    values[:, column],
                )
                for metric, values in metrics.items()
            }
            fields = {
                "name": Path(label).stem,
                "method": method,
                "seed": text(seed),
            }
            yield LoggedRun(
                f"{label}: {method}, seed {text(seed)}",
                fields,
                series,
                (path,),
                final=final,
            )


def _oriented(
    path: Path, name: str, values: Numbers, axes: dict[str, Numbers], seeds_first: bool | None
) -> Numbers:
    """``values`` as (steps, seeds), as is said or known from the file's axes; final values (seeds,) are one step. Raises
    UserError."""
    where = f"{escape(path)}: {escape(name)}"
    seeds = len(axes["seeds"]) if "seeds" in axes else None
    if values.ndim == 1 and "steps" not in axes and (seeds_first or seeds == len(values)):
        values, seeds_first = values[None], False
    if values.ndim != 2 or 0 in values.shape:
        beside = (
            ": one value per seed is read with --seeds-first, and an array (steps,) of one run with an array of its steps "
            "beside it"
        )
        raise UserError(
            f"{where} has the shape {values.shape}, not (steps, seeds)" + beside * (values.ndim == 1)
        )
    expected = [len(axes[axis]) if axis in axes else None for axis in AXES]
    fitting = {
        option: found
        for option, found in (("--steps-first", values), ("--seeds-first", values.T))
        if all(length in (None, size) for length, size in zip(expected, found.shape, strict=True))
    }
    said = "--seeds-first" if seeds_first else "--steps-first" if seeds_first is not None else None
    if said in fitting or (said is None and len(fitting) == 1):
        return fitting[said or next(iter(fitting))]
    if said is None and fitting:
        raise UserError(
            f"{where} is {values.shape}, and which of these are its seeds cannot be told: say --seeds-first where each row is "
            "a seed, --steps-first where each row is a step, or save it in a .npz with an array steps or seeds"
        )
    has = " and ".join(f"{len(axes[axis])} {axis}" for axis in AXES if axis in axes)
    hint = f" ({next(iter(fitting))} turns it around)" if fitting else ""
    raise UserError(f"{where} is {values.shape} where the axes have {has}{hint}")


def read_arrays(path: Path) -> dict[str, Numbers]:
    """The arrays in a .npz file by their names, that of a .npy file by the file's. Raises UserError."""
    check_size(path, MAX_LOG)
    try:
        if path.suffix == ".npy":
            with path.open("rb") as file:
                return {path.stem: _array(file, path, path.name)}
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > 10_000:
                raise UserError(f"{escape(path)} has {len(members):,} arrays, more than are read")
            found = {}
            for member in members:
                name = member.filename.removesuffix(".npy")
                if member.filename.endswith(".npy"):
                    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                        raise UserError(
                            f"{escape(path)}, array {escape(name)!r} is compressed in a way that NumPy does not use"
                        )
                    with archive.open(member) as file:
                        found[name] = _array(file, path, name)  # type: ignore[arg-type]
            return found
    except OSError as error:
        raise UserError(f"cannot read {escape(path)} ({reason(error)})") from None
    except DAMAGED as error:
        raise UserError(f"cannot read {escape(path)} as .npz ({escape(error)})") from None


def _array(file: BinaryIO, path: Path, name: str) -> Numbers:
    """One array of plain numbers, as large as its header says and no larger than is read.

    The header comes first, so that nothing is allocated for an array that is refused.
    """
    where = f"{escape(path)}, array {escape(name)!r}"
    try:
        version = np.lib.format.read_magic(file)
        reader = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if reader is None:
            raise UserError(f"{where} is of version {version[0]}.{version[1]}, which holds no plain numbers")
        shape, fortran, dtype = reader(file)
    except (ValueError, SyntaxError, TokenError) as error:  # NumPy reads the header as Python's literals
        raise UserError(f"{where} is not in NumPy's format ({escape(error)})") from None
    if dtype.kind not in "iufb" or dtype.itemsize > 16:
        raise UserError(f"{where} has the type {dtype}: only plain numbers are read, nothing is unpickled")
    count = math.prod(shape)
    if count > MAX_CELLS:
        raise UserError(f"{where} has {count:,} numbers, more than the {MAX_CELLS:,} that are read")
    data = file.read(count * dtype.itemsize)
    if len(data) != count * dtype.itemsize:
        raise UserError(f"{where} is cut off: it has {len(data):,} of {count * dtype.itemsize:,} bytes")
    flat = np.frombuffer(data, dtype)
    if name == "seeds" and dtype.kind in "iu":
        # Of whole numbers of 64 bits a float loses the last digits.
        return flat.reshape(shape)
    return np.asarray(flat.reshape(shape, order="F" if fortran else "C"), np.float64)
