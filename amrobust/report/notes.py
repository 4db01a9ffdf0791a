"""The warnings of a group, each once, with what it concerns: the one list that every format prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import GroupComparison, Verdict
from amrobust.judge.words import listed
from amrobust.stats.results import Number, Result, ResultWarning

About = TypeVar("About")

METHOD = "method"
"""The field of a warning that is the method it is about."""


UNFOLDED = frozenset(
    {
        "code-changed", "code-differs", "common-grid", "complete-cases", "curves-alike", "curves-cut", "curves-in-common",
        "different-x0", "diverged-seeds", "ended-early", "folds-as-seeds", "impossible-values", "judged-as-tuned",
        "levels-differ", "look-alike-names", "margin-beyond-range", "measurement-decides", "missing-seeds",
        "missing-settings", "nothing-random", "seeds-added", "seeds-left-out", "unofficial-data", "values-repeated",
    }
)  # fmt: skip
"""The kinds of warnings that doubt the data, the reading, the measurement or a decided spread: a brief table has them too."""


@dataclass(frozen=True)
class Note:
    """A warning and the methods or claims it was raised for; ``about`` is empty where it concerns the whole group."""

    warning: ResultWarning
    about: tuple[str, ...]
    alike: tuple[str, ...] = ()
    """Further methods of which the same is true, word for word but for the name."""

    @property
    def hint(self) -> str:
        """The hint as a sentence: a capital first, one full stop last."""
        text = self.warning.hint.strip()
        return text[:1].upper() + text[1:].rstrip(".") + "."

    @property
    def scope(self) -> str:
        """What the warning concerns, in words; empty where it is the whole group."""
        parts = [f"Concerns: {'; '.join(self.about)}"] if self.about else []
        parts += [f"The same holds for {listed(self.alike)}"] if self.alike else []
        return ". ".join(parts)


def notes(compared: GroupComparison, *, in_ranges: bool = False) -> tuple[Note, ...]:
    """Every warning of ``compared`` in order: of the group, of methods, of claims; equal ones are merged.

    A warning raised for a method says so even where the claims about that method repeat it: the claims are listed only
    for warnings that are theirs alone. Warnings of several methods that differ in the method's name alone are one
    note, with the further methods as ``alike``; with ``in_ranges``, those that differ in the method's name and in their
    numbers are one (``p = 0.025 to 0.14``, ``each of 4 methods``).
    What concerns every method, every claim, or all claims of a kind, says so in words.
    """
    group = dict.fromkeys(compared.warnings)
    methods = _by_warning(
        (warning, summary.method)
        for summary in compared.summaries
        for warning in (
            *summary.warnings,
            *_of_results(summary.final_mean, summary.final_spread, summary.avg_std),
        )
    )
    claims = _by_warning(
        (warning, verdict.claim) for verdict in compared.verdicts for warning in _of_verdict(verdict)
    )
    every, count = Counter(_kind(verdict.claim) for verdict in compared.verdicts), len(compared.summaries)
    of_group: dict[ResultWarning, tuple[str, ...]] = dict.fromkeys(group, ())
    of_methods = {c: names for c, names in methods.items() if c not in group}
    of_claims = {c: about for c, about in claims.items() if c not in group and c not in methods}
    if not in_ranges:
        return (
            *(Note(warning, ()) for warning in group),
            *_of_methods(of_methods, count),
            *(Note(warning, _claims(about, every)) for warning, about in of_claims.items()),
        )
    return (
        *(Note(warning, ()) for warning, _ in _in_ranges(of_group)),
        *(Note(warning, _or_all(names, count, "methods")) for warning, names in _in_ranges(of_methods)),
        *(Note(warning, _claims(about, every)) for warning, about in _in_ranges(of_claims)),
    )


def _in_ranges(
    warnings: Mapping[ResultWarning, tuple[About, ...]],
) -> list[tuple[ResultWarning, tuple[About, ...]]]:
    """Warnings that differ alone in their numbers and in the method that they are about, as one each."""
    alike: dict[Hashable, list[tuple[ResultWarning, tuple[About, ...]]]] = {}
    for warning, about in warnings.items():
        texts = tuple(
            (name, said) for name, said in warning.fields if name != METHOD and isinstance(said, str)
        )
        key = (warning.kind, warning.pattern or warning.message, warning.hint, texts)
        alike.setdefault(key, []).append((warning, about))
    return [
        (
            _merged([warning for warning, _ in same]),
            tuple(dict.fromkeys(one for _, about in same for one in about)),
        )
        for same in alike.values()
    ]


def _merged(same: Sequence[ResultWarning]) -> ResultWarning:
    """One warning with ranges in the place of their numbers: ``each of 4 methods``, ``p = 0.025 to 0.14``."""
    if len(same) == 1:
        return same[0]
    fields: dict[str, str | Number] = {}
    for every in zip(*(warning.fields for warning in same), strict=True):
        name, first = every[0]
        fields[name] = first
        if isinstance(first, Number):
            low, high = (pick((said for _, said in every), key=_value) for pick in (min, max))
            if _value(low) != _value(high):
                fields[name] = Number(f"{low} to {high}", first.value)
        elif name == METHOD and len({said for _, said in every}) > 1:
            fields[name] = f"each of {len({said for _, said in every})} methods"
    found = same[0].worded(fields)
    return replace(found, message=found.message[:1].upper() + found.message[1:])


def _value(said: str | Number) -> float:
    assert isinstance(said, Number)
    return said.value


def _of_methods(warnings: Mapping[ResultWarning, tuple[str, ...]], count: int) -> list[Note]:
    """Notes of methods; those that differ in the method alone are one."""
    alike: dict[Hashable, list[tuple[ResultWarning, tuple[str, ...]]]] = {}
    for warning, names in warnings.items():
        rest = tuple((name, said) for name, said in warning.fields if name != METHOD)
        alike.setdefault((warning.kind, warning.pattern or warning.message, warning.hint, rest), []).append(
            (warning, names)
        )
    return [
        Note(
            same[0][0],
            _or_all(same[0][1], count, "methods"),
            tuple(n for _, names in same[1:] for n in names),
        )
        for same in alike.values()
    ]


def _of_results(*results: Result | None) -> Iterable[ResultWarning]:
    return (warning for result in results if result is not None for warning in result.warnings)


def _of_verdict(verdict: Verdict) -> Iterable[ResultWarning]:
    yield from verdict.warnings
    yield from _of_results(verdict.interval, verdict.test, verdict.sensitivity_test)


def _by_warning(pairs: Iterable[tuple[ResultWarning, About]]) -> dict[ResultWarning, tuple[About, ...]]:
    found: dict[ResultWarning, dict[About, None]] = {}
    for warning, about in pairs:
        found.setdefault(warning, {})[about] = None
    return {warning: tuple(every) for warning, every in found.items()}


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
