"""``amrobust import``: runs that other tools logged, as run directories."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amrobust.cli import messages, options
from amrobust.cli.reading import reading
from amrobust.cli.stdin import paths_or_stdin
from amrobust.errors import UserError
from amrobust.ingest.registry import MODULES

if TYPE_CHECKING:
    from amrobust.ingest.assemble import Gathered
    from amrobust.ingest.landing import Landed
    from amrobust.ingest.mappings import Mappings
    from amrobust.ingest.policies import Policies


class PathOrAddress(click.Path):
    """A path, or the address of a tracker as it is: a path would lose one of its slashes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A path, or a text."""
        from amrobust.ingest.live import is_address

        return value if isinstance(value, str) and is_address(value) else super().convert(value, param, ctx)


@click.command("import")
@click.argument("path", type=PathOrAddress(path_type=Path, allow_dash=True))
@click.option(
    "--from", "source", default="auto", show_default=True, metavar="FORMAT",
    help=f"{', '.join(MODULES)}, or one that a package adds.",
)  # fmt: skip
@reading
@click.option(
    "--metric", "metrics", multiple=True, metavar="[NEW=]NAME[:lower|:higher]",
    help="A metric to import, under a new name and with its direction if wanted; repeatable "
    "[default: all, which must have the same steps].",
)  # fmt: skip
@click.option("--higher", multiple=True, metavar="METRIC", help="A metric that is better high; repeatable.")
@click.option("--lower", multiple=True, metavar="METRIC", help="A metric that is better low; repeatable.")
@options.unit
@click.option("--paired", is_flag=True, help="Equal seeds of different methods share their random streams.")
@click.option(
    "--add", is_flag=True, help="These are more seeds of the methods that are there under their names."
)
@options.runs_dir
@click.option("--dry-run", is_flag=True, help="Say what would be imported, and write nothing.")
@options.text_format
def command(
    path: Path | str,
    source: str,
    metrics: tuple[str, ...],
    higher: tuple[str, ...],
    lower: tuple[str, ...],
    units: tuple[str, ...],
    paired: bool,
    add: bool,
    runs_dir: Path,
    dry_run: bool,
    form: str,
    reading: tuple[Mappings, Policies],
) -> None:
    """Import runs that other tools logged. Nothing in them is executed, and nothing is changed.

    PATH is a file or a folder (- for a table on standard input): tables in CSV, JSON or Parquet (long, tidy or wide),
    Lightning's metrics.csv, MLflow's SQLite database or file store, TensorBoard's event files, W&B's exports and offline
    runs, Sacred's file storage, benchopt's results, Stable-Baselines3's files, arrays (steps, seeds), or lines of text
    (--pattern). Or it is a tracker's address, mlflow://HOST:PORT/EXPERIMENT or wandb://ENTITY/PROJECT, asked through its
    own client (pip install 'amrobust[mlflow]', 'amrobust[wandb]').
    'amrobust compare PATH' reads the same files without importing.

    \b
    amrobust import lightning_logs/ --method-from optimizer --metric val_acc
    amrobust import mlflow.db --method-from optimizer,lr --metric test_accuracy=val/acc --unit test_accuracy=%
    amrobust import logs/ --from tensorboard --method-from 're:^([a-z]+)' --seed-from 're:seed(\\d+)'
    amrobust import results.npz --dry-run
    amrobust import mlflow://localhost:5000/digits --method-from optimizer --metric val_acc
    amrobust import logs/ --pattern 'step (?P<step>\\d+) val (?P<val_loss>\\S+)'
    """
    from amrobust.cli.parameters import parse_text_pair
    from amrobust.ingest.landing import land
    from amrobust.ingest.live import read_address
    from amrobust.ingest.read import read_path

    names, policies = reading
    mappings = replace(
        names,
        metrics=metrics,
        higher=frozenset(higher),
        lower=frozenset(lower),
        units=dict(map(parse_text_pair, units)),
    )
    with ExitStack() as stack:
        if isinstance(path, str):
            if source != "auto":
                raise UserError("--from is for files and folders: an address says itself which tracker it is")
            gathered, found = read_address(path, mappings, policies)
        else:
            (place,) = stack.enter_context(paths_or_stdin([path]))
            gathered, found = read_path(place, source, mappings, policies)
        landed = None
        if not dry_run:
            ctx = click.get_current_context()
            landed = land(
                gathered,
                runs_dir,
                form=found,
                origin=path,
                command=command_line(ctx, found),
                paired=paired,
                add=add,
            )
    click.echo(
        as_json(gathered, found, landed) if form == "json" else summary(gathered, found, landed, runs_dir)
    )
    messages.read([gathered.read])
    for note in gathered.notes:
        messages.note(note)


def command_line(ctx: click.Context, form: str) -> str:
    """The command with every option that was given, and the format that was found."""
    path = ctx.params["path"]
    words = ["amrobust", "import", str(path), *(["--from", form] if isinstance(path, Path) else [])]
    for option in ctx.command.params:
        name = option.name or ""
        source = ctx.get_parameter_source(name)
        if not isinstance(option, click.Option) or name in ("source", "form", "dry_run", "runs_dir"):
            continue
        if source is None or source.name == "DEFAULT" or not option.expose_value:
            continue
        value = ctx.params[name]
        if option.is_flag:
            words += option.opts[:1] if value else option.secondary_opts[:1]
        else:
            words += [
                word
                for each in (value if option.multiple else [value])
                for word in (option.opts[0], str(each))
            ]
    return shlex.join(words)


def summary(gathered: Gathered, form: str, landed: list[Landed] | None, runs_dir: Path) -> str:
    """A line per method, where it is, and what to do next."""
    from amrobust.cli.columns import aligned
    from amrobust.runs.files import escape, quoted

    rows = [["method", "workload", "seeds", "steps", "metrics", "" if landed is None else "run"]]
    for place, method in enumerate(gathered.methods):
        states = {"diverged": method.diverged, "ended early": method.ended_early}
        found = ", ".join(f"{len(seeds)} {state}" for state, seeds in states.items() if seeds)
        counts = f" ({found})" if found else ""
        where = ""
        if landed is not None:
            where = landed[place].run.path.name + (
                f" ({landed[place].kept} there already)" if landed[place].kept else ""
            )
        steps = f"{method.axis.name} {method.axis.range}"
        rows.append(
            [
                escape(method.method), escape(method.workload), f"{len(method.seeds)}{counts}", escape(steps),
                escape(", ".join(metric.name for metric in method.metrics)), where,
            ]
        )  # fmt: skip
    lines = [f"read as {form}", aligned(rows)]
    lines.append(
        "nothing is written (--dry-run)" if landed is None else f"next: amrobust compare {quoted(runs_dir)}"
    )
    return "\n".join(lines)


def as_json(gathered: Gathered, form: str, landed: list[Landed] | None) -> str:
    """The same for machines."""
    from amrobust.runs.files import shown_json
    from amrobust.runs.seeds import as_given

    methods = [
        {
            "method": method.method,
            "workload": method.workload,
            "seeds": list(map(as_given, method.seeds)),
            "diverged": list(map(as_given, method.diverged)),
            "ended_early": list(map(as_given, method.ended_early)),
            "axis": {"name": method.axis.name, "unit": method.axis.unit},
            "steps": list(method.steps),
            "metrics": [vars(m) for m in method.metrics],
            "run": None if landed is None else str(landed[place].run.path),
            "seeds_added": 0 if landed is None else landed[place].added,
        }
        for place, method in enumerate(gathered.methods)
    ]
    return shown_json(
        {"format": form, "read": gathered.read, "methods": methods, "notes": list(gathered.notes)}
    )
