"""A table that sets what was measured beside what the paper prints."""

from __future__ import annotations

from amrobust.judge.judgement import Judgement
from amrobust.report.blocks import Cell, Column, Row, Table
from amrobust.report.numbers import ABSENT
from amrobust.report.settings import brief
from amrobust.report.text import printable
from amrobust.report.typography import breakable, typeset
from amrobust.report.view import View


def beside_published(judgement: Judgement, shown: View) -> Table | None:
    """Final mean ± STD and Avg. STD, measured and printed, of the methods that the paper's table has; None without one."""
    printed = judgement.published
    if printed is None:
        return None
    measured = {row.method: row for row in shown.methods}
    with_avg = any(row.avg_std is not None for row in printed.rows)
    with_mean = any(row.mean is not None for row in printed.rows)
    unit = printable(shown.unit)
    columns = [Column("Method", "left", 1.0)]
    columns += [Column(f"Mean ± STD{unit},\nmeasured"), Column("the paper's")] if with_mean else []
    columns += [Column(f"Avg. STD{unit},\nmeasured"), Column("the paper's")] if with_avg else []
    rows = []
    for row in printed.rows:
        ours = measured[row.measured]
        cells = []
        if with_mean:
            cells += [ours.mean_std, _mean_std(row.mean, row.std, printed.decimals)]
        if with_avg:
            cells += [ours.avg_std, _number(row.avg_std, printed.avg_decimals)]
        rows.append(Row((Cell(breakable(row.measured)), *(Cell(typeset(cell)) for cell in cells))))
    caption = (
        f"Measured beside published ({_title(printed.table)} of the paper: {printed.setup}). "
        f"Measured on {brief(judgement.setting)}, "
        f"{judgement.axis.words}: where the two setups differ, the orders of the methods can be compared, "
        "not the numbers."
    )
    return Table(breakable(printable(caption)), tuple(columns), tuple(rows))


def _title(name: str) -> str:
    """``Table 1`` for ``table1``."""
    word = name.rstrip("0123456789")
    return f"{word.capitalize()} {name.removeprefix(word)}"


def _number(value: float | None, decimals: int) -> str:
    return ABSENT if value is None else f"{value:.{decimals}f}"


def _mean_std(mean: float | None, std: float | None, decimals: int) -> str:
    return _number(mean, decimals) + (f" ± {std:.{decimals}f}" if std is not None else "")
