"""Trackers asked over the network, through fakes of their clients: what is read, and what is said where it cannot be."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.ingest.live import read_address
from amrobust.ingest.mappings import Mappings
from amrobust.runs.store import open_runs

HISTORY = [
    {"_step": 0, "_runtime": 1.5, "_timestamp": 1767225600.1, "train/loss": 2.0},
    {"_step": 1, "_runtime": 2.5, "_timestamp": 1767225601.1, "train/loss": 1.0, "val": {"acc": 0.5}},
    {"_step": 2, "_runtime": 3.5, "_timestamp": 1767225602.1, "train/loss": "NaN", "val": {"acc": 0.75}},
    {"_step": 3, "_runtime": 4.5, "_timestamp": 1767225603.1, "sample": {"_type": "image-file", "path": "x.png"}},
]  # fmt: skip
"""As ``run.scan_history()`` of W&B's public API gives it: sparse rows, NaN as a word, nested values, media."""


class WandB:
    """W&B's module as far as it is asked: wandb 0.31 has these names, and its runs these attributes."""

    class errors:
        class Error(Exception):
            pass

    def __init__(self, key=True, runs=None):
        self.key, self.asked = key, []
        self.found = runs if runs is not None else [self.run(m, s) for m in ("adam", "sgd") for s in range(3)]

    def run(self, method, seed, state="finished"):
        return SimpleNamespace(
            id=f"{method}{seed}", name=f"brisk-{method}-{seed}", state=state, created_at=f"2026-01-01T00:0{seed}:00Z",
            config={"optimizer": method, "seed": seed, "opt": {"lr": 0.1}, "_wandb": {"cli": 1}},
            scan_history=lambda: iter(HISTORY),
        )  # fmt: skip

    def login(self, *, prompt):
        assert prompt is False
        return self.key

    def Api(self, *, timeout):
        def runs(path, order):
            self.asked.append(path)
            if isinstance(self.found, Exception):
                raise self.found
            return iter(self.found)

        return SimpleNamespace(runs=runs)


class TestWandB:
    @pytest.fixture
    def given(self, monkeypatch):
        def put(**options):
            made = WandB(**options)
            monkeypatch.setitem(sys.modules, "wandb", made)
            return made

        return put

    def test_a_project_is_read_with_its_configurations_and_histories(self, given):
        fake = given()
        gathered, form = read_address(
            "wandb://us/digits", Mappings(metrics=("val.acc", "train/loss"), method_from="optimizer")
        )
        assert (form, fake.asked) == ("wandb", ["us/digits"])
        assert [method.method for method in gathered.methods] == ["adam", "sgd"]
        for method in gathered.methods:
            assert method.workload == "digits"
            assert method.seeds == (0, 1, 2)
            assert method.steps == (0, 1, 2)
            assert method.curves["val.acc"][:, 1:].tolist() == [[0.5, 0.75]] * 3
            assert method.diverged == (0, 1, 2)

    def test_runs_that_did_not_finish_are_left_out(self, given):
        fake = given()
        fake.found += [fake.run("adam", 3, "crashed"), fake.run("adam", 4, "running")]
        gathered, _ = read_address("wandb://us/digits", Mappings(metrics=("val.acc",)))
        assert gathered.methods[0].seeds == (0, 1, 2)
        assert any("1 failed and 1 running of 8 runs are left out" in note for note in gathered.left_out)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"key": False}, "'wandb login', or set WANDB_API_KEY"),
            ({"runs": []}, "wandb://us/digits has no runs"),
            ({"runs": ValueError("Could not find project digits")}, "gave no runs: Could not find project"),
            ({"runs": WandB.errors.Error("permission denied")}, "gave no runs: permission denied"),
        ],
    )
    def test_what_it_refuses_is_said(self, given, options, message):
        given(**options)
        with pytest.raises(UserError, match=message):
            read_address("wandb://us/digits")


