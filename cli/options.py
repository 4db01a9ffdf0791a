"""Options that several commands share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import click

from amrobust.report import FORMATS

runs_dir = click.option(
    "--runs-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where runs are kept.",
)


def _use_data_dir(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        from amrobust.workloads import data

        data.use_directory(value)


data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    expose_value=False,
    callback=_use_data_dir,
    help="Where data sets lie [default: AMROBUST_DATA, else the platform's cache folder].",
)
executor = click.option(
    "--executor",
    default="processes",
    show_default=True,
    help="Where seeds train: worker processes of one thread each (processes), this process (local), a Ray cluster (ray, needs "
    "amrobust[ray]), SLURM jobs (slurm, needs amrobust[slurm]), or an executor that an installed package announces.",
)


def cluster(command: Callable[..., Any]) -> Callable[..., Any]:
    """What the executors of clusters are told: four options, which ``command`` gets as one ``cluster``."""

    @functools.wraps(command)
    def with_cluster(
        address: str | None,
        gpus_per_task: float | None,
        max_retries: int | None,
        slurm: tuple[str, ...],
        **others: Any,
    ) -> Any:
        from amrobust.cli.parameters import parse_text_pair
        from amrobust.train.cluster import Cluster

        given = tuple((name.replace("-", "_"), value) for name, value in map(parse_text_pair, slurm))
        return command(cluster=Cluster(address, gpus_per_task, max_retries, given), **others)

    found: Callable[..., Any] = with_cluster
    for option in (
        click.option(
            "--slurm",
            multiple=True,
            metavar="OPTION=VALUE",
            help="With --executor slurm: an option of sbatch, such as partition=gpu, time=120 or mem=8GB; repeatable.",
        ),
        click.option(
            "--max-retries",
            type=click.IntRange(min=0),
            help="With --executor ray or slurm: how often a task is tried again whose worker died [default: 3].",
        ),
        click.option(
            "--gpus-per-task",
            type=float,
            help="With --executor ray or slurm: GPUs a block of seeds has, such as 1 or 0.25 [default: none].",
        ),
        click.option(
            "--address",
            metavar="HOST:PORT",
            help="With --executor ray: the cluster to join [default: one of this machine alone is started].",
        ),
    ):
        found = option(found)
    return found


jobs = click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="Worker processes [default: one a core]."
)
batching = click.option(
    "--batching",
    type=click.Choice(["auto", "none", "stack"]),
    default="auto",
    show_default=True,
    help="Seeds of a network one by one (none, the reference), many as one computation (stack), or the faster of the two. "
    "Methods with few seeds share a stack. A run that exists goes on as it was made.",
)
accept_new_code = click.option(
    "--accept-new-code",
    is_flag=True,
    help="After an edit of your code, add seeds to the run of the version before, which reports say, instead of a new one.",
)
no_wait = click.option(
    "--no-wait",
    is_flag=True,
    help="Leave runs that another process works on to it, and end when nothing else is left to do.",
)
allow_code = click.option(
    "--allow-code",
    is_flag=True,
    help="Import and run the code, package.module:object, that a file names as optimizer or workload.",
)
backend = click.option(
    "--backend",
    default="numpy",
    show_default=True,
    help="What computes a convex workload: numpy, torch, jax (needs amrobust[jax]), or an installed one.",
)
device = click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="Where networks train, and convex workloads are computed as their backend names devices: cpu, cuda:0, mps, gpu.",
)
unit = click.option(
    "--unit",
    "units",
    multiple=True,
    metavar="METRIC=UNIT",
    help="A metric's unit, such as acc=%; repeatable.",
)
table_format = click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="How to print the comparison.",
)
text_format = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or for machines.",
)


def colored(stream: TextIO) -> bool:
    """Whether what goes to ``stream`` may have colours: on a terminal, unless NO_COLOR is set to anything."""
    return stream.isatty() and not os.environ.get("NO_COLOR")
