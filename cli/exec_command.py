"""``amrobust exec``: run any command over seeds and values, and compare what it measured."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amrobust.cli import messages, options
from amrobust.errors import AmrobustError, RunError, UserError

if TYPE_CHECKING:
    from amrobust.train.reporter import RunResult

WORDS = "amrobust.exec.words"
"""Where the context keeps what stands behind ``--``."""
MOST_COMPARED = 100
"""Runs that are compared at the end; of more, 'amrobust compare' is named."""


class ExecCommand(click.Command):
    """A command whose line ends in another one, behind ``--``; before it every ``--NAME VALUES`` is a placeholder's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set aside what is behind the first ``--``."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[WORDS] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])


@click.command(
    "exec",
    cls=ExecCommand,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    options_metavar="[OPTIONS] [--NAME VALUE,...] -- COMMAND",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    help="How many, from 0 on: {seed}.",
)
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE,...",
    help="The values of a placeholder, as --NAME does where amrobust has no option of that name; repeatable.",
)  # fmt: skip
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME[:lower|:higher]",
    help="The metric to compare, and which way it is better where its name does not say so; repeatable for others.",
)  # fmt: skip
@click.option(
    "--read", metavar="PATH",
    help="The file or folder that a task writes its metrics to, with placeholders: out/{seed}/metrics.csv "
    "[default: lines METRIC name=value step=N that it prints].",
)  # fmt: skip
@click.option(
    "--from",
    "form",
    metavar="FORMAT",
    help="The format of --read, as in 'amrobust import' [default: as it looks].",
)
@click.option(
    "--pattern", metavar="REGEX",
    help="What lines of the output say: 'step (?P<step>\\d+) val (?P<val_loss>\\S+)'; groups are the step and metrics.",
)  # fmt: skip
@click.option("--step-from", metavar="NAME", help="Which value counts steps; 'index' to count lines.")
@click.option(
    "--duplicates", type=click.Choice(["refuse", "first", "last", "mean"]), default="refuse", show_default=True,
    help="Where a step is there twice.",
)  # fmt: skip
@click.option("--first-step", type=float, help="Leave out steps before this one.")
@click.option(
    "--name", help="What the method is called [default: as {opt} or {method} say, else as the script]."
)
@click.option(
    "--workload", help="What the workload is called: methods of one are compared [default: as the script]."
)
@click.option("--paired", is_flag=True, help="Equal seeds of different methods share their random streams.")
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="Tasks at a time [default: 1, or as many as have GPUs]."
)
@click.option(
    "--gpus-per-task", type=float,
    help="GPUs that a task sees by CUDA_VISIBLE_DEVICES, such as 1, or 0.5 for two tasks on each [default: all].",
)  # fmt: skip
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End tasks that take longer.",
)
@options.accept_new_code
@options.no_wait
@options.runs_dir
@click.option(
    "--format", "text_form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="For people or for machines.",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    seeds: int,
    params: tuple[str, ...],
    metrics: tuple[str, ...],
    read: str | None,
    form: str | None,
    name: str | None,
    workload: str | None,
    paired: bool,
    jobs: int | None,
    gpus_per_task: float | None,
    timeout: float | None,
    accept_new_code: bool,
    no_wait: bool,
    runs_dir: Path,
    quiet: bool,
    **others: Any,
) -> None:
    """Run any command over seeds and values of its placeholders, and compare the methods that these are.

    Every value of every {placeholder} is tried with every seed. The command prints lines METRIC name=value step=N, or others
    that --pattern finds, or writes a file that --read names. The same line again resumes, or does nothing; a task that fails
    stops no other, and is tried again by the same line. What tasks print is kept in RUNS_DIR/RUN/logs.

    \b
    amrobust exec --seeds 20 --opt sgd,adam -- python train.py --seed {seed} --optimizer {opt}
    amrobust exec --lr 0.1,0.01 -j 4 --read out/{lr}/{seed}/metrics.csv -- ./train.sh {seed} {lr}
    amrobust exec --opt a,b --pattern 'val (?P<val_loss>\\S+)' --step-from index -- Rscript fit.R {seed} {opt}
    amrobust exec --opt a,b --gpus-per-task 2 -- torchrun --nproc-per-node 2 train.py --seed {seed} --opt {opt}
    amrobust exec --name ours --workload cifar -- python ours.py {seed}
    amrobust exec --name theirs --workload cifar -- python theirs.py {seed}
    """
    from amrobust.api.executing import Reading, Tasks
    from amrobust.cli.progress import progress_reporter
    from amrobust.cli.run_summary import grid_summary
    from amrobust.train.engine import failures

    text_form = others.pop("text_form")
    tasks = Tasks(
        ctx.meta[WORDS], _values(ctx.args, params), Reading(read, form, metrics=metrics, **others), name, workload, paired,
        jobs, gpus_per_task, timeout,
    )  # fmt: skip
    started = time.perf_counter()
    with progress_reporter(quiet=quiet) as reporter:
        results = tasks.carry_out(
            seeds, runs_dir, reporter=reporter, accept_new_code=accept_new_code, wait=not no_wait
        )
    click.echo(grid_summary(results, seeds, time.perf_counter() - started, runs_dir, text_form))
    if problem := failures(results):
        raise RunError(problem)
    if text_form == "text":
        _compare(results, metrics)


def _values(args: Sequence[str], params: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The values of every placeholder: of ``--NAME VALUES`` that amrobust has no option for, and of --param."""
    given: list[tuple[str, str]] = []
    waiting = list(args)
    while waiting:
        option, equals, text = waiting.pop(0).partition("=")
        if not option.startswith("--") or (not equals and not waiting):
            raise UserError(
                f"{option!r} is no option, nor --NAME and values: the command goes behind --, as in -- python train.py "
                "--seed {seed}"
            )
        given.append((option[2:].replace("-", "_"), text if equals else waiting.pop(0)))
    for param in params:
        name, _, text = param.partition("=")
        if not name or not text:
            raise UserError(f"--param {param!r} is not of the form NAME=VALUE,...")
        given.append((name, text))
    found: dict[str, tuple[str, ...]] = {}
    for name, text in given:
        if name in found:
            raise UserError(f"{name!r} is given twice: give its values with commas between them")
        found[name] = _parted(name, text)
    return found


def _parted(name: str, text: str) -> tuple[str, ...]:
    """``0.9,0.99`` as its texts; a comma within brackets belongs to the value."""
    from amrobust.runs.method import in_parts

    values = in_parts(f"x[{name}={text}]")[1]
    if list(values) != [name]:
        raise UserError(f"--{name} {text}: give values with commas between them")
    return values[name]


def _compare(results: Sequence[RunResult], metrics: Sequence[str]) -> None:
    """What the methods' values say; where that cannot be said yet, why, and the command that does."""
    from amrobust.api import compare, load
    from amrobust.report import render

    paths = [result.path for result in results if result.path is not None]
    if not 2 <= len(paths) <= MOST_COMPARED or any(result.busy for result in results):
        return
    click.echo()
    try:
        metric = metrics[0] if metrics else None
        comparison = compare(load(*paths, metric=metric), metric=metric)
    except AmrobustError as problem:
        messages.note(f"not compared: {problem}")
        return
    to_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if to_terminal else None
    color = to_terminal and options.colored(sys.stdout)
    table = render(comparison.data, "table", color=color, width=width, verbose=messages.is_verbose())
    click.echo(table, nl=False)
