"""Reading: whatever is wrong with a run is one line, and the other runs stay usable."""

import dataclasses
import io
import json

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_up_runs import EPOCHS, METRICS, OUTPUTS, Trainer, describe, spec

from amrobust.errors import UserError
from amrobust.ingest.load import load_arms
from amrobust.runs.curves import decode, describe_bytes, encode
from amrobust.runs.spec import content_digest
from amrobust.runs.store import find_run, open_runs
from amrobust.runs.validators import CorruptRun
from amrobust.train.engine import execute


@pytest.fixture
def runs(tmp_path):
    """Two runs; the first is the one that is damaged."""
    for lr in (0.1, 0.2):
        execute(
            spec(hyperparameters={"lr": lr, "m": 5}), range(3), tmp_path, train=Trainer(), describe=describe
        )
    return tmp_path


@pytest.fixture
def victim(runs):
    return sorted(child for child in runs.iterdir() if child.is_dir())[0]


def curves_file(victim):
    (path,) = victim.glob("curves-*.parquet")
    return path


def edit(victim, change, *, sealed):
    """Change the manifest's data; ``sealed`` writes a checksum that fits, as a stranger could."""
    path = victim / "manifest.json"
    data = json.loads(path.read_text())
    change(data)
    if sealed:
        data.pop("checksum")
        data["checksum"] = content_digest(data)
    path.write_text(json.dumps(data))


def assert_one_problem(runs, victim):
    found, problems = open_runs([runs])
    arms = []
    if found:
        arms, problems = load_arms([runs])
    assert len(problems) == 1
    assert victim.name in problems[0]
    assert "\n" not in problems[0]
    assert len({arm.training for arm in arms}) == 1, "the other run stays usable"


def test_a_manifest_without_a_note_on_its_data_is_read(runs, victim):
    edit(victim, lambda data: data["facts"].pop("data_note"), sealed=True)
    found, problems = open_runs([runs])
    assert len(found) == 2
    assert not problems


def test_the_note_on_the_data_reaches_the_arms(tmp_path):
    def noted(of):
        return dataclasses.replace(describe(of), data_note="rebuilt")

    execute(spec(), range(3), tmp_path, train=Trainer(), describe=noted)
    arms = load_arms([tmp_path])[0]
    assert {arm.facts["data note"] for arm in arms} == {"rebuilt"}


def test_a_truncated_curves_file(runs, victim):
    path = curves_file(victim)
    path.write_bytes(path.read_bytes()[:-20])
    assert_one_problem(runs, victim)


@pytest.mark.parametrize("place", [0, 100, -1])
def test_one_flipped_bit(runs, victim, place):
    path = curves_file(victim)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))
    assert_one_problem(runs, victim)


def test_a_missing_curves_file(runs, victim):
    curves_file(victim).unlink()
    assert_one_problem(runs, victim)


