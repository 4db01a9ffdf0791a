"""What a comparison says against unfair tuning, and that it is silent where there is nothing to say."""

from dataclasses import replace

import pytest
from made_up import arm, curves
from made_up_tunings import tuning

from amrobust import Claim
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.rules import Selection
from amrobust.report.notes import notes

TUNED = tuning(epochs=30)


def kinds(arms, **options):
    (compared,) = compare(arms, **options).groups
    return {note.warning.kind: note for note in notes(compared)}


def of(wide, narrow, first, second):
    return [replace(wide, tuning=first), replace(narrow, tuning=second)]


OURS = {"tuned-apart", "unequal-tuning", "edge-of-grid", "tuned-at-other-length", "judged-as-tuned"}


@pytest.mark.parametrize("recorded", [None, TUNED])
def test_methods_that_were_tuned_alike_or_of_which_nothing_is_known_get_no_warning(wide, narrow, recorded):
    assert not OURS & kinds(of(wide, narrow, recorded, recorded)).keys()


def test_one_tuned_and_the_other_not(wide, narrow):
    found = kinds(of(wide, narrow, None, TUNED))
    note = found["tuned-apart"]
    assert note.warning.message.startswith("am1[m=5]/II was tuned, and how msgd was tuned is not recorded")
    assert "amrobust tune" in note.hint
    assert OURS & found.keys() == {"tuned-apart"}


@pytest.mark.parametrize(
    "other",
    [
        tuning(epochs=30, seeds=4),
        tuning((1.0, 3.0, 2.0, 1.5), searched={"lr": (0.01, 0.1, 1.0, 2.0)}, epochs=30),
        tuning((1.0,), searched={}, epochs=30),
    ],
)
def test_unequal_budgets(wide, narrow, other):
    found = kinds(of(wide, narrow, TUNED, other))
    assert OURS & found.keys() == {"unequal-tuning"}
    message = found["unequal-tuning"].warning.message
    assert "msgd with 3 combinations × 3 seeds × 30 epochs" in message
    assert f"{len(other.trials)} combination" in message


def test_equal_budgets_of_different_grids_are_fair(wide, narrow):
    other = tuning(searched={"momentum": (0.5, 0.9, 0.99)}, epochs=30)
    assert not OURS & kinds(of(wide, narrow, TUNED, other)).keys()


def test_a_choice_at_the_edge_of_its_grid(wide, narrow):
    edge = tuning((1.0, 2.0, 3.0), epochs=30)
    found = kinds(of(wide, narrow, TUNED, edge))
    assert OURS & found.keys() == {"edge-of-grid"}
    note = found["edge-of-grid"]
    assert (
        "am1[m=5]/II: the chosen lr = 1 lies at the edge of the grid (lr = 0.01, 0.1, 1)"
        in note.warning.message
    )
    assert "both sides" in note.hint


def test_tuned_at_fewer_epochs_than_judged(wide, narrow):
    found = kinds(of(wide, narrow, tuning(epochs=3), tuning(epochs=3)))
    assert OURS & found.keys() == {"tuned-at-other-length"}
    assert "was tuned at 3 epochs and is judged at 30" in found["tuned-at-other-length"].warning.message
    assert "--epochs 30" in found["tuned-at-other-length"].hint


def test_two_outputs_of_one_training_are_not_tuned_apart(rng):
    arms = [
        arm(f"am1[m=5]/{output}", curves(rng, 20, 30), training="run", output=output, tuning=TUNED)
        for output in ("I", "II")
    ]
    assert not OURS & kinds(arms, selection=Selection(baseline="am1[m=5]/I")).keys()


def test_a_warning_is_of_the_claims_that_it_concerns(wide, narrow, rng):
    third = arm("sgd", curves(rng, 20, 30), tuning=TUNED)
    found = kinds([*of(wide, narrow, TUNED, None), third], selection=Selection(baseline="msgd"))
    about = found["tuned-apart"].about
    assert about
    assert not [name for name in about if "sgd vs" in name]


def test_of_a_sweep_all_methods_are_looked_at(rng):
    arms = [
        arm(f"am1[m={m}]", curves(rng, 10, 30), tuning=TUNED if m < 5 else tuning(epochs=30, seeds=2))
        for m in (3, 4, 5)
    ]
    claim = Claim("trend", "am1[m=3]", "am1[m=5]", methods=tuple(a.method for a in arms))
    assert "unequal-tuning" in kinds(arms, claims=[claim])


def test_judging_by_the_validation_metric_that_chose(rng):
    from amrobust.runs.metric import Metric

    metric = Metric("validation_perplexity", "lower")
    arms = [
        arm(
            name, curves(rng, 20, 30), curves={metric.name: curves(rng, 20, 30)}, metrics={metric.name: metric},
            tuning=tuning(epochs=30, metric=metric.name, validation=None),
        )
        for name in ("msgd", "am1")
    ]  # fmt: skip
    note = kinds(arms)["judged-as-tuned"]
    assert (
        "Validation perplexity is judged here and chose the hyperparameters of msgd and am1"
        in note.warning.message
    )
    assert "--metric test_perplexity" in note.hint
    # A convex problem has nothing else to judge by; its tuning seeds are others.
    same = [replace(one, tuning=tuning(epochs=30, metric="test_accuracy", validation=None)) for one in
            (arm("msgd", curves(rng, 20, 30)), arm("am1", curves(rng, 20, 30)))]  # fmt: skip
    assert "judged-as-tuned" not in kinds(same)


def test_what_is_declared_of_tuning_is_printed_in_the_place_of_unknown(rng):
    arms = [arm(name, curves(rng, 5, 3), x0_digest=None, training=None) for name in "ab"]
    for said, kind in ((None, "tuning-unknown"), ("20 rates each.", "tuning-declared")):
        (compared,) = compare(arms, Selection(tuning=said)).groups
        (note,) = (note for note in compared.warnings if note.kind.startswith("tuning"))
        assert note.kind == kind
    assert note.message == "Tuning: declared. 20 rates each."
    with pytest.raises(UserError, match="this is empty"):
        Selection(tuning=" ")
