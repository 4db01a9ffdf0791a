"""The cautions of a judgement, each once, with what it concerns: the one list that every format prints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from amrobust.judge.claim import Claim
from amrobust.judge.judgement import Judgement, Verdict
from amrobust.judge.words import RAISED, listed, lowered
from amrobust.stats.results import Caution, Result

About = TypeVar("About")

_NUMBER = re.compile(r"(?<=[ (])[-+]?\d+(?:\.\d+)?(?: × 10[" + RAISED + r"]+)?(?=[\s%.,;:)])")
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
        parts += [f"The same holds for {listed(self.alike)}"] if self.alike else []
        return ". ".join(parts)


def notes(judgement: Judgement, *, in_ranges: bool = False) -> tuple[Note, ...]:
    """Every caution of ``judgement`` in order: of the group, of methods, of claims; equal ones are merged.

    A caution raised for a method says so even where the claims about that method repeat it: the claims are listed only
    for cautions that are theirs alone. Cautions of several methods that differ in the method's name alone are one
    note, with the further methods as ``alike``; with ``in_ranges``, those that differ in the method's name and in their
    numbers are one (``p = 0.025 to 0.14``, ``each of 4 methods``).
    What concerns every method, every claim, or all claims of a kind, says so in words.
    """
    group, titles = dict.fromkeys(judgement.cautions), judgement.titles
    methods = _by_caution(
        (caution, summary.method)
        for summary in judgement.summaries
        for caution in (
            *summary.cautions,
            *_of_results(summary.final_mean, summary.final_spread, summary.avg_std),
        )
    )
    claims = _by_caution(
        (caution, verdict.claim) for verdict in judgement.verdicts for caution in _of_verdict(verdict)
    )
    every, count = Counter(_kind(verdict.claim) for verdict in judgement.verdicts), len(judgement.summaries)
    of_group: dict[Caution, tuple[str, ...]] = dict.fromkeys(group, ())
    of_methods = {c: names for c, names in methods.items() if c not in group}
    of_claims = {c: about for c, about in claims.items() if c not in group and c not in methods}
    if not in_ranges:
        return (
            *(Note(caution, ()) for caution in group),
            *_of_methods(of_methods, count, titles),
            *(Note(caution, _claims(about, every)) for caution, about in of_claims.items()),
        )
    return (
        *(Note(caution, ()) for caution, _ in _in_ranges(of_group, str, titles)),
        *(
            Note(caution, _or_all(names, count, "methods"))
            for caution, names in _in_ranges(of_methods, str, titles)
        ),
        *(
            Note(caution, _claims(about, every))
            for caution, about in _in_ranges(of_claims, lambda claim: claim.method, titles)
        ),
    )


def _in_ranges(
    cautions: Mapping[Caution, tuple[About, ...]],
    method_of: Callable[[About], str],
    titles: Mapping[str, str],
) -> list[tuple[Caution, tuple[About, ...]]]:
    """Cautions that differ alone in their numbers and in the name of the method they are about, as one each."""
    alike: dict[tuple[str, str, str], list[tuple[Caution, tuple[About, ...]]]] = {}
    for caution, about in cautions.items():
        key = caution.kind, _NUMBER.sub("\1", _nameless(caution, about, method_of, titles)), caution.remedy
        alike.setdefault(key, []).append((caution, about))
    return [_merged(same, method_of, titles) for same in alike.values()]


def _merged(
    same: Sequence[tuple[Caution, tuple[About, ...]]],
    method_of: Callable[[About], str],
    titles: Mapping[str, str],
) -> tuple[Caution, tuple[About, ...]]:
    first, about = same[0]
    if len(same) == 1:
        return first, about
    texts = [_nameless(caution, about, method_of, titles) for caution, about in same]
    ranges = iter([_range(numbers) for numbers in zip(*map(_NUMBER.findall, texts), strict=True)])
    message = _NUMBER.sub(lambda _: next(ranges), texts[0])
    every = tuple(dict.fromkeys(one for _, about in same for one in about))
    methods = list(dict.fromkeys(titles.get(method_of(one), method_of(one)) for one in every))
    who = methods[0] if len(methods) == 1 else f"each of {len(methods)} methods"
    message = message.replace("\0", who)
    for place, title in enumerate(titles.values()):
        message = message.replace(f"\2{place}\3", title)
    return replace(first, message=message[:1].upper() + message[1:]), every


def _nameless(
    caution: Caution, about: Sequence[About], method_of: Callable[[About], str], titles: Mapping[str, str]
) -> str:
    """The message with a mark for the method that it is about, and one for each other: what titles have is no number of it."""
    marks = {title: f"\2{place}\3" for place, title in enumerate(titles.values())}
    if about:
        own = method_of(about[0])
        marks[titles.get(own, own)] = "\0"
    if not marks:
        return caution.message
    # The longest first, and nothing within a word: one title may be the beginning or the end of another.
    every = "|".join(map(re.escape, sorted(marks, key=len, reverse=True)))
    return re.sub(rf"(?<![\w/-])(?:{every})(?![\w\[/])", lambda match: marks[match[0]], caution.message)


def _range(numbers: Sequence[str]) -> str:
    low, high = (pick(numbers, key=_value) for pick in (min, max))
    return low if _value(low) == _value(high) else f"{low} to {high}"


def _value(number: str) -> float:
    return float(lowered(number.replace(" × 10", "e")))


def _of_methods(
    cautions: Mapping[Caution, tuple[str, ...]], count: int, titles: Mapping[str, str]
) -> list[Note]:
    alike: dict[tuple[str, str, str], list[tuple[Caution, tuple[str, ...]]]] = {}
    for caution, names in cautions.items():
        nameless = caution.message.replace(titles.get(names[0], names[0]), "\0")
        alike.setdefault((caution.kind, nameless, caution.remedy), []).append((caution, names))
    return [
        Note(
            same[0][0],
            _or_all(same[0][1], count, "methods"),
            tuple(n for _, names in same[1:] for n in names),
        )
        for same in alike.values()
    ]


def _of_results(*results: Result | None) -> Iterable[Caution]:
    return (caution for result in results if result is not None for caution in result.cautions)


def _of_verdict(verdict: Verdict) -> Iterable[Caution]:
    yield from verdict.cautions
    yield from _of_results(verdict.interval, verdict.test, verdict.second_opinion)


def _by_caution(pairs: Iterable[tuple[Caution, About]]) -> dict[Caution, tuple[About, ...]]:
    found: dict[Caution, dict[About, None]] = {}
    for caution, about in pairs:
        found.setdefault(caution, {})[about] = None
    return {caution: tuple(every) for caution, every in found.items()}


def _claims(claims: Sequence[Claim], every: Counter[str]) -> tuple[str, ...]:
    """The claims by name; all of a kind, where there are more than two, by that kind; those with one baseline together.

    ``every`` counts the claims of each kind.
    """
    if len(claims) == every.total() > 2:
        return (f"all {len(claims)} claims",)
    kinds: dict[str, list[Claim]] = {}
    for claim in claims:
        kinds.setdefault(_kind(claim), []).append(claim)
    found = []
    for kind, members in kinds.items():
        if len(members) == every[kind] > 2:
            found.append(f"all {len(members)} claims of {kind}")
        elif (
            len(members) > 2
            and all(claim.is_about_a_pair for claim in members)
            and len({c.baseline for c in members}) == 1
        ):
            found.append(f"{kind}: {listed([claim.method for claim in members])} vs {members[0].baseline}")
        else:
            found += [claim.form.brief(claim) for claim in members]
    return tuple(found)


def _kind(claim: Claim) -> str:
    return claim.form.brief(claim).partition(":")[0]


def _or_all(names: tuple[str, ...], count: int, noun: str) -> tuple[str, ...]:
    return (f"all {count} {noun}",) if len(names) == count > 2 else names
