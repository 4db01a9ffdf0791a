"""``amrobust run`` with several methods and values, or a file that says what to run."""

import io
import json
import re
import shlex

import pytest
from click.testing import CliRunner
from made_up_data import put_fashion
from made_up_runs import outcome, spec
from rich.console import Console
from rich.progress import Progress, TextColumn

from amrobust.cli import main, progress
from amrobust.train.counting import duration
from amrobust.train.reporter import RunResult

QUICK = ["--workload", "logistic", "--iterations", "40", "--executor", "local"]


def amrobust(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def hyperparameters(directory):
    """Optimizer and hyperparameters of every run, weight decay and theorem apart."""
    found = []
    for path in directory.glob("*/manifest.json"):
        spec = json.loads(path.read_text())["spec"]
        chosen = {k: v for k, v in spec["hyperparameters"].items() if k in ("momentum", "m", "lr")}
        found.append((spec["optimizer"], chosen))
    return sorted(found, key=str)


class TestWhatIsAskedFor:
    def test_every_combination_of_methods_and_values_is_a_run(self, tmp_path):
        done = amrobust(
            "run", "--opt", "msgd", "--opt", "am1[m=3,5]", "--beta", "0.9,0.99", *QUICK, "--seeds", 3, "--runs-dir", tmp_path
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        expected = [("am1", {"lr": 0.1, "momentum": b, "m": m}) for m in (3, 5) for b in (0.9, 0.99)]
        expected += [("msgd", {"lr": 0.1, "momentum": b}) for b in (0.9, 0.99)]
        assert hyperparameters(tmp_path) == sorted(expected, key=str)
        assert done.stdout.count("3/3") == 4 * 2 + 2
        assert "trained 18 seeds of 6 runs" in done.stdout
        assert "6 runs of 3 seeds, on this process" in done.stderr
        assert "6/6 runs on this process; 18/18 seeds" in done.stderr

    def test_a_named_hyperparameter_is_for_the_methods_that_have_it(self, tmp_path):
        done = amrobust(
            "run", "--opt", "sgd", "--opt", "am1", "--m", "3", *QUICK, "--seeds", 2, "--runs-dir", tmp_path
        )
        assert done.exit_code == 0, done.output
        assert hyperparameters(tmp_path) == [
            ("am1", {"lr": 0.1, "momentum": 0.9, "m": 3}),
            ("sgd", {"lr": 0.1}),
        ]

    def test_parameters_of_the_workload_make_a_grid_too(self, tmp_path):
        done = amrobust(
            "run", "--opt", "sgd", "--param", "sigma=1,2", *QUICK, "--seeds", 2, "--runs-dir", tmp_path
        )
        assert done.exit_code == 0, done.output
        assert len(hyperparameters(tmp_path)) == 2
        assert "logistic[iterations=40,sigma=2.0]" not in done.stderr

    def test_the_shares_after_which_the_rate_drops_are_one_value(self, tmp_path):
        put_fashion(tmp_path / "data", train=40, test=20)
        small = ["--workload", "fashion-mnist", "--batch-size", 8, "--epochs", 4, "--seeds", 1]
        place = ["--executor", "local", "--data-dir", tmp_path / "data", "--runs-dir"]
        for number, drops in enumerate(
            (["--param", "drops=1/4,1/2,3/4"], ["--opt", "sgd[drops=1/4,1/2,3/4]"])
        ):
            method = ["--opt", "sgd"] if drops[0] == "--param" else []
            done = amrobust("run", *method, *drops, *small, *place, tmp_path / f"{number}")
            assert done.exit_code == 0, done.output
            (made,) = (tmp_path / f"{number}").glob("*/manifest.json")
            assert json.loads(made.read_text())["spec"]["workload_params"]["drops"] == "1/4,1/2,3/4"

    def test_the_command_that_makes_a_run_again_makes_that_run(self, tmp_path):
        put_fashion(tmp_path / "data", train=40, test=20)
        small = ["--workload", "fashion-mnist", "--batch-size", 8, "--epochs", 3, "--seeds", 1]
        place = ["--executor", "local", "--data-dir", tmp_path / "data", "--runs-dir"]
        assert amrobust("run", "--opt", "am1", *small, *place, tmp_path / "one").exit_code == 0
        (made,) = (tmp_path / "one").glob("*/manifest.json")
        (again,) = re.findall(r"^again +amrobust (.*)$", amrobust("show", made.parent).stdout, re.MULTILINE)
        done = amrobust(*shlex.split(again), *place, tmp_path / "two")
        assert done.exit_code == 0, done.output
        assert [path.parent.name for path in (tmp_path / "two").glob("*/manifest.json")] == [made.parent.name]

    def test_a_file_and_the_same_again(self, tmp_path):
        (tmp_path / "grid.toml").write_text(
            'workload = "logistic"\nseeds = 2\nworkload_params = { iterations = 40 }\n'
            'methods = [{ opt = "sgd" }, { opt = "msgd", momentum = [0.5, 0.9] }]\n'
        )
        arguments = [
            "run",
            "--spec",
            tmp_path / "grid.toml",
            "--executor",
            "local",
            "--runs-dir",
            tmp_path / "runs",
        ]
        assert amrobust(*arguments).exit_code == 0
        assert len(hyperparameters(tmp_path / "runs")) == 3
        done = amrobust(*arguments, "--format", "json")
        assert {row["seeds_trained"] for row in json.loads(done.stdout)["runs"]} == {0}
        assert "nothing left to train" in done.stderr
        more = json.loads(amrobust(*arguments, "--seeds", 3, "--format", "json", "-q").stdout)
        assert {(row["seeds_trained"], row["seeds_complete"]) for row in more["runs"]} == {(1, 3)}

    def test_one_run_of_a_grid_is_the_run_of_its_own_command(self, tmp_path):
        alone = ["--opt", "am1[m=3]", *QUICK, "--seeds", 2, "--runs-dir", tmp_path]
        amrobust("run", *alone)
        done = amrobust("run", "--opt", "sgd", *alone, "--format", "json")
        assert [row["seeds_trained"] for row in json.loads(done.stdout)["runs"]] == [2, 0]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--opt", "sgd", "--opt", "msgd", "--m", "4"], "has no 'm'"),
            (["--opt", "sgd", "--beta", "0.9,"], "not a number"),
            (["--opt", "sgd", "--lr", "0.1;0.2"], "not a number"),
            (["--opt", "am1", "--m", "3,2.5"], "not an integer"),
            (["--opt", "am1[m=3,,5]"], "name=value"),
            (["--opt", "am1[3,m=5]"], "name=value"),
            (["--opt", "am1[m=3,5]", "--opt", "am1[epochs=3]"], "use --param"),
            (["--opt", "sgd", "--param", "batch_size=,"], "no list of values"),
            (["--opt", "sgd", "--opt", "zgd"], "no optimizer is called 'zgd'"),
            (["--spec", "nowhere.toml"], "does not exist"),
            (
                ["--opt", "sgd", "--address", "10.0.0.1:6379"],
                "--address: the processes executor has no use for it",
            ),
            (
                ["--opt", "sgd", "--opt", "msgd", "--gpus-per-task", "0.5"],
                "--gpus-per-task and --max-retries for both",
            ),
            (["--opt", "sgd", "--executor", "ray", "--gpus-per-task", "1.5"], "neither a share of one GPU"),
        ],
    )
    def test_bad_usage_is_one_line_and_status_2(self, tmp_path, arguments, message):
        done = amrobust("run", *arguments, "--runs-dir", tmp_path)
        assert done.exit_code == 2
        assert message in done.stderr
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("extra", [["--opt", "sgd"], ["--lr", "0.1"], ["--x0s", "2"], ["--paired"]])
    def test_a_file_leaves_nothing_to_options(self, tmp_path, extra):
        (tmp_path / "grid.toml").write_text('methods = [{ opt = "sgd" }]')
        done = amrobust("run", "--spec", tmp_path / "grid.toml", *extra)
        assert done.exit_code == 2
        assert f"{extra[0]} and --spec cannot be given together" in done.stderr

    def test_a_default_from_a_file_may_be_one_method_or_several(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for text, runs in (('opt = "sgd"', 1), ('opt = ["sgd", "msgd"]\nmomentum = 0.5', 2)):
            (tmp_path / "pyproject.toml").write_text(f"[tool.amrobust.run]\n{text}\n")
            done = amrobust("run", *QUICK, "--seeds", 2, "--runs-dir", tmp_path / str(runs))
            assert done.exit_code == 0, done.output
            assert len(hyperparameters(tmp_path / str(runs))) == runs


def test_what_fails_stops_nothing_else_and_is_status_1(tmp_path):
    ask = ["--opt", "sgd", "--opt", "msgd", "--opt", "am1", *QUICK, "--seeds", 2, "--runs-dir", tmp_path]
    amrobust("run", *ask)
    (broken,) = tmp_path.glob("logistic-sgd-*/manifest.json")
    broken.write_text("{}")
    done = amrobust("run", *ask, "--seeds", 3)
    assert done.exit_code == 1
    assert "check --repair" in done.stderr
    assert done.stdout.count("3/3") == 3
    assert "failed" in done.stdout
    assert "next: amrobust compare" in done.stdout


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (6_000, "1.7 h"), (172_800, "2.0 days")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


FAILED = RunResult(spec(), None, "digits", "", "", (), 2, 1, 0, error="no room")


@pytest.fixture
def screen():
    """A bar on a terminal, and what is written to it."""
    written = io.StringIO()
    columns = (
        TextColumn("{task.description}"),
        TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[counts]}{task.fields[remaining]}"),
    )
    console = Console(file=written, force_terminal=True, width=160, highlight=False)
    with Progress(*columns, console=console) as shown:
        yield progress._Bar(shown), written, shown


