"""Several claims about the same two methods at once, such as the paper's own: as accurate, and less spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrobust.errors import UserError
from amrobust.judge.kinds.kind import Kind, described
from amrobust.judge.rules import Evidence, Rate
from amrobust.judge.samples import Refused
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim


class Composite(Kind):
    """It holds where all its ``parts`` do, which have its method and baseline: an intersection–union test."""

    name = "composite"
    takes = frozenset({"parts"})
    can_be_a_part = False

    def check(self, claim: Claim) -> None:
        """It needs at least two parts."""
        if len(claim.parts) < 2:
            raise UserError(f"{described(claim)} needs at least two parts")
        super().check(claim)

    def of_parts(self, claim: Claim, parts: tuple[Evidence, ...], metric: Metric, rate: Rate) -> Evidence:
        """Refused if a part is. Where parts point the other way, any of them refutes the claim: its p is the smallest of theirs
        times the number of all parts. Else all must be shown: it is the largest.
        """
        notes = tuple(dict.fromkeys(note for part in parts for note in part.warnings))
        for part in parts:
            if part.refusal is not None:
                refusal = Refused(
                    f"of its part {part.claim.kind!r}: {part.refusal.reason}", part.refusal.seeds_needed
                )
                return Evidence(claim, refusal=refusal, warnings=notes, parts=parts)
        against = [part.p for part in parts if part.p is not None and not part.points_to(metric)]
        p = (
            min(1.0, len(parts) * min(against))
            if against
            else max(part.p for part in parts if part.p is not None)
        )
        return Evidence(claim, p=p, rate=rate, warnings=notes, parts=parts)

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The parts' clauses."""
        return " and ".join(part.form.statement(part, metric, axis) for part in claim.parts)

    def short(self, claim: Claim, metric: Metric) -> str:
        """The parts' cells."""
        return " and ".join(part.form.short(part, metric) for part in claim.parts)
