"""Tables that are built once: the same cells in every format, marks of significance, measured beside published."""

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pytest

from amrobust.judge.beside import Printed, PrintedRow
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report import render
from amrobust.report.document import document
from amrobust.report.tables import (
    AVERAGE,
    SPREAD,
    beside_published,
    claims_table,
    methods_table,
    significance_marks,
)
from amrobust.report.view import view

PRINTED = Printed("table1", "CIFAR-10, ResNet34, 90 epochs, 20 seeds", 2, 2, ())


def with_outcome(compared: GroupComparison, outcome: str, p: float) -> GroupComparison:
    verdicts = tuple(replace(verdict, outcome=outcome, p_adjusted=p) for verdict in compared.verdicts)
    return replace(compared, verdicts=verdicts)


@pytest.mark.parametrize(
    ("outcome", "p", "mark"),
    [
        ("supported", 0.04, "*"), ("supported", 0.01, "**"), ("supported", 1e-5, "***"), ("refuted", 0.02, "†"),
        ("refuted", 0.0001, "†††"), ("inconclusive", 0.2, ""), ("not assessable", None, ""),
    ],
)  # fmt: skip
def test_what_was_decided_has_a_mark(
    judged: Callable[..., GroupComparison], outcome: str, p: float, mark: str
) -> None:
    compared = with_outcome(judged(("msgd", "sgd")), outcome, p)
    found = significance_marks(compared)
    assert found("sgd", SPREAD) == found("sgd", AVERAGE) == mark
    assert found("msgd", SPREAD) == ""
    assert bool(found.legend) == bool(mark)


def test_claims_about_a_phase_or_another_baseline_mark_no_whole_number(
    judged: Callable[..., GroupComparison],
) -> None:
    compared = with_outcome(judged(("msgd", "sgd")), "supported", 0.001)
    phases = tuple(replace(v, claim=replace(v.claim, epochs=(1, 5))) for v in compared.verdicts)
    assert not significance_marks(replace(compared, verdicts=phases)).found
    others = tuple(replace(v, claim=replace(v.claim, baseline="adam")) for v in compared.verdicts)
    assert not significance_marks(replace(compared, verdicts=others)).found


def test_latex_has_marks_numbers_for_siunitx_and_their_legend(judged: Callable[..., GroupComparison]) -> None:
    compared = with_outcome(judged(("msgd", "sgd")), "supported", 0.004)
    output = render(Comparison((compared,)), "latex")
    row = next(line for line in output.splitlines() if line.strip().startswith("sgd &"))
    cells = [cell.strip() for cell in row.split("&")]
    star = r"\textsuperscript{\textasteriskcentered{}\textasteriskcentered{}}"
    assert re.fullmatch(r"\d+\.\d+\(\d+\)\{" + re.escape(star) + r"\}", cells[2])
    assert cells[4].endswith(star)
    assert re.search(r"S\[table-format=2\.\d\(\d+\)", output)
    assert "Holm-adjusted p at most * 0.05, ** 0.01, *** 0.001" in output


def test_latex_without_numbers_has_words_in_braces(judged: Callable[..., GroupComparison]) -> None:
    compared = judged(("msgd", "sgd"), diverged=("sgd",))
    output = render(Comparison((compared,)), "latex")
    row = next(line for line in output.splitlines() if line.strip().startswith("sgd &"))
    assert row.split("&")[2].strip() == r"{\textendash{}}"


def test_every_format_prints_the_cells_of_one_table(judged: Callable[..., GroupComparison]) -> None:
    compared = judged(("msgd", "sgd", "am1"))
    shown = view(compared)
    claims = claims_table(shown, ("estimate", "interval", "p", "holm"))
    methods = methods_table(shown)
    numbers = [cell.words for table in (methods, claims) for row in table.rows for cell in row.cells]
    assert len(numbers) == 3 * 7 + 6 * 4
    for form in ("table", "markdown", "html"):
        text = unescape(render(Comparison((compared,)), form, verbose=True)).replace("\\", "")
        assert not [number for number in numbers if number not in text], form


def test_a_column_with_nothing_in_it_is_left_out(judged: Callable[..., GroupComparison]) -> None:
    compared = judged(("msgd", "sgd"), kinds=("better mean",))
    titles = [
        column.title for column in claims_table(view(compared), ("claim", "second p", "verdict")).columns
    ]
    assert titles == ["Claim", "Verdict"]
    summaries = tuple(replace(one, avg_std=None) for one in compared.summaries)
    assert len(methods_table(view(replace(compared, summaries=summaries))).columns) == 5


def test_an_estimate_knows_its_number_without_sign_or_unit(judged: Callable[..., GroupComparison]) -> None:
    table = claims_table(view(judged(("msgd", "sgd"))), ("estimate",))
    mean, spread, _ = (row.cells[0] for row in table.rows)
    assert mean.text == f"{mean.value} pp"
    assert spread.text == f"×{spread.value}"


def with_rows(comparison, *rows):
    return replace(comparison.groups[0], published=replace(PRINTED, rows=rows))


def test_each_printed_method_has_its_numbers_beside_the_measured_ones(comparison):
    names = [arm.method for arm in comparison.groups[0].arms]
    compared = with_rows(
        comparison, PrintedRow(names[1], 94.6, 0.2, 0.31), PrintedRow(names[0], 94.71, None, None)
    )
    shown = view(compared)
    table = beside_published(compared, shown)
    ours = {row.method: row for row in shown.methods}
    texts = [[cell.text for cell in row.cells] for row in table.rows]
    assert [row[2] for row in texts] == ["94.60 ± 0.20", "94.71"]
    assert [row[4] for row in texts] == ["0.31", "–"]
    assert texts[0][1] == ours[names[1]].mean_std
    assert "Table 1 of the paper: CIFAR-10" in table.caption


def test_a_setting_of_many_parameters_has_its_name_alone(comparison):
    name = comparison.groups[0].arms[0].method
    compared = with_rows(comparison, PrintedRow(name, 94.6, 0.2, 0.31))
    long = f"ptb[{','.join(f'dropout_{k}=0.0' for k in range(9))}]"
    compared = replace(compared, workload=long)
    assert "Measured on ptb, 30 epochs:" in beside_published(compared, view(compared)).caption


def test_it_stands_in_the_report_and_only_where_there_is_something_published(comparison):
    def captions(compared):
        sections = document(Comparison((compared,)))["sections"]
        return [block.get("caption", "") for section in sections for block in section["blocks"]]

    name = comparison.groups[0].arms[0].method
    plain = captions(comparison.groups[0])
    found = captions(with_rows(comparison, PrintedRow(name, None, None, 0.006)))
    assert sum("Measured beside published" in caption for caption in found) == 1
    assert not any("Measured beside published" in caption for caption in plain)
