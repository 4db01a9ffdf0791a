"""Imported methods as run directories that everything else understands."""

import json
from dataclasses import replace
from pathlib import Path

import foreign
import numpy as np
import pytest
from click.testing import CliRunner

import amrobust
from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.ingest.assemble import gather
from amrobust.ingest.landing import land
from amrobust.ingest.load import load_arms
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Policies
from amrobust.ingest.read import read_path
from amrobust.runs.store import open_runs
from amrobust.runs.values import absent


def imported(path, directory, paired=False, add=False, **mappings):
    gathered, form = read_path(path, mappings=Mappings(**mappings))
    return land(
        gathered, directory, form=form, origin=path, command="amrobust import x", paired=paired, add=add
    )


@pytest.fixture
def table(tmp_path):
    return foreign.tidy_csv(tmp_path / "results.csv")


def test_a_run_a_method_with_where_it_came_from(table, tmp_path):
    landed = imported(table, tmp_path / "runs")
    assert [(one.added, one.kept) for one in landed] == [(foreign.SEEDS, 0)] * 2
    runs, problems = open_runs([tmp_path / "runs"])
    assert not problems
    manifest = runs[0].manifest
    assert manifest.facts.x0_digest is None
    source = manifest.provenance[0].source
    assert (source.form, source.files) == ("csv", 1)
    assert source.command == "amrobust import x"
    assert manifest.facts.axis is None  # the epochs 1 to 6
    assert len(source.sha256) == 64


def test_what_is_loaded_is_what_was_imported(table, tmp_path):
    imported(table, tmp_path / "runs")
    arms, problems = load_arms([tmp_path / "runs"])
    assert not problems
    assert [arm.method for arm in arms] == ["adam", "sgd"]
    for arm in arms:
        np.testing.assert_array_equal(arm.curves["val_acc"], foreign.curves(arm.method))
        assert arm.pairing is None
        assert arm.facts["command"] == "amrobust import x"
        assert arm.facts["source"].startswith("csv, ")