def test_swapped_curves_files(runs, victim):
    other = next(child for child in runs.iterdir() if child.is_dir() and child != victim)
    name = curves_file(victim).name
    content = curves_file(other).read_bytes()[:-8] + b"12345678"
    (victim / name).write_bytes(content)
    assert_one_problem(runs, victim)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", '{"schema_version": 99}', "[" * 100_000])
def test_a_manifest_that_is_none(runs, victim, text):
    (victim / "manifest.json").write_text(text)
    assert_one_problem(runs, victim)


def test_a_hand_edited_manifest(runs, victim):
    edit(victim, lambda data: data["seeds"].pop("2"), sealed=False)
    assert_one_problem(runs, victim)


def set_path(*keys, value):
    def change(data):
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_path("curves", "file", value="../../../etc/passwd"),
        set_path("curves", "file", value="curves-../evil.parquet"),
        set_path("curves", "bytes", value=10**15),
        set_path("curves", "sha256", value=5),
        set_path("facts", "epochs", value=10**12),
        set_path("facts", "epochs", value=EPOCHS + 1),
        set_path("facts", "epochs", value=True),
        set_path("facts", "outputs", value=[]),
        set_path("facts", "data_note", value=3),
        set_path("facts", "metrics", value=[["test_accuracy", "higher", ""]]),
        set_path("facts", "metrics", 0, "better", value="sideways"),
        set_path("facts", "metrics", 0, "better", value=["higher"]),
        set_path("facts", "metrics", 0, "better_by", value="a stranger"),
        set_path("facts", "metrics", 0, "unit_by", value=None),
        set_path("facts", "metrics", 1, "name", value="seed"),
        set_path("facts", "methods", value={"I": 3}),
        set_path("spec", "hyperparameters", "lr", value=5.0),
        set_path("spec", "optimizer", value=["am1"]),
        set_path("seeds", value={"x": {}}),
        set_path(
            "seeds", "7", value={"state": "complete", "diverged": False, "wall_seconds": 0.0, "error": None}
        ),
        set_path("seeds", "0", "state", value="finished"),
        set_path("seeds", "0", "code", value="0" * 64),
        set_path("facts", "code", value={"mine.py": 3}),
        set_path("plans", value=[{"seeds": -1}]),
        set_path("provenance", value="mine"),
    ],
)
def test_manifests_made_up_by_a_stranger(runs, victim, change):
    edit(victim, change, sealed=True)
    assert_one_problem(runs, victim)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_path("facts", "epochs", value=0), "facts.epochs in its manifest is 0: expected int >= 1"),
        (set_path("facts", "epochs", value=5.0), "facts.epochs in its manifest is 5.0: expected int, got float"),
        (set_path("facts", "outputs", value=["I", 3]), "facts.outputs[1] in its manifest is 3: expected str, got int"),
        (set_path("facts", "methods", value={"": "a"}), "a name in facts.methods in its manifest is {'': 'a'}: expected"),
        (set_path("provenance", 0, "versions", value={"a": 3}), "a value in provenance[0].versions in its manifest is"),
        (set_path("provenance", 0, "when", value=None), "provenance[0].when in its manifest is None: expected str"),
        (lambda data: data["provenance"][0].pop("when"), "its manifest has no 'provenance[0].when'"),
        (set_path("facts", "metrics", 0, "better", value="up"), "is 'up': expected one of higher, lower"),
        (set_path("seeds", "1", "state", value="done"), "seed 1.state in its manifest is 'done': expected one of planned"),
        (set_path("seeds", "1", "\ud800", value=1), "seed 1 in its manifest has a name that is no text"),
        (set_path("spec", "hyperparameters", "lr", value=2**63), "spec.hyperparameters in its manifest has 'lr' = 92"),
        (set_path("spec", "optimizr", value="am1"), "the spec in its manifest has an unknown field 'optimizr'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place_what_is_there_and_what_should_be(runs, victim, change, said):
    edit(victim, change, sealed=True)
    _, (problem,) = open_runs([runs])
    assert said in problem
    assert "'amrobust check --repair " in problem
    assert len(problem.splitlines()) == 1


def test_an_empty_and_a_missing_directory(tmp_path):
    with pytest.raises(UserError, match="amrobust run"):
        open_runs([tmp_path])
    with pytest.raises(UserError, match="cannot read"):
        open_runs([tmp_path / "nowhere"])


def test_a_run_is_found_by_a_unique_beginning_of_its_name(runs, victim):
    assert find_run(victim.name[:18], runs).path.name == victim.name
    with pytest.raises(UserError, match="give more of the name"):
        find_run("digits", runs)
    with pytest.raises(UserError, match="amrobust list"):
        find_run("nothing", runs)


@settings(max_examples=30, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 2**20), min_size=1, max_size=5, unique=True),
    values=arrays(np.float64, (EPOCHS,), elements=st.floats(width=64)),
)
def test_any_curves_survive_the_round_trip_bit_for_bit(seeds, values):
    facts = describe(spec())
    names = [metric.name for metric in METRICS]
    curves = {
        seed: {o: {n: np.roll(values, i) for i, n in enumerate(names)} for o in OUTPUTS} for seed in seeds
    }
    content = encode(curves, facts)
    assert describe_bytes(content) == describe_bytes(encode(dict(reversed(curves.items())), facts))
    back = decode(content, sorted(seeds), facts)
    for row in range(len(seeds)):
        for output in OUTPUTS:
            for i, name in enumerate(names):
                assert np.array_equal(back[output][name][row], np.roll(values, i), equal_nan=True)


@pytest.mark.parametrize("column", ["seed", "output", "epoch"])
def test_a_curves_file_without_one_of_its_columns(column):
    facts = describe(spec())
    ones = {o: {metric.name: np.ones(EPOCHS) for metric in METRICS} for o in OUTPUTS}
    sink = io.BytesIO()
    table = pyarrow.parquet.read_table(io.BytesIO(encode({0: ones}, facts))).drop_columns(column)
    pyarrow.parquet.write_table(table, sink)
    with pytest.raises(CorruptRun, match="does not have the columns"):
        decode(sink.getvalue(), [0], facts)
