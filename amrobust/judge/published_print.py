r"""Tables as they are printed, CSV, Markdown or LaTeX, taken apart into cells, ``$95.1 \pm 0.2$`` into its two numbers."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amrobust.errors import UserError
from amrobust.runs.documents import read_text

SEPARATORS = {".csv": ",", ".tsv": "\t"}
MARKDOWN = (".md", ".markdown")
LATEX = (".tex", ".latex")
PRINTED = (*SEPARATORS, *MARKDOWN, *LATEX)
"""Endings of the files that tables are read from, beside TOML."""
MOST_TABLES = 200
"""In one file: around each of them its caption is looked for in all of the text."""
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_PLUS_MINUS = re.compile(rf"({_NUMBER}) ?%? ?(?:±|\+/-|\+-) ?({_NUMBER}) ?%?[*†‡§]*", re.IGNORECASE)
_BRACKETS = re.compile(rf"({_NUMBER}) ?%? ?\(({_NUMBER}) ?%?\)[*†‡§]*", re.IGNORECASE)
EMPTY = re.compile(r"[-–—]*|n/?a", re.IGNORECASE)


@dataclass(frozen=True)
class Grid:
    """One printed table: its name, its header, its rows that are not empty, each with its line, and its caption."""

    where: str
    name: str
    header: list[str]
    rows: list[tuple[int, list[str]]]
    caption: str = ""


def grids_of(path: Path) -> dict[str, Grid]:
    """The tables of a file by name: the file's where it has one, else ``Table 2`` of a caption, a label, or their number.

    Raises UserError where it has none, or is not valid.
    """
    text = read_text(path, "table").removeprefix("\ufeff")
    ending = path.suffix.lower()
    if ending in SEPARATORS:
        found = [_of_csv(path, text, SEPARATORS[ending])]
    else:
        found = _of_latex(path, text) if ending in LATEX else _of_markdown(path, text)
    if not found:
        raise UserError(
            f"{path} has no table: "
            + ("a tabular" if ending in LATEX else "rows between | bars")
            + " is read as one"
        )
    grids: dict[str, Grid] = {}
    for number, (name, header, rows, caption) in enumerate(found, 1):
        name = (
            path.stem if len(found) == 1 else name if name and name not in grids else f"{path.stem} {number}"
        )
        where = str(path) if len(found) == 1 else f"{path}, {name}"
        filled = [(line, cells) for line, cells in rows if any(cells)]
        grids[name] = Grid(where, name, header, filled, caption)
    return grids


def mean_and_std(cell: str) -> tuple[str, str, bool] | None:
    """The two numbers of ``95.1 ± 0.2`` or ``95.1 (0.2)``, and whether the second is in brackets; None of another cell.

    >>> mean_and_std("95.1 ± 0.2"), mean_and_std("95.1% +/- 0.2%*"), mean_and_std("95.1 (0.2)"), mean_and_std("95.1")
    (('95.1', '0.2', False), ('95.1', '0.2', False), ('95.1', '0.2', True), None)
    """
    cell = cell.replace("\u2212", "-")
    plain, bracketed = _PLUS_MINUS.fullmatch(cell), _BRACKETS.fullmatch(cell)
    found = plain or bracketed
    return (found[1], found[2], bracketed is not None) if found else None


Found = tuple[str, list[str], list[tuple[int, list[str]]], str]


def _of_csv(path: Path, text: str, separator: str) -> Found:
    reader = csv.reader(text.splitlines(), delimiter=separator)
    try:
        every = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise UserError(f"cannot read {path} as CSV: {error}") from None
    return "", every[0][1] if every else [], every[1:], ""


def _of_markdown(path: Path, text: str) -> list[Found]:
    """A table's caption is the paragraph before it, and the one after where that alone begins with ``Table`` or ``:``.

    The one after is not its own where another table follows.
    """
    lines = text.splitlines()
    fenced = False
    found: list[Found] = []
    place = 0
    while place < len(lines):
        fenced ^= lines[place].lstrip().startswith(("```", "~~~"))
        rule = lines[place + 1] if place + 1 < len(lines) else ""
        if (
            fenced
            or "|" not in lines[place]
            or not re.fullmatch(r"[\s|:-]*-[\s|:-]*", rule)
            or "|" not in rule
        ):
            place += 1
            continue
        first, end = place, place + 2
        while end < len(lines) and "|" in lines[end]:
            end += 1
        before = re.split(r"\n\s*\n", "\n".join(lines[:first]).rstrip())[-1]
        after, *others = re.split(r"\n\s*\n", "\n".join(lines[end:]).strip())
        below = not (others and others[0].lstrip().startswith("|")) and not re.match(_CAPTION, before)
        caption = f"{before} {after}" if below and re.match(_CAPTION, after) else before
        named = re.search(r"\btable \d+\b", caption, re.IGNORECASE)
        rows = [(number + 1, _markdown_cells(lines[number])) for number in range(first + 2, end)]
        found.append((named[0] if named else "", _markdown_cells(lines[first]), rows, caption))
        _check_number(path, found)
        place = end
    return found


_CAPTION = re.compile(r"\W*(?:table|:)", re.IGNORECASE)


def _markdown_cells(line: str) -> list[str]:
    line = re.sub(r"^\s*\||(?<!\\)\|\s*$", "", line)
    cells = []
    for cell in re.split(r"(?<!\\)\|", line):
        cell = re.sub(r"</?\w+ ?/?>", " ", cell.replace(r"\|", "|"))
        cell = re.sub(r"(\*\*|__|\*|`)(.+?)\1", r"\2", cell)
        cells.append(_plain(html.unescape(cell)))
    return cells


_DROPPED = re.compile(
    r"\\(?:cite[a-z]*|label|footnote|footnotemark|tablefootnote|vspace|hspace|cellcolor|rowcolor|color|ref)\*?(?:\[[^\]]*\])*"
    r"(?:\{[^{}]*\})?"
)
_SILENT = re.compile(
    r"\\(?:bf|it|rm|sc|em|bfseries|itshape|scshape|centering|raggedright|tiny|scriptsize|footnotesize|small|normalsize|left|right"
    r"|displaystyle|phantom\{[^{}]*\}|hphantom\{[^{}]*\})(?![A-Za-z])"
)
_SIGNS = {
    r"\pm": "±", r"\textpm": "±", r"\uparrow": "↑", r"\downarrow": "↓", r"\dagger": "†", r"\ddagger": "‡", r"\ast": "*",
    r"\times": "×", r"\textminus": "-",
}  # fmt: skip


def _plain(text: str) -> str:
    r"""What a cell of LaTeX, or of Markdown with its formulae, says: ``\textbf{$95.1_{\pm 0.2}$}`` is ``95.1 ±0.2``."""
    for _ in range(4):  # of one command within another
        text = _DROPPED.sub(" ", text)
        text = re.sub(r"\\textcolor\{[^{}]*\}", "", text)
    for sign, meant in _SIGNS.items():
        text = re.sub(re.escape(sign) + r"(?![A-Za-z])", f" {meant} ", text)
    text = _SILENT.sub(" ", text)
    text = re.sub(r"\\[,;:! ]|(?<!\\)~", " ", text)
    text = re.sub(r"\\([%&_#$])", r"\1", re.sub(r"(?<!\\)\$", "", text))
    text = re.sub(r"[_^]\s*\{?\s*(?=[±*†‡§])", " ", text)
    text = re.sub(r"\\(?:text|math|oper)?[A-Za-z]*\s*\{", "{", text)
    text = re.sub(r"\\([A-Za-z]+)", r"\1", text)
    return re.sub(r"\s+", " ", re.sub(r"[{}]", "", text)).strip()


def _of_latex(path: Path, text: str) -> list[Found]:
    r"""Each ``tabular`` with the caption and the label around it; its header ends at the first rule below it."""
    text = re.sub(r"(?<!\\)%.*", "", text)
    found: list[Found] = []
    opened: re.Match[str] | None = None
    for mark in re.finditer(r"\\(begin|end)\{(tabular[*x]?|tabulary|longtable|array)\}", text):
        if mark[1] == "begin":
            opened = mark
        elif opened is not None and opened[2] == mark[2]:
            found.append(_tabular(path, text, opened, mark))
            opened = None
            _check_number(path, found)
    return found


def _check_number(path: Path, found: Sequence[Found]) -> None:
    if len(found) > MOST_TABLES:
        raise UserError(f"{path} has more than {MOST_TABLES} tables: give a file of those that are meant")


def _tabular(path: Path, text: str, opened: re.Match[str], closed: re.Match[str]) -> Found:
    """One ``tabular`` between its two marks."""
    start = max((each.end() for each in re.finditer(r"\\end\{table\*?\}", text[: opened.start()])), default=0)
    end = re.search(r"\\end\{table\*?\}|\\begin\{table\*?\}", text[closed.end() :])
    around = text[start : opened.start()] + text[closed.end() : closed.end() + end.start() if end else None]
    label = re.search(r"\\label\{([^{}]*)\}", around)
    caption = re.search(r"\\caption\*?(?:\[[^\]]*\])?\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}", around)
    body, line = text[opened.end() : closed.start()], text[: opened.end()].count("\n") + 1
    for _ in range(2 if opened[2] in ("tabular*", "tabularx", "tabulary") else 1):
        said = re.match(r"\s*(?:\[[^\]]*\])?\s*\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}", body)
        if said is None:
            raise UserError(f"{path}, line {line}: the columns of a {opened[2]} are not said")
        body, line = body[said.end() :], line + said[0].count("\n")
    header, rows = _latex_rows(path, body, line)
    return label[1] if label else "", header, rows, _plain(caption[1]) if caption else ""


def _latex_rows(path: Path, body: str, line: int) -> tuple[list[str], list[tuple[int, list[str]]]]:
    body = re.sub(
        r"\\(?:makecell|shortstack)(?:\[[^\]]*\])?\{([^{}]*)\}",
        lambda cell: cell[1].replace("\\\\", " "),
        body,
    )
    rows: list[tuple[int, list[str]]] = []
    heading = 0
    carried: dict[int, tuple[str, int]] = {}
    for row in re.split(r"(?:\\\\(?:\[[^\]]*\])?|\\tabularnewline(?![a-z]))", body):
        first = line + row[: len(row) - len(row.lstrip())].count("\n")
        line += row.count("\n")
        if not heading and rows and re.search(r"\\(?:midrule|hline)", row):
            heading = len(rows)
        row = re.sub(r"\\(?:toprule|midrule|bottomrule|hline|addlinespace)(?:\[[^\]]*\])?", "", row)
        row = re.sub(r"\\(?:cmidrule|cline)(?:\[[^\]]*\])?(?:\([^)]*\))?\{[^{}]*\}", "", row)
        if not row.strip():
            continue
        cells: list[str] = []
        for cell in re.split(r"(?<!\\)&", row):
            several = re.search(r"\\multicolumn\{(\d+)\}\{(?:[^{}]|\{[^{}]*\})*\}", cell)
            below = re.search(r"\\multirow(?:\[[^\]]*\])?\{(\d+)\}(?:\{[^{}]*\}|\*)", cell)
            for part in filter(None, (several, below)):
                cell = cell.replace(part[0], "")
            said = _plain(cell)
            if not said and len(cells) in carried:
                said, left = carried.pop(len(cells))
                if left > 1:
                    carried[len(cells)] = said, left - 1
            elif below and int(below[1]) > 1:
                carried[len(cells)] = said, int(below[1]) - 1
            if several and int(several[1]) > 100:
                raise UserError(
                    f"{path}, line {first}: a cell over {several[1]} columns: no table has as many"
                )
            cells += [said] * (int(several[1]) if several else 1)
        rows.append((first, cells))
    head = [cells for _, cells in rows[: heading or 1]]
    width = max(map(len, head), default=0)
    header = [
        " ".join(dict.fromkeys(cells[place] for cells in head if place < len(cells) and cells[place]))
        for place in range(width)
    ]
    return header, rows[heading or 1 :]
