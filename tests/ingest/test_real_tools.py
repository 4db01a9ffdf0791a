"""Stores and logs written by the real tools, each in an environment of its own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from tools import python_with, run_in

from amrobust.ingest.mappings import Mappings
from amrobust.ingest.read import read_path
from amrobust.ingest.registry import detect
from amrobust.runs.values import held

pytestmark = pytest.mark.slow

GRID = """
import sys
GRID = [(method, seed) for method in ("adam", "sgd") for seed in range(3)]
def value(method, seed, step):
    return len(method) * 10 + seed + step / 8
"""


def expected(method, steps=4):
    return [[len(method) * 10 + seed + step / 8 for step in range(1, steps + 1)] for seed in range(3)]


def check(path, form, metric, steps=(1, 2, 3, 4), policies=None, **mappings):
    assert detect(path) == form
    gathered, _ = read_path(path, mappings=Mappings(metrics=(metric,), **mappings), policies=policies)
    assert sorted(method.method for method in gathered.methods) == ["adam", "sgd"]
    for method in gathered.methods:
        assert method.seeds == (0, 1, 2)
        assert method.steps == steps
        np.testing.assert_allclose(method.curves[metric.partition("=")[0]], expected(method.method))
    return gathered


MLFLOW = (
    GRID
    + """
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("digits of ours")
for method, seed in GRID:
    with mlflow.start_run(run_name=f"{method} {seed}"):
        mlflow.log_params({"optimizer": method, "seed": seed, "lr": 0.1})
        mlflow.set_tag("note", "x")
        for step in range(1, 5):
            mlflow.log_metric("val/acc", value(method, seed, step), step=step)
            loss = float("nan") if seed == 2 and step == 4 else float("inf") if step == 3 else 1.0
            mlflow.log_metric("loss", loss, step=step)
run = mlflow.start_run(); mlflow.log_param("seed", 9); mlflow.end_run("FAILED")
run = mlflow.start_run(); mlflow.end_run(); mlflow.delete_run(run.info.run_id)
"""
)


ASKED = """
import json, sys
from amrobust.ingest.live import read_address
from amrobust.ingest.mappings import Mappings
gathered, form = read_address(sys.argv[1], Mappings(metrics=("val/acc",), method_from="optimizer"))
methods = [[m.method, m.seeds, m.steps, m.curves["val/acc"].tolist()] for m in gathered.methods]
print(json.dumps([form, list(gathered.left_out), methods]))
"""


def test_an_mlflow_server_on_its_sqlite_store(tmp_path):
    server = python_with("mlflow-server", "mlflow")
    client = python_with("mlflow-client", "mlflow-skinny", torch=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    log = (tmp_path / "server.log").open("w")
    process = subprocess.Popen(
        [str(server), *words, "--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db"],
        cwd=tmp_path, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(240):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert process.poll() is None, (tmp_path / "server.log").read_text()[-2000:]
            time.sleep(0.5)
        run_in(client, MLFLOW, tmp_path, f"http://127.0.0.1:{port}")
        tree = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        printed = run_in(client, ASKED, tmp_path, f"mlflow://127.0.0.1:{port}/digits%20of%20ours", **tree)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(240)
        log.close()
    form, left_out, methods = json.loads(printed.splitlines()[-1])
    assert form == "mlflow"
    assert left_out[0].startswith("1 failed of 7 runs are left out")
    assert methods == [[name, [0, 1, 2], [1, 2, 3, 4], expected(name)] for name in ("adam", "sgd")]
    # The server's database is read the same without the server.
    check(tmp_path / "mlflow.db", "mlflow", "val/acc", method_from="optimizer")


@pytest.mark.parametrize("store", ["files", "sqlite"])
def test_mlflow(store, tmp_path):
    python = python_with("mlflow", "mlflow-skinny", "sqlalchemy", "alembic")
    path = tmp_path / ("mlruns" if store == "files" else "mlflow.db")
    uri = path.as_uri() if store == "files" else f"sqlite:///{path}"
    run_in(python, MLFLOW, tmp_path, uri, MLFLOW_ALLOW_FILE_STORE="true")
    found = check(path, "mlflow", "val/acc")
    assert {method.workload for method in found.methods} == {"digits of ours"}
    assert "1 failed of 7 runs are left out" in found.left_out[0]
    losses, _ = read_path(path, mappings=Mappings(metrics=("loss",)))
    for method in losses.methods:
        assert np.isposinf(method.curves["loss"][:, 2]).all()
        assert np.isnan(method.curves["loss"][2, 3])


@pytest.mark.parametrize("writer", ["tensorboardX", "torch.utils.tensorboard"])
def test_tensorboard(writer, tmp_path):
    code = (
        GRID
        + """
from importlib import import_module
SummaryWriter = import_module(sys.argv[1]).SummaryWriter
import numpy
for method, seed in GRID:
    writer = SummaryWriter(f"logs/{method}/seed{seed}")
    writer.add_text("about", "text " * 50)
    for step in range(1, 5):
        writer.add_scalar("val/acc", value(method, seed, step), step)
        writer.add_histogram("weights", numpy.arange(100.0), step)
    writer.close()
