"""Lines that a script prints of itself: ``METRIC val_acc=0.91 step=300``, one or more metrics a line.

The step is what is usually called so (step, epoch, iteration, tokens, ...) or what --step-from names; a metric that is printed
once without one has a final value. Before METRIC there may be anything on its line: what a launcher or a logger puts there, a
progress bar that has not ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.limits import UNREADABLE, beginning, files_under, lines_of, printed_lines, relative
from amrobust.ingest.logged import STEP_KEYS, LoggedRun, SeriesBuilder, Wanted
from amrobust.runs.axis import FINAL
from amrobust.runs.files import escape

TITLE = "lines METRIC name=value step=... (.log, .txt, .out)"
TEXTS = (".log", ".txt", ".out")
MOST_LOOKED_AT = 20
"""Files of a folder."""
EXAMPLE = "METRIC val_acc=0.91 step=300"
_LINE = re.compile(
    r"(?:^\s*(?:\[[^\]]*\]:?)?\s*METRIC(?=[\s:=]|$)|(?<![A-Za-z_])METRIC[ \t]+(?=[^\s=]+=))(.*)", re.DOTALL
)
"""Where it begins a line it is meant as one, whatever follows; elsewhere it may be a word of a sentence."""
_WORD = re.compile(r"(?<![A-Za-z_])METRIC(?!\w)")


def recognises(path: Path) -> bool:
    """By its ending and a line METRIC near its beginning; a folder by its first files of such names."""
    if path.is_dir():
        texts = (file for file in files_under(path) if file.suffix.lower() in TEXTS)
        return any(map(recognises, islice(texts, MOST_LOOKED_AT)))
    return path.suffix.lower() in TEXTS and any(
        map(_LINE.search, printed_lines(beginning(path, 65_536).decode(errors="replace")))
    )


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each file that has such lines. Raises UserError, with the line, on one that is not as it should be."""
    files = [file for file in files_under(path) if recognises(file)] if path.is_dir() else [path]
    for file in files:
        label = relative(file, path) if path.is_dir() else file.name
        yield _run_of(file, label, wanted)


def _run_of(path: Path, label: str, wanted: Wanted) -> LoggedRun:
    """All that the lines of one file say."""
    parsed: list[tuple[int, dict[str, float]]] = []
    unread = []
    for number, text in enumerate(lines_of(path), 1):
        if "METRIC" not in text:
            continue
        if match := _LINE.search(text):
            parsed.append((number, _pairs(path, number, match[1])))
        elif _WORD.search(text):
            unread.append(f"line {number} ({escape(text.strip()[:80])})")
    if not parsed:
        raise UserError(
            f"{escape(path)} has no line METRIC name=number: have the script print lines such as {EXAMPLE}, or say what its "
            f"lines are with --pattern{f'; not read as one: {unread[0]}' if unread else ''}"
        )
    named = {name for _, pairs in parsed for name in pairs}
    step = wanted.step if wanted.step in named else next((key for key in STEP_KEYS if key in named), None)
    built = SeriesBuilder()
    for _, pairs in parsed:
        if step is None or step in pairs:
            for name, value in pairs.items():
                if name != step:
                    at = len(built.steps.get(name, ())) + 1.0 if step is None else pairs[step]
                    built.add(name, at, value)
    if step is not None:
        end = max(pairs[step] for _, pairs in parsed if step in pairs)
        for line, pairs in ((line, pairs) for line, pairs in parsed if step not in pairs):
            for name, value in pairs.items():
                if name in built.steps or not pairs.keys().isdisjoint(STEP_KEYS):
                    raise UserError(
                        f"{escape(path)}, line {line}: it has no {escape(step)}, and other lines have one; without, "
                        f"{escape(name)} may be there once alone, as its final value"
                    )
                built.add(name, end, value)
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
        notes=tuple(f"{escape(label)}: not read as a METRIC line is {line}" for line in unread),
    )


def _pairs(path: Path, line: int, row: str) -> dict[str, float]:
    """``loss=0.3 acc=0.9 step=10`` as numbers by their names."""
    found: dict[str, float] = {}
    for word in row.split():
        name, equals, text = word.partition("=")
        try:
            if not equals or not name or name in found or UNREADABLE in name:
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
