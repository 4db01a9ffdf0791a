"""Stars where a method is better than the baseline for sure, daggers where it is worse, and what they mean."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from amrobust.judge.judgement import Comparison, Judgement
from amrobust.report import render
from amrobust.report.marks import AVERAGE, SPREAD, marks


def with_outcome(judgement: Judgement, outcome: str, p: float) -> Judgement:
    verdicts = tuple(replace(verdict, outcome=outcome, p_adjusted=p) for verdict in judgement.verdicts)
    return replace(judgement, verdicts=verdicts)


@pytest.mark.parametrize(
    ("outcome", "p", "mark"),
    [
        ("supported", 0.04, "*"), ("supported", 0.01, "**"), ("supported", 1e-5, "***"), ("refuted", 0.02, "†"),
        ("refuted", 0.0001, "†††"), ("inconclusive", 0.2, ""), ("cannot be judged", None, ""),
    ],
)  # fmt: skip
def test_what_was_decided_has_a_mark(
    judged: Callable[..., Judgement], outcome: str, p: float, mark: str
) -> None:
    judgement = with_outcome(judged(("msgd", "sgd")), outcome, p)
    found = marks(judgement)
    assert found("sgd", SPREAD) == found("sgd", AVERAGE) == mark
    assert found("msgd", SPREAD) == ""
    assert bool(found.legend) == bool(mark)


def test_claims_about_a_phase_or_another_baseline_mark_no_whole_number(
    judged: Callable[..., Judgement],
) -> None:
    judgement = with_outcome(judged(("msgd", "sgd")), "supported", 0.001)
    phases = tuple(replace(v, claim=replace(v.claim, epochs=(1, 5))) for v in judgement.verdicts)
    assert not marks(replace(judgement, verdicts=phases)).found
    others = tuple(replace(v, claim=replace(v.claim, baseline="adam")) for v in judgement.verdicts)
    assert not marks(replace(judgement, verdicts=others)).found


def test_latex_has_marks_numbers_for_siunitx_and_their_legend(judged: Callable[..., Judgement]) -> None:
    judgement = with_outcome(judged(("msgd", "sgd")), "supported", 0.004)
    output = render(Comparison((judgement,)), "latex")
    row = next(line for line in output.splitlines() if line.strip().startswith("sgd &"))
    cells = [cell.strip() for cell in row.split("&")]
    star = r"\textsuperscript{\textasteriskcentered{}\textasteriskcentered{}}"
    assert re.fullmatch(r"\d+\.\d+\(\d+\)\{" + re.escape(star) + r"\}", cells[2])
    assert cells[4].endswith(star)
    assert re.search(r"S\[table-format=2\.\d\(\d+\)", output)
    assert "Holm-adjusted p at most * 0.05, ** 0.01, *** 0.001" in output


def test_latex_without_numbers_has_words_in_braces(judged: Callable[..., Judgement]) -> None:
    judgement = judged(("msgd", "sgd"), diverged=("sgd",))
    output = render(Comparison((judgement,)), "latex")
    row = next(line for line in output.splitlines() if line.strip().startswith("sgd &"))
    assert row.split("&")[2].strip() == r"{\textendash{}}"
