"""``amrobust tune`` and ``amrobust run --tuned``, from the search to the judged runs."""

import json
import os
import signal
import sys
import time

import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.runs.store import open_runs
from amrobust.runs.tuning_record import read_tuning

CONVEX = ["--workload", "logistic", "--iterations", "40", "--executor", "local"]
DIGITS = ["--epochs", "3", "--param", "model=mlp", "--batch-size", "64", "--executor", "local", "-q"]


def amrobust(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """msgd and am1 tuned on digits and run with what was chosen."""
    root = tmp_path_factory.mktemp("digits")
    places = ["--runs-dir", root / "runs"]
    done = amrobust(
        "tune", "--opt", "msgd", "--opt", "am1[m=3]", "--lr", "0.001,0.05,0.1", "--seeds", 2, *DIGITS, *places,
        "-o", root / "tuning.json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    run = amrobust("run", "--tuned", root / "tuning.json", "--seeds", 4, "--executor", "local", "-q", *places)
    assert run.exit_code == 0, run.output
    return root, done


@pytest.fixture(scope="module")
def convex(tmp_path_factory):
    root = tmp_path_factory.mktemp("convex")
    done = amrobust(
        "tune", "--opt", "sgd", "--opt", "msgd", "--lr", "0.03,0.1,0.3", *CONVEX, "--runs-dir", root / "runs",
        "-o", root / "tuning.json", "--seeds", 5,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return root, done


class TestTune:
    def test_it_says_every_combination_the_chosen_one_and_what_to_do_next(self, digits):
        root, done = digits
        for method in read_tuning(root / "tuning.json").methods:
            tuning = method.tuning
            assert f"{method.optimizer}: 3 combinations × 2 seeds × 3 epochs, higher is better" in done.stdout
            marked = [line for line in done.stdout.splitlines() if line.startswith("chosen")]
            assert any(f" {tuning.best.mean:.4g} ± " in line for line in marked)
            for trial in tuning.trials:
                assert f"{trial.mean:.4g} ± {trial.std:.2g}" in done.stdout
        assert "validation_accuracy (%)" in done.stdout
        assert (
            f"next: amrobust run --tuned {root / 'tuning.json'} --seeds 20 --runs-dir {root / 'runs'}"
            in done.stdout
        )

    def test_what_it_chose_is_the_best_of_what_its_runs_have(self, digits):
        root, _ = digits
        runs, problems = open_runs([root / "runs" / "tuning"])
        assert not problems
        assert len(runs) == 6
        for method in read_tuning(root / "tuning.json").methods:
            ends = {}
            for run in runs:
                assert run.manifest.complete == (900_000, 900_001)
                assert run.spec.workload_params["validation"] == 0.1
                assert not [metric for metric in run.manifest.facts.metrics if "test" in metric.name]
                if run.spec.optimizer == method.optimizer:
                    values = run.curves()[method.tuning.output]["validation_accuracy"][:, -1]
                    ends[run.spec.hyperparameters["lr"]] = values.mean()
            assert ends[method.hyperparameters["lr"]] == max(ends.values())
            for trial in method.tuning.trials:
                assert trial.mean == pytest.approx(ends[trial.values["lr"]])

    def test_again_it_trains_nothing_and_writes_the_same(self, convex):
        root, _ = convex
        before = (root / "tuning.json").read_bytes()
        done = amrobust(
            "tune", "--opt", "sgd", "--opt", "msgd", "--lr", "0.03,0.1,0.3", *CONVEX, "--runs-dir", root / "runs",
            "-o", root / "tuning.json", "--seeds", 5,
        )  # fmt: skip
        assert "nothing left to train" in done.stderr
        assert (root / "tuning.json").read_bytes() == before

    def test_more_values_train_only_the_new_ones(self, convex):
        root, _ = convex
        done = amrobust(
            "tune", "--opt", "sgd", "--lr", "0.1,0.3,0.5", *CONVEX, "--runs-dir", root / "runs", "--seeds", 5,
            "-o", root / "more.json",
        )  # fmt: skip
        assert "15/15 seeds" in done.stderr
        assert len(list((root / "runs" / "tuning").iterdir())) == 7

    def test_json_is_json_alone(self, convex):
        root, _ = convex
        done = amrobust(
            "tune", "--opt", "sgd", "--lr", "0.03,0.1,0.3", *CONVEX, "--runs-dir", root / "runs", "--seeds", 5, "-q",
            "-o", root / "json.json", "--format", "json",
        )  # fmt: skip
        data = json.loads(done.stdout)
        assert done.stderr == ""
        (method,) = data["methods"]
        assert method["budget_epochs"] == 15 * method["tuning"]["epochs"]
        assert method["trainings"] == 15
        assert method["tuning"]["metric"] == "train_loss"
        assert method["tuning"]["better"] == "lower"
        assert method["tuning"]["validation"] is None
        best = min(method["tuning"]["trials"], key=lambda trial: trial["mean"])
        assert best["values"] == {"lr": method["hyperparameters"]["lr"]}

    def test_a_choice_at_the_edge_is_said_with_its_hint(self, tmp_path):
        done = amrobust(
            "tune", "--opt", "sgd", "--lr", "0.0001,0.001", *CONVEX, "--runs-dir", tmp_path, "-o", tmp_path / "t.json"
        )  # fmt: skip
        assert "ResultWarning: the chosen lr = 0.001 lies at the edge of the grid" in done.stdout
        assert "search further values" in done.stdout

    def test_where_every_combination_diverges_it_fails_in_one_line(self, tmp_path):
        done = amrobust(
            "tune", "--opt", "msgd", "--lr", "1e20,1e25", *DIGITS, "--seeds", 1, "--runs-dir", tmp_path,
            "-o", tmp_path / "t.json",
        )  # fmt: skip
        assert done.exit_code == 1
        assert "diverged in each of the 2 combinations" in done.stderr
        assert not (tmp_path / "t.json").exists()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "no method is given"),
            (["--opt", "msgd"], "nothing to choose from"),
            (["--opt", "msgd", "--lr", "0.1,-1"], "lr"),
            (["--opt", "msgd", "--lr", "0.1,0.2", "--param", "batch_size=16,32"], "one workload at a time"),
            (["--opt", "msgd", "--lr", "0.1,0.2", "--validation", "1"], "--validation"),
            (
                ["--opt", "msgd", "--lr", "0.1,0.2", "--validation", "0.2", "--param", "validation=0.3"],
                "twice",
            ),
            (
                ["--opt", "sgd", "--lr", "0.1,0.2", *CONVEX, "--validation", "0.2"],
                "no parameter 'validation'",
            ),
            (
                ["--opt", "sgd", "--lr", "0.1,0.2", "--workload", "imagenet"],
                "a test set is not to be tuned on",
            ),
            (["--opt", "msgd", "--lr", "0.1,0.2", "--seeds", "1001"], "--seeds"),
            (["--opt", "msgd", "--lr", "0.1,0.2", "-o", "nowhere/t.json"], "there is no directory"),
            (["--opt", "zgd", "--lr", "0.1,0.2"], "no optimizer is called 'zgd'"),
            (["--opt", "msgd", "--lr", "0.1,0.2", "--x0s", "2"], "--x0s"),
        ],
    )
    def test_bad_usage_is_one_line_and_status_2(self, tmp_path, monkeypatch, arguments, message):
        monkeypatch.chdir(tmp_path)
        done = amrobust("tune", *arguments)
        assert done.exit_code == 2
        assert message in done.stderr
        assert not list(tmp_path.iterdir())

    @pytest.mark.skipif(sys.platform == "win32", reason="signals")
    def test_ctrl_c_keeps_what_is_done_and_the_same_resumes(self, server, tmp_path):
        command = [
            "tune", "--opt", "msgd",
            "--lr", "0.01,0.1", "--seeds", "40", "--batching", "none", "--epochs", "4", "--param", "model=mlp",
            "--executor", "local", "--runs-dir", str(tmp_path), "-o", str(tmp_path / "t.json"),
        ]  # fmt: skip
        process = server.start(*command)
        deadline = time.monotonic() + 240
        while not list(tmp_path.glob("tuning/*/curves-*")) and time.monotonic() < deadline:
            assert process.running()
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait() == 130
        assert not (tmp_path / "t.json").exists()
        runs, _ = open_runs([tmp_path / "tuning"])
        assert 0 < sum(len(run.manifest.complete) for run in runs) < 80


