"""Where spread comes from, in sentences: starting points against seeds, and one random stream against all."""

from __future__ import annotations

from amrobust.judge.judgement import MethodSummary, SourceShare
from amrobust.judge.words import significant
from amrobust.runs.spec import STREAMS
from amrobust.stats import Result


def component_sentences(summaries: tuple[MethodSummary, ...]) -> tuple[str, ...]:
    """Over several x0: how much of each method's final spread comes from x0."""
    found = []
    for summary in summaries:
        parts = summary.components
        if parts is None:
            continue
        share = parts.share
        assert share.estimate is not None
        assert share.low is not None
        assert share.high is not None
        found.append(
            f"{summary.method}: x0 makes {share.estimate:.0%} of the variance of final values "
            f"[{share.low:.0%}, {share.high:.0%}]; STD between x0s {significant(parts.x0.estimate, 2)} "
            f"[{significant(parts.x0.low, 2)}, {significant(parts.x0.high, 2)}], between seeds of one x0 "
            f"{significant(parts.seed.estimate, 2)}."
        )
    return tuple(found)


def source_sentence(share: SourceShare) -> str:
    """What a single random stream makes of a method's spread: ``order alone makes 80 % of the variance [40 %, 160 %]``."""
    parts = []
    if share.final is not None:
        low, middle, high = (f"{value**2:.0%}" for value in _numbers(share.final))
        parts.append(f"{middle} of the variance of final values [{low}, {high}]")
    if share.avg_std is not None:
        low, middle, high = (f"{value:.2f}" for value in _numbers(share.avg_std))
        parts.append(f"an Avg. STD of {middle} times that of all together [{low}, {high}]")
    made = " and ".join(parts) or "a part of the spread that cannot be estimated"
    return f"{share.method}: {STREAMS[share.stream]} alone makes {made}."


def _numbers(ratio: Result) -> tuple[float, float, float]:
    """Lower end, estimate and upper end."""
    assert ratio.low is not None
    assert ratio.estimate is not None
    assert ratio.high is not None
    return ratio.low, ratio.estimate, ratio.high
