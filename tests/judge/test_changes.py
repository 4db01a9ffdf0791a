"""Claims about one method before and after a drop of the learning rate."""

import numpy as np
import pytest
import scipy.stats
from made_up import arm
from verdicts import verdict

from amrobust import Claim
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.declared import load_claims
from amrobust.judge.rules import Selection
from amrobust.report import render
from amrobust.runs.metric import Metric

LOSS = Metric("train_batch_loss", "lower")


def losses(rng, method, rise, seeds=12, **changes):
    """Losses that fall by 0.1 an epoch, and by ``rise`` more or less from the third epoch to the fourth."""
    values = 1.0 - 0.1 * np.arange(6) + 0.02 * rng.standard_normal((seeds, 6))
    values[:, 3] += rise + 0.1
    return arm(method, values, curves={LOSS.name: values}, metrics={LOSS.name: LOSS}, **changes)


def judged(arms, kind, *, epochs=None, phase=(0.5, 0.5)):
    claim = Claim(kind, arms[0].method, arms[0].method, epochs=epochs, phase=None if epochs else phase)
    return compare(arms, Selection(metric=LOSS.name), claims=[claim])


@pytest.mark.parametrize(
    ("rise", "kind", "outcome"),
    [
        (0.3, "worse after", "supported"),
        (0.3, "better after", "refuted"),
        (-0.3, "better after", "supported"),
        (-0.3, "worse after", "refuted"),
        (0.0, "worse after", "inconclusive"),
    ],
)
def test_a_loss_that_rises_at_the_drop_is_worse_after_it(rng, rise, kind, outcome):
    arms = [losses(rng, "am1", rise), losses(rng, "msgd", 0.0)]
    found = verdict(judged(arms, kind), kind)
    values = arms[0].curves[LOSS.name]
    expected = scipy.stats.ttest_rel(values[:, 3], values[:, 2])
    assert found.p == pytest.approx(expected.pvalue)
    assert found.interval.estimate == pytest.approx((values[:, 3] - values[:, 2]).mean())
    assert found.claim.epochs == (3, 4)
    assert found.outcome == outcome
    assert f"{'rises' if kind == 'worse after' else 'falls'} from epoch 3 to epoch 4" in found.sentence


def test_where_more_is_better_worse_means_a_fall(rng):
    values = 90 + 0.1 * rng.standard_normal((8, 6))
    values[:, 3:] -= 5
    found = verdict(
        compare(
            [arm("am1", values), arm("msgd", values + 1)],
            claims=[Claim("worse after", "am1", "am1", epochs=(3, 4))],
        ),
        "worse after",
    )
    assert found.outcome == "supported"
    assert "falls from epoch 3 to epoch 4" in found.sentence


@pytest.mark.parametrize("epochs", [(6, 7), (1, 2)])
def test_epochs_that_are_not_judged_are_refused(rng, epochs):
    arms = [losses(rng, "am1", 0.3, first_output_epoch=2), losses(rng, "msgd", 0.0)]
    found = verdict(judged(arms, "worse after", epochs=epochs), "worse after")
    assert found.outcome == "not assessable"
    assert "among the epochs 2 to 6" in found.sentence


def test_every_report_of_it_can_be_made(rng):
    comparison = judged([losses(rng, "am1", 0.3), losses(rng, "msgd", 0.0)], "worse after")
    for form in ("table", "markdown", "json", "csv", "latex", "html"):
        assert "after" in render(comparison, form)


def test_it_is_read_from_a_file(tmp_path):
    path = tmp_path / "claims.toml"
    text = '[[claims]]\nkind = "worse after"\nmethod = "am1"\nat = 0.3333\n'
    path.write_text(text)
    (claim,) = load_claims(path).claims
    assert (claim.kind, claim.method, claim.baseline, claim.phase) == (
        "worse after", "am1", "am1", (0.3333, 0.3333),
    )  # fmt: skip
    for old, new in (("at = 0.3333", ""), ("0.3333", "1.0"), ("at", "phase = [0, 1]\nat")):
        path.write_text(text.replace(old, new))
        with pytest.raises(UserError, match="at"):
            load_claims(path)
