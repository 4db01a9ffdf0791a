"""What other packages bring: objects announced as entry points or named ``module:object``, imported only when they are used."""

from __future__ import annotations

import difflib
import importlib
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from amrobust.errors import UserError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


Cached = TypeVar("Cached")
_forget: list[Callable[[], None]] = []


def forgettable(cached: Cached) -> Cached:
    """A function with a cache of what names stand for, which :func:`forget` empties."""
    _forget.append(cached.cache_clear)  # type: ignore[attr-defined]
    return cached


def forget() -> None:
    """Look everything up anew: in a notebook a name stands for another class once its cell was run again."""
    for clear in _forget:
        clear()


def announced(group: str) -> dict[str, EntryPoint]:
    """The entry points of ``group`` by name; nothing of them is imported. Of two with one name the first found counts."""
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, entry)
    return found


def load(entry: EntryPoint) -> Any:
    """What an entry point names. Raises UserError, with the distribution to blame, where it cannot be imported."""
    try:
        return entry.load()
    except Exception as error:
        maker = f"the package {entry.dist.name} {entry.dist.version}" if entry.dist else "a package"
        raise UserError(
            f"{entry.name!r}, which {maker} announces as {entry.value}, cannot be imported: {reason(error)}"
        ) from error


def is_path(name: str) -> bool:
    """Whether ``name`` has the form ``package.module:object``."""
    module, colon, attribute = name.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *attribute.split(".")))


def names_code(name: str) -> bool:
    """Whether ``name``, or one of the optimizers that it is composed of as in ``ema(a)`` and ``a+b``, is the path of code."""
    return any(map(is_path, re.split(r"[()+]", name)))


def refuse_code(document: str, names: Iterable[str]) -> None:
    """Raise UserError where one of ``names``, which a document has, is the path of code: reading a document runs nothing."""
    for name in names:
        if names_code(name):
            raise UserError(
                f"{document} names code, {name}, which would be run: read it, and say --allow-code where you trust it"
            )


def module_of(name: str, group: str) -> str:
    """The module of what ``name`` stands for: a path's, or that of the entry point of ``group``."""
    return name.partition(":")[0] if is_path(name) else announced(group)[name].module


def imported(path: str) -> Any:
    """The object at ``package.module:object``; modules of the working directory are found, as by ``python -m``.

    Raises UserError where there is none, or importing it fails.
    """
    name, _, attribute = path.partition(":")
    try:
        here = str(Path.cwd())
        if here not in sys.path and "" not in sys.path:
            sys.path.append(here)
        found: Any = importlib.import_module(name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise UserError(f"{path} cannot be imported: {reason(error)}") from error
    return found


def unknown(what: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that nothing has, with the nearest that something has."""
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(names)}"
    return UserError(f"no {what} is called {name!r}: {hint}")


def reason(error: Exception) -> str:
    """What kind of error it is, and the first line of what it says."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
