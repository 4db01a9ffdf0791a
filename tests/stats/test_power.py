"""Power: the simulation is of the very test that decides, and agrees with what is known in closed form."""

import numpy as np
import pytest
from statsmodels.stats.power import TTestIndPower

from amrobust import stats
from amrobust.stats import power as module
from amrobust.stats.power import Study, power_at, seeds_for_power


@pytest.mark.parametrize("n", [8, 9])
@pytest.mark.parametrize("epochs", [1, 5])
@pytest.mark.parametrize(
    ("decision", "options", "decide"),
    [
        ("jackknife", {"ratio": 2.0}, lambda a, b: stats.spread_ratio(a, b, construction="jackknife")),
        ("levene", {"ratio": 2.0}, lambda a, b: stats.levene(a, b, centre="median")),
        ("levene", {"ratio": 2.0, "centre": "mean"}, lambda a, b: stats.levene(a, b, centre="mean")),
        ("welch", {"difference": 1.0}, lambda a, b: stats.mean_difference(a[:, -1], b[:, -1])),
        ("tost", {"margin": 1.2}, lambda a, b: stats.equivalence(a[:, -1], b[:, -1], 1.2)),
    ],
)
def test_every_simulated_decision_is_that_of_the_test_itself(decision, options, decide, epochs, n):
    study = Study(decision, epochs=epochs, alpha=0.2, **options)
    a, b = module._draw(study, n, 60, np.random.default_rng(0))
    vectorised = module.DECISIONS[decision](study, a, b)

    whole = epochs > 1 or decision in ("welch", "tost")

    def supported(x, y):
        found = decide(x, y) if whole else decide(x[:, 0], y[:, 0])
        if decision == "jackknife":
            right = found.details["jackknife"] > 1
        elif decision == "levene":
            z = [stats.absolute_deviations(s, study.centre).mean() for s in (x, y)]
            right = z[0] > z[1]
        else:
            right = decision == "tost" or found.estimate > 0
        return found.p <= study.alpha and right

    expected = [supported(x, y) for x, y in zip(a, b, strict=True)]
    assert 3 < sum(expected) < 60
    assert vectorised.tolist() == expected


def test_welchs_power_is_the_noncentral_ts():
    exact = TTestIndPower().power(1.0, 12, 0.05)
    found = power_at(Study("welch", difference=1.0), 12, replications=20_000)
    assert found.low < exact < found.high


def test_under_the_null_it_is_half_the_level():
    found = power_at(Study("welch"), 10, replications=20_000)
    assert found.low < 0.025 < found.high


def test_a_family_needs_more_seeds():
    assert power_at(Study(ratio=2, claims=6), 20).power < power_at(Study(ratio=2), 20).power


def test_curves_have_more_power_than_their_last_epoch():
    assert power_at(Study(ratio=1.5, epochs=30), 10).power > 0.5 > power_at(Study(ratio=1.5), 10).power


def test_the_number_of_seeds_is_the_first_that_reaches_the_power():
    tried = seeds_for_power(Study(ratio=2.0), 0.8, replications=2000)
    assert tried[-1].power >= 0.8
    assert [p.n for p in tried] == sorted(p.n for p in tried)
    assert all(p.power < 0.8 for p in tried[:-1])
    assert 17 <= tried[-1].n <= 25
    assert seeds_for_power(Study(ratio=2.0), 0.8, replications=2000) == tried, "the same every time"


def test_what_cannot_be_reached_or_planned_is_refused():
    with pytest.raises(stats.CannotEstimate, match="do not reach"):
        seeds_for_power(Study(ratio=1.0), 0.9, replications=100)
    for options in (
        {"ratio": 0},
        {"claims": 0},
        {"margin": 1.0},
        {"decision": "tost"},
        {"autocorrelation": 1.0},
    ):
        with pytest.raises(stats.CannotEstimate):
            Study(**options)
    with pytest.raises(stats.CannotEstimate) as caught:
        power_at(Study(ratio=2), 3)
    assert caught.value.seeds_needed == 4


@pytest.mark.parametrize(("n", "epochs"), [(7, 1), (6, 5)])
def test_a_planned_study_is_decided_as_a_real_one_but_for_its_relabellings(n, epochs):
    study = Study(ratio=2.0, epochs=epochs, alpha=0.2)
    a, b = module._draw(study, n, 200, np.random.default_rng(0))
    planned = module.DECISIONS["auto"](study, a, b)
    real = [stats.spread_ratio(x, y, alpha=0.2) for x, y in zip(a, b, strict=True)]
    assert {found.test for found in real} == {"studentised permutation"}
    decided = np.array([found.p <= 0.2 and found.details["jackknife"] > 1 for found in real])
    assert (planned != decided).mean() < 0.04
    assert planned.mean() > 0.3
