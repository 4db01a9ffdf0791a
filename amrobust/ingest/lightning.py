"""PyTorch Lightning's CSVLogger: metrics.csv with sparse rows, and hparams.yaml or another configuration beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.csv_tables import read_table
from amrobust.ingest.limits import beginning, files_under, relative
from amrobust.ingest.logged import LoggedRun, Wanted
from amrobust.ingest.parameters import Configurations
from amrobust.ingest.tables import runs_of
from amrobust.runs.files import escape

TITLE = "Lightning's metrics.csv with hparams.yaml"
LOG = "metrics.csv"


def recognises(path: Path) -> bool:
    """A metrics.csv with the columns epoch and step, or a folder with one."""
    if path.is_dir():
        return any(_is_log(file) for file in files_under(path) if file.name == LOG)
    return path.name == LOG and _is_log(path)


def _is_log(path: Path) -> bool:
    header = beginning(path).partition(b"\n")[0].decode("utf-8", "replace").strip().split(",")
    return {"epoch", "step"} <= set(header) and not {"method", "seed", "value"} & set(header)


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each metrics.csv; its steps are epochs unless others are asked for."""
    files = [file for file in files_under(path) if file.name == LOG] if path.is_dir() else [path]
    if not files:
        raise UserError(f"{escape(path)} has no {LOG}")
    configurations = Configurations(path)
    for file in files:
        label = relative(file, path) if path.is_dir() else file.name
        fields, beside = configurations.of(file)
        for run in runs_of(read_table(file, label), Wanted(step=wanted.step)):
            yield replace(
                run,
                fields={"name": Path(label).parent.name or run.fields["name"], **fields},
                files=(file, *beside),
                started=file.stat().st_mtime,
            )
