"""The table of tails: how bad the worst runs of each method are, or how many seeds it would take to say."""

from __future__ import annotations

from amrobust.judge.comparison import GroupComparison
from amrobust.judge.rules import Selection
from amrobust.judge.tails import TailRow, tails
from amrobust.judge.words import significant
from amrobust.report.blocks import Block, Cell, Column, Row, Table, plain
from amrobust.report.numbers import ABSENT, Precision
from amrobust.report.text import breakable, escape_prose, prose, typeset
from amrobust.report.view import quantity

_TENTH = 0.9


def tail_numbers(compared: GroupComparison) -> list[Block]:
    """Worst tenth and divergence of every method; nothing over several x0, whose seeds are not independent.

    A column that no method has seeds enough for is left out, and the caption says how many it takes. Where nothing but that
    and the absence of divergence is left to say, it is said in a sentence.
    """
    arms = [arm for arm in compared.arms if not arm.x0s]
    if not arms:
        return []
    metric, found, _ = tails(arms, Selection(compared.metric.name), quantiles=(_TENTH,), final=compared.final)
    quantiles, means, rates = (
        [row for row in found if row.quantity.endswith(name)]
        for name in ("quantile", "worst 0.1", "P(diverges)")
    )
    number = Precision.of(
        (s.final_spread.estimate for s in compared.summaries if s.final_spread is not None), digits=2
    )
    unit = f" ({escape_prose(metric.unit)})" if metric.unit else ""
    columns = [Column("Method", "left", 1.0), Column("n")]
    cells = [[Cell(breakable(arm.method)), Cell(str(len(arm.seeds)))] for arm in arms]
    caption = f"The worst runs, by final {escape_prose(quantity(metric))}."
    if any(row.result is not None for row in quantiles):
        columns.append(Column(f"Worst tenth\nbegins at{unit}"))
        _add(cells, [_quantile(row, number) for row in quantiles])
        caption += " The bound on where the worst tenth begins holds with 95 % confidence."
    else:
        caption += f" To bound where the worst tenth begins takes {_most(quantiles)} seeds per method."
    if any(row.result is not None for row in means):
        columns.append(Column(f"Mean of the\nworst tenth{unit}"))
        _add(cells, [_mean(row, number) for row in means])
    else:
        caption += f" Its mean takes {_most(means)}."
    sizes = {row.n for row in rates}
    if len(columns) == 2 and len(sizes) == 1 and not any(row.diverged for row in rates):
        n = sizes.pop()
        bound = significant(rates[0].one_sided_high, 2)
        caption += f" No run diverged: none of {n} leaves a probability of up to {bound} (95 % confidence)."
        return [plain(prose(caption))]
    columns += [Column("Diverged"), Column("95 % interval of\nP(diverges)")]
    _add(cells, [f"{row.diverged} of {row.n}" for row in rates])
    _add(cells, [_interval(row) for row in rates])
    return [Table(caption, tuple(columns), tuple(Row(tuple(row)) for row in cells))]


def _add(cells: list[list[Cell]], column: list[str]) -> None:
    for row, text in zip(cells, column, strict=True):
        row.append(Cell(text))


def _most(rows: list[TailRow]) -> int:
    return max(row.seeds_needed or 0 for row in rows)


def _quantile(row: TailRow, number: Precision) -> str:
    result = row.result
    if result is None:
        return f"takes {row.seeds_needed} seeds" if row.seeds_needed else ABSENT
    bound = result.low if result.low is not None else result.high
    return typeset(f"{number(result.estimate)} ({'≥' if result.low is not None else '≤'} {number(bound)})")


def _mean(row: TailRow, number: Precision) -> str:
    if row.result is None:
        return f"takes {row.seeds_needed} seeds" if row.seeds_needed else ABSENT
    return typeset(number(row.result.estimate))


def _interval(row: TailRow) -> str:
    result = row.result
    if result is None or result.low is None or result.high is None:
        return ABSENT
    digits = ".2f" if result.high >= 0.1 else ".2g"
    return f"[{result.low:{digits}}, {result.high:{digits}}]"
