"""Clocks that jump, hosts in other time zones, directories and data that are moved or copied."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from whole_runs import HERE, numbers

from amrobust.runs.store import open_runs

QUICK = ("--opt", "am1", "--workload", "logistic", "--iterations", 60)
RUN = (*QUICK, "--seeds", 8)


def run(server, arguments, directory, **settings):
    status, output = server.run("run", *arguments, *HERE, "--runs-dir", directory, **settings)
    assert status == 0, output
    return output


def test_a_clock_that_is_set_back_changes_no_number_and_no_order(server, tmp_path):
    runs = tmp_path / "runs"
    run(server, (*QUICK, "--seeds", 4), runs, days=3000)
    (path,) = runs.iterdir()
    for file in path.iterdir():
        os.utime(file, (2e9, 2e9))
    run(server, (*QUICK, "--seeds", 8), runs, days=-9000)
    (found,), problems = open_runs([runs])
    assert not problems
    assert found.manifest.seed_plans == (4, 8), "plans are in the order in which they were made"
    first, second = found.manifest.provenance
    assert first.when > second.when
    assert all(0 <= made.wall_seconds < 60 for made in found.manifest.provenance)
    assert server.run("check", runs)[0] == 0
    run(server, (*QUICK, "--seeds", 4), tmp_path / "right")
    run(server, (*QUICK, "--seeds", 8), tmp_path / "right")
    assert numbers(runs) == numbers(tmp_path / "right")


def test_hosts_in_two_time_zones_write_the_same_time_and_the_same_numbers(server, tmp_path):
    made = []
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles"):
        run(server, RUN, tmp_path / zone, env={"TZ": zone})
        (found,), _ = open_runs([tmp_path / zone])
        made.append(datetime.fromisoformat(found.manifest.provenance[0].when))
    for when in made:
        assert when.tzinfo is not None
        assert abs(when - datetime.now(UTC)) < timedelta(minutes=5)
    first, second = (numbers(tmp_path / zone) for zone in ("Pacific/Kiritimati", "America/Los_Angeles"))
    assert first == second


@pytest.mark.parametrize("how", [shutil.copytree, shutil.move])
def test_runs_that_were_moved_or_copied_go_on_where_they_are(how, server, tmp_path):
    run(server, (*QUICK, "--seeds", 4), tmp_path / "here")
    there = tmp_path / "an other" / "place"
    there.parent.mkdir()
    how(tmp_path / "here", there)
    assert server.run("check", there)[0] == 0
    assert "nothing left to train" in run(server, (*QUICK, "--seeds", 4), there)
    assert "8 seeds" in run(server, RUN, there)
    (found,), _ = open_runs([there])
    assert found.manifest.complete == tuple(range(8))


def test_data_that_lie_elsewhere_on_another_machine(server, tmp_path):
    rows = "".join(f"{1 if i % 3 else -1} 1:{i % 5} 2:{(i * 7) % 11} 3:1\n" for i in range(40))
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text(rows)
    second.write_text(rows)
    run(server, (*QUICK, "--seeds", 4, "--data", first), tmp_path / "runs")
    first.unlink()
    run(server, (*QUICK, "--seeds", 8, "--data", second), tmp_path / "runs")
    (found,), problems = open_runs([tmp_path / "runs"])
    assert not problems
    assert found.manifest.complete == tuple(range(8))
    assert found.spec.workload_params["data"] == str(second), "its command names the data that are there"


def test_a_summary_never_outlives_the_files_it_was_made_from(server, tmp_path, monkeypatch):
    """An index that came along with a copy, or that a run was damaged after, is not believed."""
    from amrobust.runs import summary
    from amrobust.runs.summary import summaries

    monkeypatch.setattr(summary, "INDEX_FROM", 1)
    run(server, RUN, tmp_path / "runs")
    summaries([tmp_path / "runs"])
    index = tmp_path / "runs" / ".index.json"
    content = json.loads(index.read_text())
    (entry,) = content["runs"].values()
    entry |= {"seeds_complete": 1000, "workload": "mine"}
    index.write_text(json.dumps(content))
    (listed,), _ = summaries([tmp_path / "runs"])
    assert listed.seeds_complete == 1000, "this is where the summary comes from"
    shutil.copytree(tmp_path / "runs", tmp_path / "copy")
    (listed,), problems = summaries([tmp_path / "copy"])
    assert (listed.seeds_complete, listed.workload, problems) == (8, "logistic[iterations=60]", [])
    (path,) = (tmp_path / "runs").glob("logistic-*/curves-*")
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    listed, (problem,) = summaries([tmp_path / "runs"])
    assert listed == []
    assert "checksum" in problem
