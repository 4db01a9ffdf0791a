"""Arms from runs and CSV files."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from made_up_runs import Trainer, curve, describe, outcome, spec
from recorded import logged

from amrobust.errors import RunError, UserError
from amrobust.ingest.assemble import Gathered
from amrobust.ingest.imported import ImportedMethod
from amrobust.ingest.landing import land
from amrobust.ingest.load import load_arms
from amrobust.ingest.recorder import record
from amrobust.runs.axis import Axis
from amrobust.runs.method import Method, from_name, swept
from amrobust.runs.metric import Metric, direction_by_name
from amrobust.runs.provenance import command_of
from amrobust.runs.store import open_runs
from amrobust.train.engine import execute


def make(tmp_path, seeds=3, trainer=None, **changes):
    return execute(spec(**changes), range(seeds), tmp_path, train=trainer or Trainer(), describe=describe)


class TestIdentity:
    def test_a_run_has_its_optimizer_all_hyperparameters_and_its_output(self, tmp_path):
        run = make(tmp_path)
        one, two = load_arms([tmp_path])[0]
        assert one.identity.hyperparameters == run.spec.hyperparameters
        assert (one.identity.output, two.identity.output) == ("I", "II")
        assert (two.identity.name, two.identity.title) == ("am1[m=5]/II", "AM1-SGD (m = 5), II")

    def test_a_table_has_what_its_names_tell_and_keeps_them(self, tmp_path):
        (tmp_path / "runs.csv").write_text(
            "method,seed,epoch,accuracy\n" + "".join(f"sgd[lr=1e-1],{s},1,{90 + s}\n" for s in range(3))
        )
        ((arm,), _) = load_arms([tmp_path / "runs.csv"])
        assert arm.method == arm.identity.title == "sgd[lr=1e-1]"
        assert arm.identity == Method("sgd", {"lr": 0.1})

    def test_an_imported_run_keeps_the_name_that_its_log_has(self, tmp_path):
        values = np.arange(6.0).reshape(3, 2)
        gathered = Gathered(
            (
                ImportedMethod(
                    "sgd[lr=1e-1]", "mine", from_name("sgd[lr=1e-1]"), (0, 1, 2), {"accuracy": values},
                    (Metric("accuracy", "higher"),), Axis.called("epoch", (1.0, 2.0)), (),
                ),
            ),
            "",
        )  # fmt: skip
        land(gathered, tmp_path, form="csv", origin=tmp_path, command="")
        ((arm,), _) = load_arms([tmp_path])
        assert arm.identity.title == "sgd[lr=1e-1]"
        assert arm.identity == Method("sgd", {"lr": 0.1})

    def test_what_a_recorder_was_told_is_the_method_too(self, tmp_path):
        for name, lr in {"adam": 0.1, "adam[lr=0.2]": 0.2}.items():
            with record(tmp_path, method=name, seed=0, workload="mine", hyperparameters={"lr": lr}) as run:
                run.log(1, accuracy=90.0)
        arms = load_arms([tmp_path])[0]
        assert {arm.identity.name: arm.identity.hyperparameters["lr"] for arm in arms} == {
            "adam": 0.1,
            "adam[lr=0.2]": 0.2,
        }
        assert swept([arm.identity for arm in arms]) == "lr"


class TestRuns:
    def test_an_arm_for_every_output_with_what_comparing_needs(self, tmp_path):
        run = make(tmp_path)
        arms, problems = load_arms([tmp_path])
        assert not problems
        assert [arm.method for arm in arms] == ["am1[m=5]/I", "am1[m=5]/II"]
        one, two = arms
        assert one.training == two.training == run.manifest.identity
        assert one.averaging == 5
        assert one.steps_per_epoch == 75
        assert one.metrics["test_loss"].better == "lower"
        assert one.curves["test_accuracy"][1].tolist() == curve(1, "I", "test_accuracy").tolist()
        assert one.pairing is None
        assert one.facts["command"] == command_of(run.manifest)

    def test_paired_runs_share_their_pairing(self, tmp_path):
        make(tmp_path, paired=True)
        make(tmp_path, paired=True, optimizer="am2")
        make(tmp_path, paired=True, optimizer="am3", root_seed=1)
        pairings = {arm.optimizer: arm.pairing for arm in load_arms([tmp_path])[0]}
        assert pairings["am1"] == pairings["am2"] != pairings["am3"]

    def test_equal_names_are_told_apart(self, tmp_path):
        make(tmp_path)
        make(tmp_path, root_seed=1)
        methods = [arm.method for arm in load_arms([tmp_path])[0]]
        assert len(set(methods)) == 4

    def test_a_label_beside_others_names_the_default_of_what_differs(self, tmp_path):
        def made(label, vary=None, **params):
            execute(
                spec(workload_params={"epochs": 4, "sigma": 1.0, "size": 3, **params}, vary=vary),
                range(2),
                tmp_path,
                train=Trainer(),
                describe=lambda of: replace(describe(of), workload_label=label),
            )

        made("digits")
        assert {arm.workload for arm in load_arms([tmp_path])[0]} == {"digits"}
        made("digits[sigma=2.0]", sigma=2.0)
        made("digits[sigma=2.0,vary=order]", sigma=2.0, vary="order")
        assert {arm.workload for arm in load_arms([tmp_path])[0]} == {
            "digits[sigma=1.0,vary=all]",
            "digits[sigma=2.0,vary=all]",
            "digits[sigma=2.0,vary=order]",
        }

    def test_a_path_given_twice_counts_once(self, tmp_path):
        run = make(tmp_path)
        assert len(load_arms([tmp_path, run.path])[0]) == 2

    def test_a_copy_of_a_run_counts_once_and_a_copy_that_went_on_is_refused(self, tmp_path):
        run = make(tmp_path / "here")
        shutil.copytree(run.path, tmp_path / "there" / run.path.name)
        arms, (problem,) = load_arms([tmp_path / "here", tmp_path / "there"])
        assert len(arms) == 2
        assert "is the same run as" in problem
        make(tmp_path / "there", seeds=4)
        with pytest.raises(UserError, match="one run by their names, with other seeds or curves"):
            load_arms([tmp_path / "here", tmp_path / "there"])

    def test_recordings_of_one_name_in_two_directories_are_refused(self, tmp_path):
        for seed, place in ((0, "one"), (1, "one"), (2, "two")):
            logged(tmp_path / place, seed)
        with pytest.raises(UserError, match="never taken for one sample"):
            load_arms([tmp_path / "one", tmp_path / "two"])

    def test_unfinished_runs_give_their_complete_seeds_and_a_line(self, tmp_path):
        with pytest.raises(RunError):
            make(tmp_path, trainer=Trainer({1: lambda seed: outcome(seed, curves={}, error="x")}))
        arms, (problem,) = load_arms([tmp_path])
        assert arms[0].seeds == (0, 2)
        assert "2 of 3 seeds are complete, 1 failed" in problem

    def test_the_printed_command_makes_the_same_run(self, tmp_path):
        import shlex

        from amrobust.cli.parameters import parse_pair
        from amrobust.train.prepare import make_spec

        made = make_spec("digits", "am1", {"epochs": 7}, {"m": 3, "lr": 0.05}, root_seed=2, paired=True)
        run = execute(made, range(2), tmp_path, train=Trainer(), describe=describe)
        words = shlex.split(command_of(run.manifest))
        pairs = dict(parse_pair(words[i + 1]) for i, word in enumerate(words) if word == "--param")
        again = make_spec(
            "digits",
            words[words.index("--opt") + 1],
            {k: v for k, v in pairs.items() if k in made.workload_params},
            {k: v for k, v in pairs.items() if k in made.hyperparameters},
            root_seed=int(words[words.index("--root-seed") + 1]),
            paired="--paired" in words,
        )
        assert again == made
        assert open_runs([tmp_path])[0]


class TestCsv:
    ROWS = "method,seed,step,value\na,0,1,1.5\na,0,2,2.5\na,1,2,4.5\na,1,1,3.5\nb,0,1,\nb,0,2,inf\n"

    def written(self, tmp_path, text, name="results.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    def test_long_rows_become_arms_whatever_their_order(self, tmp_path):
        arms, _ = load_arms([self.written(tmp_path, self.ROWS)])
        a, b = arms
        assert a.method == "a"
        assert a.seeds == (0, 1)
        assert a.curves["value"].tolist() == [[1.5, 2.5], [3.5, 4.5]]
        assert a.diverged == ()
        assert b.diverged == (0,)
        assert b.curves["value"].tolist() == [[np.inf]]
        assert a.x0_digest is None

    def test_a_file_given_twice_is_read_once(self, tmp_path):
        path = self.written(tmp_path, self.ROWS)
        (tmp_path / "folder").mkdir()
        assert len(load_arms([path, tmp_path / "folder" / ".." / "results.csv"])[0]) == 2

    def test_two_files_with_one_method_are_two_methods_and_it_is_said(self, tmp_path, caplog):
        for folder in ("x", "y"):
            (tmp_path / folder).mkdir()
        files = [self.written(tmp_path, self.ROWS, f"{folder}/results.csv") for folder in ("x", "y")]
        assert [arm.method for arm in load_arms(files)[0]] == ["a#1", "b#1", "a#2", "b#2"]
        assert "a on results is there 2 times: told apart as a#" in caplog.text

    def test_metric_and_workload_columns_are_used(self, tmp_path):
        text = "workload,method,seed,step,metric,value\nw,a,0,1,test_loss,1\nw,a,0,1,acc,2\n"
        (arm,) = load_arms([self.written(tmp_path, text)])[0]
        assert arm.workload == "w"
        assert {name: metric.better for name, metric in arm.metrics.items()} == {
            "test_loss": "lower",
            "acc": "higher",
        }

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("step,value", "metric,value", "'step' is missing"),
            ("value\n", "value,extra\n", "line 2"),
            ("a,0,1,1.5", "a,0,1,high", "line 2"),
            ("a,0,1,1.5", "a,0.5,1,1.5", "line 2"),
            ("a,0,1,1.5", "a,0,nan,1.5", "line 2"),
            ("a,0,1,1.5", "a,0,1", "line 2"),
            ("a,0,1,1.5", "a,0,1,1.5,9", "line 2"),
            ("a,0,1,1.5", ",0,1,1.5", "no name"),
            ("a,0,2,2.5", "a,0,1,2.5", "there twice"),
        ],
    )
    def test_mistakes_are_named_with_their_line(self, tmp_path, old, new, message):
        path = self.written(tmp_path, self.ROWS.replace(old, new, 1))
        with pytest.raises(UserError, match=message) as caught:
            load_arms([path])
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x01", b"method,seed,step,value\n"])
    def test_empty_and_binary_files_are_refused(self, tmp_path, content):
        path = tmp_path / "x.csv"
        path.write_bytes(content)
        with pytest.raises(UserError):
            load_arms([path])

    @pytest.mark.parametrize(
        ("metric", "better"),
        [
            ("test_loss", "lower"),
            ("accuracy", "higher"),
            ("val_perplexity", "lower"),
            ("F1", "higher"),
            ("grad_norm", "lower"),
        ],
    )
    def test_the_better_direction_is_guessed_from_the_name(self, metric, better):
        assert direction_by_name(metric) == better


class TestSeveralStartingPoints:
    @staticmethod
    def made(tmp_path, x0s=2, seeds=3):
        def describe_x0(of):
            return replace(describe(of), x0_digest=str(of.x0_index) * 64)

        for index in range(x0s):
            execute(spec(x0_index=index), range(seeds), tmp_path, train=Trainer(), describe=describe_x0)

    def test_runs_that_differ_in_x0_alone_are_one_arm(self, tmp_path):
        self.made(tmp_path)
        one, two = load_arms([tmp_path])[0]
        assert (one.method, two.method) == ("am1[m=5]/I", "am1[m=5]/II")
        assert one.x0s == ("0" * 64,) * 3 + ("1" * 64,) * 3
        assert one.x0_digest == "0" * 64 + "+" + "1" * 64
        assert len(set(one.seeds)) == len(one.seeds) == 6
        assert one.curves["test_accuracy"].shape == (6, 4)
        assert one.training == two.training
        assert len(one.seconds) == 6

    def test_versions_of_the_code_go_with_the_seeds_that_they_made(self, tmp_path):
        files = [{"mine.py": "a" * 64}, {"mine.py": "b" * 64}]
        for count, code in enumerate(files, 1):
            for index in range(2):

                def describe_one(of, code=code):
                    return replace(describe(of), x0_digest=str(of.x0_index) * 64, code=code)

                execute(
                    spec(x0_index=index), range(2 * count), tmp_path, train=Trainer(), describe=describe_one,
                    accept_new_code=True,
                )  # fmt: skip
        one, _ = load_arms([tmp_path])[0]
        assert len(set(one.x0s)) == 2
        assert [version.files for version in one.code] == files * 2
        assert [seed for version in one.code for seed in version.seeds] == list(one.seeds)

    def test_one_x0_is_left_as_it_is(self, tmp_path):
        self.made(tmp_path, x0s=1)
        assert load_arms([tmp_path])[0][0].x0s == ()


def test_hints_of_a_table_that_is_only_compared_say_whose_options_they_are(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("method,seed,epoch,acc\na,0,1,1\na,0,1,2\n")
    with pytest.raises(UserError, match="choose what counts with --duplicates"):
        load_arms([table])
