"""Arguments of the Python API that are of no type that can be meant: refused with what is expected, and an example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from amrobust.errors import UserError


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
