"""A report is written whole or not at all, as its name's ending says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from amrobust.errors import UserError
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report import Layout, write_report

Judged = Callable[..., GroupComparison]


@pytest.fixture
def small(judged: Judged) -> Comparison:
    return Comparison((judged(("msgd",), seeds=4, epochs=2),))


def test_the_ending_says_which_format(small: Comparison, tmp_path: Path) -> None:
    for name, start in (("a.pdf", b"%PDF-"), ("a.html", b"<!DOCTYPE html>"), ("b.PDF", b"%PDF-")):
        write_report(small, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    assert len(list(tmp_path.iterdir())) == 3


def test_an_existing_file_is_replaced(small: Comparison, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("old")
    write_report(small, tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("name", "layout", "message"),
    [
        ("missing/a.pdf", Layout(), "there is no directory"),
        ("folder.pdf", Layout(), "it is a directory"),
        ("a.docx", Layout(), "ends in .pdf or .html"),
        ("a", Layout(), "ends in .pdf or .html"),
        ("a.pdf", Layout(template=Path("x.html")), "has to be a Typst file"),
        ("a.html", Layout(template=Path("x.html")), "has to be a Typst file"),
        ("a.pdf", Layout(template=Path("x.typ")), "there is no template"),
        ("a.pdf", Layout(paper="a3"), "set on a4 or letter"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_written_is_a_user_s_error(
    small: Comparison, tmp_path: Path, name: str, layout: Layout, message: str
) -> None:
    (tmp_path / "folder.pdf").mkdir()
    with pytest.raises(UserError, match=message):
        write_report(small, tmp_path / name, layout)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.pdf"]
