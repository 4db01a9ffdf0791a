"""``amrobust report``: from runs to a PDF, in one call."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.cli import report as report_module
from amrobust.judge.comparison import Comparison


@pytest.fixture
def curves(tmp_path: Path) -> Path:
    """A long CSV of two methods, 8 seeds, 5 epochs; the second varies less."""
    path = tmp_path / "curves.csv"
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "seed", "step", "accuracy"])
        for method, scale in (("adam", 1.0), ("am1", 0.2)):
            for seed in range(8):
                for step in range(1, 6):
                    writer.writerow([method, seed, step, 90 + step + scale * rng.normal()])
    return path


def test_it_writes_the_pdf_and_prints_its_path(curves: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.pdf"
    result = CliRunner().invoke(main, ["report", str(curves), "-o", str(target), "--baseline", "adam"])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{target}\n"
    assert target.read_bytes().startswith(b"%PDF-")


def test_the_name_s_ending_chooses_a_page(curves: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.html"
    options = [
        "--baseline",
        "adam",
        "--author",
        "A. One",
        "--author",
        "B. Two",
        "--sections",
        "answer,results",
    ]
    result = CliRunner().invoke(main, ["report", str(curves), "-o", str(target), *options])
    assert result.exit_code == 0, result.output
    html = target.read_text()
    assert html.startswith("<!DOCTYPE html>")
    assert '<p class="authors">A. One, B. Two</p>' in html
    assert ">Results</h2>" in html
    assert ">Methods</h2>" not in html


def test_a_template_is_printed_and_used(curves: Path, tmp_path: Path) -> None:
    for form in ("pdf", "html"):
        printed = CliRunner().invoke(main, ["report", "--print-template", form])
        assert printed.exit_code == 0, printed.output
        mine = tmp_path / f"mine-{form}.typ"
        mine.write_text(printed.stdout)
        target = tmp_path / f"out.{form}"
        options = ["-o", str(target), "--template", str(mine), "--sections", "answer"]
        result = CliRunner().invoke(main, ["report", str(curves), *options])
        assert result.exit_code == 0, result.output
        assert target.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "x.docx"], "a report ends in .pdf or .html"),
        (["--sections", "anwser"], "no section 'anwser': choose from answer"),
        (["--template", "mine.html"], "has to be a Typst file (.typ)"),
        (["--paper", "a3"], "'a3' is not one of 'a4', 'letter'"),
    ],
)
def test_layouts_that_cannot_be_are_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.setattr(report_module, "load_comparison", lambda paths, **options: pytest.fail("read"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.html").write_text("")
    result = CliRunner().invoke(main, ["report", str(tmp_path), *options])
    assert result.exit_code == 2
    assert message in result.stderr


def test_options_reach_the_comparison_and_problems_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, object] = {}

    def load(paths: tuple[Path, ...], **options: object) -> Comparison:
        seen.update(options, paths=paths)
        return Comparison((), ("runs/x: its checksum does not match",))

    monkeypatch.setattr(report_module, "load_comparison", load)
    target = tmp_path / "out.pdf"
    options = [
        "--margin",
        "0.5",
        "--alpha",
        "0.1",
        "--test",
        "levene",
        "--metric",
        "test_loss",
        "--title",
        "T",
    ]
    result = CliRunner().invoke(main, ["report", str(tmp_path), "-o", str(target), *options])
    assert result.exit_code == 0, result.output
    assert (seen["margin"], seen["alpha"], seen["test"], seen["metric"]) == (0.5, 0.1, "levene", "test_loss")
    assert seen["paths"] == (tmp_path,)
    assert result.stderr == "Warning: runs/x: its checksum does not match\n"


def test_a_missing_directory_ends_in_one_line_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_module, "load_comparison", lambda paths, **options: Comparison(()))
    result = CliRunner().invoke(main, ["report", str(tmp_path), "-o", str(tmp_path / "no" / "out.pdf")])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: cannot write")
    assert len(result.stderr.splitlines()) == 1


def test_torch_is_never_imported(curves: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from amrobust.cli import main;"
        f"main(['report', {str(curves)!r}, '-o', {str(tmp_path / 'r.pdf')!r}], standalone_mode=False);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
