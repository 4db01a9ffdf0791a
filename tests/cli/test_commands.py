"""The commands as a user types them: what they print, what they refuse and with which exit status."""

import json
import shlex
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
from click.testing import CliRunner

from amrobust.cli import main

QUICK = ["--workload", "logistic", "--iterations", "60", "--executor", "local", "--seeds", "6"]


def amrobust(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """sgd, msgd and am1 on the convex problem, 6 seeds each."""
    directory = tmp_path_factory.mktemp("runs")
    for opt in ("sgd", "msgd", "am1"):
        done = amrobust("run", "--opt", opt, *QUICK, "--runs-dir", directory)
        assert done.exit_code == 0, done.output
    return directory


class TestRun:
    def test_it_ends_with_results_speed_place_and_what_to_do_next(self, tmp_path):
        done = amrobust("run", "--opt", "am1", "--m", 3, *QUICK, "--runs-dir", tmp_path)
        assert done.exit_code == 0
        for text in (
            "am1[m=3]/I ",
            "am1[m=3]/II",
            "STD of 6 seeds",
            "seeds x epochs/s",
            f"next: amrobust compare {tmp_path}",
        ):
            assert text in done.stdout
        assert "6 to train" in done.stderr

    def test_again_it_does_nothing_and_says_so(self, runs):
        done = amrobust("run", "--opt", "sgd", *QUICK, "--runs-dir", runs)
        assert done.exit_code == 0
        assert "nothing left to train" in done.stderr

    def test_json_is_json_alone(self, runs):
        done = amrobust("run", "--opt", "sgd", *QUICK, "--runs-dir", runs, "--format", "json", "--quiet")
        data = json.loads(done.stdout)
        assert data["seeds_complete"] == 6
        assert done.stderr == ""

    def test_brackets_and_flags_mean_the_same_run(self, tmp_path):
        for arguments in (["--opt", "am1[m=3,lr=0.2]"], ["--opt", "am1", "--m", 3, "--param", "lr=0.2"]):
            assert amrobust("run", *arguments, *QUICK, "--runs-dir", tmp_path).exit_code == 0
        assert len(list(tmp_path.glob("logistic-am1-*"))) == 1

    def test_models_of_digits_stacked_and_one_by_one(self, tmp_path):
        for batching, stacked in (("auto", ", up to 3 seeds together"), ("none", "")):
            place = tmp_path / batching
            short = ["--param", "model=mlp", "--param", "lr_drops=0", "--epochs", "1", "--seeds", "3"]
            done = amrobust(
                "run",
                "--opt",
                "am1",
                *short,
                "--executor",
                "local",
                "--batching",
                batching,
                "--runs-dir",
                place,
            )
            assert done.exit_code == 0, done.output
            shown = amrobust("show", "digits-am1", "--runs-dir", place).stdout
            assert "model         mlp" in shown
            assert f", local{stacked}\n" in shown

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--opt", "sgd", "--batching", "all"], "--batching"),
            (["--opt", "sgd", "--param", "model=vgg"], "one of cnn, mlp, resnet8"),
            (["--opt", "sgd", "--param", "clip_norm=0"], "clip_norm"),
            ([], "--opt"),
            (["--opt", "amm1"], "did you mean 'am1'"),
            (["--opt", "am1[m=3"], "name[param=value"),
            (["--opt", "am1[m=3,m=4]"], "twice"),
            (["--opt", "am1[m=3]", "--m", "4"], "twice"),
            (["--opt", "sgd", "--m", "4"], "sgd has no 'm'"),
            (["--opt", "sgd", "--sigma", "1"], "digits has no parameter 'sigma'"),
            (["--opt", "sgd", "--param", "lr"], "name=value"),
            (["--opt", "sgd", "--lr", "-1"], "above 0"),
            (["--opt", "sgd", "--workload", "zzz"], "choose one of"),
            (["--opt", "sgd", "--seeds", "0"], "--seeds"),
            (["--opt", "sgd", "--epochs", "0"], "epochs"),
        ],
    )
    def test_bad_usage_is_one_line_and_status_2(self, tmp_path, arguments, message):
        done = amrobust("run", *arguments, "--runs-dir", tmp_path)
        assert done.exit_code == 2
        assert message in done.stderr
        assert "Traceback" not in done.output
        assert not list(tmp_path.iterdir())

    def test_data_that_is_none(self, tmp_path):
        path = tmp_path / "data"
        path.write_text("no LIBSVM\n")
        done = amrobust(
            "run", "--opt", "sgd", "--workload", "logistic", "--data", path, "--runs-dir", tmp_path / "runs"
        )
        assert done.exit_code == 2
        assert "LIBSVM" in done.stderr


