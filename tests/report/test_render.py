"""All formats say the same, and none of them acts on a name."""

import csv
import html
import io
import json
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from amrobust.errors import UserError
from amrobust.judge.comparison import Comparison
from amrobust.report import FORMATS, render
from amrobust.report.text import escape, latex, markdown

ESCAPED = {
    "table": escape, "latex": latex, "markdown": markdown, "csv": escape, "json": lambda text: text,
    "html": lambda text: html.escape(escape(text)), "junit": lambda text: html.escape(escape(text), quote=False),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_all_warnings_hints_verdicts_and_problems(form: str, comparison: Comparison) -> None:
    output = render(comparison, form, verbose=True)
    compared = comparison.groups[0]
    escape: Any = ESCAPED[form]
    for warning in compared.warnings:
        assert escape(warning.message) in output
        assert escape(warning.hint[1:]) in output
    for verdict in compared.verdicts:
        assert verdict.outcome in output
        assert verdict.test is not None
        assert escape(verdict.test.test) in output
        if form != "table":
            assert escape(verdict.sentence) in output
    assert escape(comparison.problems[0]) in output


@pytest.mark.parametrize("form", ["table", "latex", "markdown", "html"])
def test_formats_for_people_show_each_method_s_numbers(form: str, comparison: Comparison) -> None:
    output = render(comparison, form)
    escape: Any = ESCAPED[form]
    for summary in comparison.groups[0].summaries:
        assert summary.final_mean is not None
        assert summary.final_spread is not None
        mean, std = summary.final_mean.estimate, summary.final_spread.estimate
        low, high = summary.final_mean.low, summary.final_mean.high
        assert escape(summary.method) in output
        both = f"{mean:.2f}({round(100 * std)})" if form == "latex" else escape(f"{mean:.2f} ± {std:.2f}")
        assert both in output
        assert escape(f"[{low:.2f}, {high:.2f}]") in output


@pytest.mark.parametrize("form", ["csv", "json"])
def test_formats_for_programs_have_full_precision(form: str, comparison: Comparison) -> None:
    output = render(comparison, form)
    for verdict in comparison.groups[0].verdicts:
        assert verdict.interval is not None
        for number in (verdict.interval.estimate, verdict.interval.low, verdict.interval.high, verdict.p):
            assert repr(number) in output


def test_an_unknown_format_is_a_user_s_error(comparison: Comparison) -> None:
    with pytest.raises(UserError, match="choose one of table, json, csv, latex, markdown, html, junit"):
        render(comparison, "docx")


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_lets_control_characters_through(form: str, hostile: Comparison) -> None:
    output = render(hostile, form)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", output)
    output.encode("utf-8")


def test_csv_has_no_formula_and_no_split_cell(hostile: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(render(hostile, "csv"))))
    for row in rows:
        assert None not in row
        for cell in row.values():
            if cell.startswith(("=", "+", "-", "@")):
                float(cell)


def test_json_round_trips_hostile_names(hostile: Comparison, hostile_names: tuple[str, ...]) -> None:
    document = json.loads(render(hostile, "json"))
    assert tuple(arm["method"] for arm in document["groups"][0]["arms"]) == hostile_names


def test_markdown_renders_names_as_text(hostile: Comparison, hostile_names: tuple[str, ...]) -> None:
    markdown_it = pytest.importorskip("markdown_it")
    parser = markdown_it.MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(render(hostile, "markdown"))
    inline = [child for token in tokens if token.type == "inline" for child in token.children or []]
    kinds = {token.type for token in inline} | {token.type for token in tokens}
    assert not kinds & {"html_inline", "html_block", "code_inline", "link_open", "image", "strong_open", "hr"}
    cells = [
        "".join(child.content for child in token.children or [])
        for before, token in pairwise(tokens)
        if before.type == "td_open"
    ]
    assert cells[: 7 * len(hostile_names) : 7] == [escape(name) for name in hostile_names]


def test_latex_has_no_command_but_its_own(hostile: Comparison) -> None:
    own = {
        "usepackage", "begin", "end", "centering", "footnotesize", "setlength", "tabcolsep", "caption", "toprule",
        "midrule", "bottomrule", "multicolumn", "emph", "raggedright", "arraybackslash", "paragraph", "item", "pm",
        "times", "sisetup", "par", "smallskip",
    }  # fmt: skip
    commands = set(re.findall(r"\\([a-z]+)", render(hostile, "latex")))
    assert {name for name in commands - own if not name.startswith("text")} == set()


@pytest.mark.slow
def test_latex_compiles(hostile: Comparison, comparison: Comparison, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    body = "\n".join(render(each, "latex").replace("日本語", "") for each in (comparison, hostile))
    packages = r"\usepackage[T1]{fontenc}\usepackage{array,booktabs,siunitx,textcomp}"
    source = rf"\documentclass{{article}}{packages}\begin{{document}}{body}\end{{document}}"
    (tmp_path / "report.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_importing_the_report_imports_nothing_heavy() -> None:
    heavy = ("torch", "matplotlib", "pandas", "typst", "scipy.stats", "sklearn")
    code = f"import sys, amrobust.report; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
