"""Call a function of a Python file with a seed and values, and print what it returns as lines METRIC name=value.

``python -m amrobust.train.call FILE NAME SEED KEY=VALUE...``: NAME is the function's, behind its module's where that is not the
script itself (``package.module:function``).
"""

from __future__ import annotations

import importlib
import inspect
import runpy
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.runs.method import value_of
from amrobust.runs.spec import Value


def place_of(function: Callable[..., Any]) -> tuple[str, str]:
    """FILE and NAME of ``function``. Raises UserError where another process could not find it by these."""
    module, name = function.__module__, getattr(function, "__qualname__", repr(function))
    file = inspect.getsourcefile(function) if inspect.isroutine(function) else None
    if file is None or "<" in name or not Path(file).is_file():
        raise UserError(
            f"{name} is no function of a file, and every seed is a process of its own that has to find it: define it in a "
            "module, or in the script outside of any other function"
        )
    path = Path(file).resolve()
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())  # The project may be moved, and its runs stay what they are.
    return str(path), name if module in ("__main__", "__mp_main__") else f"{module}:{name}"


def argument(text: str) -> Value:
    """An argument from its text: a number, True, False or None where it is one."""
    return {"True": True, "False": False, "None": None}.get(text, value_of(text))


def found(file: Path, name: str) -> Callable[..., Any]:
    """The function that :func:`place_of` told of."""
    module, colon, called = name.rpartition(":")
    inside = len(module.split(".")) + (file.name == "__init__.py") - 1 if colon else 0
    sys.path.insert(0, str(file.resolve().parents[inside]))
    members = (
        vars(importlib.import_module(module)) if colon else runpy.run_path(str(file), run_name="__mp_main__")
    )
    first, *others = called.split(".")
    function: Any = members[first]
    for other in others:
        function = getattr(function, other)
    made: Callable[..., Any] = function
    return made


def lines(returned: Any) -> Iterator[str]:
    """What a function returned, as lines: of each metric a sequence of one number an epoch, or numbers by their steps, or one
    number, which is one of the end where others are curves.

    >>> list(lines({"acc": [0.5, 0.75], "loss": 2.0}))
    ['METRIC acc=0.5 epoch=1', 'METRIC acc=0.75 epoch=2', 'METRIC loss=2.0 epoch=2']
    >>> list(lines({"loss": {100: 2.0, 200: 1.5}})), list(lines({"loss": 1.5}))
    (['METRIC loss=2.0 step=100', 'METRIC loss=1.5 step=200'], ['METRIC loss=1.5'])

    Raises UserError on anything else.
    """
    if not isinstance(returned, Mapping):
        raise UserError(f"the function returned {returned!r:.60}: have it return {{'acc': [0.5, 0.6, ...]}}")
    curves: dict[str, Mapping[float, float]] = {}
    kinds = set()
    for name, values in returned.items():
        if not isinstance(name, str) or not name or any(sign.isspace() or sign == "=" for sign in name):
            raise UserError(f"{name!r} is no name of a metric: take one without spaces and equals signs")
        if isinstance(values, Mapping):
            kinds.add("step")
            curves[name] = {float(step): float(value) for step, value in values.items()}
        elif isinstance(values, Sequence) or getattr(values, "ndim", 0) > 0:
            kinds.add("epoch")
            curves[name] = {float(n): float(value) for n, value in enumerate(values, 1)}
    if len(kinds) > 1:
        raise UserError(
            "some metrics are sequences, one number an epoch, and others numbers by their steps: return one of both"
        )
    end = max((step for curve in curves.values() for step in curve), default=None)
    for name, values in returned.items():
        for step, value in curves.get(name, {end: values}).items():
            at = "" if step is None else f" {kinds.copy().pop()}={step:.15g}"
            yield f"METRIC {name}={float(value)!r}{at}"


def main(file: str, name: str, seed: str, *values: str) -> None:
    """Call it. What it prints itself stays what it is; where it returns None that has to have the metrics."""
    pairs = (value.partition("=") for value in values)
    returned = found(Path(file), name)(seed=int(seed), **{key: argument(text) for key, _, text in pairs})
    for line in () if returned is None else lines(returned):
        print(line, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
