"""How tables and logs are read: what names a method, a seed and a step, and what is done where something does not fit."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amrobust.cli import messages

if TYPE_CHECKING:
    from rich.progress import Progress

OPTIONS = (
    click.option(
        "--method-from", metavar="SOURCE",
        help="Of a table or log, what names the method: a parameter, tag or column; several as KEY,KEY; re:PATTERN on the "
        "path, in which (?P<seed>...) and (?P<workload>...) say these too; or =TEXT.",
    ),
    click.option(
        "--seed-from", metavar="SOURCE", help="What is the seed: as --method-from, or 'number' to count runs."
    ),
    click.option(
        "--nuisance", "nuisances", multiple=True, metavar="FIELD",
        help="A field that tells no methods apart, such as a run's number; repeatable.",
    ),
    click.option("--workload-from", metavar="SOURCE", help="What names the workload: as --method-from."),
    click.option(
        "--step-from", metavar="NAME",
        help="Which series or column counts steps; 'index' to count points, 'every:N' where they lie N apart, from 0.",
    ),
    click.option(
        "--duplicates", type=click.Choice(["refuse", "first", "last", "mean"]), default="refuse", show_default=True,
        help="Where a step is logged twice.",
    ),
    click.option(
        "--missing-seeds", type=click.Choice(["refuse", "number", "skip"]), default="refuse", show_default=True,
        help="Where a run has no seed.",
    ),
    click.option(
        "--mixed-units", type=click.Choice(["refuse", "keep", "percent"]), default="refuse", show_default=True,
        help="Where some seeds, or steps of a seed, have a metric as a share and others in percent.",
    ),
    click.option(
        "--unfinished", type=click.Choice(["skip", "keep"]), default="skip", show_default=True,
        help="Runs that their tool marks as failed or running.",
    ),
    click.option(
        "--first-step", type=float, help="Leave out steps before this one, such as the starting point's."
    ),
    click.option(
        "--pattern", metavar="REGEX",
        help="Read lines of text: 'step (?P<step>\\d+) val (?P<val_loss>\\S+)'; groups are the step, names and metrics.",
    ),
    click.option(
        "--seeds-first/--steps-first", default=None,
        help="Arrays (npz) are (seeds, steps), or (seeds,) of final values; or they are (steps, seeds).",
    ),
)  # fmt: skip


def reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options above, which ``command`` gets as one ``reading``: a pair of Mappings and Policies."""

    @functools.wraps(command)
    def with_reading(
        method_from: str | None,
        seed_from: str | None,
        nuisances: tuple[str, ...],
        workload_from: str | None,
        step_from: str | None,
        duplicates: Any,
        missing_seeds: Any,
        mixed_units: Any,
        unfinished: Any,
        first_step: float | None,
        pattern: str | None,
        seeds_first: bool | None,
        **others: Any,
    ) -> Any:
        from amrobust.ingest.mappings import Mappings
        from amrobust.ingest.policies import Policies

        names = Mappings(
            method_from, seed_from, step_from, workload_from, nuisances=frozenset(nuisances), seeds_first=seeds_first,
            pattern=pattern,
        )  # fmt: skip
        policies = Policies(duplicates, missing_seeds, mixed_units, unfinished, first_step)
        with reading_bar():
            return command(reading=(names, policies), **others)

    found: Callable[..., Any] = with_reading
    for option in reversed(OPTIONS):
        found = option(found)
    return found


LONG = 50_000_000
"""Bytes of a table that takes longer to read than one waits without a word."""


@contextmanager
def reading_bar() -> Iterator[None]:
    """A bar on a terminal for each large table that is read within."""
    if messages.is_quiet() or not sys.stderr.isatty():
        yield
        return
    from amrobust.ingest.csv_blocks import watch

    shown_now: list[Progress] = []

    def told(path: Path, done: int, size: int) -> None:
        if size < LONG:
            return
        if not shown_now:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

            from amrobust.runs.files import escape

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
                TextColumn("remaining"),
            )
            shown_now.append(Progress(*columns, console=Console(stderr=True), transient=True))
            shown_now[0].start()
            shown_now[0].add_task(f"reading {escape(path.name)}", total=size)
        shown_now[0].update(shown_now[0].task_ids[0], completed=done)
        if done == size:
            shown_now.pop().stop()

    before = watch.set(told)
    try:
        yield
    finally:
        watch.reset(before)
        for bar in shown_now:
            bar.stop()
