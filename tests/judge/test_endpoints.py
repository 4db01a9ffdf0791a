"""The endpoint of each seed: where another split chooses it, and never the numbers that are judged."""

import dataclasses

import numpy as np
import pytest
from made_up import arm, curves

from amrobust import Claim
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.rules import Rules, Selection
from amrobust.runs.correctness import Correctness
from amrobust.runs.metric import Metric
from amrobust.stats import CannotEstimate, final_values

BEST = Rules(final="best:validation_loss")
SELECTION = Selection(metric="test_accuracy")


def two(rng, name):
    """An arm with a test accuracy, and a validation loss that is best somewhere in the middle."""
    test, loss = curves(rng, 8, 10), rng.uniform(1, 2, (8, 10))
    made = arm(name, test)
    names = "test_accuracy", "validation_loss"
    metrics = [Metric(names[0], "higher", "%"), Metric(names[1], "lower")]
    return dataclasses.replace(
        made,
        curves=dict(zip(names, (test, loss), strict=True)),
        metrics=dict(zip(names, metrics, strict=True)),
    )


@pytest.fixture
def arms(rng):
    return [two(rng, name) for name in ("msgd", "adam")]


def test_it_is_the_judged_metric_where_the_other_is_best_seed_by_seed(arms):
    (compared,) = compare(arms, SELECTION, BEST).groups
    for arm_, made in zip(compared.arms, arms, strict=True):
        at = made.curves["validation_loss"].argmin(axis=1)
        wanted = made.curves["test_accuracy"][np.arange(8), at]
        assert (arm_.curves["test_accuracy"][:, 0] == wanted).all()
    summary = compared.summaries[0]
    assert summary.final_mean.estimate == pytest.approx(compared.arms[0].curves["test_accuracy"].mean())
    assert summary.avg_std is None
    assert [verdict.claim.kind for verdict in compared.verdicts] == ["better mean", "less spread"]


def test_a_metric_that_is_better_high_is_best_where_it_is_highest(arms):
    turned = [
        dataclasses.replace(
            each, metrics={**each.metrics, "validation_loss": Metric("validation_loss", "higher")}
        )
        for each in arms
    ]
    (compared,) = compare(turned, SELECTION, BEST).groups
    at = arms[0].curves["validation_loss"].argmax(axis=1)
    assert (
        compared.arms[0].curves["test_accuracy"][:, 0] == arms[0].curves["test_accuracy"][np.arange(8), at]
    ).all()


@pytest.mark.parametrize(
    ("final", "why"),
    [
        ("best:test_accuracy", "the best of the judged metric itself, test_accuracy"),
        ("best:test_loss", "is on the split that is judged"),
        ("best:validation_los", "no validation_los to choose an epoch by"),
    ],
)
def test_what_the_judged_data_would_choose_is_refused(arms, final, why):
    with pytest.raises(UserError, match=why):
        compare(arms, SELECTION, Rules(final=final))


@pytest.mark.parametrize("final", ["best", "best:", "first"])
def test_what_is_no_endpoint_is_refused(final):
    with pytest.raises(UserError, match="a final value is 'last', 'mean:K'"):
        Rules(final=final)


def test_an_epoch_at_which_an_output_is_still_x0_is_never_the_best(arms):
    late = [dataclasses.replace(each, first_output_epoch=6) for each in arms]
    (compared,) = compare(late, SELECTION, BEST).groups
    at = 5 + arms[0].curves["validation_loss"][:, 5:].argmin(axis=1)
    assert (
        compared.arms[0].curves["test_accuracy"][:, 0] == arms[0].curves["test_accuracy"][np.arange(8), at]
    ).all()


def test_a_seed_that_has_no_best_epoch_diverged(arms):
    lost = arms[1].curves["validation_loss"].copy()
    lost[2] = np.nan
    broken = dataclasses.replace(arms[1], curves={**arms[1].curves, "validation_loss": lost})
    (compared,) = compare([arms[0], broken], SELECTION, BEST).groups
    assert [summary.diverged for summary in compared.summaries] == [0, 1]


def test_examples_are_those_of_each_seeds_own_endpoint(arms, rng):
    bits = rng.integers(0, 256, (8, 10, 13)).astype(np.uint8)
    known = np.ones((8, 10), bool)
    found = [
        dataclasses.replace(
            each, correct=Correctness("test_accuracy", 100, each.seeds, each.axis.values, bits, known)
        )
        for each in arms
    ]
    (compared,) = compare(
        found, SELECTION, BEST, claims=[Claim("less spread on the distribution", "adam", "msgd")]
    ).groups
    at = arms[0].curves["validation_loss"].argmin(axis=1)
    wanted = np.unpackbits(bits[np.arange(8), at], axis=1, count=100)
    assert (compared.arms[0].correct.shares(arms[0].seeds, [1.0]) == wanted).all()
    assert compared.verdicts[0].outcome != "not assessable"


def test_curves_alone_do_not_say_where_another_metric_is_best(rng):
    with pytest.raises(CannotEstimate, match="chosen by curves of another metric"):
        final_values(curves(rng, 5, 4), "best:validation_loss")