"""
    )
    package = "tensorboardX" if writer == "tensorboardX" else "tensorboard"
    python = python_with(package, package, torch=writer != "tensorboardX")
    run_in(python, code, tmp_path, writer)
    check(tmp_path / "logs", "tensorboard", "val/acc")


def test_wandb(tmp_path):
    code = (
        GRID
        + """
import wandb
for method, seed in GRID:
    run = wandb.init(project="digits", mode="offline", name=f"{method} {seed}", config={"optimizer": method, "seed": seed},
                     settings=wandb.Settings(silent=True))
    for step in range(1, 5):
        run.log({"epoch": step, "val/acc": value(method, seed, step), "text": "x" * 40_000, "nan": float("nan")})
    run.finish()
config = {"optimizer": "adam", "seed": 9}
run = wandb.init(project="digits", mode="offline", config=config, settings=wandb.Settings(silent=True))
run.finish(exit_code=1)
"""
    )
    python = python_with("wandb", "wandb")
    run_in(python, code, tmp_path, WANDB_SILENT="true", WANDB_MODE="offline", HOME=str(tmp_path))
    found = check(tmp_path / "wandb", "wandb", "val/acc", step_from="epoch")
    assert {method.workload for method in found.methods} == {"digits"}
    assert "1 failed of 7 runs are left out" in found.left_out[0]


def test_sacred(tmp_path):
    code = (
        GRID
        + """
import numpy
from sacred import Experiment
from sacred.observers import FileStorageObserver
for method, seed in GRID:
    experiment = Experiment("digits", save_git_info=False, interactive=True)
    experiment.observers.append(FileStorageObserver("sacred"))
    @experiment.main
    def main(_run):
        for step in range(1, 5):
            _run.log_scalar("val.acc", numpy.float64(value(method, seed, step)), step)
    experiment.add_config(optimizer=method, lr=0.1)
    experiment.run(config_updates={"seed": seed})
"""
    )
    run_in(python_with("sacred", "sacred", "setuptools<80", "numpy"), code, tmp_path)
    found = check(tmp_path / "sacred", "sacred", "val.acc")
    assert {method.workload for method in found.methods} == {"digits"}


def test_lightning(tmp_path):
    code = (
        GRID
        + """
import lightning as L, torch
from lightning.pytorch.loggers import CSVLogger
class Net(L.LightningModule):
    def __init__(self, optimizer, seed):
        super().__init__(); self.save_hyperparameters(); self.layer = torch.nn.Linear(2, 1)
    def training_step(self, batch, i):
        loss = self.layer(batch[0]).pow(2).mean(); self.log("train_loss", loss, on_step=True, on_epoch=True); return loss
    def validation_step(self, batch, i):
        self.log("val_acc", value(self.hparams.optimizer, self.hparams.seed, self.current_epoch + 1))
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(8, 2)), batch_size=2)
for method, seed in GRID:
    trainer = L.Trainer(max_epochs=4, logger=CSVLogger("."), log_every_n_steps=1, enable_progress_bar=False,
                        enable_checkpointing=False, enable_model_summary=False, accelerator="cpu")
    trainer.fit(Net(method, seed), data, data)
"""
    )
    run_in(python_with("lightning", "lightning", torch=True), code, tmp_path, OMP_NUM_THREADS="1")
    check(tmp_path / "lightning_logs", "lightning", "val_acc", steps=(0, 1, 2, 3))


BENCHMARK = {
    "objective.py": """
from benchopt import BaseObjective
class Objective(BaseObjective):
    name = "Made up"
    min_benchopt_version = "1.5"
    def set_data(self, n): self.n = n
    def evaluate_result(self, x): return dict(value=x)
    def get_one_result(self): return dict(x=0.0)
    def get_objective(self): return dict(n=self.n)
""",
    "datasets/simulated.py": """
from benchopt import BaseDataset
class Dataset(BaseDataset):
    name = "simulated"
    def get_data(self): return dict(n=3)
""",
    "solvers/adam.py": """
from benchopt import BaseSolver
class Solver(BaseSolver):
    name = "adam"
    sampling_strategy = "iteration"
    def set_objective(self, n): pass
    def run(self, n_iter): self.x = 1.0 / (1 + n_iter)
    def get_result(self): return dict(x=self.x)
""",
}


def test_benchopt(tmp_path):
    for name, text in BENCHMARK.items():
        path = tmp_path / "bench" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    code = """
import sys
from benchopt.cli.main import run
run([sys.argv[1], "--n-repetitions", "3", "--max-runs", "5", "--no-plot", "--output", "out"], standalone_mode=False)
"""
    run_in(python_with("benchopt", "benchopt"), code, tmp_path, tmp_path / "bench")
    (path,) = (tmp_path / "bench").rglob("*.parquet")
    assert detect(path) == "benchopt"
    gathered, _ = read_path(
        path,
        mappings=Mappings(metrics=("objective_value",), step_from="index"),
    )
    (method,) = gathered.methods
    assert method.method == "adam"
    assert method.seeds == (0, 1, 2)
    assert (held(method.curves["objective_value"])[:, -1] < method.curves["objective_value"][:, 0]).all()
