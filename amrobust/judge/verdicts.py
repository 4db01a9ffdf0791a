"""From evidence to verdict: the rule that decides, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from amrobust.judge import claim_warnings
from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Verdict
from amrobust.judge.kinds.kind import Outcome
from amrobust.judge.rules import Evidence, Rules
from amrobust.judge.words import alike, p_text, roughly
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.stats.coverage import coverage_sentence
from amrobust.stats.planning import SeedRange
from amrobust.stats.results import ResultWarning

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

    A claim is decided where its adjusted p is at most alpha; which way, its interval says, which excludes what the test
    rejects: equality, or for a claim of a margin or a bound the region on one side of its border. Anything else is
    inconclusive.

    Where a bootstrap interval was asked for, a claim is decided only if that interval alone says the same: it excludes
    equality on that side, lies within the margin, or lies wholly outside of it. A disagreement is a warning.
    """
    claim = evidence.claim
    said = called(claim, titles or {})
    if evidence.refusal is not None:
        needed = evidence.refusal.seeds_needed
        sentence = (
            f"Not assessable: {said.form.statement(said, metric, axis)}, since {evidence.refusal.reason}."
        )
        if needed is not None:
            sentence += f" It takes {needed} seeds per method."
        return Verdict(
            claim, "not assessable", sentence, None, None, None, None, family, required_seeds=needed,
            warnings=evidence.warnings,
        )  # fmt: skip
    assert p_adjusted is not None
    if evidence.parts:
        return _composite(evidence, p_adjusted, metric, axis, rules, family, titles or {})
    assert evidence.interval is not None
    assert evidence.rate is not None
    by_test: Outcome = (
        claim.form.outcome(claim, evidence.interval, metric) if p_adjusted <= rules.alpha else "inconclusive"
    )
    outcome = by_test
    shown, notes = evidence.interval, evidence.warnings
    if evidence.asked is not None:
        shown, by_interval = evidence.asked, claim.form.outcome(claim, evidence.asked, metric)
        if by_interval != by_test:
            outcome = "inconclusive"
            notes += (_disagreement(evidence, by_test, by_interval, p_adjusted),)
    verdict = Verdict(
        claim, outcome, "", shown, evidence.test, evidence.p, p_adjusted, family,
        sensitivity_test=evidence.sensitivity_test,
        practically_significant=claim.form.is_practically_significant(shown, rules.practical_ratio),
        warnings=notes, test_interval=evidence.interval if evidence.asked is not None else None,
    )  # fmt: skip
    if by_test == "inconclusive":
        open_ = claim, evidence.interval, evidence.rate.alpha, POWER
        verdict = replace(
            verdict,
            required_seeds=claim.form.required_seeds(*open_),
            seed_range=claim.form.seed_range(*open_),
            would_be="supported" if evidence.points_to(metric) else "refuted",
        )
    return replace(verdict, sentence=sentence_of(verdict, metric, axis, said))


def _composite(
    evidence: Evidence,
    p_adjusted: float,
    metric: Metric,
    axis: Axis,
    rules: Rules,
    family: int,
    titles: Mapping[str, str],
) -> Verdict:
    """Refuted when a part is, supported when all are; each part is held to what the claim's rate leaves for it."""
    assert evidence.p is not None
    parts = tuple(
        decide(part, _scaled(part, rules.alpha), metric, axis, rules, family, titles)
        for part in evidence.parts
    )
    outcome: Outcome = "inconclusive"
    if p_adjusted <= rules.alpha:
        found = {part.outcome for part in parts}
        outcome = "refuted" if "refuted" in found else "supported" if found == {"supported"} else outcome
    notes = tuple(dict.fromkeys((*evidence.warnings, *(note for part in parts for note in part.warnings))))
    numbers = "; ".join(_numbers(part, metric) for part in parts)
    said = called(evidence.claim, titles)
    text = f"{OPENINGS[outcome].format(said.form.statement(said, metric, axis))}: {numbers}"
    text += f"; together {p_text(evidence.p)}"
    text += f", {p_text(p_adjusted)} after Holm over {family} claims" if family > 1 else ""
    verdict = Verdict(
        evidence.claim, outcome, text + ".", None, None, evidence.p, p_adjusted, family, warnings=notes, parts=parts,
    )  # fmt: skip
    open_parts = [part for part in parts if part.outcome == "inconclusive"]
    if outcome == "inconclusive" and open_parts:
        needed = [part.required_seeds for part in open_parts]
        ranges = [part.seed_range for part in open_parts if part.seed_range is not None]
        verdict = replace(
            verdict,
            required_seeds=None if None in needed else max(n for n in needed if n is not None),
            seed_range=SeedRange.of_all(ranges) if len(ranges) == len(open_parts) else None,
            would_be="supported" if evidence.points_to(metric) else "refuted",
        )
    return replace(verdict, sentence=verdict.sentence + _prospect(verdict))


