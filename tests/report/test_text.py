"""Foreign text is shown, never acted on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amrobust.report import text
from amrobust.report.text import breakable, prose, typeset


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
    assert text.escape(given_text) == shown


@given(st.text())
def test_visible_text_is_one_printable_line_that_any_file_takes(anything: str) -> None:
    shown = text.escape(anything)
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown
    shown.encode("utf-8")


@pytest.mark.parametrize("name", ["η β Ж é 日", "王小明", "علی‌رضا", "क्‍ष", "한국어", "👩‍🔬", "🏳️‍🌈", "ไทย"])
def test_printable_leaves_every_script_as_it_is_written(name: str) -> None:
    assert text.escape_prose(name) == name


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
    assert text.escape_prose(given_text) == shown


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


def test_numbers_are_typeset() -> None:
    assert typeset("[-0.12, 0.30]") == "[−0.12, 0.30]"
    assert typeset("-2.35 × 10⁻⁴") == "−2.35\u00a0×\u00a010⁻⁴"


def test_long_words_may_break_and_short_ones_may_not() -> None:
    assert breakable("am1[m=5]/II on digits") == "am1[m=5]/II on digits"
    name = "am1[momentum=0.98765,m=5]/II"
    assert breakable(name).replace("\u200b", "") == name
    assert max(map(len, breakable("x" * 100).split("\u200b"))) == 18


def test_a_hyperparameter_stays_with_its_value_and_an_output_with_its_method() -> None:
    assert breakable("am1g[m=10,theorem=1]/II").split("\u200b") == ["am1g[m=10,", "theorem=1]/II"]
    assert breakable("am1g[m=10,theorem=1]/Iterate").split("\u200b")[-1] == "Iterate"
    assert breakable("[weight_of_decay=0.0001234567]").split("\u200b") == [
        "[weight_",
        "of_",
        "decay=",
        "0.0001234567]",
    ]


def test_a_title_is_not_broken_within_m_equals_5() -> None:
    assert breakable("AM1-SGD (m = 5), II") == "AM1-SGD (m\u00a0=\u00a05), II"


def test_a_number_stays_with_its_sign_and_its_unit() -> None:
    assert prose("p = 0.03, 95 % of [-1, 2], am1-sgd") == "p\u00a0=\u00a00.03, 95\u00a0% of [−1, 2], am1-sgd"
    assert prose("a gap of 1.2 × 10⁻⁵ or 3 × 2") == "a gap of 1.2\u00a0×\u00a010⁻⁵ or 3 × 2"


def test_an_option_may_break_between_its_words_only() -> None:
    assert breakable("(--allow-different-x0)").split("\u200b")[0] == "(--allow-"
