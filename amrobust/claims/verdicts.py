"""From evidence to verdict: the rule that decides, and the sentence that says so."""

from __future__ import annotations

from dataclasses import replace

from amrobust import stats
from amrobust.claims.evidence import Evidence, Rules, spread_is_material
from amrobust.claims.judgement import Claim, Outcome, Verdict
from amrobust.runs.arms import Metric
from amrobust.stats.results import Result

POWER = 0.8


def decide(
    evidence: Evidence, p_adjusted: float | None, metric: Metric, rules: Rules, family: int
) -> Verdict:
    """The verdict on one claim, given its Holm-adjusted p-value.

    Directional claims are supported when the adjusted two-sided p is at most alpha and the sign agrees, refuted when
    it disagrees. ``equivalent mean`` and ``no worse than`` are supported by their one-sided p, and refuted when the
    interval lies wholly outside the margin. Anything else is inconclusive.
    """
    claim = evidence.claim
    if evidence.refusal is not None:
        needed = evidence.refusal.seeds_needed
        sentence = f"Cannot be judged whether {statement(claim, metric)}: {evidence.refusal.reason}."
        if needed is not None:
            sentence += f" It takes {needed} seeds a method."
        return Verdict(
            claim, "cannot be judged", sentence, None, None, None, None, family, seeds_to_settle=needed,
            cautions=evidence.cautions,
        )  # fmt: skip
    assert evidence.interval is not None
    assert p_adjusted is not None
    outcome = _outcome(claim, evidence.interval, p_adjusted, metric, rules.alpha)
    ratio = claim.kind in ("less spread", "less Avg. STD")
    verdict = Verdict(
        claim, outcome, "", evidence.interval, evidence.test, evidence.p, p_adjusted, family,
        second_opinion=evidence.second_opinion,
        material=spread_is_material(evidence.interval, rules.material_ratio) if ratio else None,
        seeds_to_settle=(
            stats.seeds_to_settle(evidence.interval, alpha=rules.alpha / family, power=POWER, margin=claim.margin)
            if outcome == "inconclusive"
            else None
        ),
        cautions=evidence.cautions,
    )  # fmt: skip
    return replace(verdict, sentence=sentence_of(verdict, metric))


def _outcome(claim: Claim, result: Result, p: float, metric: Metric, alpha: float) -> Outcome:
    assert result.estimate is not None
    if claim.kind in ("equivalent mean", "no worse than"):
        assert claim.margin is not None
        assert result.low is not None
        assert result.high is not None
        if p <= alpha:
            return "supported"
        below, above = result.high < -claim.margin, result.low > claim.margin
        worse = below if metric.better == "higher" else above
        refuted = below or above if claim.kind == "equivalent mean" else worse
        return "refuted" if refuted else "inconclusive"
    if p > alpha:
        return "inconclusive"
    if claim.kind == "better mean":
        agrees = result.estimate > 0 if metric.better == "higher" else result.estimate < 0
    else:
        agrees = result.estimate < 1
    return "supported" if agrees else "refuted"


def statement(claim: Claim, metric: Metric) -> str:
    """The claim in words, as a clause."""
    quantity = metric.name.replace("_", " ")
    margin = f"{claim.margin:g}{points(metric)}" if claim.margin is not None else ""
    return {
        "less spread": f"{claim.method} ends with less spread in {quantity} over seeds than {claim.baseline}",
        "less Avg. STD": f"{claim.method} varies less over training (Avg. STD of {quantity}) than {claim.baseline}",
        "better mean": f"{claim.method} ends with a {metric.better} mean {quantity} than {claim.baseline}",
        "equivalent mean": f"the final mean {quantity} of {claim.method} and {claim.baseline} agree within {margin}",
        "no worse than": f"the final mean {quantity} of {claim.method} is no worse than {claim.baseline}'s by more "
        f"than {margin}",
    }[claim.kind]


def points(metric: Metric) -> str:
    """The unit of a difference, with its leading space: percentage points for a percentage."""
    if metric.unit == "%":
        return " percentage points"
    return f" {metric.unit}" if metric.unit else ""


OPENINGS: dict[Outcome, str] = {
    "supported": "Supported: {}",
    "refuted": "Refuted that {}",
    "inconclusive": "Inconclusive whether {}",
}


def sentence_of(verdict: Verdict, metric: Metric) -> str:
    """One sentence: the outcome, the claim, estimate with interval, p-values and what they rest on."""
    result, test = verdict.interval, verdict.test
    assert result is not None
    assert test is not None
    opening = OPENINGS[verdict.outcome].format(statement(verdict.claim, metric))
    ratio = verdict.claim.kind in ("less spread", "less Avg. STD")
    unit = "" if ratio else points(metric)
    name = "ratio" if ratio else "difference"
    assert result.level is not None
    text = (
        f"{opening}: {name} {result.estimate:.3g}{unit} [{result.low:.3g}, {result.high:.3g}] "
        f"({100 * result.level:.4g} % interval), {p_text(verdict.p)} by {test.test}"
    )
    if test is not result and verdict.p != test.p:
        text += f" ({test.test} alone {p_text(test.p)}; the interval's {p_text(result.p)} is the larger)"
    if verdict.family_size > 1:
        text += f", {p_text(verdict.p_adjusted)} after Holm over {verdict.family_size} claims"
    if verdict.outcome in ("supported", "refuted") and verdict.material is False:
        text += "; a ratio close to 1 is not excluded, so the difference may be immaterial"
    text += "."
    if verdict.outcome == "inconclusive":
        n = verdict.seeds_to_settle
        text += (
            f" If the truth is as estimated, about {n} seeds a method would settle it with {POWER:.0%} power."
            if n is not None
            else " The estimate is too near the border of the claim for any practical number of seeds to settle it."
        )
    return text


def p_text(p: float | None) -> str:
    """A p-value as printed: three decimals, or an upper bound below 0.001."""
    if p is None:
        return "p not available"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
