"""The layout of a run is recorded, and what is left of it is trained in that layout: bit for bit as without an interruption."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_up_runs import Trainer, describe, spec

from amrobust.errors import UserError
from amrobust.runs.store import open_runs
from amrobust.train.engine import execute
from amrobust.train.execution import Interrupted
from amrobust.train.prepare import make_spec
from amrobust.train.reporter import Silent

MLP = make_spec("digits", "am1", {"epochs": 1, "lr_drops": 0, "model": "mlp"})


class Stops(Silent):
    """Ctrl-C after a number of seeds."""

    def __init__(self, after):
        self.left = after

    def seed_done(self, run, outcome):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


class Notes(Silent):
    def __init__(self):
        self.notes = []

    def note(self, run, text):
        self.notes.append(text)


def train(directory, seeds, **options):
    return execute(MLP, range(seeds), directory, executor="local", **options)


def curves(found):
    return {(o, m): c for o, metrics in found.curves().items() for m, c in metrics.items()}


def same_bits(one, other):
    return all(np.array_equal(curve, curves(other)[key]) for key, curve in curves(one).items())


def test_the_layout_is_in_the_manifest(tmp_path):
    found = train(tmp_path, 5)
    session = json.loads((found.path / "manifest.json").read_text())["provenance"][0]
    assert session["batching"] == "stack"
    assert session["stacks"] == [[0, 1, 2, 3, 4]]
    assert {record.stack for record in found.manifest.seeds.values()} == {5}


def test_it_is_no_part_of_the_identity(tmp_path):
    one = train(tmp_path / "a", 2)
    other = train(tmp_path / "b", 2, batching="none")
    assert one.path.name == other.path.name
    assert other.manifest.provenance[0].batching == "none"
    assert other.manifest.provenance[0].stacks == ()


def test_what_was_interrupted_within_a_stack_goes_on_as_that_stack(tmp_path):
    whole = train(tmp_path / "whole", 6)
    with pytest.raises(Interrupted):
        train(tmp_path / "stopped", 6, reporter=Stops(after=2))
    ((stopped,), _) = open_runs([tmp_path / "stopped"])
    assert stopped.manifest.complete == (0, 1)
    resumed = train(tmp_path / "stopped", 6)
    assert resumed.manifest.complete == tuple(range(6))
    assert same_bits(resumed, whole)
    assert resumed.manifest.seeds[5].stack == 6


def test_more_seeds_get_stacks_of_their_own_and_change_no_other(tmp_path):
    before = curves(train(tmp_path, 3))
    found = train(tmp_path, 6)
    assert [session.stacks for session in found.manifest.provenance] == [((0, 1, 2),), ((3, 4, 5),)]
    for key, curve in curves(found).items():
        assert np.array_equal(curve[:3], before[key])


def test_a_run_made_one_by_one_goes_on_one_by_one(tmp_path):
    train(tmp_path, 1, batching="none")
    found = train(tmp_path, 3)
    assert found.manifest.provenance[-1].batching == "none"
    assert {record.stack for record in found.manifest.seeds.values()} == {1}


def test_a_manifest_older_than_layouts_is_read_and_goes_on_one_by_one():
    reference = Path(__file__).resolve().parents[2] / "reference_runs" / "measured" / "digits"
    for found in open_runs([reference])[0]:
        assert found.manifest.layout.batching is None
        assert {record.stack for record in found.manifest.seeds.values()} == {1}


def test_the_default_run_is_the_reference_run():
    """The parameters that came later do not show in the spec, so that the identity is the one recorded."""
    from amrobust.runs.manifest import identity
    from amrobust.train.prepare import describe

    reference = Path(__file__).resolve().parents[2] / "reference_runs" / "measured" / "digits"
    for found in open_runs([reference])[0]:
        mine = make_spec("digits", found.spec.optimizer, {"model": "cnn", "clip_norm": None})
        assert identity(mine, describe(mine)) == found.manifest.identity


def test_optimizers_that_mix_coordinates_are_trained_one_by_one_with_a_message(tmp_path, monkeypatch):
    from amrobust.train.stacking import rows

    monkeypatch.setattr(rows, "mixing", lambda make: "mixes the coordinates of a parameter")
    reporter = Notes()
    found = train(tmp_path, 2, batching="stack", reporter=reporter)
    assert reporter.notes == ["seeds are trained one by one: am1 mixes the coordinates of a parameter"]
    assert found.manifest.provenance[0].batching == "none"
    assert found.manifest.complete == (0, 1)


def test_unknown_batching_changes_nothing(tmp_path):
    with pytest.raises(UserError, match="auto, none, stack"):
        train(tmp_path, 2, batching="all")
    assert not list(tmp_path.glob("*/manifest.json"))


def test_somebody_elses_trainer_has_no_layout(tmp_path):
    found = execute(spec(), range(2), tmp_path, train=Trainer(), describe=describe)
    assert found.manifest.provenance[0].stacks == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [("batching", "all"), ("batching", 3), ("stacks", [[-1]]), ("stacks", [["0"]]), ("stacks", 1), ("company", 3),
     ("company", {"am1": [0]}), ("company", {"0" * 64: [-1]})]
)  # fmt: skip
def test_layouts_made_up_by_a_stranger_are_refused(tmp_path, field, value):
    from amrobust.runs.spec import content_digest

    found = execute(spec(), range(2), tmp_path, train=Trainer(), describe=describe)
    path = found.path / "manifest.json"
    data = json.loads(path.read_text())
    data.pop("checksum")
    data["provenance"][0][field] = value
    data["checksum"] = content_digest(data)
    path.write_text(json.dumps(data))
    runs, problems = open_runs([tmp_path])
    assert not runs
    assert field in problems[0]
