"""Documents choose and name what is installed: code that one names is run only where the user says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from warm import Server

from amrobust.cli import main
from amrobust.runs.tuning import Trial, Tuning
from amrobust.runs.tuning_record import TunedMethod, TuningFile, write_tuning

CODE = """
from pathlib import Path
import torch
Path("it-ran").touch()
class Steps(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)
"""
SPEC = """
workload_params = {epochs = 3, model = "mlp"}
seeds = 2
methods = [{opt = "theirs:Steps"}]
"""
ANALYSIS = """
title = "t"
question = "q"
workload = "digits"
workload_params = {epochs = 3, model = "mlp"}
metric = "test_accuracy"
baseline = "msgd"
seeds = 4
methods = [{opt = "msgd"}, {opt = "theirs:Steps"}]
claims = [{kind = "better mean", method = "Steps"}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with documents, and beside them a module that leaves a trace when it is imported."""
    monkeypatch.chdir(tmp_path)
    Path("theirs.py").write_text(CODE)
    Path("spec.toml").write_text(SPEC)
    Path("analysis.toml").write_text(ANALYSIS)
    Path("workload.toml").write_text(SPEC.replace("theirs:Steps", "sgd") + 'workload = "theirs:Steps"\n')
    trial = Trial({"lr": 0.1}, 1.0, 0.1)
    tuning = Tuning({"lr": (0.1,)}, (trial,), 0, (900_000,), 3, "val_accuracy", "higher", "%", "I", 0.1)
    write_tuning(
        Path("tuning.json"),
        TuningFile("digits", {"epochs": 3}, (TunedMethod("theirs:Steps", {"lr": 0.1}, tuning),)),
    )
    return tmp_path


def ran(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from amrobust.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--spec", "spec.toml"], ["run", "--spec", "workload.toml"], ["status", "--spec", "spec.toml"],
        ["run", "--tuned", "tuning.json"], ["analyze", "analysis.toml"],
    ],
)  # fmt: skip
def test_code_that_a_document_names_is_not_run(here: Path, arguments: list[str]) -> None:
    done = ran(*arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "names code, theirs:Steps," in line
    assert "--allow-code" in line
    assert not Path("it-ran").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [('opt = "theirs:Steps"', "names code, theirs:Steps,"), ("allow-code = true", "remove it")],
)
def test_nor_is_what_a_project_found_in_a_directory_above_names(here: Path, line: str, said: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.amrobust.run]\n{line}\n")
    done = ran("run", "--spec", "spec.toml") if "allow" in line else ran("run", "--epochs", "3")
    assert done.returncode == 2
    assert said in done.stderr
    assert not Path("it-ran").exists()


def test_it_is_run_where_the_user_allows_it_or_typed_it(here: Path, server: Server) -> None:
    local = "--executor", "local", "--runs-dir", "runs"
    status, output = server.run("run", "--spec", "spec.toml", "--allow-code", *local, cwd=here)
    assert status == 0, output
    assert Path("it-ran").exists()
    typed = "--opt", "theirs:Steps", "--epochs", "3", "--param", "model=mlp", "--seeds", "2"
    status, output = server.run("run", *typed, *local, cwd=here)
    assert status == 0, output
    assert "nothing left to train" in output


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "table.csv", "--claims", "pipe"], ["judge-table", "pipe"], ["--config", "pipe", "list"],
        ["run", "--spec", "pipe"], ["run", "--tuned", "pipe"], ["analyze", "pipe.toml"],
    ],
)  # fmt: skip
def test_a_pipe_that_nobody_writes_to_is_no_document(here: Path, arguments: list[str]) -> None:
    Path("table.csv").write_text(
        "method,seed,acc\n" + "".join(f"{m},{s},{s}.5\n" for m in "ab" for s in range(5))
    )
    os.mkfifo("pipe")
    os.mkfifo("pipe.toml")
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "is not a plain file" in done.stderr
