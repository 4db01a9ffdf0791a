"""The options that ``compare``, ``report`` and ``analyze`` share, and the one call they end in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from amrobust.cli import messages, options
from amrobust.cli.parameters import parse_counts, parse_labels, parse_text_pair
from amrobust.cli.reading import reading
from amrobust.cli.stdin import paths_or_stdin

if TYPE_CHECKING:
    from amrobust.ingest.mappings import Mappings
    from amrobust.ingest.policies import Policies
    from amrobust.judge.comparison import Comparison
    from amrobust.judge.lengths import Lengths
    from amrobust.judge.rules import IntervalName, TestName
    from amrobust.stats.levels import Scale

label_option = click.option(
    "--label", "labels", multiple=True, metavar="METHOD=TEXT",
    help="What a method is called in print ('am1[m=5]/II=Ours') [default: as the paper does]; repeatable.",
)  # fmt: skip

_ALONG = (
    click.option(
        "--grid", metavar="GRID",
        help="Read curves that were measured at different steps on a common grid: every:N, intersection, or a number of points "
        "with :last (default), :mean or :linear behind; shift: count from 1 what is counted from 0.",
    ),
    click.option(
        "--lengths", type=click.Choice(["refuse", "common", "hold", "drop", "diverged"]), default="refuse", show_default=True,
        help="What it means that seeds end early: cut all where the first one ends, the last value stands (early stopping), "
        "leave them out, or take them as diverged. Methods of other lengths are held apart, or cut or held too.",
    ),
    click.option(
        "--diverged", type=float, metavar="VALUE", help="A seed that ends worse than this counts as diverged."
    ),
)  # fmt: skip

OPTIONS = (
    click.option(
        "--metric",
        metavar="NAME[:lower|:higher]",
        help="Metric to compare, and which way it is better where its name does not say so [default: the workload's first, "
        "else the first on a test or validation set].",
    ),
    options.unit,
    click.option(
        "--test",
        type=click.Choice(
            [
                "auto",
                "jackknife",
                "permutation",
                "bonett",
                "levene",
                "bartlett",
                "fligner",
                "f",
                "swap",
                "pitman-morgan",
            ]
        ),
        default="auto",
        show_default=True,
        help="Test of spread; auto is the studentised permutation of whole curves, and the jackknife of pairs and where seeds "
        "are too few for it. On curves Levene's test and its like see one number per seed, never epochs.",
    ),
    click.option(
        "--center",
        type=click.Choice(["median", "mean", "trimmed"]),
        default="median",
        show_default=True,
        help="Centre that Levene's test takes deviations from.",
    ),
    click.option(
        "--interval",
        type=click.Choice(["test", "bootstrap-t", "bca", "percentile"]),
        default="test",
        show_default=True,
        help="Intervals of means and spreads: those that belong to the deciding test, or by a bootstrap of whole seeds, each "
        "with its measured coverage. A verdict then needs both, the test's p and the interval.",
    ),
    click.option(
        "--failure",
        type=click.FloatRange(min=0, min_open=True),
        help="How much worse than its method's median (metric's unit) a failing seed is: tipping points say how many of them "
        "would undo a verdict on spreads [default: like the worst seed seen].",
    ),
    click.option(
        "--baseline", help="Method that the others are held against [default: msgd, else the first]."
    ),
    click.option(
        "--pairs",
        type=click.Choice(["baseline", "all"]),
        default="baseline",
        show_default=True,
        help="Compare every method with the baseline, or all pairs.",
    ),
    click.option(
        "--margin",
        type=click.FloatRange(min=0, min_open=True),
        help="Judge whether final means agree within this margin (metric's unit) instead of whether they differ.",
    ),
    click.option(
        "--alpha",
        type=click.FloatRange(min=0, max=0.5, min_open=True),
        default=0.05,
        show_default=True,
        help="Error rate of the whole family of claims.",
    ),
    click.option(
        "--final",
        default="last",
        show_default=True,
        help="What a seed's final value is: 'last', 'mean:K' for the mean of the last K epochs, or 'best:METRIC' for the epoch "
        "where METRIC is best, on another split than the judged one ('best:validation_loss').",
    ),
    click.option(
        "--looks",
        metavar="N,N,...",
        help="Planned interim analyses, in seeds per method (5,10,15,20): claims are tested at the level of the present one.",
    ),
    click.option(
        "--scale",
        type=click.Choice(["none", "logit", "log"]),
        default="none",
        show_default=True,
        help="Judge the metric on this scale: logit for accuracies, log for losses.",
    ),
    click.option(
        "--claims",
        "claims_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Test the claims declared in this TOML file ([[claims]] tables as in an analysis) instead of the usual three.",
    ),
    click.option(
        "--tuning",
        metavar="TEXT",
        help="How the hyperparameters of methods that do not say it were chosen ('20 learning rates each, on validation "
        "loss'): printed with the result, where it else says that tuning is unknown.",
    ),
    click.option(
        "--measured",
        metavar="HOW",
        default="each",
        show_default=True,
        help="Which measurement of the same weights: 'usual' (with batch norm: its running statistics), a name such as "
        "'recomputed', 'each' by itself, or all 'together' as methods, msgd@recomputed beside msgd.",
    ),
    label_option,
    click.option("--complete-cases", is_flag=True, help="Leave diverged seeds out, and say so."),
    click.option(
        "--allow-different-x0", is_flag=True, help="Compare runs that started from different points."
    ),
)


def comparison_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a click command with every option that :func:`load_comparison` takes."""
    command = reading(command)
    for option in reversed((*OPTIONS, *_ALONG)):
        command = option(command)
    return command


