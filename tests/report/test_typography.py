"""Text as it is typeset."""

from amrobust.report.typography import breakable, prose, typeset


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
