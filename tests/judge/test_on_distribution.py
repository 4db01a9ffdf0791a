"""Less spread on the distribution of test examples: decided where it is recorded which were right, refused elsewhere."""

import dataclasses

import numpy as np
import pytest
from made_up import arm

from amrobust import Claim, stats
from amrobust.judge.compare import compare
from amrobust.judge.rules import Rules, Selection
from amrobust.report import FORMATS, render
from amrobust.runs.correctness import Correctness

KIND = "less spread on the distribution"


def examined(rng, name, sd, seeds=12, examples=2000, epochs=3, **options):
    """An arm whose expected accuracies have this STD, in shares, with what each seed got right."""
    quality = 0.9 + sd * rng.normal(size=(seeds, 1, 1))
    right = rng.random((seeds, epochs, examples)) < quality
    made = arm(name, 100 * right.mean(axis=2), **options)
    metric = next(iter(made.metrics))
    correct = Correctness(
        metric,
        examples,
        made.seeds,
        made.axis.values,
        np.packbits(right, axis=2),
        np.ones((seeds, epochs), bool),
    )
    return dataclasses.replace(made, correct=correct), right


@pytest.fixture
def pair(rng):
    return examined(rng, "msgd", 0.03), examined(rng, "adam", 0.001)


def test_it_is_decided_by_the_examples_and_the_parts_are_printed_everywhere(pair):
    (base, right), (method, others) = pair
    found = compare([base, method], claims=[Claim(KIND, "adam", "msgd")])
    (verdict,) = found.groups[0].verdicts
    assert verdict.outcome == "supported"
    wanted = stats.ratio_on_distribution(others[:, -1], right[:, -1])
    assert (verdict.interval.estimate, verdict.p) == pytest.approx((wanted.estimate, wanted.p))
    own = found.groups[0].summaries[0].on_distribution
    assert own.estimate == pytest.approx(3, rel=0.6)
    assert own.details["total"] == pytest.approx(100 * right[:, -1].mean(axis=1).std(ddof=1))
    for form in FORMATS:
        text = " ".join(render(found, form).split())
        assert "distribution" in text, form


def test_a_mean_over_epochs_is_of_what_was_right_in_them(pair):
    (base, right), (method, _) = pair
    (compared,) = compare([base, method], rules=Rules(final="mean:2")).groups
    wanted = stats.spread_on_distribution(right[:, 1:].mean(axis=1), unit=100)
    assert compared.summaries[0].on_distribution == wanted


def test_of_one_training_seeds_are_pairs(rng):
    base, _right = examined(rng, "am1/I", 0.02, training="t")
    method, _ = examined(rng, "am1/II", 0.02, training="t")
    (compared,) = compare([base, method], claims=[Claim(KIND, "am1/II", "am1/I")]).groups
    assert compared.verdicts[0].interval.paired
    assert compared.verdicts[0].interval.n == (12,)


def test_it_is_refused_where_nothing_is_recorded_or_for_a_phase(pair):
    (base, _), (method, _) = pair
    bare = dataclasses.replace(method, correct=None)
    (compared,) = compare([base, bare], claims=[Claim(KIND, "adam", "msgd")]).groups
    assert compared.verdicts[0].outcome == "not assessable"
    assert "not recorded which test examples adam got right" in compared.verdicts[0].sentence
    (compared,) = compare([base, method], claims=[Claim(KIND, "adam", "msgd", epochs=(1, 2))]).groups
    assert "have no phase" in compared.verdicts[0].sentence


def test_seeds_that_are_left_out_are_left_out_of_the_examples_too(pair):
    (base, right), (method, _) = pair
    metric = next(iter(base.metrics))
    lost = base.curves[metric].copy()
    lost[3, 1:] = np.nan
    broken = dataclasses.replace(base, curves={metric: lost}, diverged=(base.seeds[3],))
    (compared,) = compare([broken, method], Selection(complete_cases=True)).groups
    wanted = stats.spread_on_distribution(np.delete(right[:, -1], 3, axis=0), unit=100)
    assert compared.summaries[0].on_distribution == wanted