class TestTunedRuns:
    def test_they_have_what_was_chosen_the_full_training_set_and_judged_seeds(self, digits):
        root, _ = digits
        found = read_tuning(root / "tuning.json")
        runs, problems = open_runs([root / "runs"])
        assert not problems
        assert len(runs) == 2
        for run in runs:
            (method,) = (m for m in found.methods if m.optimizer == run.spec.optimizer)
            assert run.spec.hyperparameters == method.hyperparameters
            assert "validation" not in run.spec.workload_params
            assert run.spec.workload_params["model"] == "mlp"
            assert run.manifest.complete == (0, 1, 2, 3)
            assert run.manifest.tuning == method.tuning
            assert run.manifest.facts.metrics[0].name == "test_accuracy"

    def test_show_has_how_it_was_tuned(self, digits):
        root, _ = digits
        (msgd,) = (root / "runs").glob("digits-msgd-*")
        done = amrobust("show", msgd)
        assert "3 combinations × 2 seeds × 3 epochs" in done.stdout
        assert "lr = 0.001, 0.05, 0.1" in done.stdout
        assert "amrobust tune --opt msgd" in done.stdout
        assert json.loads(amrobust("show", msgd, "--format", "json").stdout)["tuning"]["seeds"] == [
            900_000,
            900_001,
        ]
        plain = amrobust("run", "--opt", "sgd", *CONVEX, "--seeds", 1, "--runs-dir", root / "plain", "-q")
        assert plain.exit_code == 0
        (sgd,) = (root / "plain").iterdir()
        assert "not recorded" in amrobust("show", sgd).stdout

    def test_the_command_it_shows_tunes_the_same_again(self, digits, tmp_path):
        import shlex

        root, _ = digits
        (msgd,) = (root / "runs").glob("digits-msgd-*")
        data = amrobust("show", msgd).stdout.splitlines()
        (command,) = (line for line in data if "amrobust tune" in line)
        words = shlex.split(command[command.index("amrobust tune") :])[1:]
        before = sorted(path.name for path in (root / "runs" / "tuning").iterdir())
        done = amrobust(
            *words, "--executor", "local", "--runs-dir", root / "runs", "-o", tmp_path / "again.json"
        )
        assert done.exit_code == 0, done.output
        assert "nothing left to train" in done.stderr
        assert sorted(path.name for path in (root / "runs" / "tuning").iterdir()) == before
        (again,) = read_tuning(tmp_path / "again.json").methods
        assert again in read_tuning(root / "tuning.json").methods

    def test_streams_and_starting_point_of_the_search_are_shown_and_kept(self, tmp_path):
        file, runs = tmp_path / "t.json", ["--runs-dir", tmp_path / "runs", "--executor", "local", "-q"]
        done = amrobust(
            "tune", "--opt", "am1", "--lr", "0.05,0.1", *CONVEX, *runs, "-o", file, "--seeds", 2, "--paired",
            "--root-seed", 7, "--x0", 1, "--by", "I",
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        assert amrobust("run", "--tuned", file, "--seeds", 2, *runs).exit_code == 0
        assert (
            amrobust("run", "--tuned", file, "--seeds", 2, "--x0", 0, "--root-seed", 8, *runs).exit_code == 0
        )
        found, _ = open_runs([tmp_path / "runs"])
        assert {(run.spec.root_seed, run.spec.x0_index, run.spec.paired) for run in found} == {
            (7, 1, False), (8, 0, False),
        }  # fmt: skip
        for run in found:
            assert "--seeds 2 --by I --root-seed 7 --x0 1 --paired" in amrobust("show", run.path).stdout

    def test_one_method_of_the_file_alone(self, convex, tmp_path):
        root, _ = convex
        done = amrobust(
            "run", "--tuned", root / "tuning.json", "--opt", "msgd", "--executor", "local", "--runs-dir", tmp_path,
            "--seeds", 3, "--format", "json",
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        (run,), _ = open_runs([tmp_path])
        assert run.spec.optimizer == "msgd"
        assert run.manifest.tuning is not None

    def test_the_same_method_without_the_file_is_the_same_run(self, convex, tmp_path):
        root, _ = convex
        method = next(m for m in read_tuning(root / "tuning.json").methods if m.optimizer == "sgd")
        lr = method.hyperparameters["lr"]
        common = ["--executor", "local", "--runs-dir", tmp_path, "-q"]
        amrobust("run", "--opt", "sgd", "--lr", lr, *CONVEX, "--runs-dir", tmp_path, "--seeds", 3)
        done = amrobust(
            "run", "--tuned", root / "tuning.json", "--opt", f"sgd[lr={lr}]", *common, "--seeds", 3
        )
        assert done.exit_code == 0, done.output
        (run,), _ = open_runs([tmp_path])
        assert run.manifest.tuning == method.tuning

    def test_collect_takes_the_file_too(self, digits):
        root, _ = digits
        done = amrobust("status", "--tuned", root / "tuning.json", "--seeds", 5, "--runs-dir", root / "runs")
        assert done.stdout.count("4/5") >= 2

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--lr", "0.1"], "--lr and --tuned cannot be given together"),
            (["--workload", "digits"], "--workload and --tuned"),
            (["--param", "sigma=2"], "--param and --tuned"),
            (["--opt", "am2"], "am2 is not among the methods that were tuned: choose from sgd, msgd"),
            (["--opt", "sgd[lr=7]"], "is not among the methods"),
            (["--epochs", "3"], "epochs"),
            (["--seeds", "900002"], "900,000 is one of those that the method was tuned on"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, convex, tmp_path, arguments, message):
        root, _ = convex
        done = amrobust(
            "run",
            "--tuned",
            root / "tuning.json",
            "--executor",
            "local",
            "--runs-dir",
            tmp_path / "r",
            *arguments,
        )
        assert done.exit_code == 2
        assert message in done.stderr

    def test_another_file_is_refused(self, tmp_path):
        (tmp_path / "t.json").write_text("{}")
        done = amrobust("run", "--tuned", tmp_path / "t.json")
        assert done.exit_code == 2
        assert "is no record of a tuning" in done.stderr
