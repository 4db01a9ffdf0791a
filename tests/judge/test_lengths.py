"""Seeds that end before others: asked about, and then judged as the answer says, in every state that a value can have."""

import numpy as np
import pytest
from made_up import ACCURACY, arm, curves

from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.lengths import LENGTHS, of_metric, settled
from amrobust.judge.rules import Selection
from amrobust.judge.tails import tails
from amrobust.runs.axis import Axis
from amrobust.runs.values import ABSENT, absent, held

A = ABSENT
ROWS = np.array([[1, 2, 3, 4], [2, 3, A, A], [3, 4, 5, 6], [4, 5, 6, A]], float)
WHOLE = np.array([[1, 2, 3, 5], [2, 3, 4, 4], [3, 4, 5, 9], [4, 5, 6, 7]], float)


def named(method="a", rows=ROWS, **changes):
    return arm(method, rows, x0_digest=None, training=None, **changes)


def found(lengths, *arms):
    done, notes = settled(arms, lengths)
    return (
        [one.curves["test_accuracy"] for one in done],
        [note for said in notes.values() for note in said],
        done,
    )


def test_they_are_asked_about_with_the_answers_there_are():
    with pytest.raises(UserError) as caught:
        compare([named(), named("b", WHOLE)])
    text = str(caught.value)
    assert (
        "a on digits: 2 of 4 seeds (1, 3) have no test_accuracy up to epoch 4, the first ends at epoch 2"
        in text
    )
    for answer in set(LENGTHS) - {"refuse"}:
        assert answer in text
        assert compare([named(), named("b", WHOLE)], Selection(lengths=answer)).groups


def test_the_last_value_stands():
    (rows, _), (note,), _ = found("hold", named(), named("b", WHOLE))
    np.testing.assert_array_equal(rows, [[1, 2, 3, 4], [2, 3, 3, 3], [3, 4, 5, 6], [4, 5, 6, 6]])
    assert note.kind == "ended-early"
    assert note.message == (
        "Before epoch 4 ended 2 of 4 seeds of a (the first at epoch 2): the last value stands, as under early stopping."
    )


def test_a_method_of_which_all_seeds_end_early_is_held_to_the_end_of_the_others():
    short = named("a", WHOLE[:, :2])
    (rows, _), (note,), (one, other) = found("hold", short, named("b", WHOLE))
    np.testing.assert_array_equal(rows[:, 2:], np.repeat(WHOLE[:, 1:2], 2, axis=1))
    assert one.axis == other.axis
    assert "4 of 4 seeds of a" in note.message


def test_all_are_cut_where_the_first_one_ends():
    rows, (note,), _ = found("common", named(), named("b", WHOLE))
    assert [one.shape for one in rows] == [(4, 2), (4, 2)]
    assert note.kind == "curves-cut"
    assert (
        "4 epochs are cut where the first one ends, to 2 epochs: final values are those of epoch 2"
        in note.message
    )


def test_they_are_left_out():
    (rows, _), (note,), (one, _) = found(
        "drop", named(seconds=(1.0, 2.0, 3.0, 4.0), diverged=()), named("b", WHOLE)
    )
    np.testing.assert_array_equal(rows, ROWS[[0, 2]])
    assert (one.seeds, one.seconds) == ((0, 2), (1.0, 3.0))
    assert "seeds that end early are left out" in note.message
    with pytest.raises(UserError, match="would leave none"):
        settled([named(rows=np.array([[1, 2, A], [2, 3, A], [A, A, A]]))], "drop")


def test_they_count_as_diverged_where_they_end():
    (rows, _), _, (one, _) = found("diverged", named(), named("b", WHOLE))
    assert one.diverged == (1, 3)
    assert not absent(rows).any()
    assert np.isnan(rows).tolist() == absent(ROWS).tolist()


def test_a_seed_that_diverged_has_not_ended_early():
    rows = np.array([[1, 2, 3, 4], [2, np.nan, A, A], [3, np.inf, A, 6]])
    clean = of_metric(named(rows=rows), "test_accuracy")
    done, notes = settled([clean], "refuse")
    assert not any(notes.values())
    np.testing.assert_array_equal(
        done[0].curves["test_accuracy"], [[1, 2, 3, 4], [2, np.nan, np.nan, np.nan], [3, np.inf, np.nan, 6]]
    )


def test_a_metric_stands_at_the_places_where_any_seed_has_it():
    rows = np.array([[A, 2, A, 4], [A, 3, A, 5]])
    one = named(rows=rows, axis=Axis.called("step", (0, 10, 15, 20)), first_output_epoch=3)
    found = of_metric(one, "test_accuracy")
    assert found.axis.values == (10, 20)
    assert found.first_output_epoch == 2
    np.testing.assert_array_equal(found.curves["test_accuracy"], [[2, 4], [3, 5]])


