"""Entries of a JSON record read back: each checked for presence, type and bounds before anything uses it."""

from __future__ import annotations

import json
import math
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from amrobust.runs.files import shown
from amrobust.runs.spec import content_digest

MAX_TEXT = 10_000
MAX_INTEGER = 2**63 - 1
MAX_JSON_ITEMS = 20_000_000
"""Items of a record's lists and objects, together: a million seeds have five each."""
MAX_SEED = 1_000_000
"""Seeds of a training of ours are below it, and so many has a run at most."""
UPDATE = "a later version of amrobust made it: update to read it"

_DIGEST = re.compile(r"[0-9a-f]{64}")

T = TypeVar("T")


class Broken(Exception):
    """What is wrong with a run on disk, in words that complete "<run>: ..."."""

    remedy = "'amrobust check --repair {run}' sets it aside, and its command makes it again"
    """What to do; ``{run}`` stands for where it is."""

    def remedy_for(self, path: Path) -> str:
        """What to do about the run in ``path``."""
        return self.remedy.replace("{run}", shlex.quote(str(path)))


class OutOfReach(Broken):
    """Why a run cannot be used here and now although nothing says that it is damaged, and what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


def sealed(data: bytes, current: int, what: str) -> tuple[dict[str, Any], int]:
    """The JSON object in ``data``, a ``what``, and its schema version, once its checksum has been found to be right.

    Raises Broken where it is none, and OutOfReach where its schema version is above the ``current`` one.
    """
    # Counted before anything is built: the text is the only part of a record whose size the file's length bounds.
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_JSON_ITEMS:
        raise Broken(f"its {what} has more than {MAX_JSON_ITEMS:,} items")
    try:
        top = a_table(json.loads(data.decode(), parse_constant=_no_constant), f"the {what}")
        found = content_digest({key: value for key, value in top.items() if key != "checksum"})
    except (ValueError, RecursionError) as error:
        raise Broken(f"its {what} is not valid JSON ({shown(error)})") from None
    version = entry(top, "schema_version", an_integer(1))
    if version > current:
        raise OutOfReach(
            f"its {what} has schema version {version}, and this amrobust reads up to {current}",
            UPDATE,
        )
    if found != entry(top, "checksum", a_digest):
        raise Broken(f"its {what} was changed by hand or damaged (its checksum does not match)")
    return top, version


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def a_table(value: Any, where: str) -> dict[str, Any]:
    """A JSON object. Every reader here raises Broken, naming ``where``, on anything else."""
    if not isinstance(value, dict):
        raise Broken(f"{where} is not a JSON object")
    return value


def entry(table: Mapping[str, Any], name: str, check: Callable[[Any, str], T]) -> T:
    """``table[name]``, read by ``check``. Raises Broken where it is missing."""
    if name not in table:
        raise Broken(f"its record has no {name!r}")
    return check(table[name], name)


def an_integer(least: int, most: int | None = MAX_INTEGER) -> Callable[[Any, str], int]:
    """A reader of integers from ``least`` to ``most``."""

    def check(value: Any, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise Broken(f"{where} in its record is not an integer of at least {least}")
        if most is not None and value > most:
            raise Broken(f"{where} in its record is above {most}")
        return value

    return check


def a_duration(value: Any, where: str) -> float:
    """Seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e12:
        raise Broken(f"{where} in its record is not a duration in seconds")
    return float(value)


def a_number(value: Any, where: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= sys.float_info.max:
        raise Broken(f"{where} in its record is not a number")
    return float(value)


def a_text(value: Any, where: str) -> str:
    """A text that is not too long."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise Broken(f"{where} in its record is not a text of at most {MAX_TEXT} characters")
    return value


def a_name(value: Any, where: str) -> str:
    """A text that is not empty."""
    if not a_text(value, where):
        raise Broken(f"{where} in its record is empty")
    return str(value)


def a_digest(value: Any, where: str) -> str:
    """A SHA-256 digest in hexadecimal digits."""
    if not _DIGEST.fullmatch(a_text(value, where)):
        raise Broken(f"{where} in its record is not a SHA-256 digest")
    return str(value)


def a_boolean(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Broken(f"{where} in its record is neither true nor false")
    return value


def a_scalar(value: Any, where: str) -> int | float | str | bool | None:
    """The value of a parameter: a finite number, a text, true, false or null."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return an_integer(-MAX_INTEGER)(value, where)
    if isinstance(value, float) and math.isfinite(value):
        return value
    return a_text(value, where)


def optional(check: Callable[[Any, str], T]) -> Callable[[Any, str], T | None]:
    """A reader of null, or what ``check`` reads."""
    return lambda value, where: None if value is None else check(value, where)


def a_sequence(check: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    """A reader of lists of what ``check`` reads."""

    def each(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, list) or len(value) > MAX_SEED:
            raise Broken(f"{where} in its record is not a list")
        return tuple(check(item, where) for item in value)

    return each


def a_mapping(check: Callable[[Any, str], T]) -> Callable[[Any, str], dict[str, T]]:
    """A reader of objects whose values ``check`` reads."""
    return lambda value, where: {
        a_name(key, where): check(item, where) for key, item in a_table(value, where).items()
    }
