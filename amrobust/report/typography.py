"""Text as it is typeset: places to break long words, minus signs, powers of ten, numbers that stay with their units."""

from __future__ import annotations

import re

from amrobust.report.text import printable

_BREAK_AFTER = re.compile(r"([/\],=_;:+-])(?=\S)")
_UNBROKEN = re.compile(r"(\S{18})(?=\S)")
_NEGATIVE = re.compile(r"(?<=[\s(\[])-(?=\d)")
_AROUND_EQUALS = re.compile(r"(?<=\w) ([=<]) (?=[\d−])")
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%)")
_EXPONENT = re.compile(r"(?<=\d)e([+-])0*(\d+)")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
ZERO_WIDTH_SPACE = "\u200b"


def breakable(text: str) -> str:
    """``text`` made printable, with places to break long words: after punctuation, or every 18 characters."""
    words = []
    for word in printable(text).split(" "):
        if len(word) > 18:
            pieces = _BREAK_AFTER.sub(rf"\1{ZERO_WIDTH_SPACE}", word).split(ZERO_WIDTH_SPACE)
            word = ZERO_WIDTH_SPACE.join(_UNBROKEN.sub(rf"\1{ZERO_WIDTH_SPACE}", piece) for piece in pieces)
        words.append(word)
    return " ".join(words)


def prose(text: str) -> str:
    """A sentence with numbers: minus signs, and no line break inside ``p = 0.031`` or before a unit."""
    text = _NEGATIVE.sub("−", breakable(text))
    return _BEFORE_UNIT.sub("\u00a0", _AROUND_EQUALS.sub("\u00a0\\1\u00a0", text))


def typeset(number: str) -> str:
    """A printed number with a minus sign for its hyphens and powers of ten for its exponents."""

    def power(match: re.Match[str]) -> str:
        exponent = match[2] if match[1] == "+" else f"-{match[2]}"
        return f" × 10{exponent.translate(_SUPERSCRIPT)}"

    return _EXPONENT.sub(power, number).replace("-", "−")
