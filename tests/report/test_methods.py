"""Every test and figure that a report shows is explained, and every formula can be set in both formats."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from report_blocks import blocks

from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.layout import Layout
from amrobust.report.methods import _catalogue, methods_used
from amrobust.stats import Result

Judged = Callable[..., GroupComparison]


def terms(compared: GroupComparison, **layout: object) -> list[str]:
    found = blocks(Comparison((compared,)), "definitions", "methods", Layout(**layout))  # type: ignore[arg-type]
    return [item["term"] for item in found[0]["items"]]


def test_the_tests_and_figures_that_are_there_are_explained_and_no_others(judged: Judged) -> None:
    found = terms(judged(("msgd", "sgd"), seeds=5, epochs=4))
    assert found[:2] == ["Spread", "Family of claims"]
    for term in (
        "Jackknife of a log spread",
        "Difference of means",
        "Studentised permutation",
        "Band of a distribution",
    ):
        assert term in found
    assert "Comparable means" not in found
    assert "Comparable means" in terms(
        replace(
            judged(("msgd", "sgd"), seeds=5, epochs=4),
            verdicts=tuple(
                replace(v, test=Result("difference", "TOST (Welch t)", (20, 20)))
                for v in judged(("msgd", "sgd")).verdicts
            ),
        )
    )


def test_sections_that_are_left_out_need_no_explanation(judged: Judged) -> None:
    kept = terms(judged(("msgd", "sgd")), sections=("answer", "methods"))
    assert "Band of a distribution" not in kept
    assert "Band of the STD along training" not in kept


@pytest.mark.parametrize(
    ("test", "term"),
    [
        ("Levene (median)", "Levene's test"), ("F", "Tests for normal seeds"),
        ("Fligner-Killeen", "Fligner and Killeen's test"), ("Bartlett", "Tests for normal seeds"),
        ("Bonett, pooled kurtosis", "Ratio of STDs by Bonett's interval"), ("paired t", "Difference of means of pairs"),
        ("exact binomial", "Bound on a tail"), ("trend of log STD by the jackknife", "Trend over a sweep"),
        ("t over x0s of mean differences", "Several starting points"), ("swaps within pairs", "Swaps within pairs"),
        ("studentised permutation against the margin", "Ratio of spreads against a margin"),
        ("studentised permutation beyond the margin", "Studentised permutation"),
        ("jackknife of log Avg. STD beyond the margin", "Ratio of spreads against a margin"),
        ("exact unconditional score test", "Difference of divergence rates"),
        ("non-inferiority (paired t)", "No worse than"), ("Welch t on logs", "Ratio of wall times"),
        ("permutation of a trend in |x - median|", "Permutation of a trend"), ("Pitman-Morgan", "Pitman and Morgan's test"),
        ("Jonckheere-Terpstra", "Jonckheere and Terpstra's test"), ("bootstrap-t", "Bootstrap-t"),
        ("bootstrap (percentile)", "Percentile bootstrap"),
        ("bootstrap (BCa)", "Bias-corrected and accelerated bootstrap"),
    ],
)  # fmt: skip
def test_every_test_has_its_entry(judged: Judged, test: str, term: str) -> None:
    compared = judged(("msgd", "sgd"), kinds=("less spread",))
    verdict = replace(compared.verdicts[0], test=Result("q", test, (20, 20)))
    entries = methods_used([replace(compared, verdicts=(verdict,))], ())
    assert term in [entry.term for entry in entries.items]


def test_every_formula_has_its_reading() -> None:
    for _, entry in _catalogue():
        for span in (*entry.spans, *([entry.display] if entry.display else [])):
            if span.kind == "math":
                assert span.alt.strip(), entry.term


def test_every_formula_is_set_in_both_formats() -> None:
    import typst

    formulas = tuple(
        dict.fromkeys(
            span.text
            for _, entry in _catalogue()
            for span in (*entry.spans, *([entry.display] if entry.display else []))
            if span.kind == "math"
        )
    )
    source = "\n\n".join(f"$ {formula} $" for formula in formulas)
    for form, expected in (("pdf", []), ("html", ["html export is under active development and incomplete"])):
        data, warnings = typst.compile_with_warnings(source.encode(), format=form, ignore_system_fonts=True)
        assert [warning.message for warning in warnings] == expected
    assert data.count(b"<math") == len(formulas)
