"""Verdicts at a glance: a few claims in a list, many as a matrix of pairs and kinds, those of many settings by outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from amrobust.judge.claim import Claim
from amrobust.judge.judgement import Judgement, Verdict
from amrobust.judge.kinds.kind import Outcome
from amrobust.report.blocks import Cell, Column, Row, Table
from amrobust.report.names import group_names
from amrobust.report.numbers import ABSENT, interval_heading
from amrobust.report.text import breakable, printable, typeset
from amrobust.report.view import OUTCOMES, claim_rows, claim_words, heading
from amrobust.runs.workload import shared_and_own

_MOST_ROWS = 14
_MOST_LISTED = 6
_MOST_KINDS = 5
"""Beyond either of these a table does not fit on the first page beside the figure."""
_LEAST_FAVOURABLE: tuple[Outcome, ...] = ("refuted", "not assessable", "inconclusive", "supported")


def overview(judgements: Sequence[Judgement]) -> Table:
    """Every verdict: in a list where they are few, else in a matrix."""
    verdicts = [v for judgement in judgements for v in judgement.verdicts]
    return _list(judgements) if len(verdicts) <= _MOST_ROWS else _matrix(judgements)


def table_first(judgements: Sequence[Judgement]) -> bool:
    """Whether the first page has room for the table."""
    table = overview(judgements)
    return len(table.rows) <= _MOST_ROWS + len(judgements) and len(table.columns) - 1 <= _MOST_KINDS


def _list(judgements: Sequence[Judgement]) -> Table:
    """A row per claim, with its estimate, interval and verdict."""
    rows = []
    for name, judgement in zip(group_names(judgements), judgements, strict=True):
        if len(judgements) > 1 and judgement.verdicts:
            rows.append(Row(group=breakable(name)))
        for verdict, row in zip(judgement.verdicts, claim_rows(judgement), strict=True):
            cells = (_row_name(verdict, False), claim_words(verdict.claim, judgement))
            # A composite claim has the numbers of its parts.
            own = claim_rows(replace(judgement, verdicts=verdict.parts)) if verdict.parts else (row,)
            numbers = ([part.estimate for part in own], [part.interval for part in own])
            rows.append(
                Row(
                    (
                        *(Cell(breakable(printable(text))) for text in cells),
                        *(Cell("\n".join(typeset(printable(each)) for each in texts)) for texts in numbers),
                        Cell("", verdict.outcome),
                    )
                )
            )
    interval = interval_heading(
        v.interval for judgement in judgements for whole in judgement.verdicts for v in (whole, *whole.parts)
    )
    columns = (
        Column("Claim about", "left", 1.25),
        Column("What is claimed", "left", 1.0),
        Column("Estimate"),
        Column(printable(interval)),
        Column("Verdict", "left"),
    )
    caption = "Verdicts at a glance; × is a ratio, method over baseline, the rest are differences."
    every = [v for judgement in judgements for v in judgement.verdicts]
    steps = [v.claim.form.per(v.interval) for v in every if v.interval is not None]
    if units := dict.fromkeys(filter(None, steps)):
        caption = caption.replace(
            "method over baseline", f"method over baseline or, of a trend, for each {' or '.join(units)}"
        )
    return Table(caption, columns, tuple(rows))


def over_settings(judgements: Sequence[Judgement]) -> Table | None:
    """Where each claim ended how: a row per claim, a column per outcome, with the settings or their number.

    None of a single judgement, and where the claims would not fit on the first page.
    """
    names = group_names(judgements)
    found: dict[tuple[str, str], dict[Outcome, list[str]]] = {}
    for name, judgement in zip(names, judgements, strict=True):
        for verdict in judgement.verdicts:
            claim = _row_name(verdict, False), _kind(verdict, judgement)
            found.setdefault(claim, {}).setdefault(verdict.outcome, []).append(name)
    if len(judgements) < 2 or not 1 <= len(found) <= _MOST_ROWS:
        return None
    outcomes = [o for o in OUTCOMES if any(o in places for places in found.values())]
    apart = shared_and_own([judgement.setting for judgement in judgements])
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


def _matrix(judgements: Sequence[Judgement]) -> Table:
    """Verdicts at a glance: a row a pair, a column a kind of claim; bounds on one tail share a column."""
    kinds: dict[str, None] = {}
    baselines: dict[str, None] = {}
    for judgement in judgements:
        for verdict in judgement.verdicts:
            kinds.setdefault(_kind(verdict, judgement))
            if verdict.claim.is_about_a_pair:
                baselines.setdefault(verdict.claim.baseline)
    same = len(baselines) == 1
    rows = []
    for name, judgement in zip(group_names(judgements), judgements, strict=True):
        if len(judgements) > 1:
            rows.append(Row(group=breakable(name)))
        estimates = {
            v.claim: row.estimate for v, row in zip(judgement.verdicts, claim_rows(judgement), strict=True)
        }
        cells: dict[str, dict[str, list[Verdict]]] = {}
        for verdict in judgement.verdicts:
            row = cells.setdefault(_row_name(verdict, same), {})
            row.setdefault(_kind(verdict, judgement), []).append(verdict)
        for title, found in cells.items():
            rows.append(
                Row((Cell(breakable(title)), *(_cell(found.get(kind, ()), estimates) for kind in kinds)))
            )
    heading = f"Against {next(iter(baselines))}" if same else "Claim about"
    columns = (
        Column(breakable(heading), "left", 1.25 if len(kinds) > 2 else 1.6),
        *(Column(printable(kind), "left", 1.0) for kind in kinds),
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


def _kind(verdict: Verdict, judgement: Judgement) -> str:
    return heading(verdict.claim, judgement)


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
    return Cell(typeset(printable(estimates[verdicts[0].claim])), outcome)
