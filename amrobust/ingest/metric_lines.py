"""Lines that a script prints of itself: ``METRIC val_acc=0.91 step=300``, one or more metrics a line.

The step is what is usually called so (step, epoch, iteration, tokens, ...) or what --step-from names; where no line has one,
a metric has one final value. Before METRIC there may be what a launcher puts there in brackets, as torchrun does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.limits import beginning, files_under, relative, text_of
from amrobust.ingest.logged import STEP_KEYS, LoggedRun, SeriesBuilder, Wanted
from amrobust.runs.axis import FINAL
from amrobust.runs.files import escape

TITLE = "lines METRIC name=value step=... (.log, .txt, .out)"
TEXTS = (".log", ".txt", ".out")
MOST_LOOKED_AT = 20
"""Files of a folder."""
EXAMPLE = "METRIC val_acc=0.91 step=300"
_LINE = re.compile(r"^(?:\s*\[[^\]\n]*\]:?)?\s*METRIC[ \t]+(.*?)\s*$", re.MULTILINE)
_BREAK = re.compile(r"\r\n?")


def recognises(path: Path) -> bool:
    """By its ending and a line METRIC near its beginning; a folder by its first files of such names."""
    if path.is_dir():
        texts = (file for file in files_under(path) if file.suffix.lower() in TEXTS)
        return any(map(recognises, islice(texts, MOST_LOOKED_AT)))
    return (
        path.suffix.lower() in TEXTS
        and _LINE.search(beginning(path, 65_536).decode(errors="replace")) is not None
    )


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each file that has such lines. Raises UserError, with the line, on one that is not as it should be."""
    files = [file for file in files_under(path) if recognises(file)] if path.is_dir() else [path]
    for file in files:
        label = relative(file, path) if path.is_dir() else file.name
        yield _run_of(file, label, wanted)


def _run_of(path: Path, label: str, wanted: Wanted) -> LoggedRun:
    """All that the lines of one file say."""
    text = _BREAK.sub("\n", text_of(path))
    rows = [(text.count("\n", 0, match.start(1)) + 1, match[1]) for match in _LINE.finditer(text)]
    if not rows:
        raise UserError(
            f"{escape(path)} has no line that begins with METRIC: have the script print lines such as {EXAMPLE}, or say what "
            "its lines are with --pattern"
        )
    parsed = [(line, _pairs(path, line, row)) for line, row in rows]
    named = {name for _, pairs in parsed for name in pairs}
    step = wanted.step if wanted.step in named else next((key for key in STEP_KEYS if key in named), None)
    built = SeriesBuilder()
    for line, pairs in parsed:
        at = pairs.get(step) if step is not None else None
        if step is not None and at is None:
            raise UserError(
                f"{escape(path)}, line {line}: it has no {escape(step)}, and other lines have one"
            )
        for name, value in pairs.items():
            if name != step:
                built.add(name, len(built.steps.get(name, ())) + 1.0 if at is None else at, value)
    several = next((name for name, steps in built.steps.items() if len(steps) > 1), None)
    if step is None and several is not None and wanted.step is None:
        raise UserError(
            f"{escape(path)}: {escape(several)} is there {len(built.steps[several])} times and no line has a step: print "
            f"{EXAMPLE}, or count the lines with --step-from index"
        )
    final = step is None and several is None
    return LoggedRun(
        label,
        {"name": path.stem},
        built.series(),
        (path,),
        started=path.stat().st_mtime,
        own_steps=step or (FINAL if final else "step"),
        final=final,
    )


def _pairs(path: Path, line: int, row: str) -> dict[str, float]:
    """``loss=0.3 acc=0.9 step=10`` as numbers by their names."""
    found: dict[str, float] = {}
    for word in row.split():
        name, equals, text = word.partition("=")
        try:
            if not equals or not name or name in found:
                raise ValueError
            found[name] = float(text)
        except ValueError:
            raise UserError(
                f"{escape(path)}, line {line}: {escape(repr(word))} is not of the form name=number, each name once, as in "
                f"{EXAMPLE}"
            ) from None
    if not found:
        raise UserError(f"{escape(path)}, line {line}: METRIC without any name=number, as in {EXAMPLE}")
    return found
