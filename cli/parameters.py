"""``name[param=value,...]``, ``name=value`` and lists of values on the command line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

import click

from amrobust.errors import UserError
from amrobust.runs.method import in_parts

Value = int | float | str | bool | None
_NAME = re.compile(r"[A-Za-z0-9_.:+()-]+")


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


def parse_values(text: str) -> tuple[Value, ...]:
    """``0.9,0.99`` as its values. Raises UserError where one of them is empty."""
    parts = text.split(",")
    if not all(part.strip() for part in parts):
        raise UserError(f"{text!r} is no list of values such as 0.9,0.99")
    return tuple(map(parse_value, parts))


def parse_selection(text: str) -> tuple[str, dict[str, tuple[Value, ...]]]:
    """``am1``, ``am1[m=3,lr=0.05]`` or ``am1[m=3,5,10]``: a name, and the values of its parameters.

    Raises UserError on anything else.
    """
    name, parameters, output = in_parts(text)
    if output is not None or not _NAME.fullmatch(name):
        raise UserError(f"{text!r} is not of the form name or name[param=value,...]")
    return name, {key: tuple(map(parse_value, values)) for key, values in parameters.items()}


def parse_labels(given: Iterable[str], methods: Collection[str]) -> dict[str, str]:
    """``am1[m=5]/II=Ours`` as a method's name and its label: the longest name among ``methods``, else up to the first ``=``
    outside of brackets. Raises UserError on a text without either, and on a method that has two labels."""
    found: dict[str, str] = {}
    for text in given:
        ends = [place for place, sign in enumerate(text) if sign == "="]
        known = [end for end in ends if text[:end] in methods]
        outside = [end for end in ends if text.count("[", 0, end) == text.count("]", 0, end)]
        if not known and not outside:
            raise UserError(f"--label {text!r} is not of the form METHOD=TEXT")
        end = known[-1] if known else outside[0]
        if text[:end] in found:
            raise UserError(f"--label gives {text[:end]!r} two labels")
        found[text[:end]] = text[end + 1 :]
    return found


def parse_counts(text: str) -> tuple[int, ...]:
    """``5,10,20`` as growing numbers. Raises UserError on anything else."""
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"{text!r} is no list of numbers such as 5,10,20") from None
    if counts[0] < 1 or list(counts) != sorted(set(counts)):
        raise UserError(f"{text!r} is no list of growing numbers such as 5,10,20")
    return counts


class Numbers(click.ParamType):  # type: ignore[type-arg]
    """One number or several, with commas between them; of one ``kind``, int or float."""

    def __init__(self, kind: type[int] | type[float]) -> None:
        self.kind = kind
        self.name = "integer,..." if kind is int else "float,..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | float, ...]:
        """The numbers; a file of defaults may give them as numbers or a list."""
        parts = (
            value.split(",")
            if isinstance(value, str)
            else value
            if isinstance(value, (list, tuple))
            else [value]
        )
        try:
            return tuple(map(self.kind, parts))
        except (TypeError, ValueError, OverflowError):
            what = "an integer" if self.kind is int else "a number"
            self.fail(f"{value!r} is not {what}, nor several with commas between them.", param, ctx)
