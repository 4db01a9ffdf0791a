"""Plans: simulated studies are decided as real ones are, for claims of every kind, and a pilot's seeds come back in them."""

from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.power import TTestIndPower

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge.claim import Claim
from amrobust.judge.compare import compare
from amrobust.judge.evidence import gather
from amrobust.judge.planning import NotReached, Study, plan_from, power_at, seeds_for_power
from amrobust.judge.rules import Rate, Rules, Selection
from amrobust.judge.samples import Sample
from amrobust.judge.simulated import BASELINE, METHOD, SHAPES, Assumed, Source
from amrobust.judge.verdicts import decide
from amrobust.runs.arms import Arm
from amrobust.runs.axis import epochs
from amrobust.runs.metric import Metric

ACCURACY = Metric("accuracy", "higher")


def study(kind, assumed=None, *, family=1, margin=None, alpha=0.05, **rules):
    assumed = assumed or Assumed()
    claim = Claim(kind, METHOD, BASELINE, margin=margin)
    return Study(claim, assumed.sources(), assumed.metric, Rules(alpha=alpha, **rules), family)


def arm(name, curves, **fields):
    curves = np.atleast_2d(np.asarray(curves, float).T).T
    return Arm(
        name, name, "w", tuple(range(len(curves))), {"accuracy": curves}, {"accuracy": ACCURACY}, **fields
    )


@pytest.mark.parametrize(
    ("kind", "assumed", "options"),
    [
        ("less spread", Assumed(ratio=0.5), {}),
        ("less spread", Assumed(ratio=0.5), {"test": "levene"}),
        ("less spread", Assumed(ratio=0.5), {"test": "f"}),
        ("less Avg. STD", Assumed(ratio=0.7, epochs=5), {}),
        ("better mean", Assumed(difference=1.0), {}),
        ("equivalent mean", Assumed(), {"margin": 1.2}),
        ("non-inferior", Assumed(), {"margin": 1.0}),
        ("comparable spread", Assumed(), {"margin": 2.5}),
        ("no more spread", Assumed(), {"margin": 2.0}),
        ("diverges less", Assumed(divergence=(0.1, 0.7)), {}),
        ("less spread", Assumed(ratio=0.5, correlation=0.8), {}),
    ],
)
def test_a_simulated_study_ends_as_its_verdict_says(kind, assumed, options):
    """Decided by p and the side of the estimate alone, it is what the whole rule with its intervals says."""
    planned = study(kind, assumed, alpha=0.2, **options)
    rng = np.random.default_rng(0)
    outcomes = []
    for _ in range(25):
        samples = planned.draw(8, "normal", rng)
        evidence = gather(planned.claim, samples, planned.metric, planned.rules, Rate(0.2, 0.2))
        verdict = decide(evidence, evidence.p, planned.metric, epochs(assumed.epochs), planned.rules, 1)
        outcomes.append(planned.outcome(samples)[0])
        assert outcomes[-1] == verdict.outcome
    assert {"supported", "inconclusive"} <= {*outcomes}


def test_a_composite_is_simulated_whole():
    parts = Claim("non-inferior", METHOD, BASELINE, margin=1.0), Claim("less spread", METHOD, BASELINE)
    assumed = Assumed(ratio=0.3)
    whole = Study(
        Claim("composite", METHOD, BASELINE, parts=parts), assumed.sources(), assumed.metric, Rules()
    )
    alone = [replace(whole, claim=part) for part in parts]
    powers = [power_at(one, 12, replications=200).power for one in (whole, *alone)]
    assert 0.2 < powers[0] <= min(powers[1:])


def test_the_asked_for_test_is_planned_with_the_interval_it_is_shown_with():
    """Bartlett's or F's p alone would find more; a verdict needs the interval's p too."""
    by_f, by_jackknife = (
        power_at(study("less spread", Assumed(ratio=0.5), test=test), 8, replications=300).power
        for test in ("f", "jackknife")
    )
    assert by_f <= by_jackknife


def test_welchs_power_is_the_noncentral_ts():
    exact = TTestIndPower().power(1.0, 12, 0.05)
    found = power_at(study("better mean", Assumed(difference=1.0)), 12, replications=3_000)
    assert found.low < exact < found.high


def test_under_the_null_it_is_half_the_level():
    found = power_at(study("better mean"), 10, replications=3_000)
    assert found.low < 0.025 < found.high


def test_a_family_needs_more_seeds_and_curves_fewer():
    one = power_at(study("less spread", Assumed(ratio=0.5)), 20, replications=300).power
    assert power_at(study("less spread", Assumed(ratio=0.5), family=6), 20, replications=300).power < one
    last = power_at(study("less spread", Assumed(ratio=0.7)), 10, replications=300).power
    assert (
        power_at(study("less Avg. STD", Assumed(ratio=0.7, epochs=30)), 10, replications=300).power
        > 0.4
        > last
    )


def test_the_number_of_seeds_is_the_first_that_reaches_the_power():
    planned = study("less spread", Assumed(ratio=0.5))
    tried = seeds_for_power(planned, 0.8, replications=500)
    assert tried[-1].power >= 0.8
    assert all(p.power < 0.8 for p in tried[:-1])
    assert [p.n for p in tried] == sorted(p.n for p in tried)
    assert 17 <= tried[-1].n <= 26
    assert seeds_for_power(planned, 0.8, replications=500) == tried, "the same every time"
    assert seeds_for_power(study("better mean", Assumed(difference=9.0)))[-1].n == 4


