"""``amrobust tune``: choose each method's hyperparameters on a validation split, with seeds that are never compared."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amrobust.cli import options, requests
from amrobust.cli.output import OutputPath

if TYPE_CHECKING:
    from amrobust.train.cluster import Cluster


@click.command("tune")
@requests.search_options
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of the training set that is held out to choose on, where the workload can [default: 0.1].",
)
@click.option(
    "--by",
    type=click.Choice(["I", "II"]),
    help="Which output of am1, am2 and hybrid decides: I, the iterate, or II, the averaged point [default: II].",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    help="How many a combination: seeds 900,000, 900,001, ...",
)
@click.option(
    "-o",
    "--output",
    type=OutputPath(),
    default=Path("tuning.json"),
    show_default=True,
    help="The file that --tuned of 'amrobust run' reads.",
)
@options.backend
@options.device
@options.executor
@options.jobs
@options.cluster
@options.batching
@options.accept_new_code
@options.runs_dir
@options.data_dir
@options.text_format
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    validation: float | None,
    by: str | None,
    seeds: int,
    output: Path,
    backend: str,
    device: str,
    executor: str,
    jobs: int | None,
    cluster: Cluster,
    batching: str,
    accept_new_code: bool,
    runs_dir: Path,
    form: str,
    quiet: bool,
    **asked: Any,
) -> None:
    """Choose each method's hyperparameters on a validation split, with seeds of its own.

    Every --opt is one method, and trains every combination of the values that are given with commas between them, on the
    training set without a part that is held out; the test set is not read. The combination with the best mean at the end, of
    the workload's first metric, is chosen. Convex problems have nothing to hold out: there the metric itself decides. The
    trainings lie in the directory 'tuning' of --runs-dir; the same command resumes.

    \b
    amrobust tune --opt msgd --opt am1 --lr 0.01,0.03,0.1
    amrobust run --tuned tuning.json --seeds 20
    amrobust tune --opt msgd --opt 'am1[m=3,5,10]' --lr 0.03,0.1 --beta 0.9,0.99 --seeds 5 -j 8
    amrobust tune --opt adamw --param lr=0.0003,0.001,0.003 --param weight_decay=0.01,0.1 -o adamw.json
    amrobust tune --opt sgd --opt msgd --workload logistic --data a5a --lr 0.03,0.1,0.3 --seeds 50
    """
    from amrobust.cli.progress import progress_reporter
    from amrobust.cli.tune_summary import summary
    from amrobust.runs.tuning import tuning_seeds
    from amrobust.runs.tuning_record import write_tuning
    from amrobust.train.executors import make_executor
    from amrobust.train.tune import tune
    from amrobust.train.unit import Place

    searches = requests.searches_asked(asked, validation, by)
    started = time.perf_counter()
    with progress_reporter(quiet=quiet) as grid:
        found = tune(
            searches,
            tuning_seeds(seeds),
            runs_dir,
            make_executor(executor, jobs, cluster),
            batching=batching,
            reporter=grid,
            place=Place(backend, device),
            accept_new_code=accept_new_code,
        )
    write_tuning(output, found)
    click.echo(summary(found, output, runs_dir, time.perf_counter() - started, form))
