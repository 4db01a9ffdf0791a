"""Text logs, line by line: what --pattern finds, its named groups being the steps, the names and the metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_CELLS, UNREADABLE, beginning, files_under, lines_of, relative
from amrobust.ingest.logged import (
    METHOD_KEYS,
    SEED_KEYS,
    STEP_KEYS,
    WORKLOAD_KEYS,
    LoggedRun,
    SeriesBuilder,
    Wanted,
)
from amrobust.ingest.parameters import Configurations
from amrobust.runs.files import escape

TITLE = "text logs, with --pattern"
TEXTS = (".log", ".txt", ".out", ".err")
"""What text logs are often called; any file of text is read."""
LONGEST = 10_000
"""Characters of a line that are searched: what a pattern takes may grow much faster than the line."""
EXAMPLE = r"--pattern 'step (?P<step>\d+) val (?P<val_loss>\S+)'"
_GOES_ON = re.compile(r"[.,'_]?\d|[eE][-+]?\d|[kKMGT](?![A-Za-z])")
"""What continues a number behind a group: digits, with a sign of thousands or decimals or not, an exponent, 2.5k."""
_BEGAN = re.compile(r"\d[.,'_]?$|\d[eE][-+]?$|(?<![\w.])\.$|(?:^|[\s:=(\[])[-\u2212]$")
"""What begins a number before a group: digits, an exponent, a point or a sign."""
_MAY_GO_ON, _MAY_BEGIN = frozenset(".,'_eEkKMGT"), frozenset(".,'_eE+-\u2212")
"""The signs other than digits with which these begin and end."""
_COMMAS = (
    "whether its comma parts thousands or decimals cannot be told: write the log's numbers with a decimal point and without "
    "commas"
)


def recognises(path: Path) -> bool:
    """Never: a text log is read where a pattern is given."""
    return False


def parse_pattern(text: str) -> re.Pattern[str]:
    """The pattern. Raises UserError where it is none, or has no group that is a metric."""
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UserError(f"--pattern '{escape(text)}' is no regular expression: {escape(error)}") from None
    if not pattern.groupindex:
        raise UserError(
            f"--pattern '{escape(text)}' has no named group: say what is the step and what a metric, as in {EXAMPLE}"
        )
    return pattern


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each file with a line that the pattern matches, or in it for each value of the groups that name runs."""
    pattern = wanted.pattern
    if pattern is None:
        raise UserError(f"{escape(path)}: a text log is read with {EXAMPLE}")
    files = [file for file in files_under(path) if b"\0" not in beginning(file)] if path.is_dir() else [path]
    logs = [
        _Log(file, relative(file, path) if path.is_dir() else file.name, pattern, wanted) for file in files
    ]
    without = [escape(log.label) for log in logs if not log.runs]
    if len(without) == len(logs):
        raise UserError(_nothing(path, pattern, files))
    notes: tuple[str, ...] = ()
    if without:
        some = ", ".join(without[:4]) + (", ..." if len(without) > 4 else "")
        notes = (
            f"{len(without)} of {len(logs)} files have no line that --pattern matches, and are left out: {some}",
        )
    configurations = Configurations(path)
    for log in (log for log in logs if log.runs):
        fields, beside = configurations.of(log.path) if path.is_dir() else ({}, ())
        for names, built in log.runs.items():
            yield LoggedRun(
                log.label,
                {"name": log.path.stem, **fields, **dict(zip(log.naming, names, strict=True))},
                built.series(),
                (log.path, *beside),
                started=log.path.stat().st_mtime,
                own_steps=log.step or "step",
                notes=(*notes, *log.notes),
                line=log.first[names] if len(log.runs) > 1 else None,
            )


