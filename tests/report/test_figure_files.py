"""The report's figures as files: every format, the same bytes each time, and no font needed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from amrobust.errors import UserError
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report import write_figures

MAGIC = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n", "svg": b"<svg"}


def test_every_figure_in_every_format(comparison: Comparison, tmp_path: Path) -> None:
    paths = write_figures(comparison, tmp_path / "new" / "figures", ("pdf", "svg", "png"))
    names = {
        f"1-{name}.{form}"
        for name in ("claims", "curves", "stds", "finals", "quantiles", "exceedances")
        for form in MAGIC
    }
    assert (
        {path.name for path in paths}
        == names
        == {path.name for path in (tmp_path / "new" / "figures").iterdir()}
    )
    for path in paths:
        assert path.read_bytes().startswith(MAGIC[path.suffix[1:]])
    assert "<text" not in (tmp_path / "new" / "figures" / "1-curves.svg").read_text()


def test_the_same_bytes_each_time(comparison: Comparison, tmp_path: Path) -> None:
    first, second = (write_figures(comparison, tmp_path / name, ("pdf", "svg")) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.slow
def test_many_methods_take_several_files(judged: Callable[..., GroupComparison], tmp_path: Path) -> None:
    many = judged(tuple(f"a-method-of-some-length-{k}" for k in range(26)), seeds=5, epochs=2)
    names = {path.name for path in write_figures(Comparison((many,)), tmp_path, ("svg",))}
    assert {"1-curves.svg", "1-curves-2.svg"} <= names


@pytest.mark.parametrize("formats", [(), ("gif",), ("pdf", "../x")])
def test_other_formats_are_refused(comparison: Comparison, tmp_path: Path, formats: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="pdf, svg, png"):
        write_figures(comparison, tmp_path, formats)


def test_a_place_that_cannot_be_written_to(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_figures(comparison, tmp_path / "file", ("svg",))
