"""What was found of each method in a sentence: what it is against its baseline, with estimate, interval and verdict.

Of weights that were measured in another way too, it says what is found with that measurement as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from amrobust.judge.comparison import GroupComparison, Verdict
from amrobust.judge.kinds.kind import Outcome
from amrobust.judge.measurements import counterparts, words
from amrobust.judge.words import listed
from amrobust.report.view import OUTCOMES, ClaimRow, claim_rows


@dataclass(frozen=True)
class Headline:
    """One method against one baseline, or several over which something is claimed."""

    about: str
    """``AM1-SGD (m = 5), II``; of a sweep its methods."""
    baseline: str
    """Empty where the claims are of one method, or of a sweep."""
    found: tuple[tuple[Outcome, str], ...]
    """By outcome, the most favourable first: what was claimed, with its numbers."""

    @property
    def title(self) -> str:
        """``AM1-SGD (m = 5), II against M-SGD``."""
        return f"{self.about} against {self.baseline}" if self.baseline else self.about


def headlines(
    compared: GroupComparison, rows: Sequence[ClaimRow], groups: Sequence[GroupComparison]
) -> tuple[Headline, ...]:
    """A headline for each pair and each sweep, in the order of their claims, which are printed in ``rows``.

    On what is usually measured they say what other measurements among the ``groups`` of the comparison find.
    """
    pairs: dict[tuple[str, str], dict[Outcome, list[str]]] = {}
    for (verdict, others), row in zip(counterparts(compared, groups), rows, strict=True):
        claim = verdict.claim
        alone = claim.methods or claim.method == claim.baseline
        about = listed(claim.methods) if claim.methods else claim.method
        found = pairs.setdefault((about, "" if alone else claim.baseline), {})
        found.setdefault(verdict.outcome, []).append(
            _claimed(verdict, row, compared) + ("" if compared.measurement else _elsewhere(verdict, others))
        )
    return tuple(
        Headline(
            about,
            baseline,
            tuple((outcome, _joined(found[outcome])) for outcome in OUTCOMES if outcome in found),
        )
        for (about, baseline), found in pairs.items()
    )


def _claimed(verdict: Verdict, row: ClaimRow, compared: GroupComparison) -> str:
    """What one verdict is about, with its numbers, those of all of its parts, and the seeds that it needs."""
    if not verdict.parts:
        return _with_numbers(verdict, row, compared)
    rows = claim_rows(replace(compared, verdicts=verdict.parts))
    # The seeds that the whole needs are the most that a part needs.
    texts = [
        _with_numbers(part, replace(own, seeds=""), compared)
        for part, own in zip(verdict.parts, rows, strict=True)
    ]
    return " and ".join(texts) + (f" ({row.needs})" if row.needs else "")


def _elsewhere(verdict: Verdict, others: Sequence[tuple[GroupComparison, Verdict]]) -> str:
    """What is found of the same claim with other measurements of the same weights: whether what was decided is so there."""
    said = []
    for other, found in others:
        if found.outcome != verdict.outcome:
            said.append(f"{found.outcome} with {words(other.measurement)}")
        elif verdict.outcome != "inconclusive":
            said.append(f"also with {words(other.measurement)}")
    return f" ({', '.join(said)})" if said else ""


def _joined(texts: Sequence[str]) -> str:
    """``a, b and c``: the commas within intervals stand in brackets."""
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def _with_numbers(verdict: Verdict, row: ClaimRow, compared: GroupComparison) -> str:
    said = verdict.claim.form.headline(verdict.claim, compared.metric, compared.axis)
    if verdict.interval is None:
        return f"{said} ({row.needs})" if row.needs else said
    form = verdict.claim.form
    named = f"{form.quantity} " if form.estimates == "ratio" and form.quantity else ""
    return f"{said} ({', '.join(filter(None, (f'{named}{row.estimate} {row.interval}', row.needs)))})"