class TestListShowExport:
    def test_list(self, runs):
        done = amrobust("list", runs)
        assert done.stdout.count("6/6") == 3
        data = json.loads(amrobust("list", runs, "--format", "json").stdout)
        assert {method for run in data["runs"] for method in run["methods"]} >= {
            "sgd",
            "msgd",
            "am1[m=10]/II",
        }

    def test_show(self, runs):
        done = amrobust("show", "logistic-am1", "--runs-dir", runs)
        assert "am1[m=10]/I, am1[m=10]/II" in done.stdout
        assert "amrobust run --opt am1" in done.stdout
        again = next(line for line in done.stdout.splitlines() if line.startswith("again"))
        assert again.endswith(f"--runs-dir {runs}")
        repeated = amrobust(*shlex.split(again)[2:])
        assert "nothing left to train" in repeated.stderr
        data = json.loads(amrobust("show", "logistic-am1", "--runs-dir", runs, "--format", "json").stdout)
        assert data["spec"]["optimizer"] == "am1"

    def test_what_is_exported_can_be_compared_and_gives_the_same_numbers(self, runs, tmp_path):
        path = tmp_path / "curves.csv"
        assert amrobust("export", runs, "--metric", "train_loss", "-o", path).exit_code == 0
        ours = json.loads(amrobust("compare", runs, "--format", "json").stdout)
        theirs = json.loads(amrobust("compare", path, "--format", "json").stdout)

        def numbers(data):
            return {
                (claim["claim"]["method"], claim["claim"]["kind"]): claim["p"]
                for compared in data["groups"]
                for claim in compared["verdicts"]
                if not claim["claim"]["method"].startswith(
                    "am1"
                )  # a CSV does not know that two outputs are paired
            }

        assert numbers(ours)
        assert numbers(ours) == pytest.approx(numbers(theirs))

    def test_export_as_json(self, runs):
        rows = json.loads(amrobust("export", runs, "--metric", "grad_norm", "--format", "json").stdout)
        assert {row["metric"] for row in rows} == {"grad_norm"}
        assert len(rows) == 4 * 6 * 3

    def test_formulas_in_names_are_disarmed(self, tmp_path):
        path = tmp_path / "x.csv"
        path.write_text("method,seed,step,value\n=cmd(),0,1,5\n")
        assert "'=cmd()" in amrobust("export", path).stdout

    @pytest.mark.parametrize(
        ("arguments", "status", "message"),
        [
            (["list", "nowhere"], 2, "cannot read"),
            (["show", "nothing", "--runs-dir", "."], 2, "amrobust list"),
            (["export", "nowhere"], 2, "does not exist"),
            (["liist"], 2, "Did you mean 'list'"),
        ],
    )
    def test_what_is_not_there(self, tmp_path, monkeypatch, arguments, status, message):
        monkeypatch.chdir(tmp_path)
        done = amrobust(*arguments)
        assert done.exit_code == status
        assert message in done.stderr


class TestCompare:
    def test_the_table(self, runs):
        done = amrobust("compare", runs, "-v")
        assert done.exit_code == 0
        for text in ("M-SGD", "AM1-SGD (m = 10), II", "Avg. STD", "Holm", "jackknife", "Warnings"):
            assert text in done.stdout

    @pytest.mark.parametrize("form", ["json", "csv", "latex", "markdown"])
    def test_every_format(self, runs, form):
        done = amrobust("compare", runs, "--format", form)
        assert done.exit_code == 0
        assert ("am1" if form in ("json", "csv") else "AM1-SGD (m = 10), I") in done.stdout

    @pytest.mark.parametrize(
        "test", ["jackknife", "permutation", "levene", "bartlett", "fligner", "f", "swap"]
    )
    @pytest.mark.parametrize("center", ["median", "mean", "trimmed"])
    def test_every_test(self, runs, test, center):
        done = amrobust(
            "compare", runs, "--test", test, "--center", center, "--margin", "0.01", "--pairs", "all"
        )
        assert done.exit_code == 0, done.output

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--metric", "accuracy"], "choose one of"),
            (["--baseline", "adam"], "not among the methods"),
            (["--test", "magic"], "jackknife"),
            (["--margin", "-1"], "margin"),
            (["--alpha", "0"], "alpha"),
            (["--final", "best"], "mean:K"),
        ],
    )
    def test_bad_usage(self, runs, arguments, message):
        done = amrobust("compare", runs, *arguments)
        assert done.exit_code == 2
        assert message in done.stderr

    def test_a_broken_run_is_named_and_the_rest_compared(self, runs, tmp_path):
        import shutil

        copy = tmp_path / "copy"
        shutil.copytree(runs, copy)
        (victim,) = copy.glob("logistic-sgd-*")
        (path,) = victim.glob("*.parquet")
        path.write_bytes(path.read_bytes()[:50])
        done = amrobust("compare", copy)
        assert done.exit_code == 0
        assert victim.name in done.output
        assert "M-SGD" in done.stdout

    def test_an_empty_directory(self, tmp_path):
        done = amrobust("compare", tmp_path)
        assert done.exit_code == 2
        assert "amrobust run" in done.stderr


