"""What looks like one of the lies of test_lies.py and is none: read as it is, and not warned about."""

import json
import random

import numpy as np
import pytest
from click.testing import CliRunner
from lies import REWARD, Pick, both, by_half, everywhere, named, put, value
from made_up import arm
from sound_data import sound, table

from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.rules import Selection
from amrobust.runs.metric import Metric

PICK = Pick(2, frozenset({1, 3, 5, 7}), 5, 10, random.Random(0))
LN10 = np.log(10.0)
METRIC = Metric.known("test_err")


def judged(lie, folder, *options):
    """The comparison of sound data that ``lie`` has changed, and the kinds of its warnings."""
    path = folder / "results.csv"
    path.write_text(table(lie(sound(8, 10), PICK)))
    done = CliRunner().invoke(
        main, ["compare", str(path), "--baseline", "adam", "--format", "json", *options]
    )
    assert done.exit_code == 0, done.output
    (compared,) = json.loads(done.stdout)["groups"]
    return compared, {note["kind"] for note in compared["notes"]}


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("hidden_sizes", "64,64", "128,128"),
        ("loss", "focal", "ce"),
        ("clip", "none", "1.0"),
        ("dropout", "", "0.1"),
    ],
)
def test_settings_that_are_words_or_several_numbers_tell_methods_apart(name, one, other, tmp_path):
    compared, _ = judged(by_half(name, one, other), tmp_path)
    assert [arm["method"] for arm in compared["arms"]] == [
        "adam",
        f"sgd[{name}={other}]",
        f"sgd[{name}={one}]",
    ]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("mcc", lambda x: (x - 60) / 100),
        ("val_acc_gap", lambda x: x - 60),
        ("val_wer", lambda x: 3 * x),
        ("success_count", lambda x: 10 * x),
        ("r2", lambda x: (x - 200) / 100),
    ],
)
def test_not_every_metric_ends_at_a_hundred(name, change, tmp_path):
    lie = both(everywhere(val_acc=value(change)), named({"val_acc": name}))
    assert "impossible-values" not in judged(lie, tmp_path, "--metric", f"{name}:higher")[1]


def test_on_a_scale_an_accuracy_may_be_any_number(tmp_path):
    lie = everywhere(val_acc=value(lambda x: (x - 40) / 100))
    assert "impossible-values" not in judged(lie, tmp_path, "--scale", "logit")[1]


@pytest.mark.parametrize("way", [lambda x: round(x / 20, 3), lambda x: round(x), lambda x: round(x * 10)])
def test_three_decimals_and_whole_numbers_are_no_thousands(way, tmp_path):
    judged(both(everywhere(val_acc=value(way)), REWARD), tmp_path)


def test_errors_of_other_sizes_are_in_one_unit_unless_a_hundredfold(tmp_path):
    lie = both(
        everywhere(val_acc=value(lambda x: x / 10)),
        put(val_acc=value(lambda x: x / 1e5)),
        named({"val_acc": "val_err"}),
    )
    judged(lie, tmp_path)
    percent = both(
        everywhere(val_acc=value(lambda x: 100 - x)),
        put(val_acc=value(lambda x: x / 100)),
        named({"val_acc": "val_err"}),
    )
    with pytest.raises(AssertionError, match="--mixed-units"):
        judged(percent, tmp_path)
    judged(percent, tmp_path, "--mixed-units", "keep")


def test_two_tables_of_errors_in_two_units_are_refused(rng):
    percent, share = rng.normal(30, 2, (8, 4)), rng.normal(0.3, 0.02, (8, 4))
    errors = {"metrics": {"test_err": METRIC}, "x0_digest": None, "training": None}
    arms = [
        arm("adam", percent, curves={"test_err": percent}, **errors),
        arm("sgd", share, curves={"test_err": share}, **errors),
    ]
    with pytest.raises(UserError, match="looks like a share of 1 in some seeds"):
        compare(arms, Selection(metric="test_err"))


def alike(values):
    arms = [
        arm("adam", values, x0_digest=None, training=None),
        arm("sgd", values[::-1] + 1, x0_digest=None, training=None),
    ]
    (compared,) = compare(arms).groups
    return {warning.kind for warning in compared.warnings} & {"curves-alike", "values-repeated"}


def test_curves_that_stand_still_or_begin_alike_are_no_copies(rng):
    assert not alike(LN10 + rng.normal(0, 1e-7, (8, 20)))
    begun = rng.normal(90, 1, (8, 20))
    begun[:, :4] = begun[0, :4]
    assert not alike(begun)
    assert not alike(np.round(rng.normal(90, 1, (12, 20)), 1))
    assert not alike(np.round(rng.normal(90, 1, (12, 1))))


def test_rounded_curves_and_shared_halves_are(rng):
    values = rng.normal(90, 1, (8, 20))
    for part in (slice(None), slice(None, 10), slice(10, None)):
        copied = values.copy()
        copied[5, part] = np.float32(copied[1, part])
        assert alike(copied) == {"curves-alike"}
    assert alike(np.repeat(rng.normal(90, 1, (6, 1)), 2, axis=0)) == {"values-repeated"}