def test_importing_again_changes_nothing(table, tmp_path):
    imported(table, tmp_path / "runs")
    before = {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    assert [(one.added, one.kept) for one in imported(table, tmp_path / "runs")] == [(0, foreign.SEEDS)] * 2
    assert before == {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()}


def test_further_seeds_join_and_that_they_came_later_is_known(table, tmp_path):
    rows = table.read_text().splitlines()
    table.write_text("\n".join(row for row in rows if row.split(",")[1] not in ("3", "4")) + "\n")
    imported(table, tmp_path / "runs")
    table.write_text("\n".join(rows) + "\n")
    assert [(one.added, one.kept) for one in imported(table, tmp_path / "runs")] == [(2, 3)] * 2
    arms, _ = load_arms([tmp_path / "runs"])
    assert arms[0].seeds == (0, 1, 2, 3, 4)
    assert arms[0].seed_plans == (3, 5)
    np.testing.assert_array_equal(arms[0].curves["val_acc"], foreign.curves("adam"))


def test_seeds_that_only_a_name_joins_to_those_there_are_refused(table, tmp_path):
    rows = table.read_text().splitlines()
    for folder, seeds in (("one", "01"), ("two", "234")):
        (tmp_path / folder).mkdir()
        kept = [row for row in rows[1:] if row.split(",")[1] in seeds]
        (tmp_path / folder / "results.csv").write_text("\n".join([rows[0], *kept]) + "\n")
    imported(tmp_path / "one" / "results.csv", tmp_path / "runs")
    before = {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    with pytest.raises(
        UserError, match=r"has 2 seeds of adam already, from .*one.results\.csv, and these are others"
    ):
        imported(tmp_path / "two" / "results.csv", tmp_path / "runs")
    assert before == {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    imported(table, tmp_path / "runs")
    assert [arm.seeds for arm in load_arms([tmp_path / "runs"])[0]] == [(0, 1, 2, 3, 4)] * 2


def test_a_file_a_seed_is_imported_one_after_another_where_that_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in range(3):
        rows = "".join(f"adam,{seed},{step},0.{9 - seed}{step}\n" for step in (1, 2))
        Path(f"seed{seed}.csv").write_text("method,seed,step,acc\n" + rows)

    def run(seed, *more):
        return CliRunner().invoke(main, ["import", f"seed{seed}.csv", "--workload-from", "=digits", *more])

    assert run(0).exit_code == 0
    refused = run(1)
    assert refused.exit_code == 2
    assert "if these are more seeds of it, say --add" in refused.stderr
    for seed in (1, 2):
        assert run(seed, "--add").exit_code == 0
    (arm,), _ = load_arms([tmp_path / "runs"])
    assert arm.seeds == (0, 1, 2)
    assert arm.curves["acc"].tolist() == [[0.91, 0.92], [0.81, 0.82], [0.71, 0.72]]
    sources = [made.source.command for made in open_runs([tmp_path / "runs"])[0][0].manifest.provenance]
    assert [("--add" in command) for command in sources] == [False, True, True]
    Path("seed2.csv").write_text("method,seed,step,acc\nadam,2,1,0.5\nadam,2,2,0.6\n")
    assert "is already in" in run(2, "--add").stderr


def test_recordings_do_not_join_what_was_imported(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("method,seed,step,value\n" + "".join(f"adam,{s},1,{s}\n" for s in range(4)))
    imported(path, tmp_path / "runs")
    for _ in range(2):
        with pytest.raises(UserError, match=r"has imported seeds of adam \(.*mine\.csv\)"):
            amrobust.record(tmp_path / "runs", method="adam", seed=4, workload="mine")
    assert not list((tmp_path / "runs").rglob(".seed*"))


def test_other_curves_for_a_seed_that_is_there_are_refused_and_nothing_is_written(table, tmp_path):
    imported(table, tmp_path / "runs")
    before = {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    table.write_text(table.read_text().replace("adam,3,6,", "adam,3,6,9"))
    with pytest.raises(UserError, match=r"seed 3 is already in .* with another 'val_acc'|another val_acc"):
        imported(table, tmp_path / "runs")
    assert before == {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()}


@pytest.mark.parametrize("change", [{"metrics": ("val_acc",)}, {"higher": frozenset({"val_loss"})}])
def test_other_metrics_are_refused(table, tmp_path, change):
    imported(table, tmp_path / "runs")
    with pytest.raises(UserError, match="has the metrics"):
        imported(table, tmp_path / "runs", **change)


def test_paired_seeds_are_paired(table, tmp_path):
    imported(table, tmp_path / "runs", paired=True)
    arms, _ = load_arms([tmp_path / "runs"])
    assert arms[0].pairing == arms[1].pairing is not None


def test_names_that_are_no_file_names_stay_inside_the_directory(tmp_path):
    gathered, _ = read_path(foreign.tidy_csv(tmp_path / "results.csv"))
    hostile = ("../../etc/x", "a\0b", "..", "x" * 500, "\x1b[31mred", "CON/..\\y", "日本")
    methods = tuple(replace(gathered.methods[0], method=name, workload=name) for name in hostile)
    runs = tmp_path / "a" / "runs"
    land(replace(gathered, methods=methods), runs, form="csv", origin=Path("x"), command="")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["a"]
    found, problems = open_runs([runs])
    assert not problems
    assert {run.manifest.facts.methods["I"] for run in found} == set(hostile)
    assert all(path.name.isascii() and len(path.name) < 110 for path in runs.iterdir())


def test_methods_that_differ_in_their_output_alone_are_two_runs(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(
        "method,seed,step,value\n"
        + "".join(f"am1[m=5]/{o},{s},1,{s}\n" for o in ("I", "II") for s in range(4))
    )
    assert len({one.run.path for one in imported(path, tmp_path / "runs")}) == 2
    arms, _ = load_arms([tmp_path / "runs"])
    assert {arm.method for arm in arms} == {"am1[m=5]/I", "am1[m=5]/II"}
    assert {arm.averaging for arm in arms} == {5}


def test_manifests_of_the_first_schema_version_are_still_read(table, tmp_path):
    from amrobust.runs.spec import content_digest

    (run, _) = imported(table, tmp_path / "runs")
    path = run.run.path / "manifest.json"
    data = json.loads(path.read_text())
    data["schema_version"] = 1
    data["facts"]["metrics"] = [[m["name"], m["better"], m["unit"]] for m in data["facts"]["metrics"]]
    for session in data["provenance"]:
        del session["source"]
    del data["checksum"]
    path.write_text(json.dumps(data | {"checksum": content_digest(data)}))
    runs, problems = open_runs([tmp_path / "runs"])
    assert not problems
    assert len(runs) == 2


def test_a_diverged_seed_is_marked(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("method,seed,step,value\n" + "".join(f"a,{s},1,{s or 'nan'}\n" for s in range(4)))
    (landed,) = imported(path, tmp_path / "runs")
    assert landed.run.manifest.seeds[0].diverged
    assert not landed.run.manifest.seeds[1].diverged


def test_gather_of_nothing():
    with pytest.raises(UserError, match="no runs"):
        gather([], Mappings(), Policies(), "x")


@pytest.mark.parametrize("order", [("short", "long"), ("long", "short")])
def test_seeds_that_end_early_join_their_run_in_any_order(order, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seed, epochs in (("short", 0, 3), ("long", 1, 6)):
        rows = [f"a,{seed},{epoch},{90 + seed + epoch / 10}" for epoch in range(1, epochs + 1)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["method,seed,epoch,acc", *rows]))
    for name in order:
        done = CliRunner().invoke(main, ["import", f"{name}.csv", "--workload-from", "=w", "--add"])
        assert done.exit_code == 0, done.stderr
    (run,), _ = open_runs([tmp_path / "runs"])
    assert run.manifest.facts.epochs == 6
    assert absent(run.curves()["I"]["acc"]).tolist() == [[False] * 3 + [True] * 3, [False] * 6]
