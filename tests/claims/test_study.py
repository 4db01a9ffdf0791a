"""What an analysis does between its file and the comparison: pairing, and metrics against each other."""

import pytest

from amrobust.claims.analysis import load_analysis
from amrobust.claims.study import run_analysis
from amrobust.errors import UserError

FILE = """
title = "t"
question = "q"
workload = "digits"
metric = "{metric}"
baseline = "{baseline}"
seeds = 4
workload_params = {{ epochs = 2, batch_size = 200, lr_drops = 0 }}
methods = [{{ opt = "msgd" }}, {{ opt = "sgd" }}]
{more}
[[claims]]
kind = "less Avg. STD"
method = "{method}"
"""


def carried_out(tmp_path, **fields):
    path = tmp_path / "mine.toml"
    defaults = {"metric": "train_loss", "baseline": "msgd", "method": "sgd", "more": ""}
    path.write_text(FILE.format(**(defaults | fields)))
    comparison = run_analysis(load_analysis(str(path)), tmp_path / "runs", executor="local")
    (judgement,) = comparison.judgements
    return judgement


LOSSES = 'metrics = ["train_loss", "train_batch_loss"]'


def test_metrics_of_one_training_are_held_against_each_other_in_pairs(tmp_path):
    judgement = carried_out(
        tmp_path,
        metric="loss",
        baseline="msgd:train_loss",
        method="msgd:train_batch_loss",
        more=LOSSES,
    )
    assert {arm.method for arm in judgement.arms} == {
        f"{method}:{metric}" for method in ("msgd", "sgd") for metric in ("train_loss", "train_batch_loss")
    }
    (verdict,) = judgement.verdicts
    assert verdict.interval.paired
    plain = carried_out(tmp_path)
    (expected,) = [arm.curves["train_loss"] for arm in plain.arms if arm.method == "msgd"]
    assert (judgement.arms[0].curves["loss"] == expected).all()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('metrics = ["train_loss", "gap"]', "has no 'gap'"),
        ('metrics = ["train_loss", "test_accuracy"]', "units differ"),
    ],
)
def test_metrics_that_cannot_be_compared_are_named(tmp_path, more, message):
    with pytest.raises(UserError, match=message):
        carried_out(tmp_path, metric="loss", more=more)


def test_paired_methods_share_their_streams(tmp_path):
    judgement = carried_out(tmp_path, more="paired = true")
    assert judgement.verdicts[0].interval.paired
    assert not carried_out(tmp_path).verdicts[0].interval.paired
