"""Tipping points: how many failing seeds would undo a verdict on spreads, and how frequent failures these seeds could miss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from amrobust.judge.comparison import TippingPoint, Verdict
from amrobust.judge.evidence import gather
from amrobust.judge.kinds.kind import in_phase
from amrobust.judge.kinds.spread import SpreadRatio
from amrobust.judge.rules import Evidence, Rules
from amrobust.judge.samples import Sample
from amrobust.judge.words import counted, points, significant
from amrobust.runs.metric import Metric
from amrobust.stats import final_values

MISSED_AT = 0.05


def with_tipping_points(
    verdict: Verdict, evidence: Evidence, samples: Mapping[str, Sample], metric: Metric, rules: Rules
) -> Verdict:
    """``verdict``, and those on its parts, with the tipping points of what is decided about spreads of independent seeds."""
    if verdict.parts:
        parts = zip(verdict.parts, evidence.parts, strict=True)
        return replace(
            verdict, parts=tuple(with_tipping_points(*pair, samples, metric, rules) for pair in parts)
        )
    claim, form = verdict.claim, verdict.claim.form
    undecided = verdict.outcome not in ("supported", "refuted")
    if undecided or not isinstance(form, SpreadRatio) or any(samples[name].x0s for name in claim.involved):
        return verdict
    assert evidence.interval is not None
    methods = form.tipped_by(claim, verdict.outcome, evidence.interval)
    found = [_tipping_point(method, form, evidence, samples, metric, rules) for method in methods]
    return replace(
        verdict, tipping=min(found, key=lambda point: point.of if point.seeds is None else point.seeds)
    )


def _tipping_point(
    method: str,
    form: SpreadRatio,
    evidence: Evidence,
    samples: Mapping[str, Sample],
    metric: Metric,
    rules: Rules,
) -> TippingPoint:
    """The fewest of the ``method``'s seeds, those nearest to its median first, that undo the verdict if they fail.

    A failing seed has its method's median curve and the deviation from it of the worst seed of the claim's methods, or the
    declared size throughout.
    """
    claim, sample = evidence.claim, samples[method]
    assert evidence.rate is not None
    rate = replace(evidence.rate, p_alone=True)
    sign = -1.0 if metric.way == "higher" else 1.0
    away = {name: samples[name].curves - np.median(samples[name].curves, axis=0) for name in claim.involved}
    worse = {}
    for name, curves in away.items():
        judged = in_phase(replace(samples[name], curves=curves), claim).curves
        worse[name] = sign * (
            judged.mean(axis=1) if form.statistic == "avg_std" else final_values(judged, rules.final)
        )
    name = max(claim.involved, key=lambda each: float(worse[each].max()))
    row = int(worse[name].argmax())
    size, failing = float(worse[name][row]), away[name][row]
    like: tuple[str, int] | None = (name, samples[name].seeds[row])
    if rules.failure is not None:
        size, failing, like = rules.failure, np.full_like(failing, sign * rules.failure), None
    failed = np.median(sample.curves, axis=0) + failing
    order = np.argsort(np.abs(worse[method]), kind="stable")
    held = evidence.points_to(metric)

    def undone(seeds: int) -> bool:
        curves = sample.curves.copy()
        curves[order[:seeds]] = failed
        found = gather(claim, {**samples, method: replace(sample, curves=curves)}, metric, rules, rate)
        return found.p is None or found.p > rate.alpha or found.points_to(metric) != held

    n = len(sample.seeds)
    return TippingPoint(method, _fewest(undone, n // 2), n, size, like, 1 - MISSED_AT ** (1 / n))


def _fewest(undone: Callable[[int], bool], most: int) -> int | None:
    """The smallest number from 1 to ``most`` that undoes, by bisection."""
    if undone(1):
        return 1
    if most == 1 or not undone(most):
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if undone(middle) else (middle, high)
    return high


def tipping_words(verdict: Verdict, metric: Metric, titles: Mapping[str, str]) -> str:
    """``If 1 of 10 seeds of A ended like the worst seen (B's seed 3, 2.10 worse than its median), ...``; empty without one."""
    found = verdict.tipping
    if found is None:
        return ""
    title = titles.get(found.method, found.method)
    worse = f"{significant(found.size)}{points(metric)} worse than its method's median"
    if found.like is None:
        how = f"failed ({worse})"
    else:
        how = f"failed like the worst seen (seed {found.like[1]} of {titles.get(found.like[0], found.like[0])}, {worse})"
    undone = (
        f"{found.seeds} of {found.of} seeds of {title} that {how} would undo this"
        if found.seeds is not None
        else f"not even half of the {counted(found.of, 'seed')} of {title}, if they {how}, would undo this"
    )
    return (
        f"{verdict.claim.form.short(verdict.claim, metric)}, {verdict.outcome}: {undone}. With "
        f"{found.of} seeds, a failure of {100 * found.missed:.0f} % of runs goes unseen once in twenty studies."
    )
