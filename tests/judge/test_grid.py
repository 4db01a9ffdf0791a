"""Curves that were measured at different places: never compared by position, read on a grid that is declared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import arm

from amrobust import Claim
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.grid import FORMS, Grid, on_grid
from amrobust.judge.rules import Selection
from amrobust.runs.axis import Axis


def measured(method, values, curves=None, label="step", **changes):
    """An arm whose curves are its coordinates, seed s at s more, unless ``curves`` are given."""
    found = np.array(values, float) + np.arange(5)[:, None] if curves is None else np.asarray(curves, float)
    return arm(method, found, axis=Axis.called(label, values), **changes)


def read(grid, *arms):
    found, notes = on_grid(arms, grid)
    ((note,),) = notes.values()
    return found, note


class TestWithoutAGrid:
    @pytest.mark.parametrize(
        ("one", "other"),
        [((100, 200, 300), (1000, 2000, 3000)), ((100, 200, 300), (150, 300)), ((1, 2, 4), (1, 3, 4))],
    )
    def test_other_places_are_refused_with_both_and_a_grid_that_works(self, one, other):
        arms = [measured("a", one), measured("b", other)]
        with pytest.raises(UserError) as caught:
            compare(arms)
        text = str(caught.value)
        assert (
            f"(a: step {one[0]}…{one[-1]} ({len(one)}), b: step {other[0]}…{other[-1]} ({len(other)}))"
            in text
        )
        if one[-1] >= other[0]:
            compare(arms, Selection(grid=text.partition("--grid ")[2].split(" ")[0]))

    @pytest.mark.parametrize("factor", [1000, 1_000_000])
    def test_steps_in_another_unit_are_offered_no_grid_that_cannot_be(self, factor):
        arms = [measured("a", (1, 2, 3)), measured("b", (factor, 2 * factor, 3 * factor))]
        with pytest.raises(
            UserError, match=rf"are {factor:g} times those of the other".replace("+", r"\+")
        ) as caught:
            compare(arms)
        assert "--grid" not in str(caught.value)

    def test_places_are_looked_at_within_a_workload_alone(self):
        arms = [
            measured(method, steps, workload=workload)
            for workload, steps in (("w", (1, 2)), ("v", (3, 4)))
            for method in ("a", "b")
        ]
        assert len(compare(arms).groups) == 2

    @pytest.mark.parametrize("order", [1, -1])
    def test_an_offset_of_one_is_noticed(self, order):
        arms = [measured("keras", range(3), label="epoch"), measured("torch", range(1, 4), label="epoch")]
        with pytest.raises(
            UserError,
            match=r"keras seems to count its epochs from 0.*--grid shift; if epoch 0 is the starting",
        ):
            compare(arms[::order])

    def test_what_counts_different_things_is_on_no_grid(self):
        arms = [measured("a", (1, 2, 3)), measured("b", (1, 2, 4), label="tokens")]
        for grid in (None, "every:1"):
            with pytest.raises(
                UserError, match=r"a: step 1…3 \(3\), b: tokens 1…4 \(3\).*counts different things"
            ):
                compare(arms, Selection(grid=grid))

    def test_a_beginning_is_a_curve_of_another_length(self):
        arms = [measured("a", (100, 200, 300)), measured("b", (100, 200))]
        with pytest.raises(UserError, match=r"b on digits \(2 steps \(100 to 200\)\): nothing comparable"):
            compare(arms)
        (compared,) = compare(arms, Selection(lengths="common")).groups
        assert compared.axis.values == (100, 200)
        assert any("those of step 200, in the middle" in note.message for note in compared.warnings)


class TestReading:
    A = (50, 100, 150, 200, 250)
    B = (100, 180, 260)

    @pytest.mark.parametrize(
        ("grid", "points"),
        [
            ("every:100", (100, 200)),
            ("every:50.5:linear", (101, 151.5, 202)),
            ("intersection", (100,)),
            ("1", (250,)),
            ("3:linear", (100, 175, 250)),
        ],
    )
    def test_the_points(self, grid, points):
        found, _ = read(grid, measured("a", self.A), measured("b", self.B))
        assert {one.axis.values for one in found} == {points}

    def test_the_last_value_up_to_a_point_and_how_far_before_it_that_lies(self):
        (a, b), note = read("every:100", measured("a", self.A), measured("b", self.B))
        np.testing.assert_array_equal(a.curves["test_accuracy"][0], [100, 200])
        np.testing.assert_array_equal(b.curves["test_accuracy"][0], [100, 180])
        assert (
            "every 100 steps (100 to 200), last value up to each point; b's lie up to 20 steps before it."
            in note.message
        )
        assert note.message.endswith(
            "those of step 200, of curves that go on to 260: in the middle of a longer schedule."
        )

    def test_the_mean_of_as_many_values(self):
        (a, b), _ = read(
            "every:200:mean", measured("a", (100, 200, 300, 400)), measured("b", (150, 200, 310, 400))
        )
        np.testing.assert_array_equal(a.curves["test_accuracy"][0], [150, 350])
        np.testing.assert_array_equal(b.curves["test_accuracy"][0], [175, 355])

    def test_means_of_other_numbers_of_values_are_refused(self):
        with pytest.raises(
            UserError, match="a has 4 values and b 2: their means do not vary alike; use :last"
        ):
            read("every:200:mean", measured("a", (50, 100, 150, 200)), measured("b", (100, 200)))

    def test_straight_lines(self):
        curves = np.array([[0.0, 10.0, 0.0]] * 5)
        (a, b), _ = read(
            "every:25:linear", measured("a", (50, 100, 150), curves), measured("b", (50, 75, 100, 125, 150))
        )
        np.testing.assert_array_equal(a.curves["test_accuracy"][0], [0, 5, 10, 5, 0])
        np.testing.assert_array_equal(b.curves["test_accuracy"][0], [50, 75, 100, 125, 150])
        assert (a.interpolated, b.interpolated) == (True, False)

    def test_step_0_is_left_out(self):
        found, _ = read("every:100", measured("a", (0, 100, 200)), measured("b", (0, 60, 100, 160, 200)))
        assert {one.axis.values for one in found} == {(100, 200)}

    def test_what_lies_before_a_first_output_is_left_out(self):
        late = measured("a", (1, 2, 3, 4), first_output_epoch=3)
        found, _ = read("intersection", late, measured("b", (1, 2, 3, 4, 5)))
        assert {one.axis.values for one in found} == {(3, 4)}
        assert {one.first_output_epoch for one in found} == {1}

    def test_a_point_without_a_value_of_a_method_is_refused(self):
        arms = measured("a", (100, 200, 300, 400)), measured("b", (100, 400))
        with pytest.raises(
            UserError, match=r"b has no value between step 100 and 200 .* finer than its measurements"
        ):
            read("every:100", *arms)

    def test_methods_that_share_no_stretch_have_no_grid(self):
        with pytest.raises(UserError, match="no point at which all have been measured"):
            read("every:10", measured("a", (10, 20)), measured("b", (30, 40)))

    def test_divergence_stays_where_it_is(self):
        curves = np.array([[1.0, 2.0, np.nan, np.inf]] * 5)
        for way in ("last", "mean", "linear"):
            (one, _), _ = read(
                f"intersection:{way}", measured("a", (1, 2, 3, 4), curves), measured("b", (1, 2, 3, 4))
            )
            np.testing.assert_array_equal(one.curves["test_accuracy"][0], [1, 2, np.nan, np.inf])

    def test_steps_of_a_tenth_are_met_whatever_their_last_bit(self):
        steps = tuple(np.cumsum([0.1] * 10))
        found, _ = read("every:0.1", measured("a", steps), measured("b", tuple(k / 10 for k in range(1, 11))))
        np.testing.assert_allclose(found[0].curves["test_accuracy"][0], steps)
        np.testing.assert_allclose(found[1].curves["test_accuracy"][0], steps)

    def test_a_shift_counts_from_1_what_is_counted_from_0(self):
        (keras, torch), note = read(
            "shift", measured("k", (0, 1), label="epoch"), measured("t", (1, 2), label="epoch")
        )
        assert keras.axis.same_as(torch.axis)
        np.testing.assert_array_equal(keras.curves["test_accuracy"][0], [0, 1])
        assert "the epochs of k are counted from 1 instead of 0" in note.message

    def test_where_it_is_not_needed_it_is_applied_and_named(self):
        (compared,) = compare(
            [measured("a", (1, 2, 3, 4)), measured("b", (1, 2, 3, 4))], Selection(grid="every:2")
        ).groups
        assert compared.axis.values == (2, 4)
        assert compared.warnings[0].kind == "common-grid"


def test_spreads_between_measurements_are_not_judged_and_means_are():
    rng = np.random.default_rng(0)
    fine = measured("fine", range(1, 41), rng.normal(size=(12, 40)))
    coarse = measured("coarse", range(4, 41, 4), rng.normal(size=(12, 10)))
    claims = [Claim(kind, "fine", "coarse") for kind in ("less spread", "less Avg. STD", "better mean")]
    (compared,) = compare([fine, coarse], Selection(grid="every:1:linear"), claims=claims).groups
    outcomes = [verdict.outcome for verdict in compared.verdicts]
    assert outcomes == ["not assessable", "not assessable", "inconclusive"]
    assert "coarse lie between its measurements" in compared.verdicts[0].sentence
    assert compared.pairs[0].epochs_that_differ is None


def test_phases_are_named_by_their_coordinates():
    claims = [Claim("less Avg. STD", "a", "b", epochs=(2, 3)), Claim("better after", "a", "a", epochs=(1, 2))]
    rng = np.random.default_rng(1)
    arms = [measured(name, (100, 200, 400), rng.normal(size=(6, 3))) for name in ("a", "b")]
    first, second = compare(arms, claims=claims).groups[0].verdicts
    assert "varies less in steps 200 to 400" in first.sentence
    assert "from step 100 to step 200" in second.sentence


@pytest.mark.parametrize(
    "text", ["", "every", "every:", "every:x", "every:-1", "every:inf", "0", "5:best", "shift:last", "1.5"]
)
def test_what_is_no_grid_is_refused(text):
    with pytest.raises(UserError, match="grid"):
        Selection(grid=text)


def test_the_forms_that_messages_name_are_read():
    assert "every:N, intersection, shift" in FORMS
    assert Grid.parse("every:1e3:mean") == Grid("every", 1000.0, "mean")
    assert Grid.parse("intersection:linear") == Grid("intersection", way="linear")
    assert Grid.parse("20") == Grid("points", 20)
    assert Grid.parse("shift") == Grid("shift")


def by_hand(values, curve, point, before, way):
    """What a grid has at ``point``, from its definition; None where nothing was measured since ``before``."""
    since = [(v, y) for v, y in zip(values, curve, strict=True) if before < v <= point]
    if way == "linear":
        (v, y), *_ = [(v, y) for v, y in zip(values, curve, strict=True) if v <= point][::-1]
        later = [(w, z) for w, z in zip(values, curve, strict=True) if w > point]
        return y if v == point else y + (point - v) * (later[0][1] - y) / (later[0][0] - v)
    return since[-1][1] if since else None


STEPS = st.sets(st.integers(1, 60), min_size=1, max_size=12).map(sorted).map(tuple)


@settings(max_examples=200, deadline=None)
@given(STEPS, STEPS, st.integers(1, 15), st.sampled_from(["last", "linear"]))
def test_what_is_read_is_what_the_definition_says(one, other, every, way):
    start, end = max(one[0], other[0]), min(one[-1], other[-1])
    points = [k * every for k in range(1, 61) if start <= k * every <= end]
    rng = np.random.default_rng(0)
    curves = [rng.normal(size=len(values)) for values in (one, other)]
    expected = [
        [by_hand(values, curve, point, point - every, way) for point in points]
        for values, curve in zip((one, other), curves, strict=True)
    ]
    arms = [
        measured(name, v, np.tile(c, (5, 1))) for name, v, c in zip("ab", (one, other), curves, strict=True)
    ]
    if not points or any(None in row for row in expected):
        with pytest.raises(UserError, match=r"no point|no value"):
            on_grid(arms, f"every:{every}:{way}")
        return
    found, _ = on_grid(arms, f"every:{every}:{way}")
    for arm_found, row in zip(found, expected, strict=True):
        assert arm_found.axis.values == tuple(points)
        np.testing.assert_allclose(arm_found.curves["test_accuracy"][0], row, rtol=1e-12, atol=1e-12)
