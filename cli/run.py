"""``amrobust run``: train methods on a workload over many seeds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amrobust.cli import options, requests
from amrobust.errors import RunError

if TYPE_CHECKING:
    from amrobust.train.cluster import Cluster


@click.command("run")
@requests.request_options
@requests.seeds
@options.backend
@options.device
@options.executor
@options.jobs
@options.cluster
@options.batching
@options.accept_new_code
@options.no_wait
@options.runs_dir
@options.data_dir
@options.text_format
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    seeds: int | None,
    backend: str,
    device: str,
    executor: str,
    jobs: int | None,
    cluster: Cluster,
    batching: str,
    accept_new_code: bool,
    no_wait: bool,
    runs_dir: Path,
    form: str,
    quiet: bool,
    **asked: Any,
) -> None:
    """Train methods on a workload over many seeds, from one shared starting point.

    The same command again resumes what was interrupted, or does nothing; more --seeds adds the missing ones. Both outputs
    of am1, am2 and hybrid (options I and II) come out of one training. Several methods, and several values with commas
    between them, are every combination of them: all train side by side, and one that fails stops no other.

    \b
    amrobust run --opt am1 --m 5 --seeds 20
    amrobust run --opt 'am2[m=10]' --epochs 60
    amrobust run --opt 'aggmo[a=0.1,terms=3]'
    amrobust run --opt msgd --opt 'am1[m=3,5,10]' --beta 0.9,0.99
    amrobust run --spec grid.toml -j 8
    amrobust run --tuned tuning.json --seeds 20
    amrobust run --opt am1 --seeds 10 --x0s 5
    amrobust run --opt am1 --vary order --seeds 20
    amrobust run --opt am1 --param model=resnet8 --batching none
    amrobust run --opt am1 --workload cifar10 --data-dir /scratch/data --param model=resnet18 --seeds 5
    amrobust run --opt msgd --workload logistic --data a5a --sigma 2 --seeds 1000
    amrobust run --opt 'am1g[m=10,theorem=1]' --workload logistic-ball --data a5a --seeds 1000
    amrobust run --spec grid.toml --executor ray --address 192.168.1.10:6379
    amrobust run --opt am1 --workload hinge-box --backend torch --device cuda --executor local
    """
    from amrobust.cli.progress import progress_reporter
    from amrobust.cli.run_summary import grid_summary, summary
    from amrobust.runs.store import read_run
    from amrobust.train.engine import failures, train_runs
    from amrobust.train.executors import make_executor
    from amrobust.train.unit import Place

    request = requests.requested(asked, seeds)
    started = time.perf_counter()
    with progress_reporter(quiet=quiet) as reporter:
        results = train_runs(
            request.specs,
            range(request.seeds),
            runs_dir,
            make_executor(executor, jobs, cluster),
            batching=batching,
            reporter=reporter,
            place=Place(backend, device),
            tunings=request.tunings,
            accept_new_code=accept_new_code,
            wait=not no_wait,
        )
    seconds = time.perf_counter() - started
    only = results[0] if len(request.specs) == 1 else None
    if only is not None and only.error is not None:
        raise RunError(only.error)
    for note in dict.fromkeys(result.data_note for result in results if result.data_note):
        click.echo(f"Warning: {note}", err=True)
    if only is not None and only.path is not None:
        click.echo(summary(read_run(only.path), request.seeds, seconds, runs_dir, form))
        return
    click.echo(grid_summary(results, request.seeds, seconds, runs_dir, form))
    if problem := failures(results):
        raise RunError(problem)