def _scaled(part: Evidence, alpha: float) -> float | None:
    """A part's p on the scale on which the claim's rate is alpha."""
    if part.p is None or part.rate is None:
        return None
    return min(1.0, part.p * (alpha / part.rate.alpha))


def _disagreement(
    evidence: Evidence, by_test: Outcome, by_interval: Outcome, p_adjusted: float
) -> ResultWarning:
    asked, test = evidence.asked, evidence.test
    assert asked is not None
    assert test is not None
    return claim_warnings.interval_disagrees(
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


OPENINGS: dict[Outcome, str] = {
    "supported": "Supported: {}",
    "refuted": "Refuted: {}",
    "inconclusive": "Inconclusive: {}",
}


def sentence_of(verdict: Verdict, metric: Metric, axis: Axis, said: Claim) -> str:
    """One sentence: the outcome, the claim as it is ``said``, estimate with interval, p-values and what they rest on."""
    text = f"{OPENINGS[verdict.outcome].format(said.form.statement(said, metric, axis))}: {_numbers(verdict, metric)}"
    if verdict.family_size > 1:
        text += f", {p_text(verdict.p_adjusted)} after Holm over {verdict.family_size} claims"
    if verdict.outcome in ("supported", "refuted") and verdict.practically_significant is False:
        text += "; a ratio close to 1 is not excluded, so the difference may not matter in practice"
    return f"{text}.{_prospect(verdict)}"


def _numbers(verdict: Verdict, metric: Metric) -> str:
    """Estimate with interval, p-value and the test that gives it."""
    result, test = verdict.interval, verdict.test
    assert result is not None
    assert test is not None
    form = verdict.claim.form
    each = f" a {per}" if (per := form.per(result)) else ""
    assert result.level is not None
    by = f" by {result.test}" if result.bootstrap is not None else ""
    estimate, low, high = alike(result.estimate, result.low, result.high)
    text = (
        f"{form.estimates} {estimate}{form.unit(metric)}{each} [{low}, {high}] "
        f"({100 * result.level:.4g} % interval{by}), {p_text(verdict.p)} by {test.test}"
    )
    if test is not result and result.p is not None and verdict.p != test.p:
        text += f" ({test.test} alone {p_text(test.p)}; the interval's {p_text(result.p)} is the larger)"
    return text


def _prospect(verdict: Verdict) -> str:
    """For an inconclusive verdict, a sentence on the seeds that would settle it."""
    if verdict.outcome != "inconclusive":
        return ""
    if verdict.required_seeds is None and any(note.kind == "interval-disagrees" for note in verdict.warnings):
        return " The test and the interval that was asked for do not say the same."
    if verdict.seed_range is None:
        return ""
    unit = verdict.interval.unit if verdict.interval is not None else "seeds"
    per = "" if unit == "starting points" else " per method"
    left = f"{spanned(verdict.seed_range)} {unit}{per}"
    if verdict.required_seeds is None:
        return (
            " The estimate is too near the border of the claim for any practical number of seeds to settle it; over the truths "
            f"that it leaves open (10 to 90 %), {left}."
        )
    return (
        f" If the truth is as estimated, about {roughly(verdict.required_seeds)} {unit}{per} would settle it as "
        f"{verdict.would_be} with {100 * POWER:.0f} % power; over the truths that the estimate leaves open (10 to 90 %), "
        f"{left}."
    )


def spanned(seeds: SeedRange, between: str = " to ", most: str = "more than 100,000") -> str:
    """A range of seeds, roughly: ``9 to 850``."""
    ends = [most if end is None else roughly(end) for end in (seeds.low, seeds.high)]
    return between.join(dict.fromkeys(ends))
