"""Published tables, judged claim by claim: what their rows support, and what a table alone cannot say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge import metrics
from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison, MethodSummary
from amrobust.judge.family import judged_together
from amrobust.judge.oddities import alike_names
from amrobust.judge.published_tables import Row, Table
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Refused
from amrobust.judge.usage import asked_for, meant
from amrobust.judge.verdicts import decide
from amrobust.judge.words import counted, significant
from amrobust.runs.metric import Metric, can_be_a_share
from amrobust.runs.units import PERCENT, SHARE, in_two_units, with_unit
from amrobust.stats.limits import check_margin, check_rate
from amrobust.stats.published import Summary, mean_from_summary, std_from_summary
from amrobust.stats.results import Number, Result, ResultWarning
from amrobust.stats.samples import FEWEST_SEEDS


def judge_tables(
    tables: list[Table],
    *,
    baseline: str | None = None,
    margin: float | None = None,
    rules: Rules | None = None,
) -> Comparison:
    """Judge every row against the baseline row (M-SGD where there is one, else the first): mean, final spread, Avg. STD.

    A table's family is its claims about numbers that it prints of both methods. Avg. STD is judged at its worst case, epochs
    perfectly correlated. Raises UserError where the baseline is in no table.
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
    told = [(claim, row) for claim, row in claims if _untold(claim, row, baseline) is None]

    def evidence(place: int, rate: Rate) -> Evidence:
        return _gather(*told[place], baseline, table, rules, rate)

    judged = dict(
        zip((claim for claim, _ in told), judged_together(len(told), rules.alpha, evidence), strict=True)
    )
    verdicts = tuple(
        decide(
            *judged.get(claim, (Evidence(claim, refusal=_untold(claim, row, baseline)), None)),
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
        summaries=tuple(_summary(row, 1 - rules.alpha) for row in (baseline, *others)),
        verdicts=verdicts,
        warnings=(
            PUBLISHED if all(row.avg_std is None for row in table.rows) else PUBLISHED_AVG_STD,
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
    "Only printed summaries are judged: neither single seeds nor their pairing are known, and spreads rest on normality.",
    "ask the authors for per-seed curves, and judge those with amrobust compare",
)
PUBLISHED_AVG_STD = replace(
    PUBLISHED,
    message=PUBLISHED.message.removesuffix(".")
    + "; Avg. STDs are judged as if the epochs of a seed were perfectly correlated, the worst case.",
)


def _untold(claim: Claim, row: Row, baseline: Row) -> Refused | None:
    """Why a claim is about numbers that are not printed; None where they are."""
    rows = row, baseline
    if claim.kind == "less Avg. STD":
        missing = "Avg. STD" if any(each.avg_std is None for each in rows) else ""
    elif claim.kind == "less spread":
        missing = "final STD" if any(each.std is None for each in rows) else ""
    else:
        missing = "final mean and STD" if any(each.mean is None or each.std is None for each in rows) else ""
    return Refused(f"the table does not print the {missing} of both methods") if missing else None


def _gather(claim: Claim, row: Row, baseline: Row, table: Table, rules: Rules, rate: Rate) -> Evidence:
    over_training = claim.kind == "less Avg. STD"
    a, b = (
        Summary(0.0, each.avg_std, each.n, table.avg_half_unit)  # type: ignore[arg-type]
        if over_training
        else Summary(each.mean or 0.0, each.std, each.n, table.half_unit)  # type: ignore[arg-type]
        for each in (row, baseline)
    )
    try:
        check_rate(f"alpha over the family of {counted(rate.claims(rules.alpha), 'claim')}", rate.first)
        result = claim.form.of_summary(claim, a, b, table.metric, rate.alpha)
    except stats.CannotEstimate as error:
        return Evidence(claim, refusal=Refused(error.reason, error.seeds_needed))
    if over_training or claim.kind == "less spread":
        notes = _sensitivity(result, rules.alpha, "Avg. STDs" if over_training else "final spreads")
    else:
        notes = (FEW_SEEDS,) if min(a.n, b.n) < FEWEST_SEEDS else ()
    return Evidence(claim, result, result, None, result.p, rate, warnings=notes)


FEW_SEEDS = ResultWarning(
    "few-printed-seeds",
    "Welch's t of 2 or 3 seeds rests on normality: of normal seeds it finds a difference of equal means in 2 to 6 % at 5 %, "
    "and in up to 10 % where the method of fewer seeds has much the larger STD.",
    "train more seeds",
)
"""Simulated: 200,000 replications, n of 2 and 3 against 2, 3 and 5, STDs in the ratios 1 to 5."""


def _sensitivity(result: Result, alpha: float, spreads: str) -> tuple[ResultWarning, ...]:
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
            f"Whether these {spreads} differ depends on what the table does not print: {text}.",
            "read it as undecided until per-seed values are known",
            **numbers,
        ),
    )


def _summary(row: Row, level: float) -> MethodSummary:
    def printed(quantity: str, value: float | None, interval: Callable[[], Result]) -> Result | None:
        """The number with its interval, without one where the row does not suffice for it."""
        if value is None:
            return None
        try:
            return interval()
        except stats.CannotEstimate:
            return Result(quantity, "printed", (row.n,), value)

    final = Summary(row.mean or 0.0, row.std or 0.0, row.n)
    average = Summary(0.0, row.avg_std or 0.0, row.n)
    return MethodSummary(
        row.method,
        row.n,
        0,
        printed("mean", row.mean, lambda: mean_from_summary(final, level=level)),
        printed("STD", row.std, lambda: std_from_summary(final, level=level)),
        printed("Avg. STD", row.avg_std, lambda: std_from_summary(average, "Avg. STD", level=level)),
    )
