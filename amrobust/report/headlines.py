"""What was found of each method in a sentence: what it is against its baseline, with estimate, interval and verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from amrobust.judge.comparison import GroupComparison, Verdict
from amrobust.judge.kinds.kind import Outcome
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


def headlines(compared: GroupComparison) -> tuple[Headline, ...]:
    """A headline for each pair and each sweep, in the order of their claims."""
    pairs: dict[tuple[str, str], dict[Outcome, list[str]]] = {}
    for verdict in compared.verdicts:
        claim = verdict.claim
        alone = claim.methods or claim.method == claim.baseline
        about = listed(claim.methods) if claim.methods else claim.method
        found = pairs.setdefault((about, "" if alone else claim.baseline), {})
        found.setdefault(verdict.outcome, []).append(_claimed(verdict, compared))
    return tuple(
        Headline(
            about,
            baseline,
            tuple((outcome, _joined(found[outcome])) for outcome in OUTCOMES if outcome in found),
        )
        for (about, baseline), found in pairs.items()
    )


def _claimed(verdict: Verdict, compared: GroupComparison) -> str:
    """What one verdict is about, with the numbers of all of its parts, and the seeds that it needs."""
    parts: Sequence[Verdict] = verdict.parts or (verdict,)
    rows = claim_rows(replace(compared, verdicts=tuple(parts)))
    texts = [_with_numbers(part, row, compared) for part, row in zip(parts, rows, strict=True)]
    (own,) = claim_rows(replace(compared, verdicts=(verdict,)))
    needs = f" ({own.needs})" if own.needs and not verdict.interval else ""
    return " and ".join(texts) + needs


def _joined(texts: Sequence[str]) -> str:
    """``a, b and c``: the commas within intervals stand in brackets."""
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def _with_numbers(verdict: Verdict, row: ClaimRow, compared: GroupComparison) -> str:
    said = verdict.claim.form.headline(verdict.claim, compared.metric, compared.axis)
    if verdict.interval is None:
        return said
    form = verdict.claim.form
    named = f"{form.quantity} " if form.estimates == "ratio" and form.quantity else ""
    return f"{said} ({', '.join(filter(None, (f'{named}{row.estimate} {row.interval}', row.needs)))})"