def test_seeds_that_lack_steps_in_between_need_a_grid_and_the_one_that_is_named_works():
    rows = np.array([[1, A, 3, 4], [2, 3, A, 5], [3, 4, 5, 6]])
    arms = [
        named(rows=rows, axis=Axis.called("step", (100, 150, 200, 300))),
        named("b", rows[:, [0, 3]], axis=Axis.called("step", (100, 300))),
    ]
    with pytest.raises(
        UserError, match=r"seeds of a were measured at different places \(seed 0: step 100…300 \(3\), seed 1"
    ) as caught:
        compare(arms[:1])
    grid = str(caught.value).partition("--grid ")[2].split(" ")[0]
    (compared,) = compare(arms, Selection(grid=grid)).groups
    assert compared.axis.values == (100, 300)


def test_seeds_whose_times_never_coincide_are_read_on_a_declared_grid():
    rng = np.random.default_rng(0)
    arms = []
    for method in "ab":
        times = [np.cumsum(rng.uniform(5, 15, size=60)) for _ in range(5)]
        axis = np.unique(np.concatenate(times))
        rows = np.full((5, len(axis)), ABSENT)
        for row, at in enumerate(times):
            rows[row, np.searchsorted(axis, at)] = at + row
        arms.append(named(method, rows, axis=Axis.called("time (s)", tuple(axis))))
    with pytest.raises(UserError, match=r"different places .*--grid every:"):
        compare(arms)
    (compared,) = compare(arms, Selection(grid="every:50", lengths="common")).groups
    for one in compared.arms:
        points = np.array(one.axis.values)
        lags = points + np.arange(5)[:, None] - one.curves["test_accuracy"]
        assert ((lags >= 0) & (lags < 15)).all()
    exact = compare(arms, Selection(grid="every:50:linear", lengths="common")).groups[0].arms
    points = np.array(exact[0].axis.values)
    np.testing.assert_allclose(exact[0].curves["test_accuracy"], points + np.arange(5)[:, None])


@pytest.mark.parametrize("way", ["last", "mean", "linear"])
def test_on_a_grid_a_seed_that_ended_stays_so(way):
    rows = np.array([[1, 2, 3, 4], [2, 3, A, A]], float)
    arms = [named(rows=rows), named("b", WHOLE[:2])]
    with pytest.raises(UserError, match=r"1 of 2 seeds \(1\) have no test_accuracy up to epoch 4"):
        compare(arms, Selection(grid=f"every:2:{way}"))
    (compared,) = compare(arms, Selection(grid=f"every:2:{way}", lengths="hold")).groups
    first = {"last": 3, "mean": 2.5, "linear": 3}[way]
    np.testing.assert_array_equal(compared.arms[0].curves["test_accuracy"][1], [first, 3])


def test_an_end_beyond_a_declared_value_is_divergence_and_an_excursion_is_not():
    rows = np.array([[50, 90, 91, 92], [50, 90, 12, 11], [50, 12, 91, 92], [12, 11, 12, 11]], float)
    arms = [named(rows=rows), named("b", WHOLE + 88)]
    (compared,) = compare(arms, Selection(diverged=20)).groups
    one = compared.arms[0]
    assert one.diverged == (1, 3)
    np.testing.assert_array_equal(one.curves["test_accuracy"][1], [50, 90, -np.inf, -np.inf])
    _, rows, _ = tails(arms, Selection(diverged=20))
    rate = next(row for row in rows if row.quantity == "P(diverges)")
    assert rate.result.estimate == 0.5


def test_tails_ask_too_and_each_method_may_have_its_own_steps():
    arms = [named(), named("b", WHOLE, axis=Axis.called("epoch", (1, 3, 5, 7)))]
    with pytest.raises(UserError, match="--lengths hold"):
        tails(arms)
    chosen, rows, notes = tails(arms, Selection(lengths="hold"), thresholds=(3.5,))
    assert chosen == ACCURACY
    assert rows[0].result.estimate == 0.25
    assert notes == [
        f"digits: Before epoch 4 ended 2 of 4 seeds of a (the first at epoch 2): {LENGTHS['hold']}."
    ]


def test_tails_on_a_grid_ask_as_well():
    arms = [named(), named("b", WHOLE)]
    with pytest.raises(UserError, match="--lengths hold"):
        tails(arms, Selection(grid="every:2"))
    _, rows, _ = tails(arms, Selection(grid="every:2", lengths="diverged"))
    assert [row.result.estimate for row in rows if row.quantity == "P(diverges)"] == [0.5, 0]


