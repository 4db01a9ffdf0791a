"""The tables of methods and of claims, each built once: a format takes the columns that it has room for, and prints cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from amrobust.judge.comparison import GroupComparison
from amrobust.report.blocks import Cell, Column, Row, Table, typeset_table
from amrobust.report.names import brief
from amrobust.report.numbers import ABSENT
from amrobust.report.text import breakable, escape_prose, typeset
from amrobust.report.view import ClaimRow, View, quantity

STAR, DAGGER = "*", "†"
LEVELS = (0.01, 0.001)
"""Holm-adjusted p-values from which a second and a third mark is set."""

MEAN = "better mean"
SPREAD = "less spread"
AVERAGE = "less Avg. STD"

_CLAIM: dict[str, tuple[Column, Callable[[ClaimRow], Cell]]] = {
    "method": (Column("Method", "left", 1.0), lambda row: Cell(row.method)),
    "baseline": (Column("Baseline", "left", 0.8), lambda row: Cell(row.baseline)),
    "claim": (Column("Claim", "left", 1.0), lambda row: Cell(row.claim)),
    "estimate": (Column("Estimate"), lambda row: Cell(row.estimate, value=row.value)),
    "interval": (Column("Interval"), lambda row: Cell(row.interval)),
    "p": (Column("p"), lambda row: Cell(row.p)),
    "holm": (Column("Holm p"), lambda row: Cell(row.p_adjusted)),
    "second p": (Column("check\np"), lambda row: Cell(row.second_p)),
    "verdict": (Column("Verdict", "left"), lambda row: Cell(badge=row.outcome)),
    "verdict, seeds": (Column("Verdict", "left"), lambda row: Cell(badge=row.outcome, note=row.needs)),
    "seeds": (Column("Seeds"), lambda row: Cell(row.seeds)),
    "test": (Column("Test", "left", 1.2), lambda row: Cell(row.test)),
    "sensitivity test": (Column("Sensitivity test", "left", 1.2), lambda row: Cell(row.second)),
}
"""Every column that a table of claims can have."""


def methods_table(shown: View, marks: SignificanceMarks | None = None) -> Table:
    """Final mean ± STD, Avg. STD and their intervals, a row per method, with ``marks`` behind the numbers where they are given.

    Where no method has an Avg. STD, or a STD on the distribution of test examples, there are no columns for it.
    """
    interval = shown.method_interval
    columns = [
        Column("Method", "left", 1.0),
        Column("n"),
        Column(f"Final mean\n± STD{shown.unit}"),
        Column(f"{interval}\nof the mean"),
        Column(f"{interval}\nof the STD"),
        Column(f"Avg. STD\n{shown.unit.strip()}".strip()),
        Column(f"{interval}\nof Avg. STD"),
    ]
    average = any(row.avg_std != ABSENT for row in shown.methods)
    distribution = any(row.on_distribution != ABSENT for row in shown.methods)
    columns = columns if average else columns[:-2]
    columns += [Column("STD on the\ndistribution"), Column(f"{interval}\nof that")] if distribution else []
    rows = []
    for row in shown.methods:
        mean, std, average_mark = (
            marks(row.method, kind) if marks else "" for kind in (MEAN, SPREAD, AVERAGE)
        )
        spread = "" if row.std == ABSENT else row.std
        cells = [
            Cell(row.method),
            Cell(row.seeds),
            Cell(row.mean_std, mark=mean, value=row.mean, spread=spread),
            Cell(row.mean_interval),
            Cell(row.std_interval, mark=std),
        ]
        if average:
            cells += [Cell(row.avg_std, mark=average_mark, value=row.avg_std), Cell(row.avg_std_interval)]
        if distribution:
            cells += [Cell(row.on_distribution), Cell(row.on_distribution_interval)]
        rows.append(Row(tuple(cells)))
    return Table(f"{shown.heading}. {shown.question}", tuple(columns), tuple(rows))


def claims_table(shown: View, names: Iterable[str], rows: Iterable[ClaimRow] | None = None) -> Table:
    """The columns called ``names`` of verdicts, of all pairs or of ``rows``; columns with nothing in them are left out."""
    every = [row for pair in shown.pairs for row in pair.rows] if rows is None else list(rows)
    columns = []
    for name in names:
        column, make = _CLAIM[name]
        cells = [make(row) for row in every]
        if any(cell.words for cell in cells):
            columns.append(
                (replace(column, title=shown.claim_interval) if name == "interval" else column, cells)
            )
    return Table(
        f"Verdicts on {shown.heading}. {shown.tally}. {shown.levels}",
        tuple(column for column, _ in columns),
        tuple(Row(cells) for cells in zip(*(cells for _, cells in columns), strict=True)),
    )


def results_table(compared: GroupComparison, shown: View) -> Table:
    """The methods' own numbers as the report has them."""
    caption = f"Final {escape_prose(quantity(compared.metric))}: mean ± STD over n seeds"
    if any(row.avg_std != ABSENT for row in shown.methods):
        caption += f"; Avg. STD: the mean over {compared.axis.plural} of the STD over seeds"
    return typeset_table(replace(methods_table(shown), caption=f"{caption}."))