class MLflow:
    """MLflow's module as far as it is asked; tests/ingest/test_real_tools.py asks a real server."""

    class exceptions:
        class MlflowException(Exception):
            pass

    def __init__(self):
        self.uris, self.pages = [], []

    def MlflowClient(self, *, tracking_uri):
        self.uris.append(tracking_uri)
        return self

    def get_experiment_by_name(self, name):
        if "5999" in self.uris[-1]:
            raise self.exceptions.MlflowException("connection refused")
        return SimpleNamespace(experiment_id="7") if name == "ours/of 2026" else None

    def search_experiments(self, max_results):
        return [SimpleNamespace(name="ours/of 2026")]

    def search_runs(self, experiments, *, max_results, order_by, page_token):
        assert experiments == ["7"]
        self.pages.append(page_token)

        class Page(list):
            token = None if page_token else "next"

        method = "sgd" if page_token else "adam"
        return Page(self.run(method, seed) for seed in range(3))

    def run(self, method, seed):
        return SimpleNamespace(
            info=SimpleNamespace(
                run_id=f"{method}-{seed}", run_name="gull", status="FINISHED", start_time=seed
            ),
            data=SimpleNamespace(
                params={"optimizer": method, "seed": str(seed)},
                tags={"mlflow.user": "me"},
                metrics={"acc": 1.0},
            ),
        )

    def get_metric_history(self, run, key):
        points = [SimpleNamespace(timestamp=10 * step, step=step, value=step / 4) for step in (1, 2, 3)]
        return points[::-1]


class TestMLflow:
    @pytest.fixture
    def given(self, monkeypatch):
        made = MLflow()
        monkeypatch.setitem(sys.modules, "mlflow", made)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        return made

    @pytest.mark.parametrize(
        ("address", "uri"),
        [
            ("mlflow://localhost:5000/ours/of%202026", "http://localhost:5000"),
            ("mlflow+https://mlflow.example.org/ours/of 2026/", "https://mlflow.example.org"),
        ],
    )
    def test_an_experiment_is_read_page_by_page(self, given, address, uri):
        gathered, form = read_address(address, Mappings(method_from="optimizer"))
        assert (form, given.uris, given.pages) == ("mlflow", [uri], [None, "next"])
        assert [method.method for method in gathered.methods] == ["adam", "sgd"]
        np.testing.assert_array_equal(gathered.methods[1].curves["acc"], [[0.25, 0.5, 0.75]] * 3)
        assert gathered.methods[0].workload == "ours/of 2026"

    def test_an_experiment_that_is_none_is_named_with_those_that_are(self, given):
        with pytest.raises(UserError, match="has no experiment 'mine': there are ours/of 2026"):
            read_address("mlflow://localhost:5000/mine")

    def test_a_server_that_does_not_answer_is_one_line(self, given):
        with pytest.raises(UserError, match="http://localhost:5999 gave no runs: connection refused"):
            read_address("mlflow://localhost:5999/mine")

    def test_it_is_imported_with_its_address_as_the_source(self, given, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        words = [
            "import",
            "mlflow://localhost:5000/ours/of 2026",
            "--method-from",
            "optimizer",
            "--runs-dir",
            "runs",
        ]
        done = CliRunner().invoke(main, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        runs, _ = open_runs([tmp_path / "runs"])
        assert [run.manifest.complete for run in runs] == [(0, 1, 2)] * 2
        source = runs[0].manifest.provenance[0].source
        assert source.path == "mlflow://localhost:5000/ours/of 2026"
        assert (
            source.command == "amrobust import 'mlflow://localhost:5000/ours/of 2026' --method-from optimizer"
        )
        again = CliRunner().invoke(main, words, catch_exceptions=False)
        assert "(3 there already)" in again.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mlfow://h/e"], "mlfow://h/e is no tracker's address: give mlflow://HOST:PORT/EXPERIMENT"),
        (["wandb://us"], "wandb://us is no tracker's address"),
        (["wandb://us/digits", "--from", "csv"], "--from is for files and folders"),
    ],
)
def test_addresses_that_are_none(words, message):
    done = CliRunner().invoke(main, ["import", *words], catch_exceptions=False)
    assert done.exit_code == 2
    assert message in done.output


@pytest.mark.parametrize("scheme", ["mlflow", "wandb"])
def test_without_the_client_the_extra_is_named(scheme, monkeypatch):
    monkeypatch.setitem(sys.modules, scheme, None)
    with pytest.raises(UserError, match=rf"pip install 'amrobust\[{scheme}\]'"):
        read_address(f"{scheme}://us/digits")