def test_the_display_on_a_terminal(screen):
    bar, written, shown = screen
    bar.planned(2, 3, "2 processes")
    bar.started("digits-am1-1", 3, 1)
    bar.advanced(1.0, 50.0)
    bar.seed_done("digits-am1-1", outcome(1))
    bar.seed_done("digits-am1-1", outcome(2, curves={}, error="no room"))
    bar.advanced(2.0, 40.0)
    bar.run_done(FAILED)
    shown.refresh()
    said = written.getvalue()
    assert "digits-am1-1: seed 2 failed: no room" in said
    assert "1/2 runs on 2 processes, 1 seeds failed" in said
    assert "3/6 3/6 seeds, about 40 s remaining" in said


def test_a_stack_moves_the_bar_before_any_of_its_seeds_is_done(screen):
    bar, written, shown = screen
    bar.planned(1, 20, "1 process")
    bar.started("digits-am1-1", 20, 0)
    bar.advanced(5.0, 90.0)
    shown.refresh()
    assert "digits-am1-1 5/20 0/20 seeds (25%), about 90 s remaining" in written.getvalue()


class TestLines:
    @pytest.fixture
    def now(self, monkeypatch):
        now = [100.0]
        monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
        return now

    def test_one_run(self, now, capsys):
        lines = progress._Lines()
        lines.planned(1, 10, "2 processes")
        lines.started("digits-am1-1", 10, 4)
        lines.note("digits-am1-1", "seeds are trained one by one")
        lines.advanced(1.5, 60.0)
        lines.advanced(1.6, 60.0)
        now[0] += progress.LINE_INTERVAL
        lines.seed_done("digits-am1-1", outcome(4))
        lines.run_done(FAILED)
        assert capsys.readouterr().err.splitlines() == [
            "digits-am1-1: 4 of 10 seeds are there, 6 to train on 2 processes",
            "digits-am1-1: seeds are trained one by one",
            "digits-am1-1; 4/10 seeds (55%), about 60 s remaining",
            "digits-am1-1; 5/10 seeds (56%), about 60 s remaining",
            "digits-am1-1; 5/10 seeds (56%)",
        ]

    def test_a_training_of_hours_says_less_often_how_far_it_is(self, now, capsys):
        lines = progress._Lines()
        lines.planned(1, 10, "2 processes")
        lines.started("digits-am1-1", 10, 0)
        for second in range(7200):
            now[0] = 100.0 + second
            lines.advanced(second / 720, 7200.0 - second)
        assert 200 < len(capsys.readouterr().err.splitlines()) < 500
