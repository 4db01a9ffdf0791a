"""What a report is made of: blocks as plain data, which the templates for PDF and HTML set and add nothing to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from amrobust.judge.kinds.kind import Outcome
from amrobust.report.numbers import ABSENT
from amrobust.report.style import Drawing
from amrobust.report.text import breakable, escape_prose, signed, typeset


@dataclass(frozen=True)
class Span:
    """A piece of running text; ``math`` is in Typst's notation, and ``alt`` says it in words."""

    text: str
    kind: Literal["text", "strong", "emph", "math"] = "text"
    alt: str = ""


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    spans: tuple[Span, ...]
    style: Literal["plain", "question", "setup", "lead", "headline", "small"] = "plain"
    kind: str = field(default="paragraph", init=False)


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str
    level: int
    kind: str = field(default="heading", init=False)


@dataclass(frozen=True)
class Callout:
    """What a reader must not miss."""

    title: str
    lines: tuple[str, ...]
    kind: str = field(default="callout", init=False)


@dataclass(frozen=True)
class Sentence:
    """A verdict in words."""

    outcome: Outcome
    text: str


@dataclass(frozen=True)
class Sentences:
    """Verdicts in words, one below the other."""

    items: tuple[Sentence, ...]
    kind: str = field(default="sentences", init=False)


@dataclass(frozen=True)
class Cell:
    """A cell of a table: a line of text or several, with a verdict's badge or a raised mark behind it.

    ``note`` stands in brackets behind a badge where text is plain. A cell that is a number has it, without sign or unit, in
    ``value`` too, and the number behind its ± in ``spread``.
    """

    text: str = ""
    badge: Outcome | None = None
    mark: str = ""
    note: str = ""
    value: str = ""
    spread: str = ""

    @property
    def words(self) -> str:
        """All but the mark as plain text."""
        return " ".join(filter(None, (self.text, self.badge, f"({self.note})" if self.note else "")))


@dataclass(frozen=True)
class Column:
    """A column of a table; ``share`` is its part of the width that is left over, 0 for as wide as its cells."""

    title: str
    align: Literal["left", "right"] = "right"
    share: float = 0.0


@dataclass(frozen=True)
class Row:
    """A row of cells; with ``group`` a single text across the table instead."""

    cells: tuple[Cell, ...] = ()
    group: str = ""


@dataclass(frozen=True)
class Table:
    """A table with its caption; ``number`` is given when the document is put together."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    small: bool = False
    number: int = 0
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Figure:
    """A drawing with its caption and, for those who cannot see it, its contents in words; ``name`` says which it is."""

    name: str
    svg: str
    caption: str
    alt: str
    number: int = 0
    kind: str = field(default="figure", init=False)


@dataclass(frozen=True)
class Warned:
    """A warning with its hint, and what it concerns."""

    message: str
    hint: str
    scope: str


@dataclass(frozen=True)
class Warnings:
    """Warnings, numbered."""

    items: tuple[Warned, ...]
    kind: str = field(default="warnings", init=False)


@dataclass(frozen=True)
class Entry:
    """A term and what it means; ``display`` is its formula, set on its own line."""

    term: str
    spans: tuple[Span, ...]
    display: Span | None = None


@dataclass(frozen=True)
class Definitions:
    """Terms with their explanations."""

    items: tuple[Entry, ...]
    kind: str = field(default="definitions", init=False)


@dataclass(frozen=True)
class Listing:
    """Items with a bullet each."""

    items: tuple[str, ...]
    kind: str = field(default="listing", init=False)


@dataclass(frozen=True)
class Commands:
    """Commands; each a list of parts that stay whole, a part a list of the lines that it needs."""

    items: tuple[tuple[tuple[str, ...], ...], ...]
    kind: str = field(default="commands", init=False)


@dataclass(frozen=True)
class Code:
    """Lines of a file, kept as they are."""

    lines: tuple[str, ...]
    kind: str = field(default="code", init=False)


@dataclass(frozen=True)
class Fact:
    """A line of the appendix; a digest is set in a typewriter face and kept whole."""

    key: str
    value: str
    digest: bool = False


@dataclass(frozen=True)
class Facts:
    """Facts, each list of them about one subject (empty: about all)."""

    items: tuple[tuple[str, tuple[Fact, ...]], ...]
    kind: str = field(default="facts", init=False)


Block = (
    Paragraph
    | Heading
    | Callout
    | Sentences
    | Table
    | Figure
    | Warnings
    | Definitions
    | Listing
    | Commands
    | Code
    | Facts
)


@dataclass(frozen=True)
class Section:
    """A part of the report that can be asked for by ``name``; without a title it goes on where the last one ended."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    level: int = 1
    new_page: bool = False


def plain(
    text: str, style: Literal["plain", "question", "setup", "lead", "headline", "small"] = "plain"
) -> Paragraph:
    """A paragraph of one piece."""
    return Paragraph((Span(text),), style)


def typeset_table(table: Table) -> Table:
    """A table of plain text as it is typeset: long names may break, and a dash is where there is nothing."""
    columns = tuple(
        replace(column, title="\n".join(map(breakable, column.title.split("\n")))) for column in table.columns
    )
    rows = []
    for row in table.rows:
        cells = []
        for cell, column in zip(row.cells, columns, strict=True):
            text = (
                breakable(signed(cell.text)) if column.align == "left" else typeset(escape_prose(cell.text))
            )
            cells.append(Cell(text or ("" if cell.badge else ABSENT), cell.badge, cell.mark))
        rows.append(Row(tuple(cells)))
    return replace(table, columns=columns, rows=tuple(rows))


def placed(drawings: Sequence[Drawing], name: str) -> list[Block]:
    """Drawings as figures called ``name``."""
    return [Figure(name, drawing.svg, drawing.caption, escape_prose(drawing.alt)) for drawing in drawings]
