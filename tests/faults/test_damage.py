"""Damaged, swapped and edited files: detected, named, set aside on demand, made again; never averaged in."""

import json
import random
import shutil

import pytest
from whole_runs import HERE, numbers

from amrobust.runs.store import open_runs, read_run
from amrobust.runs.validators import CorruptRun

METHODS = ("sgd", "msgd", "cm")
QUICK = ("--workload", "logistic", "--iterations", 60, "--seeds", 5)


@pytest.fixture(scope="module")
def sound(server, tmp_path_factory):
    """Runs of three methods, with nothing wrong."""
    directory = tmp_path_factory.mktemp("sound")
    for opt in METHODS:
        status, output = server.run("run", "--opt", opt, *QUICK, *HERE, "--runs-dir", directory)
        assert status == 0, output
    return directory


@pytest.fixture
def runs(sound, tmp_path):
    """A copy of them that may be damaged; the victim is sgd's."""
    return shutil.copytree(sound, tmp_path / "runs")


def of(runs, opt):
    (path,) = runs.glob(f"logistic-{opt}-*")
    return path


def curves_of(run):
    (path,) = run.glob("curves-*.parquet")
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def swap(one, other):
    """Exchange the contents of two files."""
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def edit_parquet(runs):
    """One value changed with another tool, which writes a Parquet file of the same form."""
    import pyarrow
    import pyarrow.parquet

    path = curves_of(of(runs, "sgd"))
    table = pyarrow.parquet.read_table(path)
    better = pyarrow.array([0.0] * len(table))
    pyarrow.parquet.write_table(table.set_column(3, table.schema[3], better), path)


def edit_json(runs):
    path = of(runs, "sgd") / "manifest.json"
    text = path.read_text()
    assert '"diverged": false' in text
    path.write_text(text.replace('"diverged": false', '"diverged": true', 1))


DAMAGE = {
    "truncated curves": lambda runs: cut(curves_of(of(runs, "sgd"))),
    "truncated manifest": lambda runs: cut(of(runs, "sgd") / "manifest.json"),
    "empty curves": lambda runs: curves_of(of(runs, "sgd")).write_bytes(b""),
    "empty manifest": lambda runs: (of(runs, "sgd") / "manifest.json").write_bytes(b""),
    "a flipped bit in curves": lambda runs: flip(curves_of(of(runs, "sgd"))),
    "a flipped bit in a manifest": lambda runs: flip(of(runs, "sgd") / "manifest.json"),
    "no curves": lambda runs: curves_of(of(runs, "sgd")).unlink(),
    "no manifest": lambda runs: (of(runs, "sgd") / "manifest.json").unlink(),
    "curves edited by hand": edit_parquet,
    "a manifest edited by hand": edit_json,
}
SWAPS = {
    "swapped curves": lambda runs: swap(curves_of(of(runs, "sgd")), curves_of(of(runs, "cm"))),
    "swapped manifests": lambda runs: swap(
        of(runs, "sgd") / "manifest.json", of(runs, "cm") / "manifest.json"
    ),
}


@pytest.mark.parametrize("what", [*DAMAGE, *SWAPS])
def test_it_is_named_left_out_set_aside_and_made_again(what, server, sound, runs):
    victims = ["sgd", "cm"] if what in SWAPS else ["sgd"]
    victims = [of(runs, opt).name for opt in victims]
    (DAMAGE | SWAPS)[what](runs)

    status, output = server.run("compare", runs)
    assert status == 0, "what is left is compared, or described where it is one method"
    for victim in victims:
        assert victim in output
    good = {run.path.name for run in open_runs([runs])[0]}
    assert good == {path.name for path in runs.iterdir()} - set(victims)
    status, output = server.run("run", "--opt", "sgd", *QUICK, *HERE, "--runs-dir", runs)
    assert status == 1, "training does not go on from it"
    assert f"amrobust check --repair {runs / victims[0]}" in output

    status, output = server.run("check", runs)
    assert status == 1
    for victim in victims:
        assert f"{victim}: broken: " in output
    assert {path.name for path in runs.iterdir()} >= set(victims), "checking alone moves nothing"
    before = {path.name: path.read_bytes() for path in (runs / victims[0]).iterdir()}

    status, output = server.run("check", runs, "--repair")
    assert status == 0, output
    aside = runs / "quarantine" / victims[0]
    assert {path.name: path.read_bytes() for path in aside.iterdir() if path.name in before} == before
    assert "amrobust run" in (aside / "set-aside.txt").read_text() or what in (
        "truncated manifest", "empty manifest", "a flipped bit in a manifest", "no manifest",
        "a manifest edited by hand",
    )  # fmt: skip
    assert server.run("check", runs)[0] == 0

    for opt in ("sgd", "cm"):
        assert server.run("run", "--opt", opt, *QUICK, *HERE, "--runs-dir", runs)[0] == 0
    assert numbers(runs) == numbers(sound)


