"""``amrobust import`` as a user types it, and other tools' data straight into ``compare``."""

import json
import shlex
import sys
from importlib.metadata import EntryPoint

import foreign
import numpy as np
import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.ingest import registry


def amrobust(*arguments, **options):
    return CliRunner().invoke(
        main, [str(argument) for argument in arguments], catch_exceptions=False, **options
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_says_what_it_found_where_it_is_and_what_to_do_next(here):
    foreign.lightning(here / "lightning_logs")
    done = amrobust(
        "import", "lightning_logs", "--metric", "test_accuracy=val_acc", "--unit", "test_accuracy=%"
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "read as lightning"
    assert [line.split()[0] for line in lines[2:4]] == ["adam", "sgd"]
    assert lines[-1] == "next: amrobust compare runs"
    compared = amrobust("compare", "runs", "--baseline", "sgd")
    assert compared.exit_code == 0
    assert "test accuracy (higher is better, by its name; %)" in compared.stdout


def test_what_is_imported_is_listed_shown_reported_and_exported(here):
    foreign.mlflow_files(here / "mlruns")
    assert amrobust("import", "mlruns").exit_code == 0
    assert amrobust("list").stdout.count("5/5") == 2
    shown = amrobust("show", "digits-adam").stdout
    assert "imported" in shown
    assert "mlruns (mlflow, 15 files, sha256" in shown
    assert "again      amrobust import mlruns --from mlflow" in shown
    assert amrobust("report", "runs", "-o", "x.pdf", "--metric", "val_acc").exit_code == 0
    exported = amrobust("export", "runs", "--metric", "val_acc", "-o", "x.csv")
    assert exported.exit_code == 0
    assert len((here / "x.csv").read_text().splitlines()) == 1 + 2 * foreign.SEEDS * foreign.STEPS


def test_the_recorded_command_imports_the_same_again(here):
    foreign.tensorboard(here / "my logs")
    first = amrobust(
        "import", "my logs", "--method-from", "re:^([a-z]+)_", "--seed-from", r"re:seed(\d+)", "--metric", "acc=val_acc",
        "--unit", "acc=%", "--paired", "--runs-dir", "a",
    )  # fmt: skip
    assert first.exit_code == 0, first.output
    (run, _) = json.loads(amrobust("list", "a", "--format", "json").stdout)["runs"]
    manifest = json.loads((here / "a" / run["run"] / "manifest.json").read_text())
    command = manifest["provenance"][0]["source"]["command"]
    again = amrobust(*shlex.split(command)[1:], "--runs-dir", "b")
    assert again.exit_code == 0, again.output
    names = [{path.name for path in (here / folder).iterdir()} for folder in ("a", "b")]
    assert names[0] == names[1]


def test_a_dry_run_writes_nothing(here):
    foreign.npz(here / "results.npz")
    done = amrobust("import", "results.npz", "--dry-run")
    assert done.exit_code == 0
    assert "nothing is written" in done.stdout
    assert not (here / "runs").exists()


def test_the_command_that_imports_again_says_what_rows_of_arrays_are(here):
    np.savez(here / "arrays.npz", sgd=np.arange(6.0).reshape(2, 3))
    assert amrobust("import", "arrays.npz").exit_code == 2
    for option in ("--steps-first", "--seeds-first"):
        assert amrobust("import", "arrays.npz", option, "--runs-dir", option[2:]).exit_code == 0
        (manifest,) = (here / option[2:]).glob("*/manifest.json")
        assert option in json.loads(manifest.read_text())["provenance"][0]["source"]["command"].split()


def test_json(here):
    foreign.sacred(here / "sacred")
    data = json.loads(amrobust("import", "sacred", "--format", "json").stdout)
    assert data["format"] == "sacred"
    assert [method["seeds_added"] for method in data["methods"]] == [5, 5]


def test_a_table_on_standard_input(here):
    text = foreign.tidy_csv(here / "x.csv").read_text()
    done = amrobust("import", "-", "--workload-from", "=digits", input=text)
    assert done.exit_code == 0, done.output
    assert "digits" in amrobust("list").stdout
    compared = amrobust("compare", "-", "--baseline", "sgd", "--format", "json", input=text)
    assert json.loads(compared.stdout)["groups"][0]["baseline"] == "sgd"
    assert amrobust("export", "-", "--metric", "val_acc", input=text).stdout.count("\n") == 61
    twice = amrobust("compare", "-", "-", input=text)
    assert twice.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "does not exist"),
        (["logs", "--from", "excel"], "choose one of csv"),
        (["logs", "--from", "mlflow"], "no MLflow store"),
        (["logs", "--metric", "nope"], "choose among"),
        (["logs", "--unit", "val_acc"], "name=value"),
        (["logs", "--duplicates", "all"], "--duplicates"),
        (["logs", "--method-from", "re:("], "regular expression"),
        (["empty"], "none of the formats"),
    ],
)
def test_mistakes_are_one_line_and_status_2(here, arguments, message):
    foreign.tensorboard(here / "logs")
    (here / "empty").mkdir()
    done = amrobust("import", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert not (here / "runs").exists()


def test_comparing_needs_no_import(here):
    foreign.wandb(here / "wandb")
    done = amrobust("compare", "wandb", "--metric", "val_acc", "--baseline", "sgd", "--format", "json")
    compared = json.loads(done.stdout)["groups"][0]
    assert [arm["method"] for arm in compared["arms"]] == ["sgd", "adam"]
    np.testing.assert_array_equal(compared["arms"][1]["final_values"], foreign.curves("adam")[:, -1])


def test_what_was_left_out_of_a_comparison_is_said(here):
    root = foreign.sacred(here / "sacred")
    about = root / "1" / "run.json"
    about.write_text(about.read_text().replace("COMPLETED", "FAILED"))
    done = amrobust("compare", "sacred")
    assert done.exit_code == 0
    assert "1 failed of 10 runs are left out" in done.stdout


class Made:
    """A format of a stranger's package."""

    TITLE = "made up"

    @staticmethod
    def recognises(path):
        return path.suffix == ".made"

    @staticmethod
    def read(path, wanted):
        from amrobust.ingest.logged import LoggedRun

        for method, seed in foreign.grid():
            series = {"val_acc": (np.arange(1.0, 7), foreign.curves(method)[seed])}
            yield LoggedRun(path.name, {"method": method, "seed": str(seed)}, series, (path,))


@pytest.fixture
def plugin(monkeypatch):
    def register(value, name="made"):
        points = {name: EntryPoint(name, value, registry.GROUP)}
        monkeypatch.setattr(registry, "_announced", lambda: points)

    monkeypatch.setitem(
        sys.modules, "made_up_plugin", type("module", (), {"Made": Made, "nothing": object()})
    )
    return register


class TestPlugins:
    def test_an_importer_of_another_package_is_found_by_name_and_by_looks(self, here, plugin):
        plugin("made_up_plugin:Made")
        (here / "x.made").write_text("")
        assert "read as made" in amrobust("import", "x.made").stdout
        assert amrobust("import", "x.made", "--from", "made").exit_code == 0
        assert amrobust("compare", "x.made").exit_code == 0

    @pytest.mark.parametrize(
        ("value", "message"),
        [("made_up_plugin:nothing", "has no 'TITLE'"), ("nowhere_at_all:x", "cannot be imported")],
    )
    def test_one_that_is_broken_is_named(self, here, plugin, value, message):
        plugin(value)
        done = amrobust("import", ".", "--from", "made")
        assert done.exit_code == 2
        assert message in done.stderr

    def test_a_built_in_name_cannot_be_taken(self, plugin):
        plugin("made_up_plugin:Made", "csv")
        assert registry.get("csv") is not Made
