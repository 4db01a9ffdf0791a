"""``amrobust run``: train one method on one workload over many seeds."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amrobust.cli import options
from amrobust.cli.parameters import Value, parse_pair, parse_selection
from amrobust.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from amrobust.runs import Run

HYPERPARAMETERS = ("lr", "momentum", "m", "weight_decay")


@click.command("run")
@click.option(
    "--opt",
    required=True,
    help="sgd, msgd, msgd-tail, omsgd, cm, aggmo, qhm, am1, am2, hybrid or ntasgd; also am1[m=3,lr=0.05]. Convex workloads "
    "have acsa, am1g and am2g too.",
)
@click.option(
    "--workload",
    default="digits",
    show_default=True,
    help="A problem to train: digits, fashion-mnist, cifar10, cifar100, imagenet, ptb, logistic, logistic-ball, logistic-l1, "
    "logistic-simplex or hinge-box.",
)
@click.option(
    "--seeds", type=click.IntRange(1, 1_000_000), default=20, show_default=True, help="How many, from 0 on."
)
@click.option("--lr", type=float, help="Learning rate [default: the workload's].")
@click.option("--momentum", "--beta", "momentum", type=float, help="Momentum [default: the workload's].")
@click.option(
    "--m",
    type=int,
    help="Amortization length of am1, am2 and hybrid, window of msgd-tail [default: the workload's].",
)
@click.option("--weight-decay", type=float, help="Coupled L2 coefficient [default: the workload's].")
@click.option("--epochs", type=int, help="Epochs of training [default: the workload's].")
@click.option("--batch-size", type=int, help="Batch size [default: the workload's].")
@click.option("--data", help="A LIBSVM file, or a1a, a5a or a9a of the data directory (convex workloads).")
@click.option("--sigma", type=float, help="Radius of the gradient noise (convex workloads).")
@click.option("--iterations", type=int, help="Iterations (convex workloads).")
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="Any other parameter; repeatable."
)
@click.option(
    "--root-seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Root of all random streams.",
)
@click.option("--x0", type=click.IntRange(min=0), default=0, show_default=True, help="Which starting point.")
@click.option(
    "--x0s",
    type=click.IntRange(min=1, max=1000),
    default=1,
    show_default=True,
    help="How many starting points, from --x0 on: the seeds are crossed with them.",
)
@click.option("--paired", is_flag=True, help="Share the random streams with other paired runs, seed by seed.")
@click.option(
    "--vary",
    type=click.Choice(["x0", "order", "augmentation", "dropout", "noise", "rule"]),
    help="The only random stream that differs from seed to seed; every other is that of seed 0 [default: all differ].",
)
@options.backend
@options.device
@options.executor
@options.jobs
@options.batching
@options.runs_dir
@options.data_dir
@options.text_format
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    opt: str,
    workload: str,
    seeds: int,
    params: tuple[str, ...],
    root_seed: int,
    x0: int,
    x0s: int,
    paired: bool,
    vary: str | None,
    backend: str,
    device: str,
    executor: str,
    jobs: int | None,
    batching: str,
    runs_dir: Path,
    form: str,
    quiet: bool,
    **named: Any,
) -> None:
    """Train a method on a workload over many seeds, from one shared starting point.

    The same command again resumes what was interrupted, or does nothing; more --seeds adds the missing ones. Both outputs
    of am1, am2 and hybrid (options I and II) come out of one training.

    \b
    amrobust run --opt am1 --m 5 --seeds 20
    amrobust run --opt 'am2[m=10]' --epochs 60
    amrobust run --opt 'aggmo[a=0.1,terms=3]'
    amrobust run --opt am1 --seeds 10 --x0s 5
    amrobust run --opt am1 --vary order --seeds 20
    amrobust run --opt am1 --param model=resnet8 --batching none
    amrobust run --opt am1 --workload cifar10 --data-dir /scratch/data --param model=resnet18 --seeds 5
    amrobust run --opt msgd --workload logistic --data a5a --sigma 2 --seeds 1000
    amrobust run --opt 'am1g[m=10,theorem=1]' --workload logistic-ball --data a5a --seeds 1000
    amrobust run --opt am1 --workload hinge-box --backend torch --device cuda --executor local
    """
    from amrobust import experiments, runs
    from amrobust.cli.progress import progress_reporter

    optimizer, given = parse_selection(opt)
    hyperparameters, workload_params = sort_parameters(workload, given, params, named)
    specs = [
        experiments.make_spec(
            workload,
            optimizer,
            workload_params,
            hyperparameters,
            root_seed=root_seed,
            x0_index=index,
            paired=paired,
            vary=vary,
        )
        for index in range(x0, x0 + x0s)
    ]
    for spec in specs:
        started = time.perf_counter()
        with progress_reporter(quiet=quiet) as reporter:
            run = runs.execute(
                spec, range(seeds), runs_dir, executor=executor, jobs=jobs, batching=batching, reporter=reporter,
                place=experiments.Place(backend, device),
            )  # fmt: skip
        if run.manifest.facts.data_note:
            click.echo(f"Warning: {run.manifest.facts.data_note}", err=True)
        click.echo(summary(run, seeds, time.perf_counter() - started, runs_dir, form))


def sort_parameters(
    workload: str, given: dict[str, Value], params: tuple[str, ...], named: dict[str, Any]
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Hyperparameters and workload parameters from the brackets, --param and the named options.

    Raises UserError where one is given twice.
    """
    from amrobust import workloads

    known = workloads.parameters(workloads.get(workload))
    pairs = [*given.items(), *map(parse_pair, params), *((k, v) for k, v in named.items() if v is not None)]
    hyperparameters: dict[str, Value] = {}
    workload_params: dict[str, Value] = {}
    for name, value in pairs:
        if name not in known and name not in HYPERPARAMETERS and name in named:
            raise UserError(f"{workload} has no parameter {name!r}: it has {', '.join(known)}")
        target = workload_params if name in known else hyperparameters
        if name in target:
            raise UserError(f"{name!r} is given twice")
        target[name] = value
    return hyperparameters, workload_params


