"""The comparison as tables for a terminal, or plain lines for a pipe."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from rich.cells import cell_len

from amrobust.judge.comparison import Comparison
from amrobust.judge.words import counted
from amrobust.report.blocks import Table
from amrobust.report.headlines import Headline, headlines
from amrobust.report.notes import UNFOLDED, Note
from amrobust.report.tables import claims_table, methods_table
from amrobust.report.text import escape
from amrobust.report.view import View, view

if TYPE_CHECKING:
    from rich.console import RenderableType

CLAIMS = ("claim", "estimate", "interval", "p", "holm", "second p", "verdict", "seeds", "test")
_STYLES = {
    "supported": "bold green",
    "refuted": "bold red",
    "inconclusive": "yellow",
    "not assessable": "magenta",
}
_UNLIMITED = 100_000
_LEAST_FOLDED = 12
_BULLET = 3
_OUTCOME = len("not assessable")
_GAP = 2


def render(comparison: Comparison, *, color: bool, width: int | None, verbose: bool) -> str:
    """A headline and a row of numbers per method; ``verbose`` adds every test of every claim, and the warnings with hints.

    With neither colour nor a width, as into a pipe, nothing is cut or wrapped.
    """
    sheet: _Sheet = _Terminal(color, width) if color or width else _Pipe()
    for number, compared in enumerate(comparison.groups):
        if number:
            sheet.line()
        shown = view(compared)
        _print_group(sheet, shown, headlines(compared, shown.rows, comparison.groups), verbose)
    if comparison.problems:
        sheet.line("\nSet aside", "bold")
        for problem in comparison.problems:
            sheet.item("-", escape(problem))
    return "\n".join(line.rstrip() for line in sheet.text().splitlines()).strip("\n") + "\n"


@dataclass(frozen=True)
class _Column:
    """A column of a table: its heading, which may have two lines, and its cells with the style of each."""

    heading: str
    side: Literal["left", "right"]
    cells: Sequence[str]
    width: int
    styles: Sequence[str]


class _Sheet(Protocol):
    """What a comparison is printed on."""

    @property
    def width(self) -> int | None:
        """In characters; None where lines are as long as they need to be."""

    def line(self, text: str = "", style: str = "") -> None:
        """A line of text."""

    def item(self, bullet: str, text: str, style: str = "") -> None:
        """``text`` behind a bullet, or a word in a style of its own, its further lines aligned under its first."""

    def table(self, columns: Sequence[_Column], *, folds: int) -> None:
        """``columns`` side by side: only column ``folds`` may be folded, and never to less than a word."""

    def text(self) -> str:
        """Everything so far."""


class _Pipe:
    """Lines as long as they are, for hundreds of pairs at once."""

    width: int | None = None

    def __init__(self) -> None:
        self._parts: list[str] = []

    def line(self, text: str = "", style: str = "") -> None:
        self._parts.append(f"{text}\n")

    def item(self, bullet: str, text: str, style: str = "") -> None:
        self._parts.append(f"{bullet:>{_BULLET}} {text}\n")

    def table(self, columns: Sequence[_Column], *, folds: int) -> None:
        headings = [column.heading.split("\n") for column in columns]
        height = max(map(len, headings))
        rows = [
            *zip(*([""] * (height - len(lines)) + lines for lines in headings), strict=True),
            *zip(*(column.cells for column in columns), strict=True),
        ]
        for row in rows:
            cells = []
            for cell, column in zip(row, columns, strict=True):
                gap = " " * (column.width - cell_len(cell))
                cells.append(gap + cell if column.side == "right" else cell + gap)
            self._parts.append((" " * _GAP).join(cells).rstrip() + "\n")

    def text(self) -> str:
        return "".join(self._parts)


class _Terminal:
    """Lines folded at the width of a terminal, in its colours where it has some.

    Gaps between columns are columns: before 14.3 rich counts the padding that an edge does without, and makes tables wider.
    """

    def __init__(self, color: bool, width: int | None) -> None:
        from rich.console import Console

        self.width = width
        self._buffer = io.StringIO()
        self._console = Console(
            file=self._buffer,
            width=width or _UNLIMITED,
            force_terminal=color,
            color_system="standard" if color else None,
            legacy_windows=False,
            markup=False,
            highlight=False,
            emoji=False,
        )

    def line(self, text: str = "", style: str = "") -> None:
        self._console.print(text, style=style)

    def item(self, bullet: str, text: str, style: str = "") -> None:
        from rich.table import Table

        grid = Table.grid()
        grid.add_column(min_width=_BULLET, justify="left" if style else "right", no_wrap=True, style=style)
        grid.add_column(width=1)
        grid.add_column(overflow="fold")
        grid.add_row(bullet, "", text)
        self._console.print(grid)

    def table(self, columns: Sequence[_Column], *, folds: int) -> None:
        """Where even the folded table is wider than the terminal, the lines run over: no number is ever cut off."""
        from rich.measure import Measurement
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=0, header_style="dim")
        rows: list[list[RenderableType]] = [[] for _ in columns[0].cells]
        for place, column in enumerate(columns):
            if place:
                table.add_column(width=_GAP)
                for row in rows:
                    row.append("")
            least = min(column.width, _LEAST_FOLDED) if place == folds else column.width
            table.add_column(column.heading, justify=column.side, min_width=least, overflow="fold")
            for row, cell, style in zip(rows, column.cells, column.styles, strict=True):
                row.append(Text(cell, style=style))
        for row in rows:
            table.add_row(*row)
        usual = self._console.width
        options = self._console.options.update(width=_UNLIMITED)
        self._console.width = max(usual, Measurement.get(self._console, options, table).minimum)
        self._console.print(table)
        self._console.width = usual

    def text(self) -> str:
        return self._buffer.getvalue()


def _print_group(sheet: _Sheet, shown: View, lines: Sequence[Headline], verbose: bool) -> None:
    sheet.line(escape(shown.heading), "bold")
    sheet.line(escape(shown.question))
    for line in lines:
        sheet.line()
        sheet.line(escape(line.title), "bold")
        for outcome, text in line.found:
            sheet.item(f"{outcome:<{_OUTCOME}}", escape(text), _STYLES[outcome])
    sheet.line()
    sheet.table(_fitting(_columns(methods_table(shown)), None if verbose else sheet.width), folds=0)
    for sentence in shown.statements:
        sheet.line(escape(sentence))
    if shown.tuning and verbose:
        sheet.line("\nTuning", "bold")
        for sentence in shown.tuning:
            sheet.item("-", escape(sentence))
    if shown.pairs:
        sheet.line(f"\n{shown.tally}", "bold")
        if verbose:
            _print_claims(sheet, shown)
        for pair in shown.pairs:
            for row in pair.rows:
                if row.outcome == "not assessable":
                    sheet.item("-", escape(row.sentence))
            if not verbose:
                for sentence in pair.tipping:
                    sheet.item("-", escape(sentence))
    _print_warnings(sheet, [n for n in shown.notes if verbose or n.warning.kind in UNFOLDED])
    if not verbose:
        more = sum(note.warning.kind not in UNFOLDED for note in shown.notes)
        what = f"{counted(more, 'more warning')}, " if more else ""
        sheet.line(f"\n-v shows {what}every test and what else was computed", "dim")


def _print_claims(sheet: _Sheet, shown: View) -> None:
    """The verdicts of every pair with their tests, and what describes the pair."""
    columns, start = _columns(claims_table(shown, CLAIMS)), 0
    for pair in shown.pairs:
        sheet.line()
        sheet.line(escape(pair.title), "bold")
        own = slice(start, start := start + len(pair.rows))
        # As wide as the widest pair needs, so that the pairs' tables align; the last column may wrap.
        sheet.table(
            [replace(c, cells=c.cells[own], styles=c.styles[own]) for c in columns],
            folds=len(columns) - 1,
        )
        for sentence in pair.facts:
            sheet.line(escape(sentence), "dim")
    sheet.line()
    for line in _legend(shown):
        sheet.line(escape(line), "dim")


def _print_warnings(sheet: _Sheet, notes: Sequence[Note]) -> None:
    if notes:
        sheet.line("\nWarnings", "bold")
    for number, note in enumerate(notes, start=1):
        sheet.item(f"{number}.", escape(note.warning.message))
        sheet.item("", f"Hint: {escape(note.hint)}")
        if note.scope:
            sheet.item("", escape(note.scope))


def _fitting(columns: Sequence[_Column], width: int | None) -> list[_Column]:
    """``columns`` of methods without those for which ``width`` has no room: the interval of the mean first, of Avg. STD last.

    Before the latter goes the STD on the distribution, which a sentence below says too.
    """
    kept = list(columns)
    for dropped in (columns[i] for i in (3, 4, 8, 7, 6) if i < len(columns)):
        if width is None or sum(column.width + _GAP for column in kept) - _GAP <= width:
            break
        kept.remove(dropped)
    return kept


def _columns(table: Table) -> list[_Column]:
    found = []
    for place, column in enumerate(table.columns):
        heading = "\n".join(map(escape, column.title.split("\n")))
        cells = [row.cells[place] for row in table.rows]
        texts = [escape(cell.words) for cell in cells]
        width = max(map(cell_len, (*heading.split("\n"), *texts)))
        styles = [_STYLES[cell.badge] if cell.badge else "" for cell in cells]
        found.append(_Column(heading, column.align, texts, width, styles))
    return found


def _legend(shown: View) -> list[str]:
    """What the columns that do not explain themselves mean."""
    rows = [row for pair in shown.pairs for row in pair.rows]
    lines = []
    if any("×" in row.estimate for row in rows):
        lines.append("×: ratio of STDs, method over baseline; below 1 the method varies less.")
    if shown.levels:
        lines.append(shown.levels)
    if second := dict.fromkeys(row.sensitivity_test for row in rows if row.sensitivity_test):
        lines.append(f"check p: a sensitivity test, which never decides, by {'; '.join(second)}.")
    if any(row.seeds for row in rows):
        lines.append(
            "Seeds: per method to settle the claim, were the estimate the truth; in brackets, over the truths that it leaves "
            "open (10 to 90 %)."
        )
    return lines
