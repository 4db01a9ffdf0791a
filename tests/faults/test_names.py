"""Names that are markup, commands, formulas or escape codes are shown; nowhere do they act."""

import csv
import io
import json
import re

import pytest
from click.testing import CliRunner
from strangers import MARKUP, record_with_names

from amrobust.cli import main

ACTIVE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("stranger")
    record_with_names(directory)
    return directory


def amrobust(*arguments):
    """As on a terminal, which escape codes would reach."""
    done = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False, color=True)
    assert not ACTIVE.search(done.output), repr(ACTIVE.search(done.output))
    assert not ACTIVE.search(done.stderr)
    return done


@pytest.fixture(scope="module")
def csv_file(tmp_path_factory):
    """A log of methods with such names, as another tool could have written it."""
    path = tmp_path_factory.mktemp("csv") / "results.csv"
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("method", "workload", "metric", "seed", "step", "value"))
        for method in MARKUP:
            method = method.replace("\x00", "")
            for seed in range(5):
                writer.writerow((method, MARKUP[3], f"{MARKUP[2]} loss", seed, 1, seed + len(method)))
    return path


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["list", "--format", "json"], ["check"], ["check", "--format", "json"],
     ["tails", "--quantile", "0.5"], ["tails", "--format", "json"], ["export", "--format", "json"]],
    ids=" ".join,
)  # fmt: skip
def test_what_is_printed_is_text(arguments, runs):
    done = amrobust(arguments[0], runs, *arguments[1:])
    assert done.exit_code in (0, 1)
    if "json" in arguments:
        json.loads(done.stdout)


@pytest.mark.parametrize("form", ["text", "json"])
def test_showing_a_run(form, runs):
    for run in runs.iterdir():
        assert amrobust("show", run, "--format", form).exit_code == 0


@pytest.mark.parametrize("source", ["runs", "csv_file"])
@pytest.mark.parametrize("form", ["table", "json", "csv", "latex", "markdown"])
def test_comparing(source, form, request):
    done = amrobust("compare", request.getfixturevalue(source), "--format", form)
    assert done.exit_code == 0, done.output
    if form == "latex":
        assert "\\input" not in done.stdout
        assert "^^" not in done.stdout
    elif form == "markdown":
        assert "<script" not in done.stdout
    elif form == "json":
        json.loads(done.stdout)
    elif form == "csv":
        assert_no_formula(done.stdout)


@pytest.mark.parametrize("source", ["runs", "csv_file"])
@pytest.mark.parametrize(
    "command", [["export"], ["tails", "--format", "csv"]], ids=lambda command: command[0]
)
def test_tables_for_spreadsheets(source, command, request):
    done = amrobust(command[0], request.getfixturevalue(source), *command[1:])
    assert done.exit_code == 0
    assert_no_formula(done.stdout)


def assert_no_formula(text):
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) > 10
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row):
        if cell.strip().startswith(tuple("=+-@＝＋－＠")):
            float(cell)


@pytest.mark.parametrize("source", ["runs", "csv_file"])
def test_the_report_is_typeset_and_its_figures_hold_no_foreign_markup(source, request, tmp_path, monkeypatch):
    import amrobust.report.write as write

    texts = []
    arguments = write.typst_arguments

    def noted(*given):
        made = arguments(*given)
        texts.append(made["sys_inputs"]["report"])
        return made

    monkeypatch.setattr(write, "typst_arguments", noted)
    path = tmp_path / "report.pdf"
    done = amrobust("report", request.getfixturevalue(source), "-o", path, "--title", MARKUP[2] + MARKUP[0])
    assert done.exit_code == 0, done.output
    assert path.read_bytes().startswith(b"%PDF-")
    (document,) = map(json.loads, texts)
    drawings = re.findall(r"<svg.*?</svg>", json.dumps(document), flags=re.S)
    assert drawings
    for drawing in drawings:
        assert "<script" not in drawing
        assert "onload" not in drawing


def test_errors_too(runs, csv_file):
    for arguments in (["--baseline", "nothing"], ["--metric", "nothing"]):
        for source in (runs, csv_file):
            done = amrobust("compare", source, *arguments)
            assert done.exit_code == 2
            assert done.stderr.splitlines()[-1].startswith("Error: ")


def test_colours_are_the_only_escape_codes_on_a_terminal(runs):
    from amrobust.ingest.load import load_arms
    from amrobust.judge.compare import compare
    from amrobust.report import render

    arms, problems = load_arms([runs])
    text = render(compare(arms, problems=problems), "table", color=True, width=100)
    assert "\x1b[" in text
    assert not ACTIVE.search(re.sub(r"\x1b\[[0-9;]*m", "", text))