def summary(run: Run, seeds: int, seconds: float, runs_dir: Path, form: str) -> str:
    """What is said at the end: final mean ± STD an output, speed, where the run is, what to do next."""
    import numpy as np

    manifest, curves = run.manifest, run.curves()
    facts = manifest.facts
    metric, _, unit = facts.metrics[0]
    made = manifest.provenance[-1]
    speed = made.seeds * facts.epochs / made.wall_seconds if made.wall_seconds else None
    finals = {facts.methods[output]: curves[output][metric][:, -1] for output in facts.outputs}
    rows = {
        name: {
            "final_mean": float(np.mean(values)),
            "final_std": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        }
        for name, values in finals.items()
    }
    if form == "json":
        data = {
            "run": str(run.path),
            "seeds_complete": len(manifest.complete),
            "metric": metric,
            "unit": unit,
            "outputs": {
                name: {
                    key: value if value is None or np.isfinite(value) else None for key, value in row.items()
                }
                for name, row in rows.items()
            },
            "wall_seconds": round(seconds, 3),
            "seed_epochs_per_second": speed,
        }
        return json.dumps(data, indent=2)
    width = max(map(len, rows))
    lines = [f"{name:<{width}}  {_final(metric, unit, finals[name])}" for name in rows]
    if speed is not None:
        lines.append(
            f"{made.seeds} seeds x {facts.epochs} epochs in {made.wall_seconds:.1f} s: {speed:.1f} seeds x epochs/s"
        )
    lines.append(f"run: {run.path}")
    lines.append(f"next: amrobust compare {runs_dir}")
    return "\n".join(lines)


def _final(metric: str, unit: str, values: NDArray[np.float64]) -> str:
    """Mean ± STD of the final values, or how many seeds have none."""
    import numpy as np

    lost = int((~np.isfinite(values)).sum())
    if lost:
        return f"{lost} of {len(values)} seeds diverged"
    spread = f" ± {np.std(values, ddof=1):.2g} (STD of {len(values)} seeds)" if len(values) > 1 else ""
    return f"final {metric} {np.mean(values):.4g}{unit}{spread}"
