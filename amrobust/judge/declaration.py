"""Whether claims were fixed before the runs that they are judged by: what of an analysis is hashed, and what the runs say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from amrobust.runs.spec import canonical_json, content_digest

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim
    from amrobust.judge.rules import Rules, Selection
    from amrobust.runs.arms import Arm
    from amrobust.runs.spec import Spec

VERSION = 1
"""Of the form of what is hashed."""


@dataclass(frozen=True)
class Declaration:
    """How many of the compared seeds, over all methods, were trained under the very declaration that they are judged by."""

    digest: str
    """SHA-256 of the declaration (:func:`digest_of`); empty where there is none."""
    before: int
    """Seeds that were trained under it."""
    after: int
    """Seeds that were trained under another declaration, or under none."""
    unknown: int
    """Seeds that do not say it: imported ones, and those of earlier records."""
    sentence: str
    """What a report says of it."""
    of_other_versions: int = 0
    """Seeds that other versions of a method's code made under it, which are not judged."""


def digest_of(
    settings: Sequence[tuple[Sequence[Spec], Sequence[Claim]]], selection: Selection, rules: Rules, seeds: int
) -> str:
    """SHA-256 of the canonical JSON of what an analysis fixes: methods, claims with their margins, rules, and number of seeds.

    Each setting is its methods (as the identity of their runs has them) and its claims; their order says nothing. What is at
    its default is left out, so that an option that is new in a later version changes no earlier declaration. Titles, labels
    and how seeds are computed are no part of it.
    """
    return content_digest(
        {
            "version": VERSION,
            "settings": _unordered(
                {
                    "methods": _unordered(spec.identity() for spec in specs),
                    "claims": _unordered(map(_said, claims)),
                }
                for specs, claims in settings
            ),
            "selection": _said(selection),
            "rules": _said(rules),
            "seeds": seeds,
        }
    )


def declaration_of(arms: Iterable[Arm], digest: str, of_other_versions: int = 0) -> Declaration:
    """What the records of ``arms`` say about the declaration with this digest.

    ``of_other_versions`` are seeds that other versions of a method's code made under it, and whose results may have led here.

    A seed that several arms have, as outputs or metrics of one training, counts once.
    """
    said = {
        (arm.training or arm.method, seed): arm.declared.get(seed) for arm in arms for seed in arm.seeds
    }.values()
    before = sum(found == digest for found in said)
    unknown = sum(found is None for found in said)
    return _counted(digest, before, len(said) - before - unknown, unknown, of_other_versions)


def unproven(arms: Iterable[Arm]) -> Declaration:
    """Of claims without an analysis that trains under them, as those of a claims file: nobody knows when they were written."""
    seeds = len({(arm.training or arm.method, seed) for arm in arms for seed in arm.seeds})
    return _counted("", 0, 0, seeds)


def together(found: Sequence[Declaration]) -> Declaration | None:
    """The declaration of several groups as one; None where there is none."""
    if not found:
        return None
    before, after, unknown = (
        sum(getattr(each, name) for each in found) for name in ("before", "after", "unknown")
    )
    others = max(each.of_other_versions for each in found)
    return _counted(found[0].digest, before, after, unknown, others)


def _counted(digest: str, before: int, after: int, unknown: int, of_other_versions: int = 0) -> Declaration:
    total = before + after + unknown
    if after:
        rest = f" Of {unknown} more that is not recorded." if unknown else ""
        sentence = (
            f"Declared after {after} of {total} seeds were there (all methods together): they were trained under other claims, "
            f"margins or numbers of seeds, or under none.{rest}"
        )
    elif not digest:
        sentence = (
            "Declared: unknown: nothing proves when these claims were written ('amrobust analyze' records it with the runs "
            "that it trains)."
        )
    elif unknown:
        sentence = (
            f"Declared: unknown: {unknown} of {total} seeds do not say under which claims they were trained."
        )
    else:
        sentence = (
            f"Declared before the runs: all {total} seeds were trained under these very claims, margins and numbers of seeds "
            f"(sha256 {digest[:12]})."
        )
    if of_other_versions:
        sentence += (
            f" Other versions of the code of a method that is judged had been trained under them: {of_other_versions} seeds, "
            "which are not judged and whose results may have been seen."
        )
    return Declaration(digest, before, after, unknown, sentence, of_other_versions)


def _unordered(items: Iterable[Any]) -> list[Any]:
    return sorted(items, key=canonical_json)


def _said(value: Any) -> Any:
    """``value`` as plain JSON data; of a dataclass what is not at its default."""
    if is_dataclass(value):
        return {
            each.name: _said(getattr(value, each.name))
            for each in fields(value)
            if each.default is MISSING or getattr(value, each.name) != each.default
        }
    return [_said(item) for item in value] if isinstance(value, tuple) else value
