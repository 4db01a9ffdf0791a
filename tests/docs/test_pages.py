"""What the pages about one's own data show is what happens: their snippets are run, in their order, in one folder."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.runs.importers import Mappings, read_path

DOCS = Path(__file__).resolve().parents[2] / "docs"
MARKED = re.compile(r"<!-- run(?:: (?P<name>\w+))? -->\s*```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)

mpl.use("Agg")


def snippets(page, language):
    text = (DOCS / page).read_text(encoding="utf-8")
    # Snippets in lists are indented.
    found = {
        m["name"] or place: m["text"]
        for place, m in enumerate(MARKED.finditer(text))
        if m["language"] == language
    }
    return {
        name: re.sub(r"^  (?=\S|$)", "", body, flags=re.MULTILINE) if body.startswith("  ") else body
        for name, body in found.items()
    }


def test_the_python_of_bring_your_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = snippets("bring-your-own.md", "python")
    assert len(found) == 3
    for name, text in found.items():
        exec(compile(text, f"bring-your-own.md, snippet {name}", "exec"), {})
    assert "adam against sgd" in capsys.readouterr().out
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("name", "methods"),
    [("long", ["sgd"]), ("tidy", ["adam[lr=0.1]"]), ("wide", ["adam", "sgd"]), ("steps", ["adam"])],
)
def test_the_tables_of_formats(tmp_path, name, methods):
    path = tmp_path / "table.csv"
    path.write_text(snippets("formats.md", "csv")[name])
    mappings = Mappings(method_from="optimizer,lr" if name == "tidy" else None)
    gathered, form = read_path(path, mappings=mappings)
    assert form == "csv"
    assert [method.method for method in gathered.methods] == methods
    assert all(method.seeds == (0, 1) for method in gathered.methods)


def test_the_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(snippets("bring-your-own.md", "toml")["config"])
    (tmp_path / "x.csv").write_text(snippets("formats.md", "csv")["wide"])
    done = CliRunner().invoke(
        main, ["import", "x.csv", "--metric", "test_accuracy=value"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    compared = CliRunner().invoke(main, ["compare", "experiments/runs"], catch_exceptions=False)
    assert "adam against sgd" in compared.stdout


@pytest.mark.parametrize("page", ["formats.md", "bring-your-own.md"])
def test_options_and_commands_that_are_named_exist(page):
    from amrobust.cli.main import COMMANDS, command_of

    text = (DOCS / page).read_text(encoding="utf-8")
    known = {opt for name in COMMANDS for param in command_of(name).params for opt in param.opts}
    known |= {opt for param in main.params for opt in param.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= known
    assert set(
        re.findall(r"amrobust ([a-z][a-z-]*)\b(?! (?:is|has|are))", " ".join(re.findall(r"`([^`]+)`", text)))
    ) <= set(COMMANDS)