class TestAnalyze:
    DECLARED = """
title = "Convex"
question = "Is AM1-SGD steadier?"
workload = "logistic"
metric = "train_loss"
baseline = "msgd"
seeds = 6
[workload_params]
iterations = 60
[[methods]]
opt = "msgd"
[[methods]]
opt = "am1"
[[claims]]
kind = "less Avg. STD"
method = "am1[m=10]/II"
"""

    def test_it_runs_judges_and_writes_its_report(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        path = tmp_path / "mine.toml"
        path.write_text(self.DECLARED)
        done = amrobust("analyze", path, "--executor", "local")
        assert done.exit_code == 0, done.output
        assert "Is AM1-SGD steadier?" in done.stdout
        assert "1 claim" in done.stdout
        assert (tmp_path / "mine.pdf").read_bytes().startswith(b"%PDF-")
        quiet = amrobust("analyze", path, "--executor", "local", "-q", "-o", tmp_path / "quiet.html")
        assert (quiet.exit_code, quiet.stderr) == (0, "")
        again = amrobust("analyze", path, "--executor", "local", "-o", tmp_path / "again.pdf")
        assert "2 runs of 6 seeds, on this process" in again.stderr
        assert "2/2 runs on this process; 12/12 seeds" in again.stderr

    def test_options_of_a_cluster_are_for_its_executors_alone(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        path = tmp_path / "mine.toml"
        path.write_text(self.DECLARED)
        done = amrobust("analyze", path, "--executor", "local", "--max-retries", 1)
        assert done.exit_code == 2
        assert "--max-retries: the local executor has no use for it" in done.stderr

    def test_unknown_names(self):
        done = amrobust("analyze", "table99")
        assert done.exit_code == 2
        assert "demo" in done.stderr


def test_comparing_and_listing_never_import_torch(runs):
    code = (
        "import sys; from amrobust.cli import main\n"
        "for arguments in (['list', sys.argv[1]], ['compare', sys.argv[1]], ['export', sys.argv[1]]):\n"
        "    try: main(arguments)\n"
        "    except SystemExit as stop: assert not stop.code, stop.code\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(runs)], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr


class TestJudgeTable:
    def test_the_papers_table_in_every_format(self):
        for form in ("table", "json", "csv", "latex", "markdown"):
            done = amrobust("judge-table", "--table", "table1", "--margin", "0.5", "--format", form)
            assert done.exit_code == 0, done.output
            assert "AM1-SGD" in done.stdout

    def test_a_file_that_is_none(self, tmp_path):
        path = tmp_path / "x.toml"
        path.write_text("rows = 5")
        done = amrobust("judge-table", path)
        assert done.exit_code == 2
        assert "Traceback" not in done.output


class TestPlan:
    QUICK = ("--replications", "100", "--shape", "normal")

    @pytest.mark.parametrize(
        "arguments",
        [["--ratio", "2"], ["--ratio", "0.5", "--test", "levene"], ["--margin", "1.5"], ["--difference", "1"],
         ["--ratio", "2", "--curves", "10", "--family", "3"],
         ["--claim", "no more spread", "--margin", "2"], ["--claim", "diverges less", "--rates", "0.1,0.6"],
         ["--claim", "non-inferior", "--claim", "less Avg. STD", "--margin", "1.5", "--ratio", "2", "--curves", "9"]],
    )  # fmt: skip
    def test_it_ends_with_the_seeds_needed(self, arguments):
        done = amrobust("plan", *arguments, *self.QUICK)
        assert done.exit_code == 0, done.output
        assert "seeds per method reach a power of 80%" in done.stdout

    def test_the_power_at_a_number_of_seeds_as_json(self):
        data = json.loads(
            amrobust("plan", "--ratio", "3", "--seeds", "10", "--format", "json", *self.QUICK).stdout
        )
        found = data["shapes"]["normal"]["found"]
        assert found["n"] == 10
        assert 0.6 < found["power"] < 0.9

    def test_a_simulated_difference_of_means_stands_beside_the_noncentral_t(self):
        arguments = ("plan", "--difference", "-0.9", "--seeds", "15", "--family", "2", *self.QUICK)
        data = json.loads(amrobust(*arguments, "--format", "json").stdout)
        n, level = 15, 0.025
        critical, shift = scipy.stats.t.isf(level / 2, 2 * n - 2), 0.9 * (n / 2) ** 0.5
        exact = scipy.stats.nct.sf(critical, 2 * n - 2, shift) + scipy.stats.nct.cdf(
            -critical, 2 * n - 2, shift
        )
        assert data["noncentral_t"] == pytest.approx(exact, abs=1e-6)
        found = data["shapes"]["normal"]["found"]
        assert found["low"] < exact < found["high"]
        assert f"power {exact:.1%} at 15 normal seeds" in amrobust(*arguments).stdout

    def test_a_pilot_takes_the_place_of_assumptions(self, tmp_path):
        rng, table = np.random.default_rng(0), tmp_path / "t.csv"
        rows = [
            f"{m},{i},{90 + s * rng.normal():.4f}" for m, s in (("sgd", 3.0), ("adam", 0.5)) for i in range(8)
        ]
        table.write_text("\n".join(["method,seed,accuracy", *rows]))
        done = amrobust("plan", table, "--metric", "accuracy:higher", "--baseline", "sgd", *self.QUICK)
        assert done.exit_code == 0, done.output
        (line,) = (line for line in done.stdout.splitlines() if line.startswith("less spread: adam vs sgd"))
        assert "supported" in line
        data = json.loads(
            amrobust("plan", table, "--metric", "accuracy", "--format", "json", *self.QUICK).stdout
        )
        spread = data[1]
        assert spread["claim"]["kind"] == "less spread"
        assert spread["range"]["low"] <= spread["seeds"]["normal"]["n"]
        for arguments, message in ((["--ratio", "2"], "leave out one"), (["--looks", "8,12"], "looks")):
            refused = amrobust("plan", table, "--metric", "accuracy", *arguments)
            assert refused.exit_code == 2
            assert message in refused.stderr

    def test_a_projects_defaults_are_not_said_of_a_study_that_is_assumed(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "pyproject.toml").write_text('[tool.amrobust]\nbaseline = "sgd"\n')
        done = amrobust("plan", "--ratio", 2, "--seeds", 5, "--replications", 100)
        assert done.exit_code == 0, done.output

    @pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
    def test_the_power_curve(self, tmp_path, suffix):
        paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
        for path in paths:
            assert amrobust("plan", "--ratio", "3", "-o", path, *self.QUICK).exit_code == 0
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert paths[0].stat().st_size > 2000

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "give a pilot's RUNS, or one of --ratio"),
            (["--ratio", "2", "--margin", "1"], "or one of --ratio"),
            (["--ratio", "1"], "do not reach"),
            (["--ratio", "2", "--baseline", "sgd"], "--baseline is about a pilot's runs"),
            (["--claim", "trend"], "is planned from a pilot"),
            (["--claim", "less bread"], "no claim is called"),
            (["--claim", "comparable spread"], "needs a --margin"),
            (["--claim", "less spread", "--margin", "1"], "takes none"),
            (["--claim", "comparable spread", "--claim", "equivalent mean", "--margin", "2"], "and not both"),
            (["--claim", "diverges less", "--rates", "0.1"], "--rates are two"),
            (["--claim", "diverges less", "--rates", "0.1,7"], "between 0 and 1"),
            (["--ratio", "2", "-o", "x.txt"], "must end in"),
            (["--ratio", "2", "--seeds", "9", "-o", "x.pdf"], "leave out"),
        ],
    )
    def test_bad_usage(self, arguments, message):
        done = amrobust("plan", *arguments, *self.QUICK)
        assert done.exit_code == 2
        assert message in done.stderr
