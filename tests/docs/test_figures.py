"""The figures of the demo's curves: the numbers beside them are the table's, and the same table gives the same picture."""

import importlib.util
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "docs" / "tools"


@pytest.fixture
def figures(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    spec = importlib.util.spec_from_file_location("figures_of_the_docs", TOOLS / "figures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("pages", None)


def test_the_page_says_what_the_curves_are(figures):
    page = (TOOLS.parent / "measurement.md").read_text(encoding="utf-8")
    curves = figures.read_curves()
    assert list(curves) == ["running", "recomputed"]
    assert all(values.shape == (20, 30) for found in curves.values() for values in found.values())
    avg = {
        name: {m: v.std(axis=0, ddof=1).mean() for m, v in found.items()} for name, found in curves.items()
    }
    assert f"| M-SGD, Avg. STD | {avg['running']['msgd']:.2f} | {avg['recomputed']['msgd']:.2f} |" in page
    for method, label in (("am1[m=5]/I", "I"), ("am1[m=5]/II", "II")):
        (line,) = (line for line in page.splitlines() if line.startswith(f"| AM1-SGD, {label}, over M-SGD"))
        for name in curves:
            assert f"×{avg[name][method] / avg[name]['msgd']:.2f} [" in line
        lead = {name: (curves[name][method] - curves[name]["msgd"])[:, :10].mean() for name in curves}
        assert label == "I" or f"+{lead['running']:.2f} points" in page
        assert label == "I" or f"−{-lead['recomputed']:.2f} points" in page


def test_the_same_curves_give_the_same_picture(figures, tmp_path):
    found = figures.read_curves()["running"]
    for name in ("a.svg", "b.svg"):
        figures.draw(found, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert 10_000 < (tmp_path / "a.svg").stat().st_size < 100_000
