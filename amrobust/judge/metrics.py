"""The one metric that is judged: chosen by a stated rule, its direction known, and all its values in one unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from amrobust.errors import UserError
from amrobust.judge import run_warnings
from amrobust.judge.claim import Claim
from amrobust.judge.words import counted, points
from amrobust.runs.arms import Arm
from amrobust.runs.files import escape
from amrobust.runs.metric import (
    Metric,
    MetricChoice,
    by_interest,
    direction_by_name,
    is_bounded,
    says,
    some_of,
)
from amrobust.runs.units import PERCENT, SHARE, in_two_units, tops_of, unit_of, with_unit
from amrobust.runs.values import Curves
from amrobust.stats.results import ResultWarning


def chosen(arms: Sequence[Arm], name: str | None) -> MetricChoice:
    """What ``--metric`` says; without it the metric that our own workload names first, else the first that :func:`by_interest`
    has."""
    if name is not None:
        return MetricChoice.parse(name)
    metrics = arms[0].metrics
    own = all(metric.better_by == "workload" for metric in metrics.values())
    first = next(iter(metrics)) if own else by_interest(metrics)[0]
    return MetricChoice(first, first)


def of_arms(arms: Sequence[Arm], choice: MetricChoice) -> Metric:
    """The chosen metric of all ``arms``. Raises UserError where its direction is unknown, or they differ in that or in unit."""
    metrics = [arm.metrics[choice.name] for arm in arms]
    if choice.better is None:
        ways = {metric.way for metric in metrics}
        if len(ways) > 1:
            raise UserError(
                f"{escape(choice.name)} is recorded as better high and as better low: {says(choice.name)}"
            )
        by_name = direction_by_name(choice.name)
        old = any(metric.better_by == "not recorded" for metric in metrics)
        if old and by_name not in (None, *ways):
            raise UserError(
                f"an earlier version recorded {escape(choice.name)} as better {''.join(ways)}, and its name says {by_name}: "
                f"{says(choice.name)}"
            )
    units = {
        f"{escape(arm.method)} on {escape(arm.workload)}": unit_of(metric, arm.curves[choice.name])
        for arm, metric in zip(arms, metrics, strict=True)
    }
    found = dict.fromkeys(filter(None, units.values()))
    if len(found) > 1:
        examples = (next(f"{where} in {unit}" for where, u in units.items() if u == unit) for unit in found)
        raise UserError(
            f"{escape(choice.name)} is not in one unit ({', '.join(examples)}): bring all to "
            "percent with 'amrobust import --mixed-units percent', or multiply the shares by 100"
        )
    tops = np.concatenate([tops_of(arm.curves[choice.name]) for arm in arms])
    unsaid = not any(metric.unit or metric.unit_by in ("workload", "declared") for metric in metrics)
    if unsaid and in_two_units(choice.name, tops):
        raise UserError(
            f"{escape(choice.name)} looks like a share of 1 in some seeds (up to {tops[tops <= SHARE].max():g}) and like a "
            f"percentage in others (up to {tops.max():g}): bring all to percent with 'amrobust import --mixed-units percent', "
            "or, where they are in one unit, say so with --unit"
        )
    said = [metric for metric in metrics if metric.unit]
    first = (said or metrics)[0].declared(choice.better)
    return with_unit(first, [arm.curves[choice.name] for arm in arms])


def beyond_range(claims: Iterable[Claim], values: Iterable[Curves], metric: Metric) -> ResultWarning | None:
    """Where a margin is larger than the range of all values that are judged: no difference between them could exceed it."""
    margins = [
        c.margin
        for claim in claims
        for c in (claim, *claim.parts)
        if c.margin is not None and c.form.estimates == "difference"
    ]
    finite = np.concatenate([v[np.isfinite(v)] for v in values])
    if not margins or not finite.size or max(margins) <= np.ptp(finite):
        return None
    share = "; half a percentage point is 0.005 of a share" if metric.unit == "share" else ""
    return ResultWarning(
        "margin-beyond-range",
        f"The margin {max(margins):g}{points(metric)} is larger than the range of all values that are judged, "
        f"{finite.min():.4g} to {finite.max():.4g}: no difference between them could exceed it.",
        f"declare the margin in the unit of {metric.name.replace('_', ' ')}, by what would matter{share}",
    )


def impossible(arms: Sequence[Arm], metric: Metric) -> ResultWarning | None:
    """Where an accuracy or its like is below 0, or above 1 or 100 %: a mistyped number, a sign that nothing was measured."""
    if not is_bounded(metric.name):
        return None
    every = [arm.curves[metric.name] for arm in arms]
    whole = np.concatenate([values[np.isfinite(values)] for values in every])
    percent = metric.unit == "%" or (not metric.unit and bool((whole > PERCENT).any()))
    most = 100.0 if percent else SHARE
    with np.errstate(invalid="ignore"):
        outside = [np.isfinite(values) & ((values < 0) | (values > most * (1 + 1e-6))) for values in every]
    count = sum(int(found.sum()) for found in outside)
    if not count:
        return None
    arm, values, found = next(each for each in zip(arms, every, outside, strict=True) if each[2].any())
    row, column = np.argwhere(found)[0]
    return run_warnings.impossible_values(
        f"{counted(count, 'value')} of {metric.name}", most, f"{arm.title}, seed {arm.seeds[row]}",
        f"{arm.axis.quantity} {arm.axis.at(int(column) + 1)}: {values[row, column]:.4g}",
    )  # fmt: skip


def declared(metrics: Sequence[Metric], choice: MetricChoice) -> Mapping[str, Metric]:
    """``metrics`` by name with what ``choice`` declares. Raises UserError where it names none of them."""
    found = {metric.name: metric for metric in metrics}
    if choice.name not in found:
        raise UserError(f"no table has the metric {escape(choice.name)!r}: choose one of {some_of(found)}")
    return found | {choice.name: found[choice.name].declared(choice.better)}
