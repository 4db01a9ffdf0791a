"""Records that earlier versions wrote are read, and go on in the current form."""

import json
import shutil
from pathlib import Path

import pytest
from made_up_runs import OUTPUTS, Trainer, curve, describe, spec

from amrobust.runs import manifest, validate
from amrobust.runs.spec import content_digest
from amrobust.runs.store import open_runs
from amrobust.train.engine import execute

RECORDS = Path(__file__).parent / "records"


def assert_has(run, seeds):
    assert run.manifest.complete == tuple(range(seeds))
    for output in OUTPUTS:
        for metric in ("test_accuracy", "test_loss"):
            for seed in range(seeds):
                assert run.curves()[output][metric][seed].tolist() == curve(seed, output, metric).tolist()


def copied(tmp_path):
    """The stored record of schema version 1 where ``execute`` looks for its run."""
    path = tmp_path / "runs" / "digits-am1-IDENTITY"
    shutil.copytree(RECORDS / "schema-1", path)
    identity = json.loads((path / "manifest.json").read_text())["identity"]
    return path.rename(path.with_name(f"digits-am1-{identity[:12]}"))


def go_on(tmp_path, seeds):
    return execute(spec(), range(seeds), tmp_path / "runs", train=Trainer(), describe=describe)


def test_a_record_of_schema_version_1(tmp_path):
    path = copied(tmp_path)
    (run,), problems = open_runs([path])
    assert not problems
    assert_has(run, 3)
    assert_has(go_on(tmp_path, 5), 5)


@pytest.fixture
def older(tmp_path, monkeypatch):
    """A record of a form that this version has only a step for: its seeds are a list of those that are complete."""

    def step(content):
        done = {"state": "complete", "diverged": False, "wall_seconds": 0.0, "error": None}
        seeds = {str(seed): done for seed in content["seeds"]}
        by = {"better_by": "workload", "unit_by": "workload"}
        metrics = [
            {"name": name, "better": better, "unit": unit, **by}
            for name, better, unit in content["facts"]["metrics"]
        ]
        facts = content["facts"] | {"metrics": metrics, "measured": {}}
        return content | {"seeds": seeds, "plans": [], "tuning": None, "facts": facts, "correct": None}

    for module in (manifest, validate):
        monkeypatch.setattr(module, "SCHEMA_VERSION", 2)
    monkeypatch.setattr(validate, "STEPS", {1: step})
    path = copied(tmp_path)
    content = json.loads((path / "manifest.json").read_text())
    del content["checksum"], content["plans"]
    return path, content | {"schema_version": 1, "seeds": [0, 1, 2]}


def write(path, content):
    (path / "manifest.json").write_text(json.dumps(content | {"checksum": content_digest(content)}))


def test_an_older_form_is_brought_to_the_current_one_step_by_step(older, tmp_path):
    path, content = older
    write(path, content)
    before = (path / "manifest.json").read_bytes()
    found, problems = open_runs([path])
    assert not problems
    (run,) = found
    assert_has(run, 3)
    assert (path / "manifest.json").read_bytes() == before, "reading changes nothing"
    assert_has(go_on(tmp_path, 4), 4)
    assert json.loads((path / "manifest.json").read_text())["schema_version"] == 2


@pytest.mark.parametrize("seeds", [None, 5, [""], ["x" * 2000]])
def test_a_record_that_is_not_of_the_form_it_names(older, seeds):
    path, content = older
    write(
        path,
        content | {"seeds": seeds}
        if seeds is not None
        else {k: v for k, v in content.items() if k != "seeds"},
    )
    found, (problem,) = open_runs([path])
    assert not found
    assert path.name in problem


def test_the_checksum_of_an_older_form_is_that_of_its_own_content(older):
    path, content = older
    write(path, content)
    text = (path / "manifest.json").read_text()
    (path / "manifest.json").write_text(text.replace("digits", "digitz", 1))
    found, (problem,) = open_runs([path])
    assert not found
    assert "checksum" in problem


def test_a_run_of_an_earlier_record_version_keeps_its_identity(tmp_path, monkeypatch):
    for module in (manifest, validate):
        monkeypatch.setattr(module, "RECORD_VERSION", 2)
    (run,), problems = open_runs([copied(tmp_path)])
    assert not problems
    assert run.manifest.record_version == 1
    assert_has(run, 3)
    later = manifest.identity(spec(), describe(spec()), 2)
    assert later != run.manifest.identity, "what is recorded differently is another run"
