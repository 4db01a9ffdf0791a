"""The comparison as tables for a terminal, or plain lines for a pipe."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrobust.claims.judgement import Comparison
from amrobust.report.numbers import ABSENT
from amrobust.report.text import visible
from amrobust.report.view import PairRows, View, view

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_STYLES = {
    "supported": "bold green",
    "refuted": "bold red",
    "inconclusive": "yellow",
    "cannot be judged": "magenta",
}
_UNLIMITED = 100_000
_LEAST_FOLDED = 12
_BULLET = 3


def render(comparison: Comparison, *, color: bool, width: int | None) -> str:
    """Per method the numbers, per pair the verdicts, then the cautions with their remedies."""
    from rich.console import Console

    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width or _UNLIMITED,
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
    )
    for number, judgement in enumerate(comparison.judgements):
        if number:
            console.print()
        _print_judgement(console, view(judgement))
    if comparison.problems:
        console.print("\nSet aside", style="bold")
        for problem in comparison.problems:
            _print_item(console, "-", visible(problem))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()).strip("\n") + "\n"


def _print_judgement(console: Console, shown: View) -> None:
    console.print(visible(shown.heading), style="bold")
    console.print(visible(shown.question))
    console.print()
    _print_methods(console, shown)
    for sentence in shown.remarks:
        console.print(visible(sentence))
    if shown.tuning:
        console.print("\nTuning", style="bold")
        for sentence in shown.tuning:
            _print_item(console, "-", visible(sentence))
    if shown.pairs:
        console.print(f"\n{shown.tally}", style="bold")
        columns = _claim_columns(shown)
        for pair in shown.pairs:
            console.print()
            console.print(visible(pair.title), style="bold")
            _print_claims(console, pair, columns)
            for row in pair.rows:
                if row.outcome == "cannot be judged":
                    _print_item(console, "-", visible(row.sentence))
            for sentence in pair.facts:
                console.print(visible(sentence), style="dim")
        console.print()
        for line in _legend(shown):
            console.print(visible(line), style="dim")
    if shown.notes:
        console.print("\nCautions", style="bold")
        for number, note in enumerate(shown.notes, start=1):
            _print_item(console, f"{number}.", visible(note.caution.message))
            _print_item(console, "", f"Remedy: {visible(note.remedy)}")
            if note.scope:
                _print_item(console, "", visible(note.scope))


def _print_item(console: Console, bullet: str, text: str) -> None:
    """``text`` behind a bullet, its further lines aligned under its first."""
    if _is_plain(console) and len(bullet) <= _BULLET:
        console.file.write(f"{bullet:>{_BULLET}} {text}\n")
        return
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=_BULLET, justify="right")
    grid.add_column(overflow="fold")
    grid.add_row(bullet, text)
    console.print(grid)


def _print_table(
    console: Console, columns: Sequence[tuple[str, str, Sequence[Text]]], widths: Sequence[int], wraps: int
) -> None:
    """Print ``columns`` (heading, justification, cells): only column ``wraps`` folds, and never to less than a word.

    Where even that is wider than the terminal, the lines run over: no number is ever cut off.
    """
    if _is_plain(console):
        console.file.write(_plain(columns, widths))
        return
    from rich.measure import Measurement
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for place, ((heading, justify, _), width) in enumerate(zip(columns, widths, strict=True)):
        least = min(width, _LEAST_FOLDED) if place == wraps else width
        table.add_column(heading, justify=justify, min_width=least, overflow="fold")  # type: ignore[arg-type]
    for cells in zip(*(cells for _, _, cells in columns), strict=True):
        table.add_row(*cells)
    usual = console.width
    needed = Measurement.get(console, console.options.update(width=_UNLIMITED), table).minimum
    console.width = max(usual, needed)
    console.print(table)
    console.width = usual


def _is_plain(console: Console) -> bool:
    """Whether nothing is to be coloured, cut or wrapped: as into a pipe, for hundreds of pairs at once."""
    return console.width == _UNLIMITED and console.color_system is None


def _plain(columns: Sequence[tuple[str, str, Sequence[Text]]], widths: Sequence[int]) -> str:
    """The table as a pipe wants it: what rich would print without colour and limits."""
    from rich.cells import cell_len

    headings = [heading.split("\n") for heading, _, _ in columns]
    height = max(map(len, headings))
    rows = [
        *zip(*([""] * (height - len(lines)) + lines for lines in headings), strict=True),
        *zip(*([cell.plain for cell in cells] for _, _, cells in columns), strict=True),
    ]
    text = []
    for row in rows:
        cells = []
        for cell, (_, side, _), width in zip(row, columns, widths, strict=True):
            gap = " " * (width - cell_len(cell))
            cells.append(gap + cell if side == "right" else cell + gap)
        text.append("  ".join(cells).rstrip() + "\n")
    return "".join(text)


def _width(heading: str, cells: Iterable[str]) -> int:
    from rich.cells import cell_len

    return max(cell_len(line) for text in (heading, *cells) for line in text.split("\n"))


def _print_methods(console: Console, shown: View) -> None:
    from rich.text import Text

    rows, interval, unit = shown.methods, shown.method_interval, visible(shown.unit)
    columns = [
        ("Method", [visible(row.method) for row in rows]),
        ("n", [row.seeds for row in rows]),
        (f"Final mean\n± STD{unit}", [row.mean_std for row in rows]),
        (f"{interval}\nof the mean", [row.mean_interval for row in rows]),
        (f"{interval}\nof the STD", [row.std_interval for row in rows]),
    ]
    if any(row.avg_std != ABSENT for row in rows):
        columns += [
            (f"Avg. STD\n{unit.strip()}", [row.avg_std for row in rows]),
            (f"{interval}\nof Avg. STD", [row.avg_std_interval for row in rows]),
        ]
    sides = ["left"] + ["right"] * (len(columns) - 1)
    cells = [
        (heading, side, [Text(cell) for cell in column])
        for (heading, column), side in zip(columns, sides, strict=True)
    ]
    _print_table(console, cells, [_width(heading, column) for heading, column in columns], wraps=0)


@dataclass(frozen=True)
class _Column:
    """A column of the verdicts: its heading, the field of a row that it shows, and its width over all pairs."""

    heading: str
    field: str
    width: int


def _claim_columns(shown: View) -> list[_Column]:
    """The columns, as wide as the widest pair needs, so that the pairs' tables align; the last one may wrap."""
    rows = [row for pair in shown.pairs for row in pair.rows]
    fields = {
        "Claim": "claim",
        "Estimate": "estimate",
        shown.claim_interval: "interval",
        "p": "p",
        "Holm p": "p_adjusted",
        "2nd p": "second_p" if any(row.second_p for row in rows) else "",
        "Verdict": "outcome",
        "Seeds": "seeds" if any(row.seeds for row in rows) else "",
        "Test": "test",
    }
    return [
        _Column(heading, name, _width(heading, dict.fromkeys(getattr(row, name) for row in rows)))
        for heading, name in fields.items()
        if name
    ]


def _print_claims(console: Console, pair: PairRows, columns: Sequence[_Column]) -> None:
    """The verdicts on one pair."""
    from rich.text import Text

    cells = [
        (
            column.heading,
            "left" if column.heading in ("Claim", "Verdict", "Test") else "right",
            [
                Text(
                    visible(getattr(row, column.field)),
                    style=_STYLES[row.outcome] if column.field == "outcome" else "",
                )
                for row in pair.rows
            ],
        )
        for column in columns
    ]
    _print_table(console, cells, [column.width for column in columns], wraps=len(columns) - 1)


def _legend(shown: View) -> list[str]:
    """What the columns that do not explain themselves mean."""
    rows = [row for pair in shown.pairs for row in pair.rows]
    lines = []
    if any("×" in row.estimate for row in rows):
        lines.append("×: ratio of STDs, method over baseline; below 1 the method varies less.")
    if shown.levels:
        lines.append(shown.levels)
    if second := dict.fromkeys(row.second_opinion for row in rows if row.second_opinion):
        lines.append(f"2nd p: a second opinion, which never decides, by {'; '.join(second)}.")
    if any(row.seeds for row in rows):
        lines.append("Seeds: how many a method it would take to settle the claim.")
    return lines
