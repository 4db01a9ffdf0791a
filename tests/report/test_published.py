"""Measured beside published, as a table of the report."""

from dataclasses import replace

from amrobust.judge.beside import Printed, PrintedRow
from amrobust.judge.judgement import Comparison
from amrobust.report.document import document
from amrobust.report.published import beside_published
from amrobust.report.view import view

PRINTED = Printed("table1", "CIFAR-10, ResNet34, 90 epochs, 20 seeds", 2, 2, ())


def with_rows(comparison, *rows):
    return replace(comparison.judgements[0], published=replace(PRINTED, rows=rows))


def test_each_printed_method_has_its_numbers_beside_the_measured_ones(comparison):
    names = [arm.method for arm in comparison.judgements[0].arms]
    judgement = with_rows(
        comparison, PrintedRow(names[1], 94.6, 0.2, 0.31), PrintedRow(names[0], 94.71, None, None)
    )
    shown = view(judgement)
    table = beside_published(judgement, shown)
    ours = {row.method: row for row in shown.methods}
    texts = [[cell.text for cell in row.cells] for row in table.rows]
    assert [row[2] for row in texts] == ["94.60 ± 0.20", "94.71"]
    assert [row[4] for row in texts] == ["0.31", "–"]
    assert texts[0][1] == ours[names[1]].mean_std
    assert "Table 1 of the paper: CIFAR-10" in table.caption


def test_a_setting_of_many_parameters_has_its_name_alone(comparison):
    name = comparison.judgements[0].arms[0].method
    judgement = with_rows(comparison, PrintedRow(name, 94.6, 0.2, 0.31))
    long = f"ptb[{','.join(f'dropout_{k}=0.0' for k in range(9))}]"
    judgement = replace(judgement, workload=long)
    assert "Measured on ptb, 30 epochs:" in beside_published(judgement, view(judgement)).caption


def test_it_stands_in_the_report_and_only_where_there_is_something_published(comparison):
    def captions(judgement):
        sections = document(Comparison((judgement,)))["sections"]
        return [block.get("caption", "") for section in sections for block in section["blocks"]]

    name = comparison.judgements[0].arms[0].method
    plain = captions(comparison.judgements[0])
    found = captions(with_rows(comparison, PrintedRow(name, None, None, 0.006)))
    assert sum("Measured beside published" in caption for caption in found) == 1
    assert not any("Measured beside published" in caption for caption in plain)
