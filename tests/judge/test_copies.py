"""What is one training under several names: refused as a sample, at every entrance; and what only looks like it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from made_up import arm, curves

import amrobust
from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.rules import Selection
from amrobust.judge.tails import tails

TABLE = Path(__file__).parents[1] / "corpus/tables/copies.csv"
MESSAGE = "a on copies: the curves of acc of seeds 0, 5, 10, 15 are identical to the last bit, and those of 4 more groups"


def foreign(method, values, **changes):
    return arm(method, values, x0_digest=None, training=None, **changes)


def kinds(comparison):
    return [warning.kind for compared in comparison.groups for warning in compared.warnings]


class TestEveryEntrance:
    @pytest.mark.parametrize(
        "command",
        [["compare"], ["tails"], ["report", "-o", "report.html"], ["compare", "--complete-cases"]],
        ids=" ".join,
    )
    def test_a_table_whose_seeds_are_copies_is_refused_in_one_line(self, command, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        done = CliRunner().invoke(main, [command[0], str(TABLE), *command[1:]])
        assert done.exit_code == 2
        assert f"Error: {MESSAGE}" in done.stderr
        assert "keep one of each, or train again" in done.stderr
        assert not list(tmp_path.iterdir())

    def test_so_are_run_directories_frames_and_arrays(self, tmp_path):
        done = CliRunner().invoke(main, ["import", str(TABLE), "--runs-dir", str(tmp_path / "runs")])
        assert done.exit_code == 0
        frame = pd.read_csv(TABLE)
        arrays = {
            name: rows.pivot_table(index="seed", columns="epoch", values="acc").to_numpy()
            for name, rows in frame.groupby("method")
        }
        for runs in (
            amrobust.load(tmp_path / "runs"),
            amrobust.Runs.from_frame(frame, workload="copies"),
            amrobust.Runs.from_arrays(arrays, metric="acc", workload="copies"),
        ):
            with pytest.raises(UserError, match=MESSAGE):
                amrobust.compare(runs)

    def test_one_seed_under_two_numbers_among_many_is_enough(self, rng):
        values = curves(rng, 20, 30)
        values[13] = values[4]
        with pytest.raises(UserError, match=r"adam on digits: .* of seeds 4, 13 are identical"):
            compare([foreign("sgd", curves(rng, 20, 30)), foreign("adam", values)])
        values[13, 7] = np.nextafter(values[4, 7], np.inf)
        assert compare([foreign("sgd", curves(rng, 20, 30)), foreign("adam", values)]).groups

    def test_copies_that_diverged_at_one_place_are_copies(self, rng):
        values = curves(rng, 6, 9)
        values[:2] = values[0]
        values[:2, 6:] = np.nan
        with pytest.raises(UserError, match="seeds 0, 1 are identical"):
            tails([foreign("adam", values)])

    def test_only_the_judged_metric_counts(self, rng):
        values = curves(rng, 6, 9)
        schedule = np.tile(np.geomspace(1, 0.1, 9), (6, 1))
        both = foreign("adam", values)
        metrics = {
            "test_accuracy": both.metrics["test_accuracy"],
            "lr": replace(both.metrics["test_accuracy"], name="lr"),
        }
        both = replace(both, curves={"test_accuracy": values, "lr": schedule}, metrics=metrics)
        assert tails([both], Selection("test_accuracy"))[1]
        with pytest.raises(UserError, match=r"curves of lr of seeds 0, 1, 2, 3, 4, \.\.\. are identical"):
            tails([both], Selection("lr"))


class TestNoCopies:
    def test_constant_curves_and_equal_final_values_are_none(self, rng):
        ends_alike = np.round(curves(rng, 8, 12))
        ends_alike[:, -1] = 93
        assert compare([foreign("sgd", np.full((8, 12), 0.1)), foreign("adam", ends_alike)]).groups
        assert tails([foreign("sgd", np.full((8, 1), 93.0))])[1]

    def test_fewer_than_five_different_values_agree_by_chance(self):
        four = np.tile([90.0, 91.0, 92.0, 93.0, 93.0], (6, 1))
        assert tails([foreign("adam", four)])[1]
        with pytest.raises(UserError, match="identical"):
            tails([foreign("adam", np.tile([90.0, 91.0, 92.0, 93.0, 94.0], (6, 1)))])


class TestTrainedHere:
    def test_a_problem_without_noise_is_said_to_have_none_and_gets_no_verdict(self, rng):
        one = np.tile(curves(rng, 1, 30), (8, 1))
        comparison = compare([arm("msgd", one), arm("am1[m=5]/I", one + 1)])
        assert kinds(comparison).count("nothing-random") == 1
        assert {verdict.outcome for verdict in comparison.groups[0].verdicts} == {"not assessable"}

    def test_from_several_starting_points_as_well(self, rng):
        per_x0 = np.repeat(curves(rng, 4, 30), 5, axis=0)
        x0s = tuple(np.repeat(list("pqrs"), 5))
        found = compare([arm("msgd", per_x0, x0s=x0s), arm("am1[m=5]/I", curves(rng, 20, 30), x0s=x0s)])
        assert "nothing-random" in kinds(found)

    def test_seeds_of_which_some_agree_by_chance_are_judged(self, rng):
        """On few test images, with every stream but one shared: each seed was trained with its own."""
        values = curves(rng, 8, 30)
        values[5] = values[2]
        comparison = compare([arm("msgd", values), arm("am1[m=5]/I", curves(rng, 8, 30))])
        assert "nothing-random" not in kinds(comparison)
        assert comparison.groups[0].verdicts[1].p is not None

    def test_a_training_that_varies_a_stream_without_use_in_it_is_compared_to_its_end(self, tmp_path):
        words = [
            "--workload",
            "logistic",
            "--param",
            "sigma=0",
            "--param",
            "iterations=300",
            "--seeds",
            "4",
            "--executor",
            "local",
        ]
        for optimizer in ("msgd", "am1"):
            done = CliRunner().invoke(main, ["run", "--opt", optimizer, *words, "--runs-dir", str(tmp_path)])
            assert done.exit_code == 0, done.output
        done = CliRunner().invoke(main, ["compare", str(tmp_path)])
        assert done.exit_code == 0
        assert "nothing in this training depends on the seed" in done.stdout
        assert "6 claims: 6 not assessable" in done.stdout


class TestAcrossMethods:
    def test_curves_in_common_draw_a_warning(self, rng):
        values = curves(rng, 10, 30)
        others = curves(rng, 10, 30)
        others[3:5] = values[7:9]
        comparison = compare([foreign("sgd", values), foreign("adam", others)])
        (warning,) = [c for c in comparison.groups[0].warnings if c.kind == "curves-in-common"]
        assert warning.message.startswith("2 curves of sgd can be found in adam too")

    def test_equal_final_values_of_all_seeds_draw_it_too(self):
        values = [90.1, 91.3, 90.7]
        found = amrobust.compare({"sgd": values, "adam": values}, metric="acc")
        (warning,) = [c for c in found.warnings if c.kind == "curves-in-common"]
        assert warning.message.startswith("3 final values of sgd can be found in adam too")
        for other in ([90.1, 90.7, 91.3], [90.1, 91.3, 90.8], [*values, 90.5]):
            other_found = amrobust.compare({"sgd": values, "adam": other}, metric="acc")
            assert "curves-in-common" not in [c.kind for c in other_found.warnings]

    def test_two_seeds_and_one_value_for_all_agree_by_chance(self):
        for values in ([90.1, 91.3], [100.0] * 4):
            found = amrobust.compare({"sgd": values, "adam": values}, metric="acc")
            assert "curves-in-common" not in [c.kind for c in found.warnings]

    def test_options_that_coincide_in_own_trainings_draw_none(self, rng):
        values = curves(rng, 10, 30)
        assert "curves-in-common" not in kinds(compare([arm("msgd", values), arm("am1[m=1]/I", values)]))
