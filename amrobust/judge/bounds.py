"""Claims that runs rarely end worse than a bound: one method, its tail, and an exact binomial test."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, log, log1p

from scipy import special

from amrobust import stats
from amrobust.judge.judgement import Claim
from amrobust.judge.rules import Evidence, Rules
from amrobust.judge.samples import Refused, Sample
from amrobust.judge.words import powers_of_ten
from amrobust.runs.metric import Metric
from amrobust.stats.tails import Worse


def of_bound(claim: Claim, sample: Sample, metric: Metric, rules: Rules, family: int) -> Evidence:
    """Exact interval of P(worse than the threshold), and the one-sided binomial p of its being as large as the probability.

    p = P(Bin(n, probability) <= runs that ended worse). Raises Refused where not even a tail without a run could support the
    claim, unless it is refuted already.
    """
    assert claim.bound is not None
    assert sample.finals is not None
    threshold, probability = claim.bound
    if sample.x0s:
        raise Refused("seeds of several x0 are not independent: judge a bound at one x0")
    share = rules.alpha / family
    worse: Worse = "low" if metric.way == "higher" else "high"
    interval = stats.exceedance(sample.finals, threshold, worse=worse, level=1 - share)
    n, hits = len(sample.finals), int(interval.details["hits"])
    assert interval.low is not None
    if special.bdtr(0, n, probability) > share and interval.low <= probability:
        raise Refused(
            f"{n} seeds cannot show a probability of at most {powers_of_ten(f'{probability:.3g}')}, even if none of them "
            "ends worse",
            ceil(log(share) / log1p(-probability)),
        )
    test = replace(interval, test="exact binomial", p=float(special.bdtr(hits, n, probability)))
    return Evidence(claim, interval, test, None, test.p)
