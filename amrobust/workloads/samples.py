"""Two-class data for the convex workloads: a LIBSVM file, a set of the catalogue, or scikit-learn's breast-cancer set."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.workloads import contents
from amrobust.workloads import data as data_directory
from amrobust.workloads.catalogue import DATA_SETS, DataSet

Array = NDArray[np.float64]

CATALOGUE = {name: entry for name, entry in DATA_SETS.items() if entry.folder == "libsvm"}
"""The sets that can be named instead of a file."""

MAX_CELLS = 500_000_000
MAX_CELLS_A_BYTE = 200
"""Of a file's length: sparse text sets reach about 30."""


def signed_samples(data: str | None) -> tuple[Array, str]:
    """The rows b_i a_i, b_i = ±1 and a_i of unit length, shape (samples, features), and the SHA-256 of them.

    ``data`` is a LIBSVM file, or a set of the catalogue in the data directory (a1a, a5a, a9a) where there is no such file;
    None is the breast-cancer set, standardised before it is normalised. Raises UserError where the data cannot be read, or
    have not exactly two labels.
    """
    return _signed(data, data_directory.directory() if _of_catalogue(data) else None)


def note(data: str | None) -> str | None:
    """What a reader must know about a set of the catalogue whose bytes are not the publisher's; else None."""
    entry = _of_catalogue(data)
    unofficial = contents.read(entry).unofficial if entry is not None else ()
    return f"{', '.join(unofficial)} not the publisher's bytes" if unofficial else None


def _of_catalogue(data: str | None) -> DataSet | None:
    return None if data is None or Path(data).exists() else CATALOGUE.get(data)


@lru_cache(maxsize=4)
def _signed(data: str | None, directory: Path | None) -> tuple[Array, str]:
    """The samples; ``directory`` is where sets of the catalogue lie, and None for data that are none."""
    if data is None:
        rows, labels = _breast_cancer()
    elif directory is not None:
        (content,) = contents.read(CATALOGUE[data]).files.values()
        rows, labels = _libsvm(io.BytesIO(content), data, len(content))
    elif Path(data).exists():
        rows, labels = _libsvm(data, data, Path(data).stat().st_size)
    else:
        raise UserError(f"there is no file {data}, and none of the sets {', '.join(CATALOGUE)} has that name")
    values = np.unique(labels)
    if len(values) != 2:
        raise UserError(f"{data} has {len(values)} different labels, and the problem needs exactly two")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(lengths > 0, lengths, 1.0)
    signed = np.ascontiguousarray(np.where(labels == values[1], 1.0, -1.0)[:, None] * rows)
    return signed, hashlib.sha256(repr(signed.shape).encode() + signed.tobytes()).hexdigest()


def _breast_cancer() -> tuple[Array, Array]:
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    features = data.data
    return (features - features.mean(axis=0)) / features.std(axis=0), data.target


def _libsvm(source: str | IO[bytes], path: str, size: int) -> tuple[Array, Array]:
    from sklearn.datasets import load_svmlight_file

    try:
        rows, labels = load_svmlight_file(source, dtype=np.float64)
    except (OSError, ValueError, OverflowError, EOFError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"cannot read {path} as LIBSVM text ('label index:value ...'): {reason}") from None
    cells = rows.shape[0] * rows.shape[1]
    # A few bytes may name feature 400,000,000: what is made dense must be in proportion to the file too.
    if not 0 < cells <= min(MAX_CELLS, 1_000_000 + MAX_CELLS_A_BYTE * size):
        raise UserError(
            f"{path} has {rows.shape[0]} rows of {rows.shape[1]} features, which is not usable dense"
        )
    dense = np.asarray(rows.toarray())
    if not np.isfinite(dense).all() or not np.isfinite(labels).all():
        raise UserError(f"{path} holds values that are not finite numbers")
    return dense, labels