def test_exchanged_directories_are_named_and_never_mixed_up(server, sound, runs):
    one, other = of(runs, "sgd"), of(runs, "cm")
    one.rename(runs / "between")
    other.rename(one)
    (runs / "between").rename(other)
    status, output = server.run("check", runs)
    assert status == 1
    assert output.count("would not find under this name") == 2
    status, output = server.run("run", "--opt", "sgd", *QUICK, *HERE, "--runs-dir", runs)
    assert status == 1
    assert "it holds another run than its name says" in output
    assert server.run("check", runs, "--repair")[0] == 0
    for opt in ("sgd", "cm"):
        assert server.run("run", "--opt", opt, *QUICK, *HERE, "--runs-dir", runs)[0] == 0
    assert numbers(runs) == numbers(sound)


def test_no_flipped_bit_of_a_manifest_goes_unnoticed(runs):
    run = of(runs, "sgd")
    path = run / "manifest.json"
    sound = read_run(run)
    content = path.read_bytes()
    rng = random.Random(0)
    for place in range(0, len(content), 3):
        flipped = bytearray(content)
        flipped[place] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        try:
            found = read_run(run)
        except CorruptRun:
            continue
        assert found.manifest == sound.manifest, "an E for an e in a number says the same"


def test_no_flipped_bit_of_curves_goes_unnoticed(runs):
    run = of(runs, "sgd")
    path = curves_of(run)
    content = path.read_bytes()
    rng = random.Random(0)
    for place in range(0, len(content), 7):
        flipped = bytearray(content)
        flipped[place] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(CorruptRun, match="checksum"):
            read_run(run)


def test_a_run_of_a_later_version_is_never_set_aside(server, runs):
    from amrobust.runs.spec import content_digest

    path = of(runs, "sgd") / "manifest.json"
    content = json.loads(path.read_text())
    content |= {"schema_version": 99, "something": "else"}
    del content["checksum"]
    path.write_text(json.dumps(content | {"checksum": content_digest(content)}))
    for repair in ([], ["--repair"]):
        status, output = server.run("check", runs, *repair)
        assert status == 1
        assert "a later version of amrobust made it" in output
        assert path.exists()


def test_a_run_that_another_process_is_working_on_is_not_moved(server, runs):
    from amrobust.runs.lock import locked

    cut(curves_of(of(runs, "sgd")))
    with locked(of(runs, "sgd"), None):
        status, output = server.run("check", runs, "--repair")
        assert status == 1
        assert "another process is working on it" in output
        assert of(runs, "sgd").exists()
    assert server.run("check", runs, "--repair")[0] == 0


def test_the_same_run_set_aside_twice_keeps_both(server, runs):
    name = of(runs, "sgd").name
    for _ in range(2):
        cut(curves_of(of(runs, "sgd")))
        assert server.run("check", runs, "--repair")[0] == 0
        assert server.run("run", "--opt", "sgd", *QUICK, *HERE, "--runs-dir", runs)[0] == 0
    assert {path.name for path in (runs / "quarantine").iterdir()} == {name, f"{name}-2"}
