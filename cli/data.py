"""``amrobust data``: which data sets are there, and fetching one from its publisher."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from amrobust.cli import options

if TYPE_CHECKING:
    from amrobust.workloads.catalogue import Source
    from amrobust.workloads.download import Progress


@click.group("data")
def command() -> None:
    """List the data sets that workloads read, or fetch one.

    \b
    amrobust data list
    amrobust data fetch fashion-mnist
    amrobust data fetch cifar10 --data-dir /scratch/data
    """


@command.command("list")
@options.data_dir
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def list_sets(form: str) -> None:
    """List the data sets, and which of them are in the data directory.

    \b
    amrobust data list
    amrobust data list --format json
    """
    from amrobust.cli.columns import aligned
    from amrobust.runs.files import shown_json
    from amrobust.workloads import contents, data
    from amrobust.workloads.catalogue import DATA_SETS

    rows = []
    for entry in DATA_SETS.values():
        places = contents.locate(entry)
        rows.append(
            {
                "name": entry.name,
                "present": len(places) == len(entry.files),
                "files_missing": [name for name in entry.files if name not in places],
                "download_megabytes": entry.megabytes,
                "title": entry.title,
                "addresses": [source.url for source in entry.sources],
            }
        )
    if form == "json":
        click.echo(shown_json({"data_directory": str(data.directory()), "data_sets": rows}))
        return
    click.echo(f"data directory: {data.directory()}")
    table = [["data set", "", "MB", "what"]]
    table += [
        [
            str(row["name"]),
            "present" if row["present"] else "absent",
            str(row["download_megabytes"]),
            str(row["title"]),
        ]
        for row in rows
    ]
    click.echo(aligned(table))


@command.command("fetch", short_help="Fetch data sets from their publishers.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options.data_dir
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def fetch(names: tuple[str, ...], quiet: bool) -> None:
    """Fetch data sets from their publishers into the data directory; an interrupted download goes on where it stopped.

    \b
    amrobust data fetch fashion-mnist ptb
    AMROBUST_DATA=/scratch/data amrobust data fetch cifar10
    """
    from amrobust.workloads import catalogue, data
    from amrobust.workloads.download import download

    for entry in [catalogue.get(name) for name in names]:
        folder = data.directory() / entry.folder
        for source in entry.sources:
            with _progress(source, quiet) as progress:
                path = download(source, folder, progress)
            click.echo(path)


@contextmanager
def _progress(source: Source, quiet: bool) -> Iterator[Progress]:
    """A bar in bytes on a terminal; one line in a log."""
    if not quiet and sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(source.name, total=source.bytes)
            yield lambda done: bar.update(task, completed=done)
        return
    if not quiet:
        click.echo(f"{source.url}: {source.bytes:,} bytes", err=True)
    yield lambda done: None
