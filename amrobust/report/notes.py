"""The cautions of a judgement, each once, with what it concerns: the one list that every format prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from amrobust.claims.judgement import Claim, Judgement, Verdict
from amrobust.stats.results import Caution, Result


@dataclass(frozen=True)
class Note:
    """A caution and the methods or claims it was raised for; ``about`` is empty where it concerns the whole group."""

    caution: Caution
    about: tuple[str, ...]
    alike: tuple[str, ...] = ()
    """Further methods of which the same is true, word for word but for the name."""

    @property
    def remedy(self) -> str:
        """The remedy as a sentence: a capital first, one full stop last."""
        text = self.caution.remedy.strip()
        return text[:1].upper() + text[1:].rstrip(".") + "."

    @property
    def scope(self) -> str:
        """What the caution concerns, in words; empty where it is the whole group."""
        parts = [f"Concerns: {'; '.join(self.about)}"] if self.about else []
        parts += [f"The same holds for {', '.join(self.alike)}"] if self.alike else []
        return ". ".join(parts)


def notes(judgement: Judgement) -> tuple[Note, ...]:
    """Every caution of ``judgement`` in order: of the group, of methods, of claims; equal ones are merged.

    A caution raised for a method says so even where the claims about that method repeat it: the claims are listed only
    for cautions that are theirs alone. Cautions of several methods that differ in the method's name alone are one
    note, with the further methods as ``alike``. What concerns every method, or every claim, says so in words.
    """
    group = dict.fromkeys(judgement.cautions)
    methods = _by_caution(
        (caution, summary.method)
        for summary in judgement.summaries
        for caution in (
            *summary.cautions,
            *_of_results(summary.final_mean, summary.final_spread, summary.avg_std),
        )
    )
    claims = _by_caution(
        (caution, claim_name(verdict.claim))
        for verdict in judgement.verdicts
        for caution in _of_verdict(verdict)
    )
    found = [Note(caution, ()) for caution in group]
    found += _of_methods(
        {c: names for c, names in methods.items() if c not in group}, len(judgement.summaries)
    )
    for caution, names in claims.items():
        if caution not in group and caution not in methods:
            found.append(Note(caution, _or_all(names, len(judgement.verdicts), "claims")))
    return tuple(found)


def _of_methods(cautions: Mapping[Caution, tuple[str, ...]], count: int) -> list[Note]:
    alike: dict[tuple[str, str, str], list[tuple[Caution, tuple[str, ...]]]] = {}
    for caution, names in cautions.items():
        nameless = caution.message.replace(names[0], "\0")
        alike.setdefault((caution.kind, nameless, caution.remedy), []).append((caution, names))
    return [
        Note(
            same[0][0],
            _or_all(same[0][1], count, "methods"),
            tuple(n for _, names in same[1:] for n in names),
        )
        for same in alike.values()
    ]


def claim_name(claim: Claim) -> str:
    """A claim in few words: ``less spread: am1[m=5]/II vs msgd``."""
    if claim.bound is not None:
        return f"{claim.kind} ({claim.bound[0]:.4g}, {claim.bound[1]:.2g}): {claim.method}"
    margin = f" (margin {claim.margin:g})" if claim.margin is not None else ""
    return f"{claim.kind}{margin}: {claim.method} vs {claim.baseline}"


def _of_results(*results: Result | None) -> Iterable[Caution]:
    return (caution for result in results if result is not None for caution in result.cautions)


def _of_verdict(verdict: Verdict) -> Iterable[Caution]:
    yield from verdict.cautions
    yield from _of_results(verdict.interval, verdict.test, verdict.second_opinion)


def _by_caution(pairs: Iterable[tuple[Caution, str]]) -> dict[Caution, tuple[str, ...]]:
    found: dict[Caution, dict[str, None]] = {}
    for caution, name in pairs:
        found.setdefault(caution, {})[name] = None
    return {caution: tuple(names) for caution, names in found.items()}


def _or_all(names: tuple[str, ...], count: int, noun: str) -> tuple[str, ...]:
    return (f"all {count} {noun}",) if len(names) == count > 2 else names
