"""Records of JSON read back: their checksum, and the types and bounds of their fields; what is wrong is said in one line."""

from __future__ import annotations

import json
import re
import reprlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from amrobust.runs.files import escape
from amrobust.runs.seeds import LEAST, MAX_SEED, MOST
from amrobust.runs.spec import MAX_TEXT, Value, can_be_recorded, content_digest

MAX_JSON_ITEMS = 20_000_000
"""Items of a record's lists and objects, together: a million seeds have five each."""
UPDATE = "a later version of amrobust made it: update to read it"

Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
# Of a digest the length too: a pattern's end is also in front of a last line feed.
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
DigestOrNone = Annotated[str, Meta(pattern="^([0-9a-f]{64})?$", max_length=64)]
"""Empty where there is none."""
Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0, lt=1e12)]
Seed = Annotated[int, Meta(ge=LEAST, le=MOST)]
OwnSeed = Annotated[int, Meta(ge=0, lt=MAX_SEED)]
"""Of a training of ours."""
SeedCount = Annotated[int, Meta(ge=0, le=MAX_SEED)]

_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_MISSING = re.compile(r"Object missing required field `(\w+)`")

T = TypeVar("T")


class CorruptRun(Exception):
    """What is wrong with a run on disk, in words that complete "<run>: ..."."""

    hint = "'amrobust check --repair {run}' sets it aside, and its command makes it again"
    """What to do; ``{run}`` stands for where it is."""

    def hint_for(self, path: Path) -> str:
        """What to do about the run in ``path``."""
        return self.hint.replace("{run}", shlex.quote(str(path)))


class UnreadableRun(CorruptRun):
    """Why a run cannot be used here and now although nothing says that it is damaged, and what to do."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.hint = hint


def checksummed(data: bytes, current: int, what: str) -> tuple[dict[str, Any], int]:
    """The JSON object in ``data``, a ``what``, and its schema version, once its checksum has been found to be right.

    Raises CorruptRun where it is none, and UnreadableRun where its schema version is above the ``current`` one.
    """
    # Counted before anything is built: the text is the only part of a record whose size the file's length bounds.
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_JSON_ITEMS:
        raise CorruptRun(f"its {what} has more than {MAX_JSON_ITEMS:,} items")
    try:
        # By the reader that it was always read by: what a digest was made of has to be the same for ever.
        top = json.loads(data.decode(), parse_constant=_no_constant)
        if not isinstance(top, dict):
            raise CorruptRun(f"its {what} is not a JSON object")
        found = content_digest({key: value for key, value in top.items() if key != "checksum"})
    except (ValueError, RecursionError) as error:
        raise CorruptRun(f"its {what} is not valid JSON ({escape(error)})") from None
    version = converted(top.get("schema_version"), Positive, what, "schema_version")
    if version > current:
        raise UnreadableRun(
            f"its {what} has schema version {version}, and this amrobust reads up to {current}",
            UPDATE,
        )
    if found != top.get("checksum"):
        raise CorruptRun(f"its {what} was changed by hand or damaged (its checksum does not match)")
    return top, version


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def converted(value: Any, kind: type[T], what: str, at: str = "") -> T:
    """The part ``at`` of a record, a ``what``, as ``kind``. Raises CorruptRun: which field, what is there, what should be.

    A field that a dataclass has a default for may be missing, as in records of before it was there; unknown ones are left out.
    """
    try:
        return msgspec.convert(value, kind)
    except (
        UnicodeEncodeError
    ):  # of half a pair of surrogates, where no text of a stranger's choice can be meant
        raise CorruptRun(f"{at or 'a field'} in its {what} has a name that is no text") from None
    except msgspec.ValidationError as error:
        said, _, path = str(error).rpartition(" - at `")
    if not said:
        said, path = path, "$`"
    steps, entry = path.removeprefix("key` in `").strip("$`"), ""
    if path.startswith("key"):
        entry = "a name in "
    elif "[...]" in path:
        entry, steps = "a value in ", steps.partition("[...]")[0]
    where = f"{at}{steps}".removeprefix(".")
    if missing := _MISSING.fullmatch(said):
        raise CorruptRun(f"its {what} has no {f'{where}.{missing[1]}'.removeprefix('.')!r}")
    hint: Any = kind
    for name, place in _STEP.findall(steps):
        value = value[name or int(place)]
        hint = get_type_hints(hint)[name] if name else get_args(hint)[0]
        hint = next((one for one in get_args(hint) if get_origin(hint) in (Union, UnionType)), hint)
    expected = f"{said[0].lower()}{said[1:]}".replace("`", "")
    if get_origin(hint) is Literal:
        expected = f"expected one of {', '.join(get_args(hint))}"
    raise CorruptRun(f"{entry}{where} in its {what} is {reprlib.repr(value)}: {expected}")


def check_parameters(values: Mapping[str, Value], what: str, at: str) -> None:
    """Raise CorruptRun where the ``values`` at a place of a record, a ``what``, are none that are ever recorded."""
    for name, value in values.items():
        if not (name and can_be_recorded(name) and can_be_recorded(value)):
            raise CorruptRun(
                f"{at} in its {what} has {escape(name)[:40]!r} = {reprlib.repr(value)}: expected a name, and a number (of 64 "
                f"bits where it is whole), true, false, null or a text of at most {MAX_TEXT:,} characters"
            )
