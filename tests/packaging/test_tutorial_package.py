"""A package that announces an optimizer, a workload, an importer and an executor, really installed, used by command."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


def amrobust(installed, *arguments):
    return subprocess.run(
        [sys.executable, "-c", "from amrobust.cli import main; main()", *arguments],
        cwd=installed,
        env=os.environ | {"PYTHONPATH": str(installed / "site")},
        capture_output=True,
        text=True,
    )


def test_its_optimizer_and_workload_are_called_by_their_names(installed):
    done = amrobust(
        installed, "run", "--workload", "blobs", "--opt", "signs", "--param", "lr=0.01", "--seeds", "2",
        "--executor", "backwards", "-q",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (path,) = installed.glob("runs/*/manifest.json")
    (session,) = json.loads(path.read_text())["provenance"]
    assert session["versions"]["amrobust-tutorial"] == "1.2.3"
    assert session["executor"] == "backwards"


def test_a_broken_one_is_refused_naming_its_distribution(installed):
    done = amrobust(installed, "run", "--workload", "blobs", "--opt", "broken", "--seeds", "2", "-q")
    assert done.returncode == 2
    assert "the package amrobust-tutorial 1.2.3 announces as tutorial_broken:Broken" in done.stderr
    assert "Traceback" not in done.stderr


def test_its_importer_reads_what_it_recognises(installed):
    lines = [
        f"{method} {seed}: 1.0 {seed + start}.5"
        for method, start in (("a", 1), ("b", 7))
        for seed in range(4)
    ]
    (installed / "results.lines").write_text("\n".join(lines))
    done = amrobust(installed, "compare", "results.lines", "--metric", "accuracy", "--baseline", "a")
    assert done.returncode == 0, done.stderr
    assert "b against a" in done.stdout