class _Log:
    """What the lines of one file say, by run: a name and a step hold until a line has the next."""

    def __init__(self, path: Path, label: str, pattern: re.Pattern[str], wanted: Wanted) -> None:
        """Reads all of ``path``. Raises UserError, with the line, on a number that is none."""
        self.path, self.label = path, label
        groups = list(pattern.groupindex)
        roles = {*METHOD_KEYS, *SEED_KEYS, *WORKLOAD_KEYS}
        self.naming = [name for name in groups if name.lower() in roles or name in wanted.naming]
        steps = [name for key in STEP_KEYS for name in groups if name.lower() == key]
        self.step = wanted.step if wanted.step in groups else next(iter(steps), None)
        self.holding = [name for name in (*self.naming, self.step) if name is not None]
        self.metrics = [name for name in groups if name not in (*self.naming, self.step)]
        self.held: dict[str, str] = {}
        self.runs: dict[tuple[str, ...], SeriesBuilder] = {}
        self.first: dict[tuple[str, ...], int] = {}
        if not self.metrics:
            raise UserError(
                f"--pattern '{escape(pattern.pattern)}' has no group that is a metric, as in {EXAMPLE}"
            )
        cut = rows = 0
        for number, line in enumerate(lines_of(path), 1):
            cut += len(line) > LONGEST
            for match in pattern.finditer(line[:LONGEST]):
                if len(line) > LONGEST and match.end() == LONGEST:
                    raise UserError(
                        f"{escape(path)}, line {number} has {len(line):,} characters, and --pattern matches beyond the first "
                        f"{LONGEST:,}"
                    )
                self._add(match, number)
                rows += 1
            if rows * len(groups) > MAX_CELLS:
                raise UserError(f"{escape(path)} has more than {MAX_CELLS:,} values")
        self.notes = (
            (f"{escape(label)}: of {cut} lines the first {LONGEST:,} characters alone are searched",)
            if cut
            else ()
        )
        several = any(len(steps) > 1 for built in self.runs.values() for steps in built.steps.values())
        if self.step is None and several and wanted.step is None:
            raise UserError(
                f"{escape(path)} has {rows} matches of --pattern, and no group counts the steps: add one, (?P<step>\\d+), or "
                "count the matches with --step-from index"
            )

    def _add(self, match: re.Match[str], line: int) -> None:
        for name in self.holding:
            if match[name] is not None:
                self.held[name] = match[name].strip()
                if UNREADABLE in match[name]:
                    raise UserError(
                        f"{escape(self.path)}, line {line}: {escape(name)} has a byte that is no UTF-8: save it as UTF-8"
                    )
        self._refuse_a_part(match, line)
        seen = [name for name in self.metrics if match[name] is not None]
        if not seen:
            return
        names = tuple(self.held.get(name, "") for name in self.naming)
        self.first.setdefault(names, line)
        built = self.runs.setdefault(names, SeriesBuilder())
        for name in seen:
            step = self.step
            at = (
                len(built.steps.get(name, ())) + 1.0
                if step is None
                else self._number(step, self.held.get(step), line)
            )
            built.add(name, at, self._number(name, match[name], line))

    def _refuse_a_part(self, match: re.Match[str], line: int) -> None:
        """Raise UserError where a group took a part of a number alone, as 2 of 2,957.6.

        Digits that another group takes are a number of their own.
        """
        text = match.string
        if all(_stands_alone(text, *match.span(name)) for name in (*self.metrics, *self.holding)):
            return
        spans = {name: match.span(name) for name in match.re.groupindex if match[name] is not None}
        begins, ends = ({span[side] for span in spans.values()} for side in (0, 1))
        for name, (start, end) in spans.items():
            if name in self.naming or not any(map(str.isdecimal, match[name])):
                continue
            behind = None if begins & {end, end + 1} else _GOES_ON.match(match.string, end)
            before = (
                None if ends & {start, start - 1} else _BEGAN.search(match.string[max(0, start - 4) : start])
            )
            beside = (before[0] if before else "") + (behind[0] if behind else "")
            if not beside:
                continue
            hint = "let its group of --pattern take the number whole"
            if "," in beside:
                hint = _COMMAS
            elif beside[-1] in "kKMGT":
                if re.search(rf"\){beside[-1]}(?![?*{{|])", match.re.pattern):
                    continue  # It stands behind every such number, and is the unit of all.
                hint = (
                    f"write out in the log what {beside[-1]} stands for, or, where all numbers have it, put it behind the "
                    f"group, (?P<{name}>...){beside[-1]}"
                )
            whole = (
                match.string[:start].split(" ")[-1][-40:]
                + match[name]
                + match.string[end:].split(" ")[0][:40]
            )
            raise UserError(
                f"{escape(self.path)}, line {line}: {escape(name)} {escape(repr(match[name]))} is a part of "
                f"{escape(repr(whole))}: {hint}; where what is beside it is a number of its own, take that in a named group too"
            )

    def _number(self, name: str, text: str | None, line: int) -> float:
        try:
            return float(text or "")
        except ValueError:
            hint = (
                rf"let its group of --pattern hold the number alone, as (?P<{name}>[-+.\deE]+|nan|-?inf) does"
            )
            raise UserError(
                f"{escape(self.path)}, line {line}: {escape(name)} {escape(repr(text))} is not a number: "
                + (_COMMAS if re.search(r"\d,\d", text or "") else hint)
            ) from None


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether nothing on either side of a group could be a part of a number: so it is nearly always, and quickly seen."""
    if start < 0:
        return True
    before, behind = text[start - 1 : start] if start else "", text[end : end + 1]
    goes_on = (behind in _MAY_GO_ON or behind.isdecimal()) and _GOES_ON.match(text, end)
    began = (before in _MAY_BEGIN or before.isdecimal()) and _BEGAN.search(text[max(0, start - 4) : start])
    return not goes_on and not began


def _nothing(path: Path, pattern: re.Pattern[str], files: Sequence[Path]) -> str:
    if not files:
        return f"{escape(path)} has no text in it"
    lines = [line for line in lines_of(files[0]) if line.strip()]
    some = " | ".join(escape(line[:120]) for line in lines[:3]) or "(empty)"
    others = f" and {len(files) - 1} more files" if len(files) > 1 else ""
    return f"--pattern '{escape(pattern.pattern)}' matches no line of {escape(files[0])}{others}, which begins: {some}"
