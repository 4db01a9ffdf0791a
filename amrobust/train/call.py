"""Call a function of a Python file with a seed and values, and print what it returns as lines METRIC name=value.

``python -m amrobust.train.call FILE NAME SEED KEY=VALUE...``: NAME is the function's, behind its module's where that is not the
script itself (``package.module:function``).
"""

from __future__ import annotations

import importlib
import inspect
import runpy
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.runs.method import value_of
from amrobust.runs.spec import Value


def place_of(function: Callable[..., Any]) -> tuple[str, str]:
    """FILE and NAME of ``function``. Raises UserError where another process could not find it by these."""
    module, name = function.__module__, getattr(function, "__qualname__", repr(function))
    file = inspect.getsourcefile(function) if inspect.isroutine(function) else None
    found_again: Any = sys.modules.get(module)
    for part in name.split("."):
        found_again = getattr(found_again, part, None)
    # A method of an object is in its class, and not the same there.
    if file is None or found_again != function or not Path(file).is_file():
        raise UserError(
            f"{name} is no function of a file, and every seed is a process of its own that has to find it: define it in a "
            "module, or in the script outside of any other function"
        )
    path = Path(file).resolve()
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())  # The project may be moved, and its runs stay what they are.
    return str(path), name if module in ("__main__", "__mp_main__") else f"{module}:{name}"


def check_arguments(function: Callable[..., Any], names: Iterable[str]) -> None:
    """Raise UserError where ``function`` cannot be called with ``seed`` and arguments of these ``names``."""
    try:
        inspect.signature(function).bind(seed=0, **dict.fromkeys(names))
    except TypeError as error:
        raise UserError(
            f"{function.__name__}{inspect.signature(function)} {error}: it is called with {', '.join(('seed', *names))} by "
            "name, seed being each task's and the others those of values"
        ) from None


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
    number, which is one of the end where others are curves. One number alone is called value.

    >>> list(lines({"acc": [0.5, 0.75], "loss": 2.0}))
    ['METRIC acc=0.5 epoch=1', 'METRIC acc=0.75 epoch=2', 'METRIC loss=2.0 epoch=2']
    >>> list(lines({"loss": {100: 2.0, 200: 1.5}})), list(lines({"loss": 1.5}))
    (['METRIC loss=2.0 step=100', 'METRIC loss=1.5 step=200'], ['METRIC loss=1.5'])
    >>> list(lines(0.9))
    ['METRIC value=0.9']

    Raises UserError on anything else.
    """
    # A tuple may be two metrics as well as two epochs.
    if hasattr(returned, "__float__") and not isinstance(returned, bool) and not getattr(returned, "ndim", 0):
        returned = {"value": returned}
    if not isinstance(returned, Mapping):
        raise UserError(
            f"{f'{returned!r}':.60} is no mapping: have it return {{'acc': [0.5, 0.6, ...]}}, {{'acc': 0.6}} or one "
            "number"
        )
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
    function = found(Path(file), name)
    try:
        returned = function(seed=int(seed), **{key: argument(text) for key, _, text in pairs})
    except Exception as error:
        # The few last lines that are told of a task are to be the function's own: none of the frame here.
        here = error.__traceback__
        traceback.print_exception(error.with_traceback(here and here.tb_next))
        sys.exit(1)
    try:
        for line in () if returned is None else lines(returned):
            print(line, flush=True)
    except (UserError, TypeError, ValueError) as error:
        sys.exit(f"what the function returned cannot be read: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
