"""Two-class data for the convex workloads: a LIBSVM file, or scikit-learn's breast-cancer set."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.workloads import catalogue, contents

Array = NDArray[np.float64]

MAX_CELLS = 500_000_000
MAX_CELLS_A_BYTE = 200
"""Of a file's length: sparse text sets reach about 30."""


@lru_cache(maxsize=4)
def signed_samples(data: str | None) -> tuple[Array, str]:
    """The rows b_i a_i, b_i = ±1 and a_i of unit length, shape (samples, features), and the SHA-256 of them.

    ``data`` is a LIBSVM file, or the name of one of the catalogue (a1a, a5a, a9a) in the data directory; None is the
    breast-cancer set, standardised before it is normalised. Raises UserError where the file cannot be read, or has not exactly
    two labels.
    """
    rows, labels = _breast_cancer() if data is None else _libsvm(Path(data))
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


def _libsvm(path: Path) -> tuple[Array, Array]:
    from sklearn.datasets import load_svmlight_file

    # A name alone, such as a5a, is a set of the catalogue in the data directory, unless a file is called so.
    named = catalogue.DATA_SETS.get(str(path))
    from_store = named is not None and named.folder == "libsvm" and not path.exists()
    source = io.BytesIO(contents.read(named).files[str(path)]) if named and from_store else str(path)
    try:
        rows, labels = load_svmlight_file(source, dtype=np.float64)
    except (OSError, ValueError, OverflowError, EOFError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"cannot read {path} as LIBSVM text ('label index:value ...'): {reason}") from None
    cells = rows.shape[0] * rows.shape[1]
    # A few bytes may name feature 400,000,000: what is made dense must be in proportion to the file too.
    if not 0 < cells <= min(MAX_CELLS, 1_000_000 + MAX_CELLS_A_BYTE * path.stat().st_size):
        raise UserError(
            f"{path} has {rows.shape[0]} rows of {rows.shape[1]} features, which is not usable dense"
        )
    dense = np.asarray(rows.toarray())
    if not np.isfinite(dense).all() or not np.isfinite(labels).all():
        raise UserError(f"{path} holds values that are not finite numbers")
    return dense, labels
