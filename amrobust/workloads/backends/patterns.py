"""A matrix whose rows repeat themselves, as the product of which patterns a row has and what the patterns are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

PATTERNS = 256
"""How many patterns neighbouring columns may have together; benchmarks/convex_seeds.py shows what it gains."""

WORTHWHILE = 0.8
"""Two factors are used where they have together less than this share of the matrix's entries."""


def factored(rows: NDArray[Any]) -> tuple[Any, Any] | None:
    """Compressed (n, p) and (p, d) whose product is ``rows`` (n, d), to the bit; None where they save too little.

    Neighbouring columns are taken together as long as the rows have, up to their signs, at most ``PATTERNS`` patterns in
    them: the second factor holds the patterns, the first a sign for each that a row has. Of one-hot features a row so has
    one entry for several. The coding of columns together is that of A. Elgohary et al., Compressed Linear Algebra for
    Large-Scale Machine Learning, PVLDB 9(12), 2016.
    """
    from scipy.sparse import coo_array, csr_array, hstack, vstack

    first_entry = np.take_along_axis(rows, (rows != 0).argmax(axis=1)[:, None], axis=1)
    signs = np.where(first_entry < 0, -1, 1).astype(rows.dtype)
    unsigned = rows * signs
    chosen, patterns = [], []
    for columns, codes in _groups(unsigned):
        held = csr_array(rows[:, columns])
        if codes is None:
            chosen.append(held)
            patterns.append(_at(np.eye(1, dtype=rows.dtype), columns, rows.shape[1]))
            continue
        _, shown = np.unique(codes, return_index=True)
        filled = np.flatnonzero(np.diff(held.indptr))
        places = filled, codes[filled]
        chosen.append(coo_array((signs[filled, 0], places), shape=(len(rows), len(shown))))
        patterns.append(_at(unsigned[shown, columns], columns, rows.shape[1]))
    entries = sum(part.nnz for part in (*chosen, *patterns))
    if entries >= WORTHWHILE * np.count_nonzero(rows):
        return None
    return hstack(chosen, format="csr"), vstack(patterns, format="csr")


def _at(block: NDArray[Any], columns: slice, width: int) -> Any:
    """``block`` in its ``columns`` of a compressed matrix of so many."""
    from scipy.sparse import csr_array

    whole = np.zeros((len(block), width), block.dtype)
    whole[:, columns] = block
    return csr_array(whole)


def _groups(rows: NDArray[Any]) -> Iterator[tuple[slice, NDArray[np.intp] | None]]:
    """Neighbouring columns and each row's pattern in them, 0, 1, …; None for a column that has too many alone."""
    start, codes = 0, np.zeros(len(rows), np.intp)
    for column, entries in enumerate(rows.T):
        values, alone = np.unique(entries, return_inverse=True)
        joint = codes * len(values) + alone
        found, both = np.unique(joint, return_inverse=True)
        if len(found) <= PATTERNS:
            codes = both
            continue
        if column > start:
            yield slice(start, column), codes
        start, codes = column, alone
        if len(values) > PATTERNS:
            yield slice(column, column + 1), None
            start, codes = column + 1, np.zeros(len(rows), np.intp)
    if start < rows.shape[1]:
        yield slice(start, rows.shape[1]), codes
