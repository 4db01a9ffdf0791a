"""Foreign text is shown, never acted on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amrobust.report import text


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("am1[m=5]/II", "am1[m=5]/II"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\tand\rmore", "two\\nlines\\tand\\rmore"),
        ("left\u202eright", "left\\u202eright"),
        ("lone\ud800", "lone\\ud800"),
        ("ä ± ×", "ä ± ×"),
    ],
)
def test_visible_writes_out_what_would_act(given_text: str, shown: str) -> None:
    assert text.visible(given_text) == shown


@given(st.text())
def test_visible_text_is_one_printable_line_that_any_file_takes(anything: str) -> None:
    shown = text.visible(anything)
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown
    shown.encode("utf-8")


@pytest.mark.parametrize("name", ["η β Ж é 日", "王小明", "علی‌رضا", "क्‍ष", "한국어", "👩‍🔬", "🏳️‍🌈", "ไทย"])
def test_printable_leaves_every_script_as_it_is_written(name: str) -> None:
    assert text.printable(name) == name


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("sgd\u200c", "sgd\\u200c"),
        ("s\u200dgd", "s\\u200dgd"),
        ("日\u200c", "日\\u200c"),
        ("日\u200c\u200c日", "日\\u200c\\u200c日"),
        ("日\u202e本", "日\\u202e本"),
        ("日\ud800", "日\\ud800"),
    ],
)
def test_printable_shows_what_would_act_and_joiners_that_join_nothing(given_text: str, shown: str) -> None:
    assert text.printable(given_text) == shown


@pytest.mark.parametrize(
    ("given_text", "escaped"),
    [
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("50 % & $x_1^2$ #1 ~", r"50 \% \& \$x\_1\textasciicircum{}2\$ \#1 \textasciitilde{}"),
        ("[0.1, -0.2]", "{[}0.1, $-$0.2{]}"),
        ("--seeds 10", "-{}-seeds 10"),
        ("a-b", "a-b"),
        ("1.2 × 10⁻⁵", r"1.2 $\times$ 10$^{-5}$"),
    ],
)
def test_latex(given_text: str, escaped: str) -> None:
    assert text.latex(given_text) == escaped


@pytest.mark.parametrize(
    ("given_text", "escaped"),
    [
        ("a|b", "a\\|b"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("---", "\\---"),
        ("-0.26", "-0.26"),
        ("98.33", "98.33"),
        ("am1[m=5]/I", "am1\\[m=5\\]/I"),
    ],
)
def test_markdown(given_text: str, escaped: str) -> None:
    assert text.markdown(given_text) == escaped


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\t="])
def test_csv_cells_are_never_formulas(start: str) -> None:
    assert not text.csv_cell(f"{start}cmd()").lstrip().startswith(("=", "+", "-", "@"))


def test_csv_cells_leave_other_text_alone() -> None:
    assert text.csv_cell("am1[m=5]/II") == "am1[m=5]/II"
