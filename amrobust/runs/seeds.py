"""Seeds: any whole number of 64 bits, and any text, which is a number with a name, so that everything can sort and store it."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from amrobust.errors import UserError
from amrobust.runs.files import escape
from amrobust.runs.spec import plain

LEAST, MOST = -(2**63), 2**63 - 1
"""Whole numbers within are seeds as they are: what a column of 64 bits holds."""
MAX_SEED = 1_000_000
"""Seeds of a training of ours are below it, and so many has a run at most."""
LONGEST = 1000
"""Characters of a seed that is a text."""
EXACT = 2**53
"""From here on not all whole numbers are there among floats: two seeds that came as floats may have become one."""

NUMBERED = "seeds numbered"
"""The fact of an arm whose seeds nobody named: its rows were numbered, so that no number among them is missing."""
FOLDS = "seeds are folds"
"""The fact of an arm whose seeds are the folds of a cross-validation: the field that numbers them."""

_EXPONENT = re.compile(r"[0-9]+[eE][0-9]+")
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")


class NamedSeed(int):
    """A seed that is a text, or a number that 64 bits with a sign do not hold: it prints as what it was given as.

    The number is made of the text alone, so that one text is one seed in every table, log and run. It lies between 2⁶² and 2⁶³.
    """

    name: str

    def __new__(cls, name: str) -> NamedSeed:
        """The seed that is called ``name``."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
        seed = super().__new__(cls, 2**62 | int.from_bytes(digest[:8], "big") >> 2)
        seed.name = name
        return seed

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        # A copy is made of the name again: int would make it of the number.
        return (self.name,)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return repr(self.name)


def seed_of(given: Any) -> int:
    """The seed that ``given`` is: a whole number, also as a float or a text (``3``, ``"3"``, ``3.0``), else a text (``1e3``).

    Scalars of NumPy and torch will do. Raises UserError on numbers that are not whole, on floats from 2⁵³ on, whose last digits
    are lost, on what is neither a number nor a text, and on texts that are empty, longer than 1000 characters or not
    printable.

    >>> seed_of("007"), seed_of(3.0), seed_of("fold A"), seed_of(2**64 - 1)
    (7, 3, 'fold A', '18446744073709551615')
    """
    value = plain(given)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise UserError(f"a seed is a whole number or a text, not {given!r:.100}")
    text = value.strip() if isinstance(value, str) else repr(value)
    if not _WHOLE.fullmatch(text):
        try:
            if isinstance(value, str) and _EXPONENT.fullmatch(text):
                raise ValueError  # The beginning of a hash, 1e3, is no thousand.
            number = float(text)
        except ValueError:
            if not 0 < len(text) <= LONGEST or escape(text) != text:
                raise UserError(
                    f"a seed that is a text has 1 to {LONGEST} characters that can be printed, not {escape(text[:100])!r}"
                ) from None
            return NamedSeed(text)
        if not number.is_integer():
            raise UserError(f"the seed {escape(text)!r} is not a whole number")
        if abs(number) >= EXACT:
            raise UserError(
                f"the seed {escape(text)!r} has lost its last digits as a float: write seeds as whole numbers or as texts"
            )
        text = str(int(number))
    whole = int(text)
    return whole if LEAST <= whole <= MOST else NamedSeed(str(whole))


def as_given(seed: int) -> int | str:
    """The seed as its user knows it: a number, or a text."""
    if not isinstance(seed, NamedSeed):
        return seed
    return int(seed.name) if _WHOLE.fullmatch(seed.name) else seed.name
