"""From evidence to verdict: the rule that decides, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from amrobust import stats
from amrobust.judge import cautions
from amrobust.judge.evidence import agrees, spread_is_material
from amrobust.judge.judgement import CHANGES, RATIOS, SPREADS, Claim, Outcome, Verdict
from amrobust.judge.rules import Evidence, Rules
from amrobust.judge.words import alike, listed, p_text, powers_of_ten, roughly
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.stats.coverage import coverage_sentence
from amrobust.stats.results import Caution, Result
from amrobust.stats.trend import unit_of

POWER = 0.8


def decide(
    evidence: Evidence,
    p_adjusted: float | None,
    metric: Metric,
    axis: Axis,
    rules: Rules,
    family: int,
    titles: Mapping[str, str] | None = None,
) -> Verdict:
    """The verdict on one claim, given its Holm-adjusted p-value; ``axis`` has the coordinates of its phase, and its sentence
    calls methods by their ``titles``, else names.

    Directional claims are supported when the adjusted two-sided p is at most alpha and the sign agrees, refuted when
    it disagrees. ``equivalent mean`` and ``no worse than`` are supported by their one-sided p, and refuted when the
    interval lies wholly outside the margin; ``within bound`` is supported by its one-sided p, and refuted when the interval
    lies wholly above the probability. Anything else is inconclusive.

    Where a bootstrap interval was asked for, a claim is decided only if that interval alone says the same: it excludes
    equality on that side, lies within the margin, or lies wholly outside of it. A disagreement is a caution.
    """
    claim = evidence.claim
    said = called(claim, titles or {})
    if evidence.refusal is not None:
        needed = evidence.refusal.seeds_needed
        sentence = f"Cannot be judged whether {statement(said, metric, axis)}: {evidence.refusal.reason}."
        if needed is not None:
            sentence += f" It takes {needed} seeds a method."
        return Verdict(
            claim, "cannot be judged", sentence, None, None, None, None, family, seeds_to_settle=needed,
            cautions=evidence.cautions,
        )  # fmt: skip
    assert p_adjusted is not None
    if evidence.parts:
        return _composite(evidence, p_adjusted, metric, axis, rules, family, titles or {})
    assert evidence.interval is not None
    by_test = outcome = _outcome(evidence, p_adjusted, metric, rules.alpha)
    shown, notes = evidence.interval, evidence.cautions
    if evidence.asked is not None:
        shown, by_interval = evidence.asked, _of_interval(claim, evidence.asked, metric)
        if by_interval != by_test:
            outcome = "inconclusive"
            notes += (_disagreement(evidence, by_test, by_interval, p_adjusted),)
    verdict = Verdict(
        claim, outcome, "", shown, evidence.test, evidence.p, p_adjusted, family,
        second_opinion=evidence.second_opinion,
        material=spread_is_material(shown, rules.material_ratio) if claim.kind in SPREADS else None,
        seeds_to_settle=_seeds(evidence, rules.alpha / family) if by_test == "inconclusive" else None,
        cautions=notes, test_interval=evidence.interval if evidence.asked is not None else None,
    )  # fmt: skip
    return replace(verdict, sentence=sentence_of(verdict, metric, axis, said))


def _seeds(evidence: Evidence, alpha: float) -> int | None:
    """Seeds a method that would settle an open claim."""
    claim, result = evidence.claim, evidence.interval
    assert result is not None
    if claim.bound is not None:
        assert result.estimate is not None
        return stats.seeds_to_bound(result.estimate, claim.bound[1], alpha=alpha, power=POWER)
    return stats.seeds_to_settle(result, alpha=alpha, power=POWER, margin=claim.margin)


def _composite(
    evidence: Evidence,
    p_adjusted: float,
    metric: Metric,
    axis: Axis,
    rules: Rules,
    family: int,
    titles: Mapping[str, str],
) -> Verdict:
    """Supported when the largest p of the parts is small enough, refuted when a part is, at its own Bonferroni level."""
    assert evidence.p is not None
    parts = tuple(
        decide(
            part,
            min(1.0, family * (part.p if part.p is not None else 1.0)),
            metric,
            axis,
            rules,
            family,
            titles,
        )
        for part in evidence.parts
    )
    outcome: Outcome = "supported" if p_adjusted <= rules.alpha else "inconclusive"
    notes = dict.fromkeys((*evidence.cautions, *(note for part in parts for note in part.cautions)))
    for part in evidence.parts:
        if outcome == "supported" and part.asked is not None:
            by_interval = _of_interval(part.claim, part.asked, metric)
            if by_interval != "supported":
                outcome = "inconclusive"
                notes[_disagreement(part, "supported", by_interval, p_adjusted)] = None
    if any(part.outcome == "refuted" for part in parts):
        outcome = "refuted"
    numbers = "; ".join(_numbers(part, metric) for part in parts)
    text = f"{OPENINGS[outcome].format(statement(called(evidence.claim, titles), metric, axis))}: {numbers}"
    if outcome != "refuted":
        text += f"; together {p_text(evidence.p)}"
        text += f", {p_text(p_adjusted)} after Holm over {family} claims" if family > 1 else ""
    open_parts = [part.seeds_to_settle for part in parts if part.outcome == "inconclusive"]
    seeds = None if None in open_parts else max((n for n in open_parts if n is not None), default=None)
    verdict = Verdict(
        evidence.claim, outcome, text + ".", None, None, evidence.p, p_adjusted, family,
        seeds_to_settle=seeds if outcome == "inconclusive" else None, cautions=tuple(notes), parts=parts,
    )  # fmt: skip
    return replace(verdict, sentence=verdict.sentence + _prospect(verdict))


def _outcome(evidence: Evidence, p: float, metric: Metric, alpha: float) -> Outcome:
    claim, result = evidence.claim, evidence.interval
    assert result is not None
    assert result.estimate is not None
    if claim.kind in ("equivalent mean", "no worse than", "stable over"):
        assert claim.margin is not None
        assert result.low is not None
        assert result.high is not None
        if p <= alpha:
            return "supported"
        return "refuted" if _beyond_margin(claim, result, metric) else "inconclusive"
    if claim.bound is not None:
        assert result.low is not None
        return "supported" if p <= alpha else "refuted" if result.low > claim.bound[1] else "inconclusive"
    if p > alpha:
        return "inconclusive"
    return "supported" if agrees(claim, result.estimate, metric) else "refuted"


def _beyond_margin(claim: Claim, result: Result, metric: Metric) -> bool:
    """Whether the interval lies wholly outside the margin, on its worse side where that alone is claimed against."""
    assert claim.margin is not None
    assert result.low is not None
    assert result.high is not None
    below, above = result.high < -claim.margin, result.low > claim.margin
    worse = below if metric.way == "higher" else above
    return worse if claim.kind == "no worse than" else below or above


def _of_interval(claim: Claim, result: Result, metric: Metric) -> Outcome:
    """What an interval of a difference of means or a ratio of spreads says by itself."""
    assert result.low is not None
    assert result.high is not None
    if claim.margin is not None:
        above, below = result.low > -claim.margin, result.high < claim.margin
        holds = (
            (above if metric.way == "higher" else below) if claim.kind == "no worse than" else above and below
        )
        return (
            "supported" if holds else "refuted" if _beyond_margin(claim, result, metric) else "inconclusive"
        )
    if result.low <= (1 if claim.kind in RATIOS else 0) <= result.high:
        return "inconclusive"
    return "supported" if agrees(claim, result.low, metric) else "refuted"


def _disagreement(evidence: Evidence, by_test: Outcome, by_interval: Outcome, p_adjusted: float) -> Caution:
    asked, test = evidence.asked, evidence.test
    assert asked is not None
    assert test is not None
    return cautions.interval_disagrees(
        test.test, p_adjusted, by_test, asked.test, by_interval, coverage_sentence(asked)
    )


def called(claim: Claim, titles: Mapping[str, str]) -> Claim:
    """The claim with its methods under their ``titles``, as it is printed."""
    return replace(
        claim,
        method=titles.get(claim.method, claim.method),
        baseline=titles.get(claim.baseline, claim.baseline),
        methods=tuple(titles.get(name, name) for name in claim.methods),
        parts=tuple(called(part, titles) for part in claim.parts),
    )


def statement(claim: Claim, metric: Metric, axis: Axis) -> str:
    """The claim in words, as a clause; ``axis`` has the coordinates of its phase."""
    if claim.kind == "composite":
        return " and ".join(statement(part, metric, axis) for part in claim.parts)
    quantity = metric.name.replace("_", " ")
    margin = powers_of_ten(f"{claim.margin:g}{points(metric)}") if claim.margin is not None else ""
    phase = f"in {axis.phase(*claim.epochs)}" if claim.epochs is not None else ""
    mean = f"the mean {quantity} {phase}" if phase else f"the final mean {quantity}"
    when = phase or "over training"
    sweep = listed(claim.methods)
    if claim.kind in CHANGES:
        assert claim.epochs is not None
        falls = (claim.kind == "better after") == (metric.way == "lower")
        before, after = (f"{axis.quantity} {axis.at(place)}" for place in claim.epochs)
        return (
            f"the mean {quantity} of {claim.method} {'falls' if falls else 'rises'} from {before} to {after}"
        )
    if claim.bound is not None:
        threshold, probability = claim.bound
        side = "below" if metric.way == "higher" else "above"
        what = f"ends {side} a {quantity} of {powers_of_ten(f'{threshold:.4g}')}"
        bound = powers_of_ten(f"{probability:.3g}") + (
            f" (Theorem 1b, Λ = {claim.deviation:g})" if claim.deviation is not None else ""
        )
        return f"a run of {claim.method} {what} with a probability of at most {bound}"
    return {
        "less spread": f"{claim.method} ends with less spread in {quantity} over seeds than {claim.baseline}",
        "less Avg. STD": f"{claim.method} varies less {when} (Avg. STD of {quantity}) than {claim.baseline}",
        "better mean": f"{mean} of {claim.method} is {metric.way} than that of {claim.baseline}",
        "equivalent mean": f"{mean} of {claim.method} and {claim.baseline} agree within {margin}",
        "no worse than": f"{mean} of {claim.method} is no worse than {claim.baseline}'s by more than {margin}",
        "cheaper": f"{claim.method} takes less wall time a seed than {claim.baseline}",
        "trend": f"the spread of {quantity} {'rises' if claim.rising else 'falls'} as {claim.over or 'the swept value'} "
        f"grows, over {sweep}",
        "stable over": f"{mean} agrees within {margin} among {sweep}",
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


def sentence_of(verdict: Verdict, metric: Metric, axis: Axis, said: Claim) -> str:
    """One sentence: the outcome, the claim as it is ``said``, estimate with interval, p-values and what they rest on."""
    text = f"{OPENINGS[verdict.outcome].format(statement(said, metric, axis))}: {_numbers(verdict, metric)}"
    if verdict.family_size > 1:
        text += f", {p_text(verdict.p_adjusted)} after Holm over {verdict.family_size} claims"
    if verdict.outcome in ("supported", "refuted") and verdict.material is False:
        text += "; a ratio close to 1 is not excluded, so the difference may be immaterial"
    return f"{text}.{_prospect(verdict)}"


def _numbers(verdict: Verdict, metric: Metric) -> str:
    """Estimate with interval, p-value and the test that gives it."""
    result, test = verdict.interval, verdict.test
    assert result is not None
    assert test is not None
    ratio = verdict.claim.kind in RATIOS
    unit = "" if ratio or verdict.claim.bound is not None else points(metric)
    name = "share" if verdict.claim.bound is not None else "ratio" if ratio else "difference"
    each = f" a {unit_of(result)}" if verdict.claim.kind == "trend" else ""
    assert result.level is not None
    by = f" by {result.test}" if result.bootstrap is not None else ""
    estimate, low, high = alike(result.estimate, result.low, result.high)
    text = (
        f"{name} {estimate}{unit}{each} [{low}, {high}] "
        f"({100 * result.level:.4g} % interval{by}), {p_text(verdict.p)} by {test.test}"
    )
    if test is not result and result.p is not None and verdict.p != test.p:
        text += f" ({test.test} alone {p_text(test.p)}; the interval's {p_text(result.p)} is the larger)"
    return text


def _prospect(verdict: Verdict) -> str:
    """For an inconclusive verdict, a sentence on the seeds that would settle it."""
    if verdict.outcome != "inconclusive":
        return ""
    if verdict.seeds_to_settle is None and any(
        note.kind == "interval-disagrees" for note in verdict.cautions
    ):
        return " The test and the interval that was asked for do not say the same."
    if verdict.seeds_to_settle is None:
        return " The estimate is too near the border of the claim for any practical number of seeds to settle it."
    n, unit = verdict.seeds_to_settle, verdict.interval.unit if verdict.interval is not None else "seeds"
    per = "" if unit == "starting points" else " a method"
    return f" If the truth is as estimated, about {roughly(n)} {unit}{per} would settle it with {100 * POWER:.0f} % power."