def beside_published(compared: GroupComparison, shown: View) -> Table | None:
    """Final mean ± STD and Avg. STD, measured and printed, of the methods that the paper's table has; None without one."""
    printed = compared.published
    if printed is None:
        return None
    measured = {row.method: row for row in shown.methods}
    with_avg = any(row.avg_std is not None for row in printed.rows)
    with_mean = any(row.mean is not None for row in printed.rows)
    unit = escape_prose(shown.unit)
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
        f"Measured on {brief(compared.setting)}, "
        f"{compared.axis.words}: where the two setups differ, the orders of the methods can be compared, "
        "not the numbers."
    )
    return Table(breakable(escape_prose(caption)), tuple(columns), tuple(rows))


def _title(name: str) -> str:
    """``Table 1`` for ``table1``."""
    word = name.rstrip("0123456789")
    return f"{word.capitalize()} {name.removeprefix(word)}"


def _number(value: float | None, decimals: int) -> str:
    return ABSENT if value is None else f"{value:.{decimals}f}"


def _mean_std(mean: float | None, std: float | None, decimals: int) -> str:
    return _number(mean, decimals) + (f" ± {std:.{decimals}f}" if std is not None else "")


@dataclass(frozen=True)
class SignificanceMarks:
    """The marks of every method and kind of claim, and a sentence that explains those that are there."""

    found: dict[tuple[str, str], str]
    legend: str
    """Empty where there is no mark."""

    def __call__(self, method: str, kind: str) -> str:
        """The mark of one number; empty where nothing was decided."""
        return self.found.get((method, kind), "")


def significance_marks(compared: GroupComparison) -> SignificanceMarks:
    """Stars where a claim against the baseline is supported, daggers where its opposite is: one, two or three by p."""
    found: dict[tuple[str, str], str] = {}
    for verdict in compared.verdicts:
        claim, p = verdict.claim, verdict.p_adjusted
        sign = {"supported": STAR, "refuted": DAGGER}.get(verdict.outcome)
        plain = (
            claim.baseline == compared.baseline
            and claim.epochs is None
            and claim.kind in (MEAN, SPREAD, AVERAGE)
        )
        if sign is not None and plain and p is not None:
            found[claim.method, claim.kind] = sign * (1 + sum(p <= level for level in LEVELS))
    alpha = compared.level_alpha
    steps = [
        f"{STAR * (k + 1)} {level:g}" for k, level in enumerate((alpha, *(x for x in LEVELS if x < alpha)))
    ]
    text = (
        f"Against {compared.baseline}, {STAR} marks a better mean, a smaller STD (at its interval) and a smaller Avg. STD, "
        f"{DAGGER} their opposites; Holm-adjusted p at most {', '.join(steps)}."
    )
    return SignificanceMarks(found, text if found else "")
