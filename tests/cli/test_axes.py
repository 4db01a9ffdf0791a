"""Steps as a user meets them: methods logged at other steps, later imports, what export writes and reads back."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import amrobust as package
from amrobust.cli import main
from amrobust.cli.export import COLUMNS
from amrobust.ingest.load import load_arms
from amrobust.runs.axis import Axis
from amrobust.runs.store import open_runs

DIRECTION = {"budget": ("--metric", "value:higher")}
"""What a table's metric does not say by its name."""
TABLES = Path(__file__).resolve().parents[1] / "corpus" / "tables"


def amrobust(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


class TestMethodsAtOtherSteps:
    TABLES = (
        ("othersteps", "fine: step 100…1000 (10), coarse: step 1000…10000 (10)", "--grid intersection"),
        ("othersteps2", "fine: step 100…10000 (100), coarse: step 1000…10000 (10)", "--grid intersection"),
        ("budget", "a: step 100…1000 (10), b: step 1000…10000 (10)", "--grid intersection"),
        ("zero_one_based", "keras: epoch 0…5 (6), torch: epoch 1…6 (6)", "--grid shift"),
    )

    @pytest.mark.parametrize(("name", "grids", "option"), TABLES)
    @pytest.mark.parametrize("command", ["compare", "report"])
    def test_they_are_refused_with_both_grids_and_the_option(self, command, name, grids, option):
        done = amrobust(command, TABLES / f"{name}.csv", *DIRECTION.get(name, ()))
        assert done.exit_code == 2
        read, line = done.stderr.splitlines()
        assert read.startswith("read: method = method")
        assert f"({grids})" in line
        assert option in line

    @pytest.mark.parametrize(
        ("name", "grid", "values"),
        [
            ("othersteps", "every:1000", [1000]), ("othersteps2", "intersection", list(range(1000, 10001, 1000))),
            ("othersteps2", "every:2000", list(range(2000, 10001, 2000))), ("budget", "intersection", [1000]),
            ("zero_one_based", "intersection", [1, 2, 3, 4, 5]),
        ],
    )  # fmt: skip
    def test_on_a_declared_grid_there_is_no_difference_and_every_form_names_it(self, name, grid, values):
        table, direction = TABLES / f"{name}.csv", DIRECTION.get(name, ())
        done = amrobust("compare", table, "--grid", grid, "--format", "json", *direction)
        assert done.exit_code == 0
        (compared,) = json.loads(done.stdout)["groups"]
        assert {verdict["outcome"] for verdict in compared["verdicts"]} == {"inconclusive"}
        assert compared["axis"]["values"] == values
        assert compared["epochs"] == len(values)
        assert compared["selection"]["grid"] == grid
        assert compared["notes"][0]["kind"] == "common-grid"
        for form in ("table", "markdown", "html", "csv", "latex"):
            assert "on a common grid: " in " ".join(
                amrobust("compare", table, "--grid", grid, "--format", form, *direction).stdout.split()
            )

    def test_of_a_shift_the_table_says_what_was_counted_anew(self):
        done = amrobust("compare", TABLES / "zero_one_based.csv", "--grid", "shift")
        assert "the epochs of keras are counted from 1 instead of 0" in done.stdout
        assert "zero_one_based, acc (higher is better, by its name; share), 6 epochs" in done.stdout

    def test_tails_are_read_on_the_grid_too(self):
        table = TABLES / "othersteps2.csv"
        whole, cut = (
            json.loads(amrobust("tails", table, "--threshold", 95, "--format", "json", *options).stdout)
            for options in ((), ("--grid", "every:4000"))
        )
        assert whole[0]["quantity"] == cut[0]["quantity"] == "P(ends below 95)"
        assert whole[0]["estimate"] < cut[0]["estimate"]
        done = amrobust("tails", table, "--grid", "every:4000")
        assert (
            "othersteps2: Curves are compared on a common grid: every 4000 steps (4000 to 8000)"
            in done.stderr
        )

    def test_a_grid_that_is_none_is_refused_before_anything_is_read(self):
        done = amrobust("compare", TABLES / "budget.csv", "--grid", "every:soon")
        assert done.exit_code == 2
        assert "every:soon" in done.stderr

    def test_a_report_names_the_steps(self, tmp_path):
        page = tmp_path / "r.html"
        done = amrobust("report", TABLES / "othersteps2.csv", "--grid", "every:1000", "-o", page)
        assert done.exit_code == 0
        text = " ".join(page.read_text().split())
        assert "10 steps (1000, 2000 ... 10000)" in text
        assert "at each step" in text
        said = text.partition("<h2")[2].partition("Warnings")[0].lower()
        assert "epoch" not in said.replace(
            "curves that take off at their own epoch", ""
        )  # what was simulated

    def test_python_reads_on_a_grid_too(self):
        found = package.compare(TABLES / "othersteps2.csv", grid="every:5000")
        assert found.data.groups[0].axis.values == (5000, 10000)
        assert package.load(TABLES / "budget.csv").to_frame()["step"].tolist()[:3] == [100, 200, 300]

    def test_a_chart_over_epochs_gets_in(self):
        ((sgd, adam), problems) = load_arms([TABLES / "wandb_epoch.csv"])
        assert not problems
        assert [one.method for one in (sgd, adam)] == ["sgd", "adam"]
        assert sgd.axis.label == "epoch"
        assert len(sgd.seeds) == 5


def test_recorded_at_other_steps_they_are_refused_and_on_a_grid_they_do_not_differ():
    rng = np.random.default_rng(0)
    for method, every in (("logs every 100", 100), ("logs every 1000", 1000)):
        for seed in range(6):
            with package.record("recsteps", method=method, seed=seed, workload="w", axis="step") as run:
                for k in range(1, 11):
                    run.log(k * every, reward=100 * (1 - np.exp(-k * every / 3000)) + rng.normal())
    done = amrobust("compare", "recsteps")
    assert done.exit_code == 2
    assert "logs every 100: step 100…1000 (10), logs every 1000: step 1000…10000 (10)" in done.stderr
    found = package.compare("recsteps", grid="every:1000")
    assert {verdict.outcome for verdict in found.verdicts} == {"inconclusive"}


class TestALaterImport:
    def test_of_other_steps_is_refused_with_both_and_changes_nothing(self):
        assert amrobust("import", TABLES / "add1.csv", "--workload-from", "=w").exit_code == 0
        before = {path: path.read_bytes() for path in Path("runs").rglob("*.*") if path.is_file()}
        done = amrobust("import", TABLES / "add2.csv", "--workload-from", "=w")
        assert done.exit_code == 2
        assert "values at step 100…1000 (10), and these are at step 1000…10000 (10)" in done.stderr
        assert {path: path.read_bytes() for path in before} == before

    def test_an_imported_run_has_the_steps_that_came_in(self):
        amrobust("import", TABLES / "add1.csv")
        ((run,), _) = open_runs([Path("runs")])
        assert run.manifest.facts.axis == Axis("step", "", tuple(range(100, 1001, 100)))
        assert "10 steps (100, 200 ... 1000)" in amrobust("show", run.path).stdout
        rows = [line.split(",") for line in amrobust("export", "runs").stdout.splitlines()]
        assert rows[0] == list(COLUMNS)
        assert [row[3:5] for row in rows[1:4]] == [["step", "100"], ["step", "200"], ["step", "300"]]

    @pytest.mark.parametrize("what", ["'axis': 1", "'axis': {'name': 'x', 'unit': '', 'values': [2, 1]}"])
    def test_an_axis_that_is_none_is_a_broken_run(self, what):
        from amrobust.runs.manifest import Manifest
        from amrobust.runs.spec import content_digest
        from amrobust.runs.validate import parse_manifest
        from amrobust.runs.validators import CorruptRun

        amrobust("import", TABLES / "add1.csv")
        (path,) = Path("runs").rglob("manifest.json")
        content = json.loads(path.read_text())
        content["facts"] |= eval("{" + what + "}")
        del content["checksum"]
        content["checksum"] = content_digest(content)
        with pytest.raises(CorruptRun, match=r"axis|increase|coordinate"):
            parse_manifest(json.dumps(content).encode())
        assert isinstance(parse_manifest(path.read_bytes()), Manifest)
