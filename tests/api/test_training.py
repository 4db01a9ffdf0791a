"""``amrobust.run``: the command in Python, with the runs that it made."""

import doctest
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import amrobust
from amrobust.api import training
from amrobust.cli import main
from amrobust.errors import RunError, UserError
from amrobust.runs.store import open_runs

CONVEX = {"workload": "logistic", "params": {"iterations": 40}, "executor": "local"}


def command(*arguments):
    done = CliRunner().invoke(main, ["run", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def identities(directory):
    return {run.manifest.identity: run.manifest.complete for run in open_runs([directory])[0]}


def test_it_makes_the_runs_that_the_command_makes(tmp_path):
    runs = amrobust.run(
        {"sgd": {"lr": 0.1}, "msgd": {"lr": [0.05, 0.1], "momentum": 0.8}},
        workload="logistic",
        params={"iterations": 40, "sigma": [1.0, 2.0]},
        seeds=4,
        root_seed=3,
        x0s=2,
        paired=True,
        runs_dir=tmp_path / "python",
        executor="local",
    )
    for sigma in (1, 2):
        command(
            "--opt", "sgd[lr=0.1]", "--opt", "msgd[lr=0.05,0.1,momentum=0.8]", "--workload", "logistic", "--iterations", 40,
            "--sigma", sigma, "--seeds", 4, "--root-seed", 3, "--x0s", 2, "--paired", "--runs-dir", tmp_path / "command",
            "--executor", "local", "-q",
        )  # fmt: skip
    made = identities(tmp_path / "python")
    assert made == identities(tmp_path / "command")
    assert len(made) == 3 * 2 * 2
    assert len(runs.workloads) == 2
    assert len(runs) == 3 * 2


def test_numbers_of_numpy_are_numbers(tmp_path):
    runs = amrobust.run(
        {"sgd": {"lr": np.array([0.05, 0.1])}, "msgd": {"lr": [np.float64(0.2)]}}, seeds=2, runs_dir=tmp_path,
        **CONVEX | {"params": {"iterations": np.int64(40)}},
    )  # fmt: skip
    assert runs.methods == ("sgd[lr=0.05]", "sgd", "msgd[lr=0.2]")


def test_it_resumes_and_returns_what_it_was_asked_for_alone(tmp_path):
    amrobust.run({"sgd": {}}, seeds=2, runs_dir=tmp_path, **CONVEX)
    amrobust.run({"am1": {}}, seeds=2, runs_dir=tmp_path, **CONVEX)
    runs = amrobust.run({"sgd": {}}, seeds=5, runs_dir=tmp_path, **CONVEX)
    assert runs.methods == ("sgd",)
    assert runs.arms[0].seeds == tuple(range(5))
    assert sorted(map(len, identities(tmp_path).values())) == [2, 5]


def test_what_was_tuned_is_trained_as_the_command_trains_it(tmp_path):
    tuned = amrobust.tune({"sgd": {"lr": [0.03, 0.3]}}, seeds=2, runs_dir=tmp_path / "python", **CONVEX)
    tuned.write(tmp_path / "tuning.json")
    runs = amrobust.run(tuned, seeds=4, runs_dir=tmp_path / "python", executor="local")
    command(
        "--tuned", tmp_path / "tuning.json", "--seeds", 4, "--runs-dir", tmp_path / "command", "--executor", "local", "-q",
    )  # fmt: skip
    assert identities(tmp_path / "python") == identities(tmp_path / "command")
    ((run,), _) = open_runs([tmp_path / "python"])
    assert run.manifest.spec.hyperparameters["lr"] == tuned.chosen["sgd"]["lr"]
    assert run.manifest.tuning == tuned.data.methods[0].tuning
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("methods", "options", "message"),
    [
        ({}, {}, r"no method is given: run\("),
        ({"sgd": {"lr": []}}, {}, "sgd: lr has no value"),
        ({"sdg": {}}, {}, "did you mean 'sgd'"),
        (["sgd"], {}, "a mapping of names to mappings"),
        ({"sgd": 0.1}, {}, "a mapping of names to mappings"),
        ({"sgd": {}}, {"seeds": 0}, "seeds is at least 1"),
        ({"sgd": {}}, {"seeds": "5"}, "seeds is at least 1"),
        ({"sgd": {}}, {"x0s": 1001}, "x0s is at least 1 and at most 1,000"),
        ({"sgd": {}}, {"root_seed": -1}, "from 0 on"),
        ({"sgd": {}}, {"params": {"iteration": 5}}, "no parameter 'iteration'"),
        ({"sgd": {}}, {"params": {"iterations": []}}, "iterations has no value"),
        ({"sgd": {}}, {"vary": "weather"}, "no stream 'weather'"),
        ({"sgd": {}}, {"executor": "rayy"}, "no executor is called"),
        ({"sgd": {}}, {"backend": "numpi"}, "numpi"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, methods, options, message):
    with pytest.raises(UserError, match=message):
        amrobust.run(methods, **({"runs_dir": tmp_path} | CONVEX | options))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workload": "digits"}, "tuned on logistic, not on digits"),
        ({"params": {"iterations": 50}}, "all else is as it was tuned"),
        ({"params": {"data": ["a", "b"]}}, "one value of epochs or data"),
    ],
)
def test_a_tuning_is_not_run_as_another_study(tmp_path, options, message):
    tuned = amrobust.tune({"sgd": {"lr": [0.03, 0.3]}}, seeds=2, runs_dir=tmp_path, **CONVEX)
    with pytest.raises(UserError, match=message):
        amrobust.run(tuned, runs_dir=tmp_path, executor="local", **options)


def test_a_seed_that_fails_is_an_error_and_the_others_are_kept(tmp_path, monkeypatch):
    from amrobust.train import training as trainer

    whole = trainer._train

    def failing(spec, seeds, place):
        if 1 in seeds:
            raise ArithmeticError("no more")
        return whole(spec, seeds, place)

    monkeypatch.setattr(trainer, "_train", failing)
    with pytest.raises(RunError, match="no more"):
        amrobust.run({"sgd": {}}, seeds=3, runs_dir=tmp_path, **CONVEX)
    assert list(identities(tmp_path).values()) == [(0, 2)]


def test_the_example_in_its_docstring():
    assert doctest.testmod(training).failed == 0


def test_what_it_returns_is_judged(tmp_path):
    runs = amrobust.run({"sgd": {}, "msgd": {}}, seeds=5, runs_dir=tmp_path, **CONVEX)
    table = amrobust.compare(runs, baseline="sgd").table()
    assert set(table["method"]) == {"msgd"}


UNGUARDED = """
import amrobust
amrobust.run({"sgd": {}}, workload="logistic", params={"iterations": 40}, seeds=1, jobs=1)
"""


def test_a_script_that_its_workers_would_run_again_ends_and_says_why(tmp_path):
    (tmp_path / "unguarded.py").write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, "unguarded.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 1
    assert "put what trains below if __name__ == '__main__':" in done.stderr
    assert "RunError: logistic-sgd" in done.stderr


def test_scalars_of_numpy_and_torch_are_the_same_request(tmp_path):
    torch = pytest.importorskip("torch")
    plain = amrobust.run(
        {"msgd": {"lr": 0.5}, "am1": {"m": 3}}, workload="logistic", params={"iterations": 40, "sigma": 0.5}, seeds=2,
        root_seed=1, paired=True, executor="local", runs_dir=tmp_path,
    )  # fmt: skip
    other = amrobust.run(
        {"msgd": {"lr": np.float32(0.5)}, "am1": {"m": torch.tensor(3)}}, workload="logistic",
        params={"iterations": np.int64(40), "sigma": torch.tensor(0.5)}, seeds=np.int64(2), root_seed=np.int64(1),
        x0=np.int8(0), x0s=np.uint8(1), paired=np.bool_(True), executor="local", runs_dir=tmp_path,
    )  # fmt: skip
    assert [arm.training for arm in plain] == [arm.training for arm in other]
    assert len(list(tmp_path.glob("*/manifest.json"))) == 2
