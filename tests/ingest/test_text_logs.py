"""Lines of text, by a pattern whose named groups are the step, the names and the metrics."""

import json
import re
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import amrobust as package
from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.read import read_path

PATTERN = r"step (?P<step>\d+) .*val (?P<val_loss>\S+)"


def value(method, seed, step):
    return round((2.0 if method == "sgd" else 1.5) / step + 0.013 * ((seed * 7 + step) % 5), 4)


@pytest.fixture
def logs(tmp_path):
    for method in ("sgd", "adam"):
        for seed in range(5):
            file = tmp_path / "logs" / method / f"seed{seed}.log"
            file.parent.mkdir(parents=True, exist_ok=True)
            lines = [f"[12:00:{t:02d}] step {t} lr 0.1 val {value(method, seed, t)}" for t in (1, 2, 3)]
            file.write_text("\n".join(["starting up ...", *lines, "done"]))
    return tmp_path / "logs"


def read(path, pattern=PATTERN, **mappings):
    return read_path(path, mappings=Mappings(pattern=pattern, **mappings))[0]


def refusal(path, pattern=PATTERN, **mappings):
    with pytest.raises(UserError) as refused:
        read(path, pattern, **mappings)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_every_line_that_matches_is_a_point(logs):
    gathered = read(logs)
    assert sorted((m.method, m.seeds, m.steps) for m in gathered.methods) == [
        (method, tuple(range(5)), (1, 2, 3)) for method in ("adam", "sgd")
    ]
    for method in gathered.methods:
        expected = [[value(method.method, seed, t) for t in (1, 2, 3)] for seed in range(5)]
        assert method.curves["val_loss"].tolist() == expected
    assert "step = step 1…3 · val_loss (lower is better, by its name)" in gathered.read


@pytest.mark.parametrize("command", ["compare", "tails", "export", "import", "report"])
def test_every_command_that_reads_takes_it(logs, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = {"import": ["--dry-run"], "report": ["-o", "report.html"]}.get(command, [])
    done = CliRunner().invoke(main, [command, str(logs), "--pattern", PATTERN, *more], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    if command == "report":
        assert "val loss" in (tmp_path / "report.html").read_text()
    else:
        assert "adam" in done.stdout
        assert "sgd" in done.stdout


def test_python_takes_it_too(logs):
    runs = package.load(logs, pattern=PATTERN)
    assert set(runs.methods) == {"adam", "sgd"}
    assert runs.to_frame().value.sum() == pytest.approx(
        sum(value(method, seed, t) for method in ("sgd", "adam") for seed in range(5) for t in (1, 2, 3))
    )


def test_lines_can_name_the_method_and_the_seed(tmp_path):
    file = tmp_path / "all.log"
    file.write_text(
        "\n".join(f"{m} seed={s} epoch {e}: acc={e + s}" for m in ("a", "b") for s in (0, 1) for e in (1, 2))
    )
    pattern = r"(?P<method>\w+) seed=(?P<seed>\d+) epoch (?P<epoch>\d+): acc=(?P<acc>\S+)"
    methods = read(file, pattern).methods
    assert [(m.method, m.seeds, m.axis.label) for m in methods] == [
        ("a", (0, 1), "epoch"),
        ("b", (0, 1), "epoch"),
    ]
    assert methods[1].curves["acc"].tolist() == [[1, 2], [2, 3]]


def test_a_name_and_a_step_hold_until_the_next(tmp_path):
    file = tmp_path / "run.log"
    file.write_text(
        "\n".join(
            f"optimizer adam, seed {seed}\nEpoch 1\n  acc 0.{seed}1\nEpoch 2\n  acc 0.{seed}2\n"
            for seed in (3, 4)
        )
    )
    pattern = r"optimizer (?P<optimizer>\w+), seed (?P<seed>\d+)|Epoch (?P<epoch>\d+)|acc (?P<acc>\S+)"
    (method,) = read(file, pattern).methods
    assert (method.method, method.seeds, method.steps) == ("adam", (3, 4), (1, 2))
    assert method.curves["acc"].tolist() == [[0.31, 0.32], [0.41, 0.42]]


def test_progress_bars_that_return_to_the_start_of_a_line_are_lines(tmp_path):
    file = tmp_path / "sgd-seed0.log"
    file.write_bytes(b"step 1 x val 0.5\rstep 2 x val 0.4\r\nstep 3 x val nan\n")
    (method,) = read(file).methods
    np.testing.assert_array_equal(method.curves["val_loss"], [[0.5, 0.4, np.nan]])


def test_one_match_a_file_without_a_step_is_a_final_value(tmp_path):
    for seed in (0, 1):
        (tmp_path / f"sgd-seed{seed}.out").write_text(f"training\nfinal test acc: {90 + seed}\n")
    (method,) = read(tmp_path, r"final test acc: (?P<test_acc>\S+)").methods
    assert method.curves["test_acc"].tolist() == [[90], [91]]


def test_several_matches_without_a_step_are_counted_only_where_that_is_said(logs):
    pattern = r"val (?P<val_loss>\S+)"
    assert "no group counts the steps: add one, (?P<step>\\d+), or count" in refusal(logs, pattern)
    assert read(logs, pattern, step_from="index").methods[0].steps == (1, 2, 3)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"stap (?P<step>\d+) val (?P<val_loss>\S+)", r"matches no line of .*seed0.log and 9 more files, which begins: start"),
        (r"step (?P<step>\d+) (?P<val_loss>\S+)", r"line 2: val_loss 'lr' is not a number: let its group"),
        (r"step (\d+) val (\S+)", "has no named group: say what is the step"),
        (r"step (?P<step>\d+)", "has no group that is a metric"),
        (r"step (?P<step>\d+", "is no regular expression: missing"),
    ],
)  # fmt: skip
def test_what_does_not_work_is_refused_with_what_was_found(logs, pattern, message):
    assert re.search(message, refusal(logs, pattern))


