"""What looks as if it were left out or misspelt: said of runs whose plan nobody recorded, and of no others."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from made_up import arm, curves

import amrobust
from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.judge.compare import compare as judge

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "tables"
ODD = ("missing-seeds", "missing-settings", "look-alike-names")


def said(seeds_of, **options):
    """The messages of the warnings above, of final values of methods with these seeds, by kind."""
    generator = np.random.default_rng(0)
    values = {method: {seed: generator.normal(90, 1) for seed in seeds} for method, seeds in seeds_of.items()}
    comparison = amrobust.compare(amrobust.Runs.from_arrays(values, metric="acc"), **options)
    return {warning.kind: warning.message for warning in comparison.warnings if warning.kind in ODD}


class TestSeeds:
    def test_one_that_a_method_lacks_and_another_has_is_said_once(self):
        found = said({"a": range(10), "b": [s for s in range(10) if s not in (3, 4, 7)]})
        assert "(b lacks seeds 3-4, 7, which a has): where they were left out after" in found["missing-seeds"]

    def test_so_is_a_gap_that_all_methods_have(self):
        found = said(dict.fromkeys("ab", (0, 1, 2, 4, 5)))
        assert "(a lacks seed 3 of 0 to 5; b lacks seed 3 of 0 to 5)" in found["missing-seeds"]

    def test_and_one_in_evenly_spaced_numbers(self):
        assert "lacks seed 30 of 0 to 50" in said(dict.fromkeys("ab", (0, 10, 20, 40, 50)))["missing-seeds"]

    def test_texts_are_seeds_too(self):
        found = said({"a": ["fold A", "fold B", "fold C"], "b": ["fold A", "fold C"]})
        assert "b lacks seed fold B, which a has" in found["missing-seeds"]

    @pytest.mark.parametrize(
        "seeds",
        [
            {"a": range(10), "b": range(10)},
            {"a": range(1, 11), "b": range(1, 11)},
            {"a": range(0, 50, 10), "b": range(100, 105)},
            {"a": [42, 1337, 2024, 7], "b": [42, 1337, 2024, 7]},
            {"a": [0, 1, 2, 100], "b": [0, 1, 2, 100]},
            {"a": [2**63 - 1, 0, -(2**63)], "b": [2**63 - 1, 0, -(2**63)]},
        ],
        ids=str,
    )
    def test_seeds_of_ones_own_choice_lack_nothing(self, seeds):
        assert said(seeds) == {}

    def test_nor_do_rows_that_were_numbered(self, tmp_path):
        generator = np.random.default_rng(0)
        unequal = {"a": generator.normal(90, 1, 10), "b": generator.normal(90, 1, 12)}
        kinds = {warning.kind for warning in amrobust.compare(unequal, metric="acc").warnings}
        rows = [("ab"[k in (0, 3, 4)], 0.5 + 0.3 * value) for k, value in enumerate(generator.random(12))]
        pd.DataFrame(rows, columns=["method", "acc"]).to_csv(tmp_path / "t.csv", index=False)
        assert [arm.seeds for arm in amrobust.load(tmp_path / "t.csv")] == [(0, 1, 2), tuple(range(9))]
        kinds |= {warning.kind for warning in amrobust.compare(tmp_path / "t.csv").warnings}
        assert "missing-seeds" not in kinds

    def test_of_runs_that_were_trained_here_the_plan_is_on_record(self, rng):
        arms = [arm("a", curves(rng, 5, 4)), arm("b", curves(rng, 4, 4))]
        assert all(one.x0_digest is not None for one in arms)
        (compared,) = judge(arms).groups
        assert not {warning.kind for warning in compared.warnings} & {*ODD, "tuning-unknown"}


class TestSettings:
    @staticmethod
    def sweep(*left_out, optimizers=("sgd",), rates=(0.1, 0.2), decays=(0, 1, 2)):
        cells = [(o, lr, wd) for o in optimizers for lr in rates for wd in decays]
        return {f"{o}[lr={lr},wd={wd}]": range(4) for o, lr, wd in cells if (o, lr, wd) not in left_out}

    def test_an_absent_cell_of_a_grid_is_said(self):
        found = said(self.sweep(("sgd", 0.2, 1)))
        assert "(lr = 0.2, wd = 1, of 6 combinations)" in found["missing-settings"]

    def test_the_optimizer_is_a_side_of_the_grid(self):
        found = said(self.sweep(("adam", 0.2, 2), optimizers=("sgd", "adam"), decays=(1, 2)))
        assert "(optimizer = adam, lr = 0.2, wd = 2, of 8 combinations)" in found["missing-settings"]

    def test_a_whole_grid_and_ranges_of_each_methods_own_are_no_gap(self):
        assert said(self.sweep()) == {}
        rates = {"sgd": (1, 0.1, 0.01), "adam": (0.01, 0.001, 0.0001)}
        assert said({f"{o}[lr={lr}]": range(4) for o, some in rates.items() for lr in some}) == {}

    def test_columns_of_a_table_are_sides_too(self, tmp_path):
        rows = [
            ("sgd", lr, bs, s, 0.5 + s / 100 + lr / bs)
            for lr in (0.1, 0.2) for bs in (32, 64) for s in range(4) if (lr, bs) != (0.2, 64)
        ]  # fmt: skip
        frame = pd.DataFrame(rows, columns=["optimizer", "lr", "batch_size", "seed", "acc"])
        found = amrobust.compare(frame, metric="acc").warnings
        (message,) = [warning.message for warning in found if warning.kind == "missing-settings"]
        assert "batch_size = 64" in message
        assert "lr = 0.2" in message


class TestNames:
    def test_the_corpus_has_two_that_are_printed_alike(self):
        done = CliRunner().invoke(main, ["compare", str(CORPUS / "method_nfc.csv"), "--format", "json"])
        assert done.exit_code == 0, done.output
        (compared,) = json.loads(done.stdout)["groups"]
        assert {arm["method"] for arm in compared["arms"]} == {"\u00e9", "e\u0301", "b"}
        (note,) = [note for note in compared["notes"] if note["kind"] == "look-alike-names"]
        assert note["message"].startswith(
            "The methods '\u00e9' (U+00E9) and 'e\u0301' (U+0301) differ in case"
        )

    @pytest.mark.parametrize("other", ["adam", "A dam", "ＡＤＡＭ", "Adam "])
    def test_case_spaces_and_forms_draw_a_warning_and_merge_nothing(self, other):
        found = said({"Adam": range(4), other: range(4), "sgd": range(4)})
        assert found["look-alike-names"].startswith(f"The methods 'Adam' and {other!r} differ")

    @pytest.mark.parametrize(
        ("other", "points"),
        [
            ("\u0410dam", "U+0410"),
            ("\u0391d\u0430m", "U+0391 U+0430"),
            ("Ad\u200bam", "U+200B"),
            ("Adam\ufeff", "U+FEFF"),
        ],
    )
    def test_letters_of_other_scripts_and_signs_without_width_draw_it_with_their_code_points(
        self, other, points
    ):
        message = said({"Adam": range(4), other: range(4), "sgd": range(4)})["look-alike-names"]
        assert message.startswith("The methods 'Adam' and ")
        assert f"({points}) differ in case, spaces, look-alike letters" in message

    def test_names_that_differ_in_more_draw_none(self):
        assert said({"adam": range(4), "adamw": range(4), "adam-w": range(4)}) == {}

    def test_workloads_and_metrics_draw_it_too(self):
        values = {"a": [0.1, 0.2, 0.3], "b": [0.2, 0.3, 0.5]}
        first = amrobust.Runs.from_arrays(values, metric="acc", workload="CIFAR10")
        runs = first + amrobust.Runs.from_arrays(values, metric="Acc", workload="cifar10")
        found = [
            c.message for c in amrobust.compare(runs, metric="acc").warnings if c.kind == "look-alike-names"
        ]
        assert [message.partition(" differ")[0] for message in found] == [
            "The workloads 'CIFAR10' and 'cifar10'", "The metrics 'acc' and 'Acc'",
        ]  # fmt: skip

    def test_where_nothing_can_be_compared_for_that_it_is_said(self):
        runs = amrobust.Runs.from_arrays({"a": [0.1, 0.2]}, metric="acc", workload="mnist")
        runs += amrobust.Runs.from_arrays({"b": [0.1, 0.3]}, metric="acc", workload="MNIST")
        with pytest.raises(UserError, match="The workloads 'mnist' and 'MNIST' differ in case"):
            amrobust.compare(runs)

    def test_spaces_around_a_name_make_no_second_sample_of_it(self, tmp_path):
        path = tmp_path / "t.csv"
        path.write_text("method,seed,acc\nsgd,0,0.5\nsgd,1,0.6\nsgd ,2,0.7\nadam ,0,0.5\nadam ,1,0.4\n")
        for given in (path, pd.read_csv(path)):
            with pytest.raises(UserError, match="method has 'sgd' and 'sgd ', which differ in spaces alone"):
                amrobust.compare(given)
        path.write_text(path.read_text().replace("sgd ,2", "sgd,2"))
        assert amrobust.load(path).methods == ("sgd", "adam")


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown", "latex", "html"])
def test_every_comparison_of_runs_of_others_says_that_tuning_is_unknown(form):
    assert "Tuning: unknown" in amrobust.compare(CORPUS / "finals.csv").render(form, verbose=True)
