"""Charts that were downloaded from TensorBoard: a CSV file for a run and a tag, with the columns Wall time, Step and Value."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.csv_tables import read_table
from amrobust.ingest.limits import beginning, files_under, relative
from amrobust.ingest.logged import LoggedRun, Series, Wanted
from amrobust.ingest.rows import values_at
from amrobust.runs.files import escape, is_plain_file

TITLE = "charts downloaded from TensorBoard (.csv)"
HEADER = "Wall time,Step,Value"
STEP, VALUE = "Step", "Value"
_NAME = re.compile(r"run-(?P<run>.+)-tag-(?P<tag>.+)")
"""What TensorBoard calls a download; a file of another name is a run of its own, of one metric."""


def recognises(path: Path) -> bool:
    """Such a file, or a folder whose CSV files all are."""
    files = [file for file in files_under(path) if file.suffix == ".csv"] if path.is_dir() else [path]
    return bool(files) and all(map(_is_chart, files))


def _is_chart(file: Path) -> bool:
    if file.suffix != ".csv" or not is_plain_file(file):
        return False
    first = beginning(file).partition(b"\n")[0].decode("utf-8", "replace")
    return first.strip().removeprefix("\ufeff") == HEADER


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each name of a run in a folder, with its tags as metrics."""
    files = [file for file in files_under(path) if _is_chart(file)] if path.is_dir() else [path]
    if not files or not _is_chart(files[0]):
        raise UserError(f"{escape(path)} has no chart downloaded from TensorBoard ({HEADER})")
    runs: dict[tuple[Path, str], dict[str, Path]] = defaultdict(dict)
    for file in files:
        name = _NAME.fullmatch(file.stem)
        run, tag = (name["run"], name["tag"]) if name else (file.stem, "value")
        runs[file.parent, run][tag] = file
    for (folder, run), charts in runs.items():
        label = relative(folder / run, path) if path.is_dir() else run
        series: dict[str, Series] = {}
        for tag, file in charts.items():
            series[tag] = values_at(
                read_table(file, relative(file, path) if path.is_dir() else file.name), VALUE, STEP
            )
        yield LoggedRun(label, {"name": run}, series, tuple(charts.values()), own_steps="step")
