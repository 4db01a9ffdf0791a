"""Verdicts at a glance: a few claims in a list, many as a matrix of pairs and kinds, those of many settings by outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import GroupComparison, Verdict
from amrobust.judge.kinds.kind import Outcome
from amrobust.report.blocks import Cell, Column, Row, Table
from amrobust.report.names import group_names
from amrobust.report.numbers import ABSENT, interval_heading
from amrobust.report.text import breakable, escape_prose, typeset
from amrobust.report.view import OUTCOMES, claim_rows, claim_words, heading
from amrobust.runs.workload import shared_and_own

_MOST_ROWS = 14
_MOST_LISTED = 6
_MOST_KINDS = 5
"""Beyond either of these a table does not fit on the first page beside the figure."""
_LEAST_FAVOURABLE: tuple[Outcome, ...] = ("refuted", "not assessable", "inconclusive", "supported")


def overview(groups: Sequence[GroupComparison]) -> Table:
    """Every verdict: in a list where they are few, else in a matrix."""
    verdicts = [v for compared in groups for v in compared.verdicts]
    return _list(groups) if len(verdicts) <= _MOST_ROWS else _matrix(groups)


def table_first(groups: Sequence[GroupComparison]) -> bool:
    """Whether the first page has room for the table."""
    table = overview(groups)
    return len(table.rows) <= _MOST_ROWS + len(groups) and len(table.columns) - 1 <= _MOST_KINDS


def _list(groups: Sequence[GroupComparison]) -> Table:
    """A row per claim, with its estimate, interval and verdict."""
    rows = []
    for name, compared in zip(group_names(groups), groups, strict=True):
        if len(groups) > 1 and compared.verdicts:
            rows.append(Row(group=breakable(name)))
        for verdict, row in zip(compared.verdicts, claim_rows(compared), strict=True):
            cells = (_row_name(verdict, False), claim_words(verdict.claim, compared))
            # A composite claim has the numbers of its parts.
            own = claim_rows(replace(compared, verdicts=verdict.parts)) if verdict.parts else (row,)
            numbers = ([part.estimate for part in own], [part.interval for part in own])
            rows.append(
                Row(
                    (
                        *(Cell(breakable(escape_prose(text))) for text in cells),
                        *(
                            Cell("\n".join(typeset(escape_prose(each)) for each in texts))
                            for texts in numbers
                        ),
                        Cell("", verdict.outcome),
                    )
                )
            )
    interval = interval_heading(
        v.interval for compared in groups for whole in compared.verdicts for v in (whole, *whole.parts)
    )
    columns = (
        Column("Claim about", "left", 1.25),
        Column("What is claimed", "left", 1.0),
        Column("Estimate"),
        Column(escape_prose(interval)),
        Column("Verdict", "left"),
    )
    caption = "Verdicts at a glance; × is a ratio, method over baseline, the rest are differences."
    every = [v for compared in groups for v in compared.verdicts]
    steps = [v.claim.form.per(v.interval) for v in every if v.interval is not None]
    if units := dict.fromkeys(filter(None, steps)):
        caption = caption.replace(
            "method over baseline", f"method over baseline or, of a trend, for each {' or '.join(units)}"
        )
    return Table(caption, columns, tuple(rows))


def over_settings(groups: Sequence[GroupComparison]) -> Table | None:
    """Where each claim ended how: a row per claim, a column per outcome, with the settings or their number.

    None of a single group, and where the claims would not fit on the first page.
    """
    names = group_names(groups)
    found: dict[tuple[str, str], dict[Outcome, list[str]]] = {}
    for name, compared in zip(names, groups, strict=True):
        for verdict in compared.verdicts:
            claim = _row_name(verdict, False), _kind(verdict, compared)
            found.setdefault(claim, {}).setdefault(verdict.outcome, []).append(name)
    if len(groups) < 2 or not 1 <= len(found) <= _MOST_ROWS:
        return None
    outcomes = [o for o in OUTCOMES if any(o in places for places in found.values())]
    apart = shared_and_own([compared.setting for compared in groups])
    own = {name: each.params for name, each in zip(names, apart[1], strict=True)} if apart else {}
    parameters = {params[0][0] for params in own.values()}
    listed = (
        len(parameters) == 1
        and all(len(params) == 1 for params in own.values())
        and len(set(own.values())) == len(names) <= _MOST_LISTED
    )

    def where(places: Mapping[Outcome, Sequence[str]], outcome: Outcome) -> Cell:
        if outcome not in places:
            return Cell(ABSENT)
        if listed:
            return Cell(breakable(", ".join(own[name][0][1] for name in places[outcome])))
        return Cell(f"{len(places[outcome])} of {sum(map(len, places.values()))}")

    columns = (
        Column("Claim about", "left", 1.5),
        Column("What is claimed", "left", 0.8),
        *(Column(outcome.capitalize(), "left", 0.7 if listed else 0.0) for outcome in outcomes),
    )
    rows = [
        Row((Cell(breakable(about)), Cell(breakable(claimed)), *(where(places, o) for o in outcomes)))
        for (about, claimed), places in found.items()
    ]
    which = f"the values of {breakable(parameters.pop())}" if listed else "the number of settings"
    return Table(
        f"Verdicts at a glance: {which} at which each claim has that verdict.",
        columns,
        tuple(rows),
        small=True,
    )


def _matrix(groups: Sequence[GroupComparison]) -> Table:
    """Verdicts at a glance: a row a pair, a column a kind of claim; bounds on one tail share a column."""
    kinds: dict[str, None] = {}
    baselines: dict[str, None] = {}
    for compared in groups:
        for verdict in compared.verdicts:
            kinds.setdefault(_kind(verdict, compared))
            if verdict.claim.is_about_a_pair:
                baselines.setdefault(verdict.claim.baseline)
    same = len(baselines) == 1
    rows = []
    for name, compared in zip(group_names(groups), groups, strict=True):
        if len(groups) > 1:
            rows.append(Row(group=breakable(name)))
        estimates = {
            v.claim: row.estimate for v, row in zip(compared.verdicts, claim_rows(compared), strict=True)
        }
        cells: dict[str, dict[str, list[Verdict]]] = {}
        for verdict in compared.verdicts:
            row = cells.setdefault(_row_name(verdict, same), {})
            row.setdefault(_kind(verdict, compared), []).append(verdict)
        for title, found in cells.items():
            rows.append(
                Row((Cell(breakable(title)), *(_cell(found.get(kind, ()), estimates) for kind in kinds)))
            )
    heading = f"Against {next(iter(baselines))}" if same else "Claim about"
    columns = (
        Column(breakable(heading), "left", 1.25 if len(kinds) > 2 else 1.6),
        *(Column(escape_prose(kind), "left", 1.0) for kind in kinds),
    )
    caption = "Verdicts at a glance."
    if any(cell.badge and cell.text for row in rows for cell in row.cells):
        # Every badge stands behind an estimate, so that they align.
        rows = [
            replace(row, cells=tuple(replace(c, text=c.text or ABSENT) if c.badge else c for c in row.cells))
            for row in rows
        ]
        caption = "Verdicts at a glance, with their estimates: × is a ratio, method over baseline; the rest are differences."
    return Table(
        caption,
        columns,
        tuple(rows),
        small=len(kinds) > 3,
    )


def _kind(verdict: Verdict, compared: GroupComparison) -> str:
    return heading(verdict.claim, compared)


def _row_name(verdict: Verdict, same_baseline: bool) -> str:
    claim = verdict.claim
    if claim.methods:
        return f"{claim.methods[0]} … {claim.methods[-1]}"
    if same_baseline or not claim.is_about_a_pair:
        return claim.method
    return f"{claim.method} vs {claim.baseline}"


def _cell(verdicts: Sequence[Verdict], estimates: Mapping[Claim, str]) -> Cell:
    if not verdicts:
        return Cell()
    outcome = next(o for o in _LEAST_FAVOURABLE if any(v.outcome == o for v in verdicts))
    if len(verdicts) > 1:
        agreeing = sum(v.outcome == outcome for v in verdicts)
        return Cell(f"{agreeing} of {len(verdicts)}", outcome)
    result = verdicts[0].interval
    if result is None or result.estimate is None:
        return Cell("", outcome)
    return Cell(typeset(escape_prose(estimates[verdicts[0].claim])), outcome)
