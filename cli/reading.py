"""How tables and logs are read: what names a method, a seed and a step, and what is done where something does not fit."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from amrobust.cli.progress import reading_bar

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
    click.option("--seeds-first", is_flag=True, help="Arrays (npz) are (seeds, steps)."),
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
        seeds_first: bool,
        **others: Any,
    ) -> Any:
        from amrobust.ingest.naming import Mappings
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
