"""Interval, p, verdict and part never disagree, whatever the study: one rule decides, at one level."""

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import arm

from amrobust import Claim
from amrobust.judge.compare import compare
from amrobust.judge.family import judged_together
from amrobust.judge.rules import Evidence
from amrobust.report import render
from amrobust.report.tables import DAGGER, STAR, significance_marks

ALPHA = 0.05
PAIR = ("b", "a")
MARGINS = (0.3, 1.0, 2.0)
RATIOS = (1.2, 2.0, 5.0, 12.0)
OF_RATIOS = ("comparable spread", "comparable Avg. STD", "no more spread", "no more Avg. STD")


def study(rng, n, epochs, methods, paired):
    """Methods with means and spreads of their own, some of them near each other, on shared or independent seeds."""
    base = rng.standard_normal((n, epochs)).cumsum(axis=1)
    arms = []
    for name in methods:
        noise = rng.standard_t(5, (n, epochs)).cumsum(axis=1)
        curves = rng.choice([0, 0.5, 3]) + rng.choice([0.25, 1, 1, 3]) * (base + noise if paired else noise)
        lost = np.flatnonzero(rng.random(n) < rng.choice([0.0, 0.0, 0.0, 0.3, 0.9]))
        arms.append(arm(name, curves, pairing="p" if paired else None, diverged=tuple(map(int, lost))))
    return arms


def claims_of(rng):
    margins = [float(rng.choice(MARGINS)) for _ in range(3)]
    directed = [Claim(kind, *PAIR) for kind in ("less spread", "less Avg. STD", "better mean")]
    with_margin = [Claim("equivalent mean", *PAIR, margins[0]), Claim("non-inferior", *PAIR, margins[1])]
    bound = Claim("exceedance bound", "a", "a", bound=(float(rng.choice([-1.0, 0.0, 1.0])), 0.5))
    ratios = [Claim(kind, *PAIR, float(rng.choice(RATIOS))) for kind in OF_RATIOS]
    composite = Claim("composite", *PAIR, parts=(with_margin[0], directed[0], ratios[rng.integers(4)]))
    sweep = Claim("equivalent across the sweep", "a", "c", margins[2], methods=("a", "b", "c"))
    return [*directed, *with_margin, *ratios, bound, composite, sweep, Claim("diverges less", *PAIR)]


def says(claim, interval):
    """What an interval says of a claim, spelt out again."""
    low, high = interval.low, interval.high
    if claim.kind in ("less spread", "less Avg. STD"):
        border, better = (1.0, 1.0), "below"
    elif claim.kind == "diverges less":
        border, better = (0.0, 0.0), "below"
    elif claim.kind == "better mean":
        border, better = (0.0, 0.0), "above"
    elif claim.kind == "exceedance bound":
        border, better = (claim.bound[1], claim.bound[1]), "below"
    else:
        worst = 1 / claim.margin if claim.kind in OF_RATIOS else -claim.margin
        best = math.inf if claim.kind == "non-inferior" else claim.margin
        if claim.kind.startswith("no more"):
            worst = -math.inf
        if high <= worst or low >= best:
            return "refuted"
        return (
            "supported"
            if (low > worst and high < best) or (best == math.inf and low > worst)
            else "inconclusive"
        )
    if high < border[0] or (claim.kind == "exceedance bound" and high == border[0]):
        return "supported" if better == "below" else "refuted"
    if low > border[1] or (claim.kind == "exceedance bound" and low == border[1]):
        return "supported" if better == "above" else "refuted"
    return "inconclusive"


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    n=st.sampled_from([4, 5, 7, 9, 12]),
    epochs=st.sampled_from([2, 6]),
    paired=st.booleans(),
    drop=st.integers(0, 12),
)
def test_verdict_interval_p_and_parts_agree_in_random_studies(seed, n, epochs, paired, drop):
    rng = np.random.default_rng(seed)
    claims = claims_of(rng)[drop:] or claims_of(rng)
    (compared,) = compare(study(rng, n, epochs, "abc", paired), claims=claims).groups
    for found in compared.verdicts:
        if found.outcome == "not assessable":
            assert found.interval is None
            continue
        decided = found.outcome in ("supported", "refuted")
        assert (found.p_adjusted <= ALPHA) == decided
        if found.parts:
            outcomes = {part.outcome for part in found.parts}
            for part in found.parts:
                assert part.outcome == says(part.claim, part.interval), part.sentence
                assert (part.p_adjusted <= ALPHA) == (part.outcome != "inconclusive")
            assert (found.outcome == "refuted") == ("refuted" in outcomes)
            assert (found.outcome == "supported") == (outcomes == {"supported"})
        else:
            assert found.outcome == says(found.claim, found.interval), found.sentence
        assert found.sentence.startswith(found.outcome.capitalize())


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 100_000), n=st.sampled_from([5, 9]), paired=st.booleans())
def test_every_format_and_mark_says_what_the_interval_says(seed, n, paired):
    rng = np.random.default_rng(seed)
    comparison = compare(study(rng, n, 4, "abc", paired), claims=claims_of(rng))
    (compared,) = comparison.groups
    table, page = (render(comparison, form) for form in ("table", "markdown"))
    rows = [row for row in csv.DictReader(render(comparison, "csv").splitlines()) if row["record"] == "claim"]
    written = json.loads(render(comparison, "json"))["groups"][0]["verdicts"]
    assert len(rows) == len(written) == len(compared.verdicts)
    marks = significance_marks(compared)
    for found, row, entry in zip(compared.verdicts, rows, written, strict=True):
        assert row["outcome"] == entry["outcome"] == found.outcome
        assert entry["sentence"] == found.sentence
        mark = marks(found.claim.method, found.claim.kind)
        assert (STAR in mark, DAGGER in mark) == (
            (found.outcome == "supported", found.outcome == "refuted")
            if found.claim.kind in ("less spread", "less Avg. STD", "better mean")
            else (False, False)
        )
        if found.interval is None:
            assert entry["interval"] is None
            continue
        for ends in (
            {name: float(row[name]) for name in ("low", "high")},
            {name: entry["interval"][name] for name in ("low", "high")},
        ):
            read = type("Read", (), {name: math.inf if end is None else end for name, end in ends.items()})
            assert says(found.claim, read) == found.outcome
    for outcome in {found.outcome for found in compared.verdicts}:
        count = sum(found.outcome == outcome for found in compared.verdicts)
        for text in (table, page):
            assert f"{count} {outcome}" in text


