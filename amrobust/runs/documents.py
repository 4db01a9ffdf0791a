"""What users say in TOML documents and in arguments from Python, taken apart: complaints say where, and what is expected."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.runs.files import TooLong, read_bounded

MAX_BYTES = 10_000_000
MAX_COMBINATIONS = 100_000
WORDS = {str: "a text", list: "a list", int: "a whole number", float: "a number", dict: "a table"}


@dataclass(frozen=True)
class Tables:
    """Takes entries out of TOML tables; every complaint names ``source``, the file."""

    source: str
    asked: set[str] = field(default_factory=set, compare=False, repr=False)
    """The names of all entries that were asked for: what a mistyped one may have meant."""

    def complain(self, what: str) -> UserError:
        """The error to raise."""
        return UserError(f"{self.source}: {what}")

    def within(self, part: str) -> Tables:
        """For a part of the file, such as ``claim 2``: complaints name it too."""
        return replace(self, source=f"{self.source}: {part}")

    def take(self, table: Any, key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """Remove and return ``table[key]``. Raises UserError where it is missing (without default) or of another type."""
        if not isinstance(table, dict):
            raise self.complain(f"{table!r} stands where a table is expected")
        self.asked.add(key)
        value = table.pop(key, default)
        if value is None:
            near = difflib.get_close_matches(key, table, n=1)
            raise self.complain(
                f"{key!r} is missing" + (f": did you mean it by {near[0]!r}?" if near else "")
            )
        if not isinstance(value, kind) or isinstance(value, bool):
            wanted = " or ".join(WORDS[one] for one in (kind if isinstance(kind, tuple) else (kind,)))
            wanted = "a number" if kind == (int, float) else wanted
            raise self.complain(f"{key!r} has the wrong type ({value!r}): give {wanted}")
        return value

    def nothing_left(self, table: dict[str, Any], where: str) -> None:
        """Raise UserError on entries that nobody took."""
        if table:
            near = {name: difflib.get_close_matches(name, self.asked - {name}, n=1) for name in table}
            said = [
                f"{name!r}{f' (did you mean {found[0]!r}?)' if found else ''}" for name, found in near.items()
            ]
            raise self.complain(f"unknown {', '.join(said)} in {where}")


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The tables of a TOML file of at most 10 MB. Raises UserError where it cannot be read."""
    content = read_text(path, what)
    try:
        return tomllib.loads(content)
    except (ValueError, RecursionError) as error:  # TOML's own errors are among the first
        raise UserError(f"the {what} {path} is not valid TOML: {error}") from None


def read_text(path: Path, what: str) -> str:
    """A plain UTF-8 file of at most 10 MB. Raises UserError where it cannot be read."""
    try:
        return read_bounded(path, MAX_BYTES, follow=True).decode()
    except TooLong:
        raise UserError(f"the {what} {path} is larger than {MAX_BYTES // 1_000_000} MB") from None
    except (OSError, ValueError) as error:  # of UTF-8, and of a name that no file has
        raise UserError(f"cannot read the {what} {path}: {error}") from None


def combinations(tables: Tables, values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """One value of each list, in every combination. Raises UserError where there are too many."""
    count = math.prod(map(len, values.values()))
    if count > MAX_COMBINATIONS:
        raise tables.complain(
            f"{', '.join(values)} have {count:,} combinations, more than {MAX_COMBINATIONS:,}"
        )
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def grid_points(tables: Tables, grid: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of the lists of ``[grid]``; one empty one where there is no grid."""
    for key, values in grid.items():
        if not isinstance(values, list) or not values:
            raise tables.complain(f"grid: {key} = {values!r} is not a list of values")
    return combinations(tables, grid)


def mapping_given(what: str, given: Any, example: str) -> dict[str, Any]:
    """A mapping from names; empty where None was given. Raises UserError on anything else."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UserError(f"{what} is a mapping from names, such as {example}, not {given!r:.100}")
    for name in given:
        if not isinstance(name, str):
            raise UserError(
                f"{what} is a mapping from names, such as {example}, and {name!r:.100} is no name"
            )
    return dict(given)


def texts_given(what: str, given: Any, example: str) -> dict[str, str]:
    """A mapping from names to texts; empty where None was given. Raises UserError on anything else."""
    found = mapping_given(what, given, example)
    for name, text in found.items():
        if not isinstance(text, str):
            raise UserError(f"{what} of {name!r:.100} is a text, such as in {example}, not {text!r:.100}")
    return found


def several_given(what: str, given: Any, example: str) -> tuple[Any, ...]:
    """Several values; none where None was given. Raises UserError on a text, and on what cannot be gone through."""
    if given is None:
        return ()
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise UserError(f"{what} are several, such as {example}, not {given!r:.100}")
    return tuple(given)


def text_given(what: str, given: Any, example: str) -> None:
    """Raise UserError on anything but a text or None."""
    if given is not None and not isinstance(given, str):
        raise UserError(f"{what} is a text, such as {example}, not {given!r:.100}")
