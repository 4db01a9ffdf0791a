"""What is asked for and cannot be: the statistics' refusal as bad usage, and the name that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from amrobust import stats
from amrobust.errors import UserError


@contextmanager
def asked_for(where: str = "") -> Iterator[None]:
    """Raise a statistic's CannotEstimate as UserError, ``where`` before it: it is what was asked for, not the data."""
    try:
        yield
    except stats.CannotEstimate as error:
        raise UserError(where + error.reason) from None


def meant(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names as a question, else all of them to choose from."""
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(name, names, n=1)
    if not near:
        # A short name for a long one is far from it by its letters: Lion for Lion[lr=0.003].
        near = [other for other in names if other.lower().startswith(name.lower())] if name else []
    hint = f"did you mean {near[0]!r}? There are" if near else "choose one of"
    return f"{hint} {', '.join(names)}"
