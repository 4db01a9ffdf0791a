"""Text that came from outside made harmless for each language it is printed in, and text as it is typeset."""

from __future__ import annotations

import re
import unicodedata

from amrobust.judge.words import RAISED, lowered

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_NEIGHBOUR = r"[^\x00-\x7f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
_JOINING = re.compile(f"((?<={_NEIGHBOUR})[\u200c\u200d](?={_NEIGHBOUR}))")
"""The joiner and the non-joiner of Arabic and Indic scripts and of emoji, where they stand between two characters of these."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    # A bracket after a line's end would be read as its optional argument, and one in an optional argument would end it.
    "[": "{[}",
    "]": "{]}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "∞": r"$\infty$",
    "−": "$-$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "†": r"\textdagger{}",
}
_RAISED = re.compile(f"[{RAISED}]+")
_NEGATIVE = re.compile(r"(?<![\w-])-(?=\d)")
_MARKDOWN_PUNCTUATION = re.compile(r"([\\`*_{}\[\]|#~$@])")
_MARKDOWN_BLOCK = re.compile(r"^(\d*)([-+.)](?=\s|$)|[-=]+$)")

_LONG = 18
_BREAK_AFTER = re.compile(r"([/\],_;:+](?!/?II?(?!\w))|(?<=[^\s(\[-])-(?!-))(?=\S)")
"""Where a long word breaks first; an output stays with its method."""
_BREAK_NEXT = re.compile(r"(=)(?=\S)")
_UNBROKEN = re.compile(rf"(\S{{{_LONG}}})(?=\S)")
_MINUS = re.compile(r"(?<=[\s(\[])-(?=\d)")
_AROUND_EQUALS = re.compile(r"(?<=\w) ([=<]) (?=[\d−])")
_SETTING = re.compile(r"(?<=\w) = (?=\d)")
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%)")
_POWER = re.compile(rf" × (?=10[{RAISED}])")
ZERO_WIDTH_SPACE = "\u200b"


def escape(text: str) -> str:
    """``text`` on one line with every control, format and surrogate character written out as an escape.

    Terminal escape sequences, bidirectional overrides and line breaks are shown (``\\x1b``, ``\\u202e``, ``\\n``)
    instead of acting.
    """
    if text.isprintable():  # which no character of these categories is
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _INVISIBLE
        else character
        for character in text
    )


def escape_prose(text: str) -> str:
    """``text`` made visible for the report, in which every script is set as it is written, with the joiners that it has."""
    return "".join(part if place % 2 else escape(part) for place, part in enumerate(_JOINING.split(text)))


def latex(text: str) -> str:
    """``text`` for a LaTeX document's body: no character of it is a command, and none ends a cell or a row."""
    plain = _NEGATIVE.sub("−", escape(text))
    # Two hyphens would join into a dash: a command's options have to stay what they are.
    text = re.sub("-(?=-)", "-{}", "".join(_LATEX.get(character, character) for character in plain))
    return _RAISED.sub(lambda match: f"$^{{{lowered(match[0])}}}$", text)


def markdown(text: str) -> str:
    """``text`` for CommonMark and GitHub tables: no markup, no HTML, no new cell."""
    plain = escape(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN_BLOCK.sub(r"\1\\\2", _MARKDOWN_PUNCTUATION.sub(r"\\\1", plain))


def csv_cell(text: str) -> str:
    """``text`` for a CSV cell: where a spreadsheet would run it as a formula, an apostrophe goes before it."""
    plain = escape(text)
    # The wide forms are signs of a formula too, where East Asian text is typed.
    return f"'{plain}" if plain.lstrip().startswith(tuple("=+-@＝＋－＠")) else plain


def breakable(text: str) -> str:
    """``text`` made printable, with places to break long words: after punctuation, after ``=``, or every 18 characters.

    ``m = 5`` is not broken.
    """
    words = []
    for word in _SETTING.sub("\u00a0=\u00a0", escape_prose(text)).split(" "):
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


def signed(text: str) -> str:
    """``text`` with minus signs before its negative numbers."""
    return _MINUS.sub("−", text)


def prose(text: str) -> str:
    """A sentence with numbers: minus signs, and no line break inside ``p = 0.031`` and ``1.2 × 10⁻⁵`` or before a unit."""
    text = _together(signed(breakable(text)))
    return _BEFORE_UNIT.sub("\u00a0", _AROUND_EQUALS.sub("\u00a0\\1\u00a0", text))


def typeset(number: str) -> str:
    """A printed number with a minus sign for its hyphens, and no line break before its power of ten."""
    return _together(number.replace("-", "−"))


def _together(text: str) -> str:
    return _POWER.sub("\u00a0×\u00a0", text)