def test_nothing_changes_where_nothing_is_missing(rng):
    arms = [named(name, curves(rng, 6, 5)) for name in "ab"]
    for answer in LENGTHS:
        done, notes = settled(arms, answer)
        assert not any(notes.values())
        for one, other in zip(arms, done, strict=True):
            np.testing.assert_array_equal(one.curves["test_accuracy"], other.curves["test_accuracy"])


def test_what_is_held_begins_where_the_seed_does():
    np.testing.assert_array_equal(held(np.array([[A, 1, A, 2, A]])), [[A, 1, 1, 2, 2]])


def test_seeds_of_one_method_that_count_from_0_and_from_1_are_never_held_together():
    rows = np.array([[1, 2, 3, A], [A, 1, 2, 3], [2, 3, 4, A]], float)
    arms = [
        named(rows=rows, axis=Axis.called("epoch", (0, 1, 2, 3))),
        named("b", WHOLE[:3], axis=Axis.called("epoch", (0, 1, 2, 3))),
    ]
    for answer in LENGTHS:
        with pytest.raises(
            UserError, match="a on digits: seed 0 seems to count its epochs from 0, seed 1 from 1"
        ):
            compare(arms, Selection(lengths=answer))
    (compared,) = compare(arms, Selection(grid="intersection", lengths="common")).groups
    assert compared.axis.values == (1, 2)


class TestEarlyEndsOnAGrid:
    """Ten epochs; seeds 1 and 2 end at 6 and 7 on a rising curve."""

    RISING = np.arange(1.0, 11) + np.arange(4)[:, None] / 10
    EARLY = np.where(np.arange(10) < np.array([10, 6, 7, 10])[:, None], RISING, A)

    def arms(self):
        return [named(rows=self.EARLY), named("b", self.RISING)]

    @pytest.mark.parametrize(
        "grid", ["every:5", "every:10", "2", "intersection", "every:5:mean", "every:5:linear"]
    )
    def test_they_are_asked_about_on_every_grid(self, grid):
        with pytest.raises(UserError, match=r"2 of 4 seeds \(1, 2\) have no test_accuracy up to epoch 10"):
            compare(self.arms(), Selection(grid=grid))

    @pytest.mark.parametrize("grid", ["every:5", "intersection"])
    @pytest.mark.parametrize(
        ("lengths", "last"),
        [("hold", [10, 6.1, 7.2, 10.3]), ("diverged", [10, np.nan, np.nan, 10.3]), ("drop", [10, 10.3])],
    )
    def test_the_answer_is_what_is_judged(self, grid, lengths, last):
        (compared,) = compare(self.arms(), Selection(grid=grid, lengths=lengths)).groups
        np.testing.assert_allclose(compared.arms[0].curves["test_accuracy"][:, -1], last)
        assert compared.axis.values[-1] == 10

    def test_where_all_are_cut_none_mixes_its_end_with_the_epochs_of_others(self):
        (compared,) = compare(self.arms(), Selection(grid="every:5", lengths="common")).groups
        assert compared.axis.values == (5,)
        np.testing.assert_allclose(compared.arms[0].curves["test_accuracy"], self.RISING[:, [4]])

    def test_seeds_on_clocks_of_their_own_end_where_the_first_one_does(self):
        times = [np.arange(1, 11) * 10.0 + offset for offset in (0, 1.5, 3)]
        axis = np.unique(np.concatenate(times))
        rows = np.full((3, len(axis)), ABSENT)
        for row, at in enumerate(times):
            rows[row, np.searchsorted(axis, at)] = at
        arms = [named(name, rows, axis=Axis.called("time (s)", tuple(axis))) for name in "ab"]
        for grid, points in (("every:25", 4), ("5:linear", 5)):
            (compared,) = compare(arms, Selection(grid=grid)).groups
            assert len(compared.axis.values) == points
            assert not any(note.kind == "ended-early" for note in compared.warnings)

    def test_a_declared_divergence_is_no_early_end(self):
        low = self.EARLY.copy()
        low[1, :6] = 0.5
        arms = [named(rows=low), named("b", self.RISING)]
        (compared,) = compare(arms, Selection(lengths="drop", diverged=0.8)).groups
        one = compared.arms[0]
        assert (one.seeds, one.diverged) == ((0, 1, 3), (1,))


def test_methods_of_other_lengths_are_told_what_would_compare_them():
    arms = [named(rows=WHOLE), named("b", WHOLE[:, :2])]
    with pytest.raises(
        UserError, match=r"end at different steps; cut all .* --lengths common, .* --lengths hold"
    ):
        compare(arms)
    for answer in ("common", "hold"):
        assert compare(arms, Selection(lengths=answer)).groups
