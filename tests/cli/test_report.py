"""``amrobust report``: from runs to a PDF, in one call."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from amrobust.claims.judgement import Comparison
from amrobust.cli import main
from amrobust.cli import report as report_module


@pytest.fixture
def curves(tmp_path: Path) -> Path:
    """A long CSV of two methods, 8 seeds, 5 epochs; the second varies less."""
    path = tmp_path / "curves.csv"
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "seed", "step", "value"])
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
