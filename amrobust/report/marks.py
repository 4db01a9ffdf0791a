"""Significance marks beside a method's numbers: what the verdicts against the baseline say of each."""

from __future__ import annotations

from dataclasses import dataclass

from amrobust.judge.judgement import Judgement

STAR, DAGGER = "*", "†"
LEVELS = (0.01, 0.001)
"""Holm-adjusted p-values from which a second and a third mark is set."""

MEAN = "better mean"
SPREAD = "less spread"
AVERAGE = "less Avg. STD"


@dataclass(frozen=True)
class Marks:
    """The marks of every method and kind of claim, and a sentence that explains those that are there."""

    found: dict[tuple[str, str], str]
    legend: str
    """Empty where there is no mark."""

    def __call__(self, method: str, kind: str) -> str:
        """The mark of one number; empty where nothing was decided."""
        return self.found.get((method, kind), "")


def marks(judgement: Judgement) -> Marks:
    """Stars where a claim against the baseline is supported, daggers where its opposite is: one, two or three by p."""
    found: dict[tuple[str, str], str] = {}
    for verdict in judgement.verdicts:
        claim, p = verdict.claim, verdict.p_adjusted
        sign = {"supported": STAR, "refuted": DAGGER}.get(verdict.outcome)
        plain = (
            claim.baseline == judgement.baseline
            and claim.epochs is None
            and claim.kind in (MEAN, SPREAD, AVERAGE)
        )
        if sign is not None and plain and p is not None:
            found[claim.method, claim.kind] = sign * (1 + sum(p <= level for level in LEVELS))
    alpha = judgement.level_alpha
    steps = [
        f"{STAR * (k + 1)} {level:g}" for k, level in enumerate((alpha, *(x for x in LEVELS if x < alpha)))
    ]
    text = (
        f"Against {judgement.baseline}, {STAR} marks a better mean, a smaller STD (at its interval) and a smaller Avg. STD, "
        f"{DAGGER} their opposites; Holm-adjusted p at most {', '.join(steps)}."
    )
    return Marks(found, text if found else "")
