"""Axes in words, and which of them can be held together."""

import pytest
from made_up import arm

from amrobust.runs.axis import Axis, epochs, number


@pytest.mark.parametrize(
    ("label", "values", "words", "grid"),
    [
        ("epoch", (1, 2, 3), "3 epochs", "epoch 1…3 (3)"),
        ("Epoch", (1,), "1 epoch", "epoch 1 (1)"),
        ("epoch", (0, 1, 2), "3 epochs (0 to 2)", "epoch 0…2 (3)"),
        ("_step", (100, 200, 300), "3 steps (100, 200 ... 300)", "step 100…300 (3)"),
        ("step", (1000,), "step 1000", "step 1000 (1)"),
        (
            "tokens",
            (1e9, 2e9),
            "2 points of tokens (1000000000 to 2000000000)",
            "tokens 1000000000…2000000000 (2)",
        ),
        ("time (s)", (0.5, 1.5), "2 points of time (0.5 to 1.5 s)", "time 0.5…1.5 s (2)"),
    ],
)
def test_words(label, values, words, grid):
    axis = Axis.called(label, values)
    assert (axis.words, axis.grid, axis.label) == (words, grid, label)


def test_a_coordinate_is_written_in_full_where_it_is_whole_and_never_rounded_to_six_digits():
    assert [number(value) for value in (1234567.0, 0.1, 1 / 3, 1e20)] == [
        "1234567",
        "0.1",
        "0.3333333333",
        "1e+20",
    ]


def test_places_are_named_by_their_coordinates_and_those_that_there_are_not_by_their_place():
    axis = Axis.called("step", (100, 200, 300, 400))
    assert axis.spans((1, 2, 4)) == "100–200, 400"
    assert axis.phase(2, 3) == "steps 200 to 300"
    assert axis.phase(2, 9) == "steps 200 to no. 9"
    assert epochs(3).phase(2, 9) == "epochs 2 to 9"


def test_what_tools_call_a_step_is_a_step_and_no_epoch():
    values = (1.0, 2.0)
    step = Axis.called("step", values)
    assert all(
        step.same_as(Axis.called(name, values)) for name in ("_step", "global_step", "iteration", "Step")
    )
    assert not step.same_as(epochs(2))
    assert not Axis.called("time (s)", values).same_as(Axis.called("time (h)", values))
    assert step.begins(Axis.called("iter", (1, 2, 3)))
    assert not step.begins(Axis.called("step", (0, 1, 2)))


def test_an_arm_has_the_epochs_from_1_on_unless_it_says_otherwise_and_one_coordinate_a_column():
    assert arm(values=[[1, 2, 3]]).axis == epochs(3)
    with pytest.raises(ValueError, match="2 coordinates for 3 columns"):
        arm(values=[[1, 2, 3]], axis=epochs(2))
