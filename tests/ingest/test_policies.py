"""Duplicated steps, missing seeds, unequal lengths and mixed units: refused with the choices, or done as chosen and said."""

import numpy as np
import pytest

from amrobust.errors import UserError
from amrobust.ingest.assemble import gather
from amrobust.ingest.logged import LoggedRun
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Policies
from amrobust.runs.seeds import as_given
from amrobust.runs.values import absent


def run(method="adam", seed=0, values=(1.0, 2.0, 3.0), steps=None, metric="acc", **changes):
    steps = np.arange(1.0, len(values) + 1) if steps is None else np.array(steps, float)
    fields = {"method": method} | ({} if seed is None else {"seed": str(seed)})
    return LoggedRun(
        **(
            {
                "path": f"{method}/{seed}",
                "fields": fields,
                "series": {metric: (steps, np.array(values, float))},
            }
            | changes
        )
    )


def gathered(runs, mappings=None, **policies):
    return gather(runs, mappings or Mappings(), Policies(**policies), "log")


def only(found):
    (method,) = found.methods
    return method


class TestDuplicates:
    TWICE = (run(values=(1, 2, 5, 3), steps=(1, 2, 2, 3)),)

    def test_a_repeated_step_is_refused_with_the_choices(self):
        with pytest.raises(
            UserError,
            match=r"step 2 is there twice: choose.*--duplicates first, last or mean, .*--method-from",
        ):
            gathered(self.TWICE)

    @pytest.mark.parametrize(("policy", "expected"), [("first", 2), ("last", 5), ("mean", 3.5)])
    def test_each_policy_keeps_what_it_says(self, policy, expected):
        found = gathered(self.TWICE, duplicates=policy)
        assert only(found).curves["acc"].tolist() == [[1, expected, 3]]
        assert "1 repeated steps" in found.notes[0]

    def test_a_seed_that_is_there_twice_may_be_a_method_without_its_name(self):
        with pytest.raises(UserError, match=r"adam, seed 0 is there 2 times .*--method-from"):
            gathered([run(), run(values=(9, 9, 9))])

    def test_two_different_runs_are_never_averaged(self):
        with pytest.raises(UserError, match="there 2 times"):
            gathered([run(), run(values=(9, 9, 9))], duplicates="mean")

    def test_a_resumed_run_goes_on_where_the_first_part_was_left(self):
        parts = [run(values=(1, 2, 3), started=1.0), run(values=(20, 30, 40), steps=(2, 3, 4), started=2.0)]
        assert only(gathered(parts, duplicates="last")).curves["acc"].tolist() == [[1, 20, 30, 40]]
        assert only(gathered(parts[::-1], duplicates="first")).curves["acc"].tolist() == [[1, 2, 3, 40]]


