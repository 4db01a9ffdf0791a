"""Published tables, judged claim by claim: what their rows support, and what a table alone cannot say."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge import metrics
from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison, MethodSummary
from amrobust.judge.family import judged_together
from amrobust.judge.oddities import alike_names
from amrobust.judge.published_csv import SEPARATORS, tables_of_csv
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Refused
from amrobust.judge.usage import asked_for, meant
from amrobust.judge.verdicts import decide
from amrobust.judge.words import counted, significant
from amrobust.runs.axis import FINAL, Axis, epochs
from amrobust.runs.documents import read_toml
from amrobust.runs.metric import Metric, MetricChoice, can_be_a_share
from amrobust.runs.units import PERCENT, SHARE, in_two_units, with_unit
from amrobust.stats.limits import check_margin, check_rate, is_count
from amrobust.stats.published import Summary
from amrobust.stats.results import Number, Result, ResultWarning
from amrobust.stats.sequential import MOST_SEEDS

TOO_LARGE = 1e100
"""No printed number is that large: what had it diverged. It is the limit of a margin, whose square can still be computed."""
APART = ("dataset", "workload", "model")
"""Rows that differ in one of these are not compared."""
PERCENTS = ("percent", "%", "pct", "percentage")
SHARES = ("share", "fraction")


@dataclass(frozen=True)
class Row:
    """One method of a published table; None where a number is not printed."""

    method: str
    n: int
    mean: float | None
    std: float | None
    avg_std: float | None


@dataclass(frozen=True)
class Table:
    """Rows that may be compared: one table, or one model of it."""

    name: str
    metric: Metric
    epochs: int
    half_unit: float
    """Half a unit of the last digit printed for the final STD."""
    rows: tuple[Row, ...]

    @property
    def axis(self) -> Axis:
        """The epochs; final values alone where it names none."""
        if self.epochs == 1 and all(row.avg_std is None for row in self.rows):
            return Axis.called(FINAL, [1])
        return epochs(self.epochs)


def load_tables(path: Path | None, only: str | None = None, metric: str | None = None) -> list[Table]:
    """The tables of a TOML file, or the one of a CSV file, by default the paper's own; ``only`` chooses one by its name.

    ``metric``, as ``NAME:lower``, says which way the tables' metric of that name is better, where the name does not.

    A table is ``[name]`` with ``metric``, ``seeds`` and ``[[name.rows]]`` of ``method`` and, where printed, ``final_mean``,
    ``final_std``, ``avg_std``, ``n``, ``option``, ``m``, ``dataset`` and ``model`` (rows of different ones are not compared).
    Tables without rows are left out. A CSV file has the columns method, mean, std and n (or their like), and its metric is
    that of ``metric``; where it has a column ``dataset``, each data set is a table. Raises UserError on anything else.
    """
    if path is None:
        own = files("amrobust.reference_runs").joinpath("published/tables.toml")
        data = tomllib.loads(own.read_text(encoding="utf-8"))
    elif path.suffix.lower() in SEPARATORS:
        data = tables_of_csv(path, metric)
    else:
        data = read_toml(path, "table")
    if only is not None:
        if only not in data:
            raise UserError(f"no table is called {only!r}: choose one of {', '.join(data)}")
        data = {only: data[only]}
    try:
        tables = [table for name, content in data.items() for table in _tables(name, content, path)]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(
            f"{path}: a table lacks or garbles a field ({type(error).__name__}: {error})"
        ) from None
    if not tables:
        raise UserError(f"{only or path}: there are no rows to judge")
    if metric is not None:
        choice = MetricChoice.parse(metric)
        # Each table keeps a unit of its own.
        tables = [
            replace(table, metric=metrics.declared([table.metric], choice)[choice.name])
            if table.metric.name == choice.name or all(other.metric.name != choice.name for other in tables)
            else table
            for table in tables
        ]
    return tables


def _tables(name: str, content: Mapping[str, Any], path: Path | None) -> list[Table]:
    by_model: dict[str, list[Row]] = defaultdict(list)
    stds = []
    for number, row in enumerate(content.get("rows", []), 1):
        where = f"{path or 'the paper'}, {row.get('where', f'row {number} of {name}')}"
        if misplaced := [key for key in ("metric", "unit", "seeds") if key in row]:
            raise UserError(
                f"{where}: {misplaced[0]!r} is said of a whole table, [{name}], and not of a row: make a table of these rows"
                + ("; the seeds of a row are its n" if misplaced[0] == "seeds" else "")
            )
        words = [str(row["method"]), *([str(row["option"])] if "option" in row else [])]
        method = " ".join(words) + (f" (m={row['m']})" if "m" in row else "")
        mean, std, avg_std = (_number(row.get(key)) for key in ("final_mean", "final_std", "avg_std"))
        n = row["n"] if "n" in row else content["seeds"]
        found = Row(method, n, mean, std, avg_std)
        _check(found, where)
        others = by_model[", ".join(str(row[key]) for key in APART if key in row)]
        if any(other.method == method for other in others):
            raise UserError(
                f"{where}: {method!r} has a row already: remove one, or give each a name of its own, or an "
                "'option' that tells them apart"
            )
        others.append(found)
        stds += [std] if std is not None else []
    digits = max((len(repr(std).partition(".")[2].rstrip("0")) for std in stds), default=0)
    metric_name = str(content.get("metric", "value"))
    return [
        Table(
            name=f"{name}, {model}" if model else name,
            metric=Metric.known(metric_name, unit=_unit(content.get("unit"))),
            epochs=int(content.get("epochs", 1)),
            half_unit=0.5 * 10.0**-digits,
            rows=tuple(rows),
        )
        for model, rows in by_model.items()
    ]


def _unit(said: Any) -> str | None:
    """A unit as metrics have it; None where none is said."""
    text = "" if said is None else str(said).strip()
    return "%" if text.lower() in PERCENTS else "share" if text.lower() in SHARES else text or None


def _check(row: Row, where: str) -> None:
    """Raise UserError where a printed number cannot be one."""
    for column, value in (("mean", row.mean), ("std", row.std), ("avg_std", row.avg_std)):
        if value is None:
            continue
        said = f"{where}: the {column} of {row.method!r} is {value:g}"
        if not isfinite(value):
            raise UserError(f"{said}, which is no finite number: leave it empty where it is not printed")
        if abs(value) >= TOO_LARGE:
            raise UserError(f"{said}, and no number of {TOO_LARGE:g} or beyond is judged: correct it")
        if column != "mean" and value < 0:
            raise UserError(f"{said}, and a standard deviation is never negative: correct it")
    # One seed has a value, and no spread.
    least = 1 if row.std is None else 2
    if not is_count(row.n, least, MOST_SEEDS):
        raise UserError(
            f"{where}: the n of {row.method!r} is {row.n!r:.40}, and a number of seeds is a whole number from {least} to "
            f"{MOST_SEEDS:,}; correct it"
            + (", or leave the std of a single seed empty" if row.n == 1 else "")
        )


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r:.40} is not a number")
    return float(value)


def judge_tables(
    tables: list[Table],
    *,
    baseline: str | None = None,
    margin: float | None = None,
    rules: Rules | None = None,
) -> Comparison:
    """Judge every row against the baseline row (M-SGD where there is one, else the first): mean, final spread, Avg. STD.

    The claims about means and final spreads of a table are its family. Avg. STD cannot be assessed from a table: how strongly
    epochs are correlated is not printed. Raises UserError where the baseline is in no table.
    """
    rules = rules or Rules()
    if margin is not None:
        with asked_for():
            check_margin(margin)
    if baseline is not None and not any(row.method == baseline for table in tables for row in table.rows):
        names = dict.fromkeys(row.method for table in tables for row in table.rows)
        raise UserError(f"{baseline!r} is not among the methods: {meant(baseline, names)}")
    groups, problems = [], []
    for table in tables:
        found = [row for row in table.rows if row.method == (baseline or "M-SGD")]
        if baseline is not None and not found:
            problems.append(f"{table.name}: has no {baseline}")
        elif len(table.rows) < 2:
            problems.append(f"{table.name}: has a single method")
        else:
            groups.append(_judge(table, (found or list(table.rows))[0], margin, rules))
    if not groups:
        raise UserError("; ".join(problems))
    return Comparison(tuple(groups), tuple(problems))


def _judge(table: Table, baseline: Row, margin: float | None, rules: Rules) -> GroupComparison:
    others = [row for row in table.rows if row is not baseline]
    reach = [
        row.mean + side * (2 * (row.std or 0.0))
        for row in table.rows
        if row.mean is not None
        for side in (-1, 1)
    ]
    metric = _in_one_unit(table)
    table = replace(table, metric=metric)
    claims = [
        (Claim(kind, row.method, baseline.method, margin if kind == "equivalent mean" else None), row)
        for row in others
        for kind in (
            "equivalent mean" if margin is not None else "better mean",
            "less spread",
            "less Avg. STD",
        )
    ]
    # What no table can say is no member of the family: it would only make the other claims harder to support.
    told = [(claim, row) for claim, row in claims if claim.form.of_summaries]

    def evidence(place: int, rate: Rate) -> Evidence:
        return _gather(*told[place], baseline, table, rules, rate)

    judged = dict(
        zip((claim for claim, _ in told), judged_together(len(told), rules.alpha, evidence), strict=True)
    )
    verdicts = tuple(
        decide(
            *judged.get(claim, (_untold(claim, row, baseline), None)),
            metric,
            table.axis,
            rules,
            len(told),
        )
        for claim, row in claims
    )
    methods = [row.method for row in table.rows]
    beyond = metrics.beyond_range([claim for claim, _ in claims], [np.array(reach)], metric)
    return GroupComparison(
        question=f"What does {table.name} alone say of its methods against {baseline.method}?",
        workload=table.name,
        data_digest=None,
        x0_digest=None,
        metric=table.metric,
        epochs=table.epochs,
        axis=table.axis,
        first_epoch=1,
        final="last",
        baseline=baseline.method,
        alpha=rules.alpha,
        test="f",
        practical_ratio=rules.practical_ratio,
        arms=(),
        summaries=tuple(_summary(row) for row in (baseline, *others)),
        verdicts=verdicts,
        warnings=(
            PUBLISHED,
            *([beyond] if beyond is not None else []),
            *alike_names("methods", methods, methods),
        ),
    )


def _in_one_unit(table: Table) -> Metric:
    """The metric with its unit. Raises UserError where means are in two units, or not in the one that is said."""
    means = np.array([row.mean for row in table.rows if row.mean is not None])
    name = table.metric.name
    if not table.metric.unit and in_two_units(name, means):
        raise UserError(
            f"{table.name}: {name} looks like a share of 1 in some rows (such as {means[means <= SHARE].max():g}) and like a "
            f"percentage in others (up to {means.max():g}): multiply the shares, and their STDs, by 100"
        )
    if table.metric.unit == "share" and can_be_a_share(name) and means.size and means.max() > PERCENT:
        raise UserError(
            f"{table.name}: {name} is said to be a share of 1, and a mean is {means.max():g}: it looks like a percentage; "
            "leave the unit out, or divide the percentages by 100"
        )
    return with_unit(table.metric, [mean[None] for mean in means])


PUBLISHED = ResultWarning(
    "published-only",
    "Only printed summaries are judged: neither single seeds nor their pairing are known, and final spreads rest on normality.",
    "ask the authors for per-seed curves, and judge those with amrobust compare",
)


def _untold(claim: Claim, row: Row, baseline: Row) -> Evidence:
    """What summaries cannot say."""
    printed = (
        f" (printed: {row.avg_std:g} against {baseline.avg_std:g})"
        if row.avg_std is not None and baseline.avg_std is not None
        else ""
    )
    reason = f"the table does not say how strongly the epochs of one seed are correlated{printed}"
    return Evidence(claim, refusal=Refused(reason))


def _gather(claim: Claim, row: Row, baseline: Row, table: Table, rules: Rules, rate: Rate) -> Evidence:
    if row.mean is None or row.std is None or baseline.mean is None or baseline.std is None:
        return Evidence(
            claim, refusal=Refused("the table does not print the final mean and STD of both methods")
        )
    a, b = (
        Summary(r.mean, r.std, r.n, table.half_unit)  # type: ignore[arg-type]
        for r in (row, baseline)
    )
    try:
        check_rate(f"alpha over the family of {counted(rate.claims(rules.alpha), 'claim')}", rate.first)
        result = claim.form.of_summary(claim, a, b, table.metric, rate.alpha)
    except stats.CannotEstimate as error:
        return Evidence(claim, refusal=Refused(error.reason, error.seeds_needed))
    notes = _sensitivity(result, rules.alpha) if claim.kind == "less spread" else ()
    return Evidence(claim, result, result, None, result.p, rate, warnings=notes)


def _sensitivity(result: Result, alpha: float) -> tuple[ResultWarning, ...]:
    """A warning where heavier tails or the rounding of the printed digits put p on the other side of alpha."""
    assert result.p is not None
    ps = dict(result.details)
    if all((p <= alpha) == (result.p <= alpha) for p in ps.values()):
        return ()
    numbers = {f"p{place}": Number(significant(p, 2), p) for place, p in enumerate(ps.values())}
    text = ", ".join(f"{name} {{{field}}}" for name, field in zip(ps, numbers, strict=True))
    return (
        ResultWarning.of(
            "fragile-spread",
            f"Whether these final spreads differ hangs on what the table does not print: {text}.",
            "read it as undecided until per-seed values are known",
            **numbers,
        ),
    )


def _summary(row: Row) -> MethodSummary:
    def printed(quantity: str, value: float | None) -> Result | None:
        return None if value is None else Result(quantity, "printed", (row.n,), value)

    return MethodSummary(
        row.method,
        row.n,
        0,
        printed("mean", row.mean),
        printed("STD", row.std),
        printed("Avg. STD", row.avg_std),
    )
