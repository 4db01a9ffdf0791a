"""The cautions of a judgement, each once, with what it concerns: the one list that every format prints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from amrobust.claims.judgement import Claim, Judgement, Verdict, is_about_a_pair
from amrobust.stats.results import Caution, Result

_NUMBER = re.compile(r"(?<=[ (])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?=[\s%.,;:)])")
"""A number that stands by itself: none in a method's name, and no end of an interval."""


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


def notes(judgement: Judgement, *, in_ranges: bool = False) -> tuple[Note, ...]:
    """Every caution of ``judgement`` in order: of the group, of methods, of claims; equal ones are merged.

    A caution raised for a method says so even where the claims about that method repeat it: the claims are listed only
    for cautions that are theirs alone. Cautions of several methods that differ in the method's name alone are one
    note, with the further methods as ``alike``; with ``in_ranges``, those that differ in their numbers alone are one too
    (``p = 0.025 to 0.14``). What concerns every method, every claim, or all claims of a kind, says so in words.
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
    every = [claim_name(verdict.claim) for verdict in judgement.verdicts]
    found = [Note(caution, ()) for caution in group]
    found += _of_methods(
        {c: names for c, names in methods.items() if c not in group}, len(judgement.summaries)
    )
    of_claims = [
        Note(caution, names)
        for caution, names in claims.items()
        if caution not in group and caution not in methods
    ]
    if in_ranges:
        found, of_claims = _in_ranges(found), _in_ranges(of_claims)
    found += [replace(note, about=_claims(note.about, every)) for note in of_claims]
    return tuple(found)


def _in_ranges(found: Sequence[Note]) -> list[Note]:
    """Notes that differ in the numbers of their messages alone, as one note each."""
    alike: dict[tuple[object, ...], list[Note]] = {}
    for note in found:
        caution = note.caution
        alike.setdefault(
            (caution.kind, _NUMBER.sub("\0", caution.message), caution.remedy, note.alike), []
        ).append(note)
    return [_ranged(same) for same in alike.values()]


def _ranged(same: Sequence[Note]) -> Note:
    first = same[0]
    if len(same) == 1:
        return first
    columns = zip(*(_NUMBER.findall(note.caution.message) for note in same), strict=True)
    ranges = iter([_range(numbers) for numbers in columns])
    message = _NUMBER.sub(lambda _: next(ranges), first.caution.message)
    about = tuple(dict.fromkeys(name for note in same for name in note.about))
    return replace(first, caution=replace(first.caution, message=message), about=about)


def _range(numbers: Sequence[str]) -> str:
    low, high = (pick(numbers, key=float) for pick in (min, max))
    return low if float(low) == float(high) else f"{low} to {high}"


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
    if not is_about_a_pair(claim) and not claim.methods:
        return f"{claim.kind}: {claim.method}"
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


def _claims(names: Sequence[str], every: Sequence[str]) -> tuple[str, ...]:
    """The claims by name; all of a kind, where there are more than two, by that kind."""
    if len(names) == len(every) > 2:
        return (f"all {len(every)} claims",)
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(name.partition(":")[0], []).append(name)
    counts = Counter(name.partition(":")[0] for name in every)
    return tuple(
        name
        for kind, members in kinds.items()
        for name in (
            [f"all {len(members)} claims of {kind}"] if len(members) == counts[kind] > 2 else members
        )
    )


def _or_all(names: tuple[str, ...], count: int, noun: str) -> tuple[str, ...]:
    return (f"all {count} {noun}",) if len(names) == count > 2 else names
