"""Text as it is typeset: places to break long words, minus signs, numbers that stay with their units."""

from __future__ import annotations

import re

from amrobust.judge.words import RAISED
from amrobust.report.text import printable

_LONG = 18
_BREAK_AFTER = re.compile(r"([/\],_;:+](?!/?II?(?!\w))|(?<=[^\s(\[-])-(?!-))(?=\S)")
"""Where a long word breaks first; an output stays with its method."""
_BREAK_NEXT = re.compile(r"(=)(?=\S)")
_UNBROKEN = re.compile(rf"(\S{{{_LONG}}})(?=\S)")
_NEGATIVE = re.compile(r"(?<=[\s(\[])-(?=\d)")
_AROUND_EQUALS = re.compile(r"(?<=\w) ([=<]) (?=[\d−])")
_SETTING = re.compile(r"(?<=\w) = (?=\d)")
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%)")
_POWER = re.compile(rf" × (?=10[{RAISED}])")
ZERO_WIDTH_SPACE = "\u200b"


def breakable(text: str) -> str:
    """``text`` made printable, with places to break long words: after punctuation, after ``=``, or every 18 characters.

    ``m = 5`` is not broken.
    """
    words = []
    for word in _SETTING.sub("\u00a0=\u00a0", printable(text)).split(" "):
        pieces = [word]
        for places in (_BREAK_AFTER, _BREAK_NEXT, _UNBROKEN):
            pieces = [
                part
                for piece in pieces
                for part in (
                    places.sub(rf"\1{ZERO_WIDTH_SPACE}", piece).split(ZERO_WIDTH_SPACE)
                    if len(piece) > _LONG
                    else [piece]
                )
            ]
        words.append(ZERO_WIDTH_SPACE.join(pieces))
    return " ".join(words)


def prose(text: str) -> str:
    """A sentence with numbers: minus signs, and no line break inside ``p = 0.031`` and ``1.2 × 10⁻⁵`` or before a unit."""
    text = _together(_NEGATIVE.sub("−", breakable(text)))
    return _BEFORE_UNIT.sub("\u00a0", _AROUND_EQUALS.sub("\u00a0\\1\u00a0", text))


def typeset(number: str) -> str:
    """A printed number with a minus sign for its hyphens, and no line break before its power of ten."""
    return _together(number.replace("-", "−"))


def _together(text: str) -> str:
    return _POWER.sub("\u00a0×\u00a0", text)
