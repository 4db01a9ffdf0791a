"""How bad the worst runs are: exact tails of every method's final values, or the number of seeds that would tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge.arms import along_one_axis, choose_metric
from amrobust.judge.rules import Selection
from amrobust.judge.samples import Sample
from amrobust.judge.usage import asked_for
from amrobust.judge.words import powers_of_ten
from amrobust.runs.arms import Arm
from amrobust.runs.metric import Metric
from amrobust.runs.values import first_measured
from amrobust.stats.limits import check_finite, check_level, check_rate
from amrobust.stats.results import Result
from amrobust.stats.tails import Worse, proportion_interval


@dataclass(frozen=True)
class TailRow:
    """One number about one method's tail."""

    workload: str
    method: str
    title: str
    """What the method is called in print."""
    n: int
    diverged: int
    """Diverged runs are worse than every value."""
    quantity: str
    result: Result | None
    """None where these seeds cannot tell; ``refusal`` says why."""
    refusal: str | None = None
    seeds_needed: int | None = None
    one_sided_high: float | None = None
    """Of a probability: the one-sided upper bound at the level of the interval."""


def tails(
    arms: Sequence[Arm],
    selection: Selection | None = None,
    *,
    thresholds: Sequence[float] = (),
    quantiles: Sequence[float] = (0.9,),
    level: float = 0.95,
    final: str = "last",
) -> tuple[Metric, list[TailRow], list[str]]:
    """For every arm: P(ends worse than a threshold), the divergence rate, quantiles of badness, CVaR, a Pareto shape.

    Worse is lower for accuracies and higher for losses. Thresholds have to be chosen before the runs are read: the exact
    interval knows nothing of a threshold that was picked from the same values. Of ``selection`` count the metric, the grid,
    lengths and what counts as diverged; what they did is said in lines. Raises UserError on an unknown metric, on
    quantiles that are not in (0, 1), where no arm has values, and on what ``compare`` refuses to take for a sample.
    """
    if not arms:
        raise UserError("there are no runs to read tails from: make some with 'amrobust run --opt am1'")
    with asked_for():
        check_level(level)
        for q in quantiles:
            check_rate("a quantile", q)
        for threshold in thresholds:
            check_finite("threshold", threshold)
    if level <= 0.5:  # A one-sided bound at this level is an end of the interval at 2·level − 1.
        raise UserError(f"level = {level:g} leaves no one-sided bound: give a level above 0.5, such as 0.95")
    selection = selection or Selection()
    chosen, measured, _ = choose_metric(arms, selection.metric)
    # On a grid all together; else each by itself: that another method was measured elsewhere is nothing to its tail.
    groups = [measured] if selection.grid is not None else [[arm] for arm in measured]
    found = [along_one_axis(group, chosen, selection) for group in groups]
    said = [(workload, note) for _, notes in found for (workload, _), each in notes.items() for note in each]
    worse: Worse = "low" if chosen.way == "higher" else "high"
    rows: list[TailRow] = []
    for arm in (arm for arms, _ in found for arm in arms):
        with asked_for(f"{arm.method}: "):
            first = first_measured(arm.curves[chosen.name])
            sample = Sample.of(arm, chosen.name, first, False, final=final)
        rows += _of_arm(sample, worse, thresholds, quantiles, level)
    return chosen, rows, [f"{workload}: {note.message}" for workload, note in said]


def _of_arm(
    sample: Sample, worse: Worse, thresholds: Sequence[float], quantiles: Sequence[float], level: float
) -> Iterator[TailRow]:
    values = sample.finals
    assert values is not None
    n = len(values)

    def row(quantity: str, compute: Callable[..., Result], *arguments: Any, **options: Any) -> TailRow:
        start = sample.arm.workload, sample.arm.method, sample.arm.title, n, sample.diverged, quantity
        if sample.x0s:
            return TailRow(*start, None, "seeds of several x0 are not independent: read one x0 at a time")
        try:
            found = compute(*arguments, **options)
        except stats.CannotEstimate as error:
            return TailRow(*start, None, error.reason, error.seeds_needed)
        hits = found.details.get("hits")
        bound = None if hits is None else proportion_interval(int(hits), n, level=2 * level - 1).high
        return TailRow(*start, found, one_sided_high=bound)

    side = "below" if worse == "low" else "above"
    for threshold in thresholds:
        name = powers_of_ten(f"P(ends {side} {threshold:g})")
        yield row(name, stats.exceedance, values, threshold, worse=worse, level=level)
    yield row("P(diverges)", stats.divergence_rate, sample.diverged, n, level=level)
    for q in quantiles:
        shown = 1 - q if worse == "low" else q
        yield row(f"{shown:.4g} quantile", stats.tail_quantile, values, q, worse=worse, level=level)
        yield row(f"mean of the worst {1 - q:.4g}", stats.cvar, values, q, worse=worse)
    for threshold in thresholds:
        name = powers_of_ten(f"Pareto shape {side} {threshold:g}")
        shape = row(name, stats.generalised_pareto, values, threshold, worse=worse, level=level)
        # A shape is for large studies: smaller ones are not told that they lack what they did not ask for.
        if shape.result is not None:
            yield shape