def test_a_refutation_pays_for_the_number_of_its_parts():
    """Three true parts on their borders: the claim is refuted no more often than its level says."""
    rng = np.random.default_rng(3)
    parts = tuple(Claim("non-inferior", *PAIR, margin) for margin in (1.0, 1.0 + 1e-9, 1.0 + 2e-9))
    apart = tuple(Claim("better mean", *PAIR, epochs=(epoch, epoch)) for epoch in (1, 2, 3))
    refuted = {"same": 0, "apart": 0}
    for _ in range(300):
        a, b = rng.normal(size=(8, 3)), rng.normal(size=(8, 3)) - 1.0
        found = compare([arm("a", a), arm("b", b)], claims=[Claim("composite", *PAIR, parts=parts)])
        refuted["same"] += found.groups[0].verdicts[0].outcome == "refuted"
        found = compare([arm("a", a), arm("b", b + 1.0)], claims=[Claim("composite", *PAIR, parts=apart)])
        refuted["apart"] += found.groups[0].verdicts[0].outcome == "refuted"
    assert refuted["same"] / 300 < 0.06
    assert 0.005 < refuted["apart"] / 300 < 0.06


@pytest.mark.parametrize("truths", [(0, 0, 0, 0), (3, 3, 0, 0), (4, 4, 4, 4), (2, 2, 2, 2)])
def test_holm_holds_its_level_and_its_intervals_their_false_coverage_rate(truths):
    """Normal estimates of unit error: errors of verdicts by family, of intervals by the share of decided claims."""
    from scipy.special import ndtr, ndtri

    rng = np.random.default_rng(9)
    families, false_verdicts, missed = 2_000, 0, 0.0
    for _ in range(families):
        estimates = np.array(truths) + rng.standard_normal(len(truths))
        levels = {}

        def evidence(place, rate, estimates=estimates, levels=levels):
            levels[place] = rate.alpha
            return Evidence(Claim("better mean", *PAIR), p=float(2 * ndtr(-abs(estimates[place]))), rate=rate)

        found = judged_together(len(truths), ALPHA, evidence)
        decided = [place for place, (_, adjusted) in enumerate(found) if adjusted <= ALPHA]
        halves = {place: ndtri(1 - levels[place] / 2) for place in levels}
        assert all((abs(estimates[k]) > halves[k]) == (k in decided) for k in levels)
        false_verdicts += any(truths[k] == 0 or estimates[k] < 0 for k in decided)
        if decided:
            missed += np.mean([abs(estimates[k] - truths[k]) > halves[k] for k in decided])
    assert false_verdicts / families < 0.06
    assert missed / families < 0.06
