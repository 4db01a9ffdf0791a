"""Claims about a sweep of methods: a trend of spread, and means that stay equivalent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge import cautions
from amrobust.judge.judgement import Claim
from amrobust.judge.rules import Evidence, Rules
from amrobust.judge.samples import Pair, Refused, Sample
from amrobust.runs.method import number, swept
from amrobust.stats.results import Caution, Result


def of_sweep(claim: Claim, samples: Sequence[Sample], rules: Rules, family: int) -> Evidence:
    """The evidence on a ``trend`` or a ``stable over``."""
    if any(sample.x0s for sample in samples):
        raise Refused("a sweep over several x0 has no test yet: compare its methods in pairs")
    return (_trend if claim.kind == "trend" else _stable)(claim, samples, rules, family)


def _trend(claim: Claim, samples: Sequence[Sample], rules: Rules, family: int) -> Evidence:
    """Jackknife slope of log spread over the swept hyperparameter, its second opinion, and where the sweep turns."""
    methods = [sample.arm.identity for sample in samples]
    try:
        parameter = swept(methods)
    except UserError as error:
        raise Refused(str(error)) from None
    values = [number(method.hyperparameters[parameter]) for method in methods]
    if any(value is None for value in values):
        words = ", ".join(str(method.hyperparameters[parameter]) for method in methods)
        raise Refused(f"a trend is over numbers, and {parameter} is {words}")
    places = [value for value in values if value is not None]
    if any(Pair.of(a, b).paired for a, b in combinations(samples, 2)):
        raise Refused(
            "the methods of this sweep share their seeds, and a trend is tested on independent ones"
        )
    curves = samples[0].curves.shape[1] > 1
    data = [sample.curves if curves else stats.final_values(sample.curves, rules.final) for sample in samples]
    result = stats.spread_trend(data, places, level=1 - rules.alpha / family)
    second = stats.permutation_trend(data, places) if curves else stats.jonckheere(data, places)
    turn = stats.turning_point(data, places, alpha=rules.alpha)
    notes = []
    if turn.falls_before and turn.rises_after:
        candidates = ", ".join(f"{value:g}" for value in turn.candidates)
        notes.append(
            Caution(
                "turning-point",
                f"The spread is smallest at {parameter} = {turn.value:g} and larger at both ends of the sweep ({parameter} in "
                f"{candidates} cannot "
                "be told from the smallest): a trend does not describe it.",
                "claim the two sides of the turning point apart, on fresh seeds",
            )
        )
    assert result.p is not None
    assert second.p is not None
    if (second.p <= rules.alpha) != (result.p <= rules.alpha):
        notes.append(cautions.opinions_disagree(result.test, result.p, second.test, second.p, rules.alpha))
    return Evidence(claim, result, result, second, result.p, cautions=tuple(notes))


def _stable(claim: Claim, samples: Sequence[Sample], rules: Rules, family: int) -> Evidence:
    """Equivalence of all pairs of means, by intersection-union: the pair with the largest p decides and is shown."""
    assert claim.margin is not None
    found: list[Result] = []
    for one, other in combinations(samples, 2):
        pair = Pair.of(one, other)
        a, b = (
            stats.final_values(curves, rules.final) if claim.epochs is None else curves.mean(axis=1)
            for curves in (pair.a, pair.b)
        )
        found.append(
            stats.equivalence(a, b, claim.margin, paired=pair.paired, level=1 - 2 * rules.alpha / family)
        )
    worst = max(found, key=lambda result: result.p or 0.0)
    return Evidence(claim, worst, worst, None, worst.p)
