"""``name[param=value,...]`` and ``name=value`` on the command line."""

from __future__ import annotations

import re

from amrobust.errors import UserError

Value = int | float | str | bool | None
SELECTION = re.compile(r"(?P<name>[A-Za-z0-9_.:-]+)(\[(?P<inner>[^\[\]]*)\])?")


def parse_value(text: str) -> Value:
    """An integer, a number, true, false or none where ``text`` is one; else the text itself."""
    lowered = text.strip().lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    if lowered == "none":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip()


def parse_text_pair(text: str) -> tuple[str, str]:
    """``name=text``. Raises UserError on anything else."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise UserError(f"{text!r} is not of the form name=value")
    return name.strip(), value.strip()


def parse_pair(text: str) -> tuple[str, Value]:
    """``name=value``. Raises UserError on anything else."""
    name, value = parse_text_pair(text)
    return name, parse_value(value)


def parse_selection(text: str) -> tuple[str, dict[str, Value]]:
    """``am1`` or ``am1[m=3,lr=0.05]``: a name and its parameters. Raises UserError on anything else."""
    match = SELECTION.fullmatch(text.strip())
    if match is None:
        raise UserError(f"{text!r} is not of the form name or name[param=value,...]")
    inner = match["inner"]
    pairs = [parse_pair(part) for part in inner.split(",")] if inner and inner.strip() else []
    if len(dict(pairs)) < len(pairs):
        raise UserError(f"{text!r} gives a parameter twice")
    return match["name"], dict(pairs)


def parse_counts(text: str) -> tuple[int, ...]:
    """``5,10,20`` as growing numbers. Raises UserError on anything else."""
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"{text!r} is no list of numbers such as 5,10,20") from None
    if counts[0] < 1 or list(counts) != sorted(set(counts)):
        raise UserError(f"{text!r} is no list of growing numbers such as 5,10,20")
    return counts