class TestMissingSeeds:
    RUNS = (
        run(seed=3),
        run(seed=None, started=2.0, values=(7, 7, 7)),
        run(seed=None, started=1.0, values=(5, 5, 5)),
    )

    def test_they_are_refused_with_the_choices(self):
        with pytest.raises(UserError, match=r"2 of 3 runs have no seed.*--missing-seeds number or skip"):
            gathered(self.RUNS)

    def test_they_are_numbered_in_the_order_of_their_start_around_the_seeds_there_are(self):
        found = only(gathered(self.RUNS, missing_seeds="number"))
        assert found.seeds == (0, 1, 3)
        assert found.curves["acc"][:, 0].tolist() == [5, 7, 1]

    def test_they_are_left_out_and_that_is_said(self):
        found = gathered(self.RUNS, missing_seeds="skip")
        assert only(found).seeds == (3,)
        assert "2 of 3 runs have no seed and are left out" in found.left_out[0]

    def test_seeds_of_any_size_are_kept_and_may_be_counted_instead(self):
        runs = [run(seed=4_000_000_000), run(seed=7), run(seed=-1), run(seed=2**64 - 1)]
        found = only(gathered(runs)).seeds
        assert list(map(as_given, found)) == [-1, 7, 4_000_000_000, 2**64 - 1]
        assert only(gathered(runs, Mappings(seed_from="number"))).seeds == (0, 1, 2, 3)

    def test_texts_are_seeds_and_stand_where_others_of_their_name_do(self):
        runs = [run(method=m, seed=s) for m in ("a", "b") for s in ("fold A", "fold B", "é")]
        a, b = gathered(runs).methods
        assert a.seeds == b.seeds
        assert set(map(as_given, a.seeds)) == {"fold A", "fold B", "é"}

    @pytest.mark.parametrize("word", ["mean", "std", "median"])
    def test_a_row_that_sums_up_the_seeds_is_none_of_them(self, word):
        with pytest.raises(UserError, match=f"the seed '{word}' of .* is a word where others are numbers"):
            gathered([run(seed=0), run(seed=1), run(seed=word)])

    @pytest.mark.parametrize("word", ["mean", "STD", "seed_avg", "mean ± std", "stddev", "Overall", "best"])
    def test_nor_is_it_one_where_seeds_have_names(self, word):
        with pytest.raises(UserError, match=f"the seed '{word}' of adam is a word for what sums others up"):
            gathered([run(seed="run_0"), run(seed="run_1"), run(seed=word)])

    def test_nor_are_summaries_alone_a_sample(self):
        with pytest.raises(UserError, match="the seed 'mean' of adam is a word for what sums others up"):
            gathered([run(seed="mean"), run(seed="std")])

    @pytest.mark.parametrize("seeds", [("min_0", "min_1"), ("m", "n"), ("se_a", "se_b", "c")])
    def test_names_of_seeds_that_begin_so_are_names(self, seeds):
        assert set(map(as_given, only(gathered([run(seed=seed) for seed in seeds])).seeds)) == set(seeds)

    def test_another_word_among_numbers_is_said(self):
        found = gathered([run(seed=0), run(seed=1), run(seed="2a")])
        assert "the seed '2a' of adam is a word where others are numbers" in found.notes

    @pytest.mark.parametrize("seed", ["1.5", "inf", "1.8446744073709552e+19", "a\x1b[31m", "x" * 1001])
    def test_a_seed_that_is_none(self, seed):
        with pytest.raises(UserError, match="seed"):
            gathered([run(seed=seed)])

    @pytest.mark.parametrize("seed", ["nan", "None", "", "NA"])
    def test_what_says_that_there_is_no_seed_is_asked_about(self, seed):
        with pytest.raises(UserError, match=r"have no seed.*--missing-seeds"):
            gathered([run(seed=seed)])


class TestLengths:
    RUNS = (run(seed=0), run(seed=1, values=(4, 5)), run(seed=2, values=(7, np.nan, 9)))

    def test_unequal_lengths_are_kept_as_they_are(self):
        found = only(gathered(self.RUNS))
        assert found.seeds == (0, 1, 2)
        assert found.steps == (1, 2, 3)
        np.testing.assert_array_equal(found.curves["acc"], [[1, 2, 3], [4, 5, np.nan], [7, np.nan, 9]])
        assert absent(found.curves["acc"]).tolist() == [[False] * 3, [False, False, True], [False] * 3]
        assert (found.diverged, found.ended_early) == ((2,), (1,))

    def test_the_axis_is_every_step_at_which_anything_was_measured(self):
        series = {"reward": (np.array([2.0, 4.0]), np.ones(2)), "loss": (np.arange(5.0), np.arange(5.0))}
        found = only(
            gathered([run(series=series), run(seed=1, values=(4, 6), steps=(1, 7), metric="reward")])
        )
        assert found.steps == (0, 1, 2, 3, 4, 7)
        assert absent(found.curves["reward"]).tolist() == [
            [True, True, False, True, False, True],
            [True, False, True, True, True, False],
        ]
        assert absent(found.curves["loss"])[1].all()
        assert found.diverged == ()