@pytest.mark.parametrize(
    ("text", "group", "message"),
    [
        ("2,957.6", r"\S+", r"line 1: acc '2,957.6' is not a number: whether its comma parts thousands or decimals cannot be"),
        ("2,957.6", r"[-+.\deE]+", r"line 1: acc '2' is a part of '2,957.6': whether its comma"),
        ("81,16", r"\d+", r"line 1: acc '81' is a part of '81,16': whether its comma"),
        ("81.16", r"\d+", r"line 1: acc '81' is a part of '81.16': let its group of --pattern take the number whole"),
        ("1e-05", r"[.\d]+", "acc '1' is a part of '1e-05': let"),
        ("2.5k", r"[.\d]+", "acc '2.5' is a part of '2.5k': write out in the log what k stands for"),
        ("8116", r"\d\d", "acc '81' is a part of '8116': let"),
    ],
)  # fmt: skip
def test_a_part_of_a_number_is_never_taken_for_it(tmp_path, text, group, message):
    file = tmp_path / "sgd-seed0.log"
    file.write_text(f"epoch 1 acc {text} done\n")
    found = refusal(file, rf"epoch (?P<epoch>\d+) acc (?P<acc>{group})")
    assert re.search(message, found)


@pytest.mark.parametrize(
    ("text", "pattern", "message"),
    [
        ("acc 81,16", r"acc \d+,(?P<acc>\d+)", "acc '16' is a part of '81,16'"),
        ("acc=-0.5", r"acc=.*?(?P<acc>\d+\.\d+)", "acc '0.5' is a part of 'acc=-0.5'"),
        ("acc .5", r"acc \D*(?P<acc>\d+)", "acc '5' is a part of '.5'"),
        ("Epoch 1,000 acc 0.5", r"Epoch (?P<epoch>\d+).*acc (?P<acc>\S+)", "epoch '1' is a part of '1,000'"),
    ],
)
def test_nor_is_one_that_the_rest_of_the_pattern_passes_over(tmp_path, text, pattern, message):
    file = tmp_path / "sgd-seed0.log"
    file.write_text(text + "\n")
    assert message in refusal(file, pattern)


def test_numbers_parted_by_commas_are_each_taken_by_a_group(tmp_path):
    file = tmp_path / "sgd-seed0.log"
    file.write_text("1,0.5,0.75\n2,1e-3,-0.5\n")
    (method,) = read(file, r"(?P<step>\d+),(?P<loss>[^,]+),(?P<acc>\S+)").methods
    assert method.steps == (1, 2)
    assert method.curves["loss"].tolist() == [[0.5, 1e-3]]
    assert method.curves["acc"].tolist() == [[0.75, -0.5]]