def along_axis(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a click command with the options that bring curves along one axis."""
    for option in reversed(_ALONG):
        command = option(command)
    return command


def load_comparison(
    paths: tuple[Path, ...],
    *,
    metric: str | None,
    units: tuple[str, ...],
    test: TestName,
    center: Literal["median", "mean", "trimmed"],
    interval: IntervalName,
    failure: float | None,
    baseline: str | None,
    pairs: Literal["baseline", "all"],
    margin: float | None,
    alpha: float,
    final: str,
    looks: str | None,
    scale: Scale,
    grid: str | None,
    lengths: Lengths,
    diverged: float | None,
    tuning: str | None,
    measured: str,
    claims_file: Path | None,
    labels: tuple[str, ...],
    complete_cases: bool,
    allow_different_x0: bool,
    reading: tuple[Mappings, Policies],
) -> Comparison:
    """Read runs, run directories, logs or tables and compare them. Raises UserError with a hint on bad input."""
    from amrobust.errors import UserError
    from amrobust.ingest.load import load_arms
    from amrobust.judge.compare import compare
    from amrobust.judge.declared import load_claims
    from amrobust.judge.endpoints import best_of
    from amrobust.judge.named import labelled
    from amrobust.judge.rules import Rules, Selection
    from amrobust.runs.arms import what_was_read

    declared = None
    if claims_file is not None:
        if margin is not None or pairs != "baseline":
            raise UserError(
                "--claims says what is compared, and within which margin: leave out --margin and --pairs"
            )
        declared = load_claims(claims_file, baseline)
        metric, baseline = metric or declared.metric, declared.baseline

    selection = Selection(
        metric,
        baseline,
        pairs,
        margin,
        complete_cases,
        allow_different_x0,
        scale,
        grid,
        lengths,
        diverged,
        tuning,
        measured,
    )
    rules = Rules(
        alpha=alpha,
        test=test,
        centre=center,
        final=final,
        interval=interval,
        failure=failure,
        looks=parse_counts(looks) if looks else (),
    )
    with paths_or_stdin(paths) as places:
        also = [chooser] if (chooser := best_of(final)) else []
        arms, problems = load_arms(places, metric, dict(map(parse_text_pair, units)), *reading, also=also)
    messages.read(what_was_read(arms))
    try:
        return compare(
            labelled(arms, parse_labels(labels, [arm.method for arm in arms])),
            selection,
            rules,
            claims=declared.claims if declared is not None else None,
            question=declared.question if declared is not None else None,
            problems=problems,
        )
    except UserError:
        if arms:  # Without any, the error is made of these lines.
            for problem in problems:
                messages.warn(problem)
        raise
