"""How bad the worst runs are: which numbers an arm gives, and what is said where its seeds cannot tell."""

import numpy as np
import pytest
from made_up import arm

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge.rules import Selection
from amrobust.judge.tails import tails
from amrobust.runs.metric import Metric


def by_quantity(rows):
    return {row.quantity: row for row in rows}


def values(rng, n=60):
    return 90 + rng.standard_normal((n, 3))


def test_accuracies_have_their_tail_below_and_losses_above(rng):
    x = values(rng)
    loss = Metric("loss", "lower")
    _, low, _ = tails([arm(values=x)], thresholds=[89.0])
    _, high, _ = tails([arm(values=-x, curves={"loss": -x}, metrics={"loss": loss})], thresholds=[-89.0])
    below, above = by_quantity(low)["P(ends below 89)"], by_quantity(high)["P(ends above -89)"]
    assert below.result.estimate == above.result.estimate == np.mean(x[:, -1] < 89)
    lower, upper = by_quantity(low)["0.1 quantile"].result, by_quantity(high)["0.9 quantile"].result
    assert lower.low == -upper.high
    assert lower.low == stats.tail_quantile(x[:, -1], 0.9, worse="low").low


def test_no_exceedance_still_leaves_the_one_sided_bound(rng):
    """statistics.md: 45 % at 5 seeds, 26 % at 10, 14 % at 20."""
    for n, bound in ((5, 0.451), (10, 0.259), (20, 0.139)):
        _, rows, _ = tails([arm(values=values(rng, n))], thresholds=[0.0])
        found = by_quantity(rows)["P(ends below 0)"]
        assert found.result.estimate == 0
        assert found.one_sided_high == pytest.approx(bound, abs=5e-4)


def test_where_seeds_cannot_tell_the_number_that_would_is_given(rng):
    _, rows, _ = tails([arm(values=values(rng, 20))], quantiles=[0.9, 0.95, 0.99])
    needed = {row.quantity: row.seeds_needed for row in rows if row.result is None}
    assert (needed["0.1 quantile"], needed["0.05 quantile"], needed["0.01 quantile"]) == (29, 59, 299)
    assert needed["mean of the worst 0.1"] == 50


def test_a_diverged_run_is_worse_than_every_value(rng):
    x = values(rng, 30)
    x[3, 1:] = np.nan
    _, rows, _ = tails([arm(values=x)], thresholds=[0.0])
    assert by_quantity(rows)["P(ends below 0)"].result.estimate == pytest.approx(1 / 30)
    assert by_quantity(rows)["P(diverges)"].result.estimate == pytest.approx(1 / 30)
    assert by_quantity(rows)["0.1 quantile"].result.low == -np.inf


def test_a_pareto_shape_is_there_only_where_it_can_be_fitted(rng):
    few, many = (tails([arm(values=values(rng, n))], thresholds=[90.0])[1] for n in (60, 300))
    assert "Pareto shape below 90" not in by_quantity(few)
    assert by_quantity(many)["Pareto shape below 90"].result.details["excesses"] >= 50


def test_seeds_of_several_x0_are_refused(rng):
    x0s = ("a",) * 15 + ("b",) * 15
    _, rows, _ = tails([arm(values=values(rng, 30), x0s=x0s)], thresholds=[89.0])
    assert all(row.result is None and "not independent" in row.refusal for row in rows)


def test_mistakes_are_named(rng):
    with pytest.raises(UserError, match="no runs"):
        tails([])
    with pytest.raises(UserError, match="choose one of test_accuracy"):
        tails([arm(values=values(rng))], Selection("accuracy"))
    with pytest.raises(UserError, match="between 0 and 1"):
        tails([arm(values=values(rng))], quantiles=[90])
    with pytest.raises(UserError, match="mean:K"):
        tails([arm(values=values(rng))], final="best")