def test_a_letter_that_the_pattern_has_behind_every_number_is_their_unit(tmp_path):
    file = tmp_path / "sgd-seed0.log"
    file.write_text("step 1k loss 0.5\nstep 2k loss 0.4\n")
    assert read(file, r"step (?P<step>\d+)k loss (?P<loss>\S+)").methods[0].steps == (1, 2)
    for pattern in (r"step (?P<step>\d+)k? loss (?P<loss>\S+)", r"step (?P<step>\d+).* loss (?P<loss>\S+)"):
        assert "step '1' is a part of '1k': write out" in refusal(file, pattern)


def test_files_without_a_match_are_named(logs):
    (logs / "readme.txt").write_text("nothing here")
    (logs / "plot.png").write_bytes(b"\x89PNG\0\0 step 1 x val 3")
    notes = read(logs).notes
    assert any(
        note.startswith("1 of 11 files have no line that --pattern matches, and are left out: readme.txt")
        for note in notes
    )


def test_a_long_line_costs_no_more_than_its_beginning(tmp_path):
    file = tmp_path / "sgd-seed0.log"
    file.write_text("x" * 3_000_000 + "\nstep 1 x val 0.5\n")
    began = time.process_time()
    gathered = read(file, r"step (?P<step>\d+) x+ val (?P<val_loss>\S+)")
    assert time.process_time() - began < 5
    assert any("of 1 lines the first 10,000 characters alone are searched" in note for note in gathered.notes)
    file.write_text("step 1 x val " + "1" * 20_000)
    assert "matches beyond the first 10,000" in refusal(file)


def test_a_text_log_without_a_pattern_asks_for_one(logs):
    for command in ("compare", "import"):
        done = CliRunner().invoke(main, [command, str(logs)])
        assert done.exit_code == 2
        assert r"--pattern 'step (?P<step>\d+) val (?P<val_loss>\S+)'" in done.stderr.splitlines()[-1]


def test_a_pattern_beside_another_format_or_runs_is_refused(logs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["import", str(logs), "--from", "csv", "--pattern", PATTERN])
    assert done.exit_code == 2
    assert "leave one of them out" in done.stderr
    assert CliRunner().invoke(main, ["import", str(logs), "--pattern", PATTERN]).exit_code == 0
    done = CliRunner().invoke(main, ["compare", "runs", "--pattern", PATTERN])
    assert done.exit_code == 2
    assert "--pattern reads lines of text" in done.stderr


def test_an_import_repeats_by_its_recorded_command(logs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(main, ["import", "logs", "--pattern", PATTERN], catch_exceptions=False)
    manifest = json.loads(next((tmp_path / "runs").glob("*/manifest.json")).read_text())
    assert (
        manifest["provenance"][0]["source"]["command"]
        == f"amrobust import logs --from text --pattern '{PATTERN}'"
    )


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(
        st.integers(0, 10**6), st.floats() | st.integers(-(10**9), 10**9), min_size=1, max_size=8
    ),
    st.lists(st.text(st.characters(blacklist_categories=("Cs",)), max_size=30), max_size=5),
)
def test_numbers_come_out_as_they_were_printed_whatever_stands_around_them(points, noise):
    lines = [f"[{place}] step={step} loss={value} lr=1" for place, (step, value) in enumerate(points.items())]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sgd-seed0.log"
        file.write_text("\n".join([*noise, *lines, *noise]), encoding="utf-8", newline="")
        (method,) = read(file, r"step=(?P<step>\d+) loss=(?P<loss>\S+) lr").methods
    assert method.steps == tuple(sorted(points))
    np.testing.assert_array_equal(method.curves["loss"][0], [float(points[step]) for step in sorted(points)])


def test_bytes_that_are_no_text_and_colours_are_looked_past_but_not_in_a_name(tmp_path):
    file = tmp_path / "seed0.log"
    file.write_bytes(b"caf\xe9\nstep 1 val \x1b[32m0.5\x1b[0m\nrun caf\xe9 step 2 val 0.25\n")
    (method,) = read(
        file, r"step (?P<step>\d+) val (?P<val_loss>\S+)", method_from="=a", seed_from="=0"
    ).methods
    assert method.curves["val_loss"].tolist() == [[0.5, 0.25]]
    said = refusal(file, r"run (?P<run>\S+) step (?P<step>\d+) val (?P<val_loss>\S+)", method_from="run")
    assert "line 3: run has a byte that is no UTF-8" in said
