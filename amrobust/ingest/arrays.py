"""Arrays in memory of one method: which seeds they are of, and their curves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.logged import SEED_KEYS, STEP_KEYS
from amrobust.runs.files import escape
from amrobust.runs.seeds import NamedSeed, as_given, seed_of
from amrobust.runs.values import ABSENT, Curves, unmeasured_before_the_first

_A_SEED = re.compile(r"[+-]?\d+|(?:seed|fold|split|run|rep|repeat|replicate|trial|s)([\W_]+\w+|\d+)", re.I)
"""Texts that say themselves that they are a seed: seed3, fold A, run_12."""


def seeds_and_curves(method: str, given: Any) -> tuple[tuple[int, ...] | None, Curves]:
    """The seeds of ``method``, ascending, or None where rows have no names; and their curves (seeds, steps).

    A mapping has seeds as its keys, a Series of pandas in its index, unless that only counts its rows. None is a value that was
    not measured, as is what a Series has as missing: NaN too, as in frames of pandas. Raises UserError on what is no array of
    numbers, and on keys that may be something else than seeds.
    """
    if method.strip().lower() in (*SEED_KEYS, *STEP_KEYS):
        raise UserError(
            f"a mapping has methods as its keys, and {escape(method)!r} would be one: seeds go in as "
            "{method: {seed: values}}, and a table with columns of seeds or steps as a DataFrame"
        )
    if hasattr(given, "columns"):
        raise UserError(
            f"{method}: a {type(given).__name__} within a mapping does not say which of its sides are seeds: give one frame of "
            "all methods with columns method and seed, or an array (seeds, epochs)"
        )
    if hasattr(given, "index") and hasattr(given, "isna"):
        given = _of_series(method, given)
    if not isinstance(given, Mapping):
        return None, _curves(method, given)
    named = _by_seed(method, given)
    seeds = sorted(named)
    return tuple(seeds), _curves(method, [named[seed] for seed in seeds])


def _by_seed(method: str, given: Mapping[Any, Any]) -> dict[int, Any]:
    """The values of each seed."""
    named = {seed_of(seed): values for seed, values in given.items()}
    if len(named) < len(given):
        raise UserError(f"{method}: two of its seeds are one number")
    # Such keys may be methods, data sets or metrics as well, and those are no sample.
    words = [seed for seed in named if isinstance(seed, NamedSeed) and not _A_SEED.fullmatch(seed.name)]
    if words:
        some = ", ".join(escape(repr(as_given(seed))) for seed in words[:3]) + (", ..." if words[3:] else "")
        raise UserError(
            f"{escape(method)}: what {some} are cannot be told: in {{method: {{seed: values}}}} the inner keys are seeds, and "
            "whole numbers or called as such (seed3, fold A); where they are methods, data sets or metrics, give "
            "{method: values} for one data set and one metric at a time (Runs.from_arrays has workload=, and compare metric=); "
            "seeds of other names go in as a DataFrame with columns method and seed"
        )
    return named


def _of_series(method: str, series: Any) -> Mapping[Any, Any] | list[Any]:
    """A Series of pandas as a mapping from its index, or as a list where that counts its rows; None for a missing value."""
    name, labels = series.index.name, list(series.index)
    if name is not None and str(name).lower() not in SEED_KEYS:
        raise UserError(
            f"{escape(method)}: the index of its Series is called {escape(repr(name))}, and should be the seed: rename it to "
            "'seed' where it is, else give a DataFrame with columns method and seed, or .to_numpy()"
        )
    if len(set(labels)) < len(labels):
        raise UserError(f"{escape(method)}: its Series has two values of one seed: its index is the seed")
    values = [None if empty else value for value, empty in zip(series, series.isna(), strict=True)]
    if name is None and labels == list(range(len(labels))):
        return values
    return dict(zip(labels, values, strict=True))


def _curves(method: str, rows: Any) -> Curves:
    """``rows`` as an array (seeds, steps)."""
    try:
        found = np.ma.array(_detached(rows))
        if found.dtype.kind in "cmM":
            raise UserError(
                f"{escape(method)}: its values are {found.dtype.name}, and should be real numbers"
            )
        mask = np.ma.getmaskarray(found)
        values = found.data
        if found.dtype.kind == "O":
            mask = mask | np.vectorize(_is_missing, otypes=[bool])(values)
            values = np.where(mask, np.nan, values)
        curves = np.array(values, np.float64)
    except (TypeError, ValueError) as error:
        what = str(error).splitlines()[0]
        raise UserError(
            f"{method}: an array of numbers is (seeds, epochs) or (seeds,), and this is none ({what}); a table with columns "
            "goes in as a DataFrame, curves of unequal length as a long one"
        ) from None
    curves[mask] = ABSENT
    curves = curves[:, None] if curves.ndim == 1 else curves
    if curves.ndim != 2 or 0 in curves.shape:
        raise UserError(f"{method}: an array is (seeds, epochs) or (seeds,), not of shape {np.shape(found)}")
    return unmeasured_before_the_first(curves)


def _detached(rows: Any) -> Any:
    """``rows`` with tensors of torch off their graph and their device, and in a type that NumPy has, unlike bfloat16."""
    if hasattr(rows, "detach"):
        found = rows.detach().cpu()
        return found.double() if found.dtype.is_floating_point else found
    return (
        [_detached(row) for row in rows] if isinstance(rows, Sequence) and not isinstance(rows, str) else rows
    )


def _is_missing(value: Any) -> bool:
    """Whether ``value`` says that nothing was measured: None, or the NA of pandas."""
    return value is None or type(value).__name__ == "NAType"
