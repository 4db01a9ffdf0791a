"""The record of a tuning: in a manifest, no part of a run's identity, and as a file."""

import json
import re
from dataclasses import asdict, replace

import pytest
from made_up_runs import Trainer, describe, spec
from made_up_tunings import tuning

from amrobust.errors import RunError, UserError
from amrobust.runs.spec import content_digest
from amrobust.runs.store import open_runs
from amrobust.runs.tuning import FIRST_SEED
from amrobust.runs.tuning_record import TunedMethod, TuningFile, read_tuning, write_tuning
from amrobust.train.engine import execute

TUNED = tuning()
OTHER = tuning((80.0, 95.0, 93.0), seeds=2)


def run(path, seeds, trainer=None, **options):
    return execute(spec(), range(seeds), path, train=trainer or Trainer(), describe=describe, **options)


def test_it_is_kept_with_the_run_and_is_no_part_of_its_identity(tmp_path):
    plain, tuned = run(tmp_path / "a", 2), run(tmp_path / "b", 2, tuning=TUNED)
    assert plain.manifest.tuning is None
    assert tuned.manifest.tuning == TUNED
    assert plain.manifest.identity == tuned.manifest.identity
    assert plain.data == tuned.data


def test_more_seeds_keep_it_and_another_one_takes_its_place(tmp_path):
    run(tmp_path, 2, tuning=TUNED)
    assert run(tmp_path, 3).manifest.tuning == TUNED
    assert run(tmp_path, 4, tuning=OTHER).manifest.tuning == OTHER


def test_a_run_with_all_its_seeds_gets_it_without_training(tmp_path):
    before = run(tmp_path, 3)
    trainer = Trainer()
    after = run(tmp_path, 3, trainer, tuning=TUNED)
    assert not trainer.asked
    assert after.manifest.tuning == TUNED
    assert after.data == before.data
    assert after.manifest.provenance == before.manifest.provenance


@pytest.mark.parametrize("given", [True, False])
def test_a_seed_that_it_was_tuned_on_is_not_judged(tmp_path, given):
    run(tmp_path, 2, tuning=TUNED)
    trainer = Trainer()
    with pytest.raises(UserError, match="was tuned on"):
        execute(spec(), [0, FIRST_SEED + 1], tmp_path, train=trainer, describe=describe,
                tuning=TUNED if given else None)  # fmt: skip
    assert not trainer.asked


def manifest_of(path):
    return json.loads((path / "manifest.json").read_text())


def write(path, content):
    content = {key: value for key, value in content.items() if key != "checksum"}
    (path / "manifest.json").write_text(json.dumps(content | {"checksum": content_digest(content)}))


def test_a_manifest_of_the_schema_before_it_is_read(tmp_path):
    path = run(tmp_path, 2).path
    content = manifest_of(path)
    del content["tuning"]
    content["facts"]["metrics"] = [[m["name"], m["better"], m["unit"]] for m in content["facts"]["metrics"]]
    write(path, content | {"schema_version": 2})
    (found,), problems = open_runs([tmp_path])
    assert not problems
    assert found.manifest.tuning is None
    assert run(tmp_path, 3).manifest.complete == (0, 1, 2)


WRONG = [
    {"chosen": 0},  # not what was run
    {"chosen": 3},
    {"chosen": -1},
    {"trials": []},
    {"trials": "x"},
    {"trials": [*asdict(TUNED)["trials"][:2], {"values": {"lr": 7.0}, "mean": 1.0, "std": None, "diverged": 0}]},
    {"trials": [{**t, "mean": None} for t in asdict(TUNED)["trials"]]},
    {"searched": {"lr": [0.01, 0.1]}},
    {"searched": {"lr": [0.01, 0.1, 1.0], "m": []}},
    {"searched": {f"x{i}": list(range(1000)) for i in range(100)}},
    {"seeds": []},
    {"seeds": [1, 1]},
    {"seeds": list(range(1001))},
    {"epochs": 0},
    {"better": "wider"},
    {"validation": 1.5},
    {"metric": ""},
    {"root_seed": -1},
    {"paired": 1},
    {"metric": None},
]  # fmt: skip


@pytest.mark.parametrize("change", WRONG, ids=lambda c: next(iter(c)))
def test_a_record_that_does_not_hold_together_is_broken(tmp_path, change):
    path = run(tmp_path / "runs", 2, tuning=TUNED).path
    content = manifest_of(path)
    write(path, content | {"tuning": content["tuning"] | change})
    found, (problem,) = open_runs([path])
    assert not found
    assert path.name in problem
    with pytest.raises(RunError):
        run(tmp_path / "runs", 3)
    file = tmp_path / "tuning.json"
    write_tuning(file, FILE)
    content = json.loads(file.read_text())
    content["methods"][0]["tuning"] |= change
    del content["checksum"]
    file.write_text(json.dumps(content | {"checksum": content_digest(content)}))
    with pytest.raises(UserError, match="is no record of a tuning"):
        read_tuning(file)


FILE = TuningFile(
    "digits", {"epochs": 4, "clip_norm": None}, (TunedMethod("am1", {"lr": 0.1, "m": 5}, TUNED),)
)


def test_a_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "tuning.json"
    write_tuning(path, FILE)
    assert read_tuning(path) == FILE
    write_tuning(path, replace(FILE, workload="logistic"))
    assert read_tuning(path).workload == "logistic"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("[]", "not a JSON object"),
        ('{"schema_version": 99}', "update"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "tuning.json"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_tuning(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_was_changed_by_hand_is_refused(tmp_path):
    path = tmp_path / "tuning.json"
    write_tuning(path, FILE)
    path.write_text(re.sub(r'"lr": 0.1\b', '"lr": 0.2', path.read_text()))
    with pytest.raises(UserError, match="changed by hand"):
        read_tuning(path)


def test_no_file_and_no_place_to_write_are_said(tmp_path):
    with pytest.raises(UserError, match="cannot read the tuning"):
        read_tuning(tmp_path / "none.json")
    (tmp_path / "link.json").symlink_to("/dev/zero")
    with pytest.raises(UserError, match="cannot read the tuning"):
        read_tuning(tmp_path / "link.json")
    with pytest.raises(UserError, match="cannot write"):
        write_tuning(tmp_path / "nowhere" / "tuning.json", FILE)
