"""A package that announces one of everything that others can bring, really installed, used by command."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import amrobust as amrobust_itself
from amrobust.ingest.load import load_arms as load

SOURCE = Path(__file__).resolve().parents[1] / "tutorial_package"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tutorial")
    # Building leaves files beside the sources.
    source = shutil.copytree(SOURCE, directory / "source")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
         "--target", directory / "site", source],
        check=True,
    )  # fmt: skip
    return directory


def environment(installed):
    return os.environ | {"PYTHONPATH": str(installed / "site")}


def python(installed, code):
    """``code`` in a process of its own that finds the package."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=installed,
        env=environment(installed),
        capture_output=True,
        text=True,
    )


@pytest.fixture
def amrobust(server, installed):
    """Runs a command where the package is installed; gives the exit status, and what it printed to stdout and stderr."""

    def run(*arguments):
        environment = {"PYTHONPATH": str(installed / "site")}
        child = server.start(*arguments, cwd=installed, site=installed / "site", env=environment, apart=True)
        return child.wait(), child.output(), child.errors()

    return run


def test_its_optimizer_and_workload_are_called_by_their_names(installed, amrobust):
    status, _, errors = amrobust(
        "run", "--workload", "blobs", "--opt", "signs", "--param", "lr=0.01", "--seeds", "2",
        "--executor", "backwards", "-q",
    )  # fmt: skip
    assert status == 0, errors
    (path,) = installed.glob("runs/*/manifest.json")
    (session,) = json.loads(path.read_text())["provenance"]
    assert session["versions"]["amrobust-tutorial"] == "1.2.3"
    assert session["executor"] == "backwards"


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax", "plain"])
def test_its_update_rule_is_a_method_of_convex_workloads(amrobust, backend, tmp_path):
    if backend == "jax":
        pytest.importorskip("jax", reason="jax is not installed (pip install 'amrobust[jax]')")
    status, _, errors = amrobust(
        "run", "--workload", "logistic", "--opt", "sgd", "--opt", "clipped[bound=0.5,1e9]", "--lr", "0.2",
        "--iterations", "20", "--param", "record_every=10", "--seeds", "4", "--backend", backend, "--executor", "local",
        "-j", "1", "-q", "--runs-dir", tmp_path,
    )  # fmt: skip
    assert status == 0, errors
    losses = {}
    for run in load([tmp_path])[0]:
        losses[run.method] = run.curves["train_loss"]
    assert set(losses) == {"sgd[lr=0.2]", "clipped[bound=0.5,lr=0.2]", "clipped[bound=1e+09,lr=0.2]"}
    # A bound that nothing reaches leaves plain SGD, whose noise is another for being another method: near, not equal.
    assert losses["clipped[bound=1e+09,lr=0.2]"].mean() == pytest.approx(
        losses["sgd[lr=0.2]"].mean(), rel=0.2
    )
    assert losses["clipped[bound=0.5,lr=0.2]"][:, 0].mean() > losses["sgd[lr=0.2]"][:, 0].mean()
    for path in tmp_path.glob("logistic-clipped-*/manifest.json"):
        (session,) = json.loads(path.read_text())["provenance"]
        assert session["versions"]["amrobust-tutorial"] == "1.2.3"


def test_a_broken_one_is_refused_naming_its_distribution(amrobust):
    status, _, errors = amrobust("run", "--workload", "blobs", "--opt", "broken", "--seeds", "2", "-q")
    assert status == 2
    assert "the package amrobust-tutorial 1.2.3 announces as tutorial_broken:Broken" in errors
    assert "Traceback" not in errors


def test_its_importer_reads_what_it_recognises(installed, amrobust):
    lines = [
        f"{method} {seed}: 1.0 {seed + start}.5"
        for method, start in (("a", 1), ("b", 7))
        for seed in range(4)
    ]
    (installed / "results.lines").write_text("\n".join(lines))
    status, output, errors = amrobust("compare", "results.lines", "--metric", "accuracy", "--baseline", "a")
    assert status == 0, errors
    assert "b against a" in output


GROUPS = {"optimizers", "rules", "workloads", "importers", "backends", "executors"}


def test_it_brings_one_of_every_kind_that_there_is(installed):
    (info,) = (installed / "site").glob("amrobust_tutorial-*.dist-info")
    groups = re.findall(r"^\[amrobust\.(\w+)\]", (info / "entry_points.txt").read_text(), re.MULTILINE)
    in_source = "\n".join(path.read_text() for path in Path(amrobust_itself.__file__).parent.rglob("*.py"))
    assert set(groups) == GROUPS == set(re.findall(r'^GROUP = "amrobust\.(\w+)"', in_source, re.MULTILINE))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["compare", "recorded"],
        ["compare", "table.csv", "--metric", "value:higher"],
        ["list", "recorded"],
        ["check", "recorded"],
        ["export", "recorded"],
    ],
    ids=" ".join,
)
def test_nothing_of_it_is_imported_before_it_is_asked_for(installed, recorded, arguments):
    code = (
        "import sys; from amrobust.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        "found = [name for name in sys.modules if name.startswith('tutorial_')]\n"
        "assert not found, found"
    )
    done = python(installed, code)
    assert done.returncode == 0, done.stderr


def test_what_is_asked_for_is_imported(installed):
    """The check above would see an import."""
    code = "import sys; from amrobust.workloads import backends; backends.get('plain'); print(*sys.modules)"
    done = python(installed, code)
    assert "tutorial_backends" in done.stdout.split()


@pytest.fixture(scope="module")
def recorded(installed):
    rows = ["method,seed,epoch,value"]
    for method in ("a", "b"):
        for seed in range(4):
            with amrobust_itself.record(
                installed / "recorded", method=method, seed=seed, workload="mine"
            ) as run:
                for epoch in (1, 2):
                    value = 10 + seed * epoch
                    run.log(epoch, test_accuracy=value)
                    rows.append(f"{method},{seed},{epoch},{value}")
    (installed / "table.csv").write_text("\n".join(rows))
