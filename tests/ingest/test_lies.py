"""A lie that leaves a trace is refused or warned about by name, or changes nothing; else ``read:`` says what was believed."""

import functools
import json
import random
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from lies import BELIEVED, EVERY_LIE, REFUSED, SAME, WARNED, Pick
from sound_data import sound, written

from amrobust.cli import main

CASES = [pytest.param(lie, form, id=f"{lie.title}-{form}") for lie in EVERY_LIE for form in lie.forms]


def told(files, form, folder):
    """What ``amrobust compare`` says of ``files``: the exit status, its lines on stderr, and the comparison."""
    place = folder / "results"
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path = place if form == "logs" else place / next(iter(files))
    metric = ["--metric", "val_acc=value"] if form == "wide" else []
    done = CliRunner().invoke(main, ["compare", str(path), *metric, "--baseline", "adam", "--format", "json"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (0, 2), done.output
    return done.exit_code, done.stderr.splitlines(), json.loads(done.stdout) if done.stdout else {}


@functools.cache
def honestly(form, seeds, epochs, chance):
    """What is said of the sound data."""
    with tempfile.TemporaryDirectory() as folder:
        status, *rest = told(written(sound(seeds, epochs, chance), form), form, Path(folder))
    assert status == 0
    return rest


def warnings(lines, comparison):
    """Every warning, on stderr and in the comparison."""
    notes = [
        note["message"] + note["hint"]
        for compared in comparison.get("groups", [])
        for note in compared["notes"]
    ]
    return {line for line in lines if not line.startswith("read:")} | set(notes)


def numbers(comparison):
    """What was judged, and what came of it."""
    return [
        (
            [(arm["method"], arm["seeds"], arm["final_values"]) for arm in compared["arms"]],
            [
                (verdict["claim"]["kind"], verdict["outcome"], verdict["p"], verdict["interval"])
                for verdict in compared["verdicts"]
            ],
        )
        for compared in comparison["groups"]
    ]


def check(lie, form, seeds, epochs, chance, folder):
    rng = random.Random(chance)
    rows = sound(seeds, epochs, chance)
    half = frozenset(rng.sample(range(seeds), seeds // 2))
    pick = Pick(rng.randrange(seeds), half, rng.randint(3, epochs - 3), epochs, rng)
    honest = honestly(form, seeds, epochs, chance)
    status, lines, comparison = told(lie.files(written(lie.rows(rows, pick), form), pick), form, folder)
    if status == 2:
        assert lie.ends == REFUSED, lines
        assert sum(line.startswith("Error: ") for line in lines) == 1
        assert lines[-1].startswith("Error: ")
        assert lie.says in lines[-1]
        return
    assert lie.ends != REFUSED, (lines, numbers(comparison))
    if lie.ends == WARNED:
        new = warnings(lines, comparison) - warnings(*honest)
        assert any(lie.says in line for line in new), new
    elif lie.ends == SAME:
        assert numbers(comparison) == numbers(honest[1])
    else:
        assert lie.ends == BELIEVED
        assert any(lie.says in line for line in lines if line.startswith("read:")), lines


@pytest.mark.parametrize(("lie", "form"), CASES)
def test_a_lie_ends_as_the_table_says(lie, form, tmp_path):
    check(lie, form, 8, 10, 1, tmp_path)


@settings(max_examples=25)
@given(
    case=st.sampled_from([case.values for case in CASES]),
    seeds=st.sampled_from([5, 6, 7, 12]), epochs=st.integers(10, 15), chance=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_wherever_it_strikes(case, seeds, epochs, chance, tmp_path_factory):
    check(*case, seeds, epochs, chance, tmp_path_factory.mktemp("lie"))