class TestUnits:
    RUNS = (run(seed=0, values=(0.1, 0.5, 0.9)), run("sgd", seed=0, values=(10, 50, 80)))

    def test_they_are_refused_with_the_choices(self):
        with pytest.raises(
            UserError, match=r"1 seeds log acc as a share of 1, 1 in percent.*--mixed-units percent.*keep"
        ):
            gathered(self.RUNS)

    def test_all_are_brought_to_percent_and_called_so(self):
        adam, sgd = gathered(self.RUNS, units="percent").methods
        assert adam.curves["acc"].tolist() == [[10, 50, 90]]
        assert sgd.curves["acc"].tolist() == [[10, 50, 80]]
        assert {m.unit for method in (adam, sgd) for m in method.metrics} == {"%"}

    def test_they_may_be_kept(self):
        found = gathered(self.RUNS, units="keep")
        assert found.methods[0].curves["acc"].tolist() == [[0.1, 0.5, 0.9]]
        assert "kept as they are" in found.notes[0]

    CHANGING = (run(values=(0.3, 0.7, 71, 80)), run(seed=1, values=(30, 70, 71, 79)))

    def test_a_seed_that_changes_its_unit_is_refused_too(self):
        with pytest.raises(
            UserError,
            match=r"1 seeds log acc in percent, 1 as a share at some steps and in percent at others: .*--mixed-units",
        ):
            gathered(self.CHANGING)

    def test_its_shares_alone_are_brought_to_percent(self):
        found = gathered(self.CHANGING, units="percent")
        np.testing.assert_allclose(only(found).curves["acc"], [[30, 70, 71, 80], [30, 70, 71, 79]])
        assert only(found).metrics[0].unit == "%"
        assert "the shares are multiplied by 100" in found.notes[0]

    def test_it_may_be_kept(self):
        found = gathered(self.CHANGING, units="keep")
        assert only(found).curves["acc"].tolist()[0] == [0.3, 0.7, 71, 80]
        assert "kept as they are" in found.notes[0]

    @pytest.mark.parametrize(
        "values",
        [
            (0.1, 12.0, 30.0),  # an ImageNet run that begins at chance
            (60.0, 75.0, 1.0),  # a CIFAR-100 run that falls back to it
            (0.9, 5.0, 20.0),
            (0.5, np.nan, 60.0),
        ],
    )
    def test_a_percentage_may_be_below_one(self, values):
        assert gathered([run(values=values), run(seed=1, values=values)]).notes == ()

    def test_a_loss_has_no_percent(self):
        runs = [run(metric="loss", values=(0.9, 0.5)), run("sgd", metric="loss", values=(5, 3))]
        assert len(gathered(runs).methods) == 2

    def test_a_seed_that_diverged_from_the_start_is_in_no_unit(self):
        runs = [run(values=(50, 60)), run(seed=1, values=(np.nan, np.nan))]
        assert only(gathered(runs)).diverged == (1,)


class TestUnfinished:
    RUNS = (run(), run(seed=1, state="failed"), run(seed=2, state="running"))

    def test_they_are_left_out_and_that_is_said(self):
        found = gathered(self.RUNS)
        assert only(found).seeds == (0,)
        assert "1 failed and 1 running of 3 runs are left out" in found.left_out[0]

    def test_they_may_be_kept(self):
        assert only(gathered(self.RUNS, unfinished="keep")).seeds == (0, 1, 2)

    def test_nothing_else_is_there(self):
        with pytest.raises(UserError, match="failed"):
            gathered(self.RUNS[1:])


def test_a_first_step_at_which_all_seeds_agree_looks_like_the_starting_point():
    runs = [run(seed=s, values=(10, 20 + s, 30 + 2 * s), steps=(0, 1, 2)) for s in range(3)]
    (note,) = gathered(runs).notes
    assert "--first-step 1" in note
    found = gathered(runs, first_step=1)
    assert only(found).steps == (1, 2)
    assert not found.notes


def test_logging_order_does_not_matter():
    runs = [run(seed=s, values=(3, 1, 2), steps=(30, 10, 20)) for s in (1, 0)]
    found = only(gathered(runs))
    assert found.seeds == (0, 1)
    assert found.steps == (10, 20, 30)
    assert found.curves["acc"].tolist() == [[1, 2, 3]] * 2