def test_fewer_studies_are_drawn_where_the_power_is_clearly_another():
    planned = study("better mean", Assumed(difference=2.0))
    assert power_at(planned, 40, replications=1_000, wanted=0.8).studies == 50
    assert power_at(planned, 40, replications=1_000).studies == 1_000


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("paired", [False, True])
def test_drawn_seeds_have_the_pilots_moments_whatever_their_shape(shape, paired, rng):
    curves = 90 + rng.normal(size=(2, 7, 4)).cumsum(axis=2) * [1.0, 2.0, 3.0, 0.0]
    pilot = {
        name: arm(name, x, pairing="shared" if paired else None) for name, x in zip("ab", curves, strict=True)
    }
    samples = {name: Sample.of(one, "accuracy", 1, False) for name, one in pilot.items()}
    sources = Source.of_pilot(samples)
    planned = Study(Claim("better mean", "a", "b"), sources, ACCURACY, Rules())
    drawn = planned.draw(40_000, shape, rng)
    for name, x in zip("ab", curves, strict=True):
        found = drawn[name].curves
        assert found.mean(axis=0) == pytest.approx(x.mean(axis=0), abs=0.1)
        assert found.std(axis=0) == pytest.approx(x.std(axis=0, ddof=1), rel=0.1)
        z = (found[:, 0] - found[:, 0].mean()) / found[:, 0].std()
        skewness = (z**3).mean()
        assert (skewness < -1.5) if shape == "skewed" else abs(skewness) < 0.6
        assert ((z**4).mean() > 5) == (shape != "normal")
    across = [
        np.corrcoef(x[0][:, 0], x[1][:, 0])[0, 1] for x in (curves, [drawn["a"].curves, drawn["b"].curves])
    ]
    assert across[1] == pytest.approx(across[0] if paired else 0.0, abs=0.15)


def test_a_pilot_says_how_many_seeds_each_claim_takes_and_which_way_it_would_end(rng):
    a, b = rng.normal(0, 0.4, 8), rng.normal(0, 1.0, 8)
    pilot = compare([arm("b", 90 + b), arm("a", 90.5 + a)], Selection(baseline="b"))
    mean, spread = plan_from(pilot, shapes=("normal",), replications=200)
    assert spread.outcome == "supported"
    ratio = a.std(ddof=1) / b.std(ddof=1)
    expected = seeds_for_power(study("less spread", Assumed(ratio=ratio), family=2), replications=200)[-1].n
    assert spread.found["normal"].n == pytest.approx(expected, rel=0.25)
    assert spread.range.low <= spread.found["normal"].n
    assert mean.outcome == ("supported" if 90.5 + a.mean() > 90 + b.mean() else "refuted")
    (power, _), n = (
        [p.found["normal"] for p in plan_from(pilot, seeds=12, shapes=("normal",), replications=200)],
        12,
    )
    assert power.n == n
    turned = compare([arm("a", 90.5 + a), arm("b", 90 + b)], Selection(baseline="a"))
    assert plan_from(turned, seeds=6, shapes=("normal",), replications=100)[1].outcome == "refuted"


def test_a_claim_that_no_pilot_tells_anything_of_says_why(rng):
    lost = 90 + rng.normal(size=(8, 3))
    lost[0, 1:] = np.nan
    pilot = compare([arm("b", 90 + rng.normal(size=(8, 3))), arm("a", lost)], Selection(baseline="b"))
    assert all(
        planned.found is None and "diverged" in planned.reason
        for planned in plan_from(pilot, seeds=8, shapes=("normal",), replications=10)
        if planned.verdict.claim.kind != "ranks better"  # in which a diverged seed is the worst
    )
    claims = [Claim("diverges less", "b", "a")]
    pilot = compare(
        [arm("b", 90 + rng.normal(size=(8, 3))), arm("a", lost)], Selection(baseline="b"), claims=claims
    )
    (planned,) = plan_from(pilot, shapes=("normal",), replications=100)
    assert planned.outcome == "supported"
    assert planned.found["normal"].n > 30


def test_plans_are_of_one_analysis_by_the_deciding_test(rng):
    arms = [arm("a", rng.normal(size=6)), arm("b", rng.normal(size=6))]
    with pytest.raises(UserError, match="--interval"):
        plan_from(compare(arms, rules=Rules(interval="bootstrap-t")))


def test_what_cannot_be_reached_or_planned_is_refused():
    with pytest.raises(NotReached, match="do not reach"):
        seeds_for_power(study("better mean"), 0.9, replications=100)
    for options in (
        {"ratio": 0}, {"ratio": np.nan}, {"ratio": 1e-320}, {"difference": np.inf}, {"epochs": 10**12}, {"epochs": 2.5},
        {"autocorrelation": 1.0}, {"correlation": np.nan}, {"divergence": (0.2, 1.5)},
    ):  # fmt: skip
        with pytest.raises(UserError):
            Assumed(**options)
    for family, alpha in ((0, 0.05), (10**300, 0.05)):
        with pytest.raises(UserError):
            study("better mean", family=family, alpha=alpha)
    with pytest.raises(stats.CannotEstimate) as caught:
        power_at(study("less spread"), 3)
    assert caught.value.seeds_needed == 4
    for n, replications in ((10**20, 100), (5, 10**12), (100_000_001, 1), (5, 0)):
        with pytest.raises(stats.CannotEstimate):
            power_at(study("less spread"), n, replications=replications)
    for power in (np.nan, 0.0, 1.0):
        with pytest.raises(stats.CannotEstimate):
            seeds_for_power(study("less spread"), power, replications=100)
    phased = study("less spread", Assumed(epochs=5))
    with pytest.raises(stats.CannotEstimate, match="no phase"):
        power_at(replace(phased, claim=replace(phased.claim, epochs=(1, 2))), 8, replications=100)
