"""What a loop of one's own hands to the recorder, checked: names, numbers, places along a training."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amrobust.errors import UserError
from amrobust.runs.correctness import agrees
from amrobust.runs.measurement import Output
from amrobust.runs.metric import INDEX_COLUMNS
from amrobust.runs.spec import MAX_TEXT, plain

MAX_ENTRIES = 1000
"""Metrics of one list or mapping."""


def text_of(what: str, value: Any, least: int = 1) -> str:
    """A text of at least so many letters. Raises UserError on anything else."""
    text = plain(value)
    if not isinstance(text, str) or not least <= len(text) <= MAX_TEXT:
        raise UserError(f"{what} is a text, not {value!r:.100}")
    return text


def name_of(what: str, value: Any) -> str:
    """A text that is not blank. Raises UserError on anything else."""
    name = plain(value)
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_TEXT:
        raise UserError(f"the {what} is a name, not {value!r:.100}")
    return name


def whole_number(what: str, value: Any, least: int, most: int) -> int:
    """A whole number within bounds, also NumPy's. Raises UserError on anything else."""
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise UserError(f"{what} is a whole number from {least} to {most:,}, not {value!r:.100}")
    return number


def output_of(name: str, measurement: str | None) -> str:
    """What an output is called in a record, ``I@ema`` of another measurement. Raises UserError on what is no name of one."""
    if measurement is not None and any(sign in name_of("measurement", measurement) for sign in "@[],=/"):
        raise UserError(f"a measurement is called by a word, such as 'ema', not {measurement!r:.100}")
    if "@" in name:
        raise UserError(f"{name!r:.100} is no output: say the measurement with measurement=")
    return Output(name, measurement).key


def right_of(correct: ArrayLike, values: Mapping[str, float]) -> tuple[str, NDArray[np.bool_]]:
    """``correct`` with the one of ``values`` that is its mean. Raises UserError where it is no such array, or none is."""
    given = np.asarray(getattr(correct, "cpu", lambda: correct)())
    if given.ndim != 1 or not given.size or not np.isin(given, (0, 1)).all():
        raise UserError("correct is one true or false for each test example: an array of one dimension")
    share = float(given.mean())
    names = [
        name
        for name, value in values.items()
        for top in (1, 100)
        if agrees(np.array(value), np.array(top * share))
    ]
    if not names:
        raise UserError(
            f"correct is right on {share:.4%} of {len(given):,} examples, and no metric that is logged with it says so: log "
            "the accuracy beside it, as a share or in percent"
        )
    return names[0], given.astype(bool)


def coordinate_of(label: str, value: Any) -> float:
    """Where along a training something was measured. Raises UserError on what is no finite number."""
    found = plain(value)
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not abs(found) <= sys.float_info.max:
        raise UserError(f"{label} is a number, not {value!r:.100}")
    return float(found)


def one_of(what: str, value: Any, choices: tuple[Any, ...]) -> Any:
    """One of ``choices``, of its type. Raises UserError on anything else."""
    found = plain(value)
    # 1 is True for Python, and another run for a manifest.
    if not any(type(found) is type(choice) and found == choice for choice in choices):
        raise UserError(f"{what} is {' or '.join(map(repr, choices))}, not {value!r:.100}")
    return found


def metric_name(name: Any, taken: Sequence[str] = ()) -> str:
    """The name of a metric. Raises UserError on what is none, and on one that is ``taken`` or means an index of a curve."""
    if name in INDEX_COLUMNS or name in taken:
        raise UserError(f"a metric cannot be called {name!r}")
    return text_of("the name of a metric", name)


def metrics_of(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """A value as metrics: one, or one for each entry of a list, an array or a mapping; None is none."""
    entries = value
    if not isinstance(value, (Mapping, list, tuple)):
        try:
            if value is not None:
                yield name, _number(name, value)
            return
        except UserError:
            try:
                entries = value.tolist()  # of an array of more numbers than one
            except (AttributeError, TypeError, RuntimeError, NotImplementedError):
                entries = None
            if not isinstance(entries, list):
                raise
    if len(entries) > MAX_ENTRIES:
        raise UserError(
            f"{name} has {len(entries):,} entries, more than the {MAX_ENTRIES:,} that are metrics"
        )
    for key, entry in entries.items() if isinstance(entries, Mapping) else enumerate(entries):
        yield from metrics_of(f"{name}.{key}", entry)


def _number(name: str, value: Any) -> float:
    # item() and not float(): of a tensor that still has its graph, and an array of one element, that warns
    item = getattr(value, "item", None)
    try:
        number = item() if callable(item) else value
        if isinstance(number, (str, bytes)):
            raise TypeError
        return float(number)
    except (TypeError, ValueError, RuntimeError, OverflowError, NotImplementedError):
        raise UserError(f"{name} = {value!r:.100} is not a number") from None
