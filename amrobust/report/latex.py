"""The comparison as LaTeX tables in the booktabs style, its numbers in siunitx columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.blocks import Cell
from amrobust.report.tables import claims_table, methods_table, significance_marks
from amrobust.report.text import latex as escaped
from amrobust.report.view import View, view

_PREAMBLE = r"""% Needs \usepackage{array,booktabs,siunitx,textcomp}. Means are written 98.12(17), their STD in the last digits:
% \sisetup{uncertainty-mode = separate} prints 98.12 ± 0.17 (before version 3 of siunitx: separate-uncertainty)."""
CLAIMS = ("claim", "estimate", "interval", "p", "holm", "verdict, seeds", "test", "sensitivity test")
_WRAPPED = {"Verdict": "2cm", "Test": "2.9cm", "Sensitivity test": "3.1cm"}
"""Columns of fixed width, in which words wrap, ragged, so that the table fits a page."""
_PLAIN = re.compile(r"-?\d+(\.\d+)?")
_DAGGER = {"†": r"\textdagger{}", "*": r"\textasteriskcentered{}"}


def render(comparison: Comparison) -> str:
    """Two tables a group (methods, verdicts) and the warnings as a list, to be input into a document.

    Stars and daggers mark what is decided against the baseline; a line under the table says what they mean.
    """
    parts = [_PREAMBLE]
    for compared in comparison.groups:
        parts += _group(compared)
    if comparison.problems:
        parts += [_list("itemize", "Set aside", [escaped(problem) for problem in comparison.problems])]
    return "\n\n".join(parts) + "\n"


def _group(compared: GroupComparison) -> list[str]:
    shown = view(compared)
    parts = [_methods(shown, compared)]
    if shown.statements:
        parts += [_list("itemize", "Remarks", [escaped(remark) for remark in shown.statements])]
    if shown.pairs:
        sentences = [escaped(row.sentence) for pair in shown.pairs for row in pair.rows if row.sentence]
        parts += [_claims(shown), *([_list("itemize", "Verdicts", sentences)] if sentences else [])]
        facts = [escaped(sentence) for pair in shown.pairs for sentence in pair.facts]
        parts += [_list("itemize", "Beside the claims", facts)] if facts else []
    if shown.tuning:
        parts += [_list("itemize", "Tuning", [escaped(sentence) for sentence in shown.tuning])]
    if shown.notes:
        items = []
        for note in shown.notes:
            scope = f" {escaped(note.scope)}." if note.scope else ""
            items.append(rf"{escaped(note.warning.message)} \emph{{Hint:}} {escaped(note.hint)}{scope}")
        parts += [_list("enumerate", "Warnings", items)]
    return parts


def _list(kind: str, title: str, items: Sequence[str]) -> str:
    # The empty group keeps an item that starts with a bracket from being read as the item's label.
    lines = [rf"\paragraph{{{title}}}", rf"\begin{{{kind}}}", *(rf"  \item {{}}{item}" for item in items)]
    return "\n".join([*lines, rf"\end{{{kind}}}"])


def _table(caption: str, columns: str, lines: Sequence[str], legend: str = "") -> str:
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering\footnotesize\setlength{\tabcolsep}{3pt}",
            rf"  \caption{{{escaped(caption)}}}",
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            *(f"    {line}" for line in lines),
            r"    \bottomrule",
            r"  \end{tabular}",
            *([rf"  \par\smallskip {escaped(legend)}"] if legend else []),
            r"\end{table}",
        ]
    )


def _row(*cells: str) -> str:
    return " & ".join(escaped(cell) for cell in cells) + r" \\"


def _braced(*cells: str) -> str:
    """A row of words: braces keep a siunitx column from reading them as numbers."""
    return " & ".join(f"{{{escaped(cell)}}}" if cell else "" for cell in cells) + r" \\"


def _methods(shown: View, compared: GroupComparison) -> str:
    """Headings of two lines; columns of numbers are siunitx's."""
    marks = significance_marks(compared)
    table = methods_table(shown, marks)
    headings = [["", *column.title.split("\n")][-2:] for column in table.columns]
    lines = [
        _braced(*(top for top, _ in headings)),
        _braced(*(bottom for _, bottom in headings)),
        r"\midrule",
    ]
    columns = []
    body: list[list[str]] = [[] for _ in table.rows]
    for place, column in enumerate(table.columns):
        cells = [row.cells[place] for row in table.rows]
        numbers = [_number(cell) for cell in cells]
        numeric = any(cell.value for cell in cells)
        columns.append(_column(numbers) if numeric else column.align[0])
        for line, cell, number in zip(body, cells, numbers, strict=True):
            mark = _superscript(cell.mark)
            if numeric:
                line.append((number or f"{{{escaped(cell.words)}}}") + (f"{{{mark}}}" if mark else ""))
            else:
                line.append(escaped(cell.words) + mark)
    lines += [" & ".join(line) + r" \\" for line in body]
    return _table(table.caption, "".join(columns), lines, marks.legend)


def _number(cell: Cell) -> str:
    """``98.12``, or ``98.12(17)`` with the number behind the ±; nothing where these are no numbers of equally many decimals."""
    value, spread = cell.value, cell.spread
    if not _PLAIN.fullmatch(value) or not spread:
        return value if _PLAIN.fullmatch(value) else ""
    if not _PLAIN.fullmatch(spread) or spread.startswith("-"):
        return ""
    digits = spread.replace(".", "").lstrip("0") or "0"
    same = len(spread.partition(".")[2]) == len(value.partition(".")[2])
    return f"{value}({digits})" if same else ""


def _superscript(mark: str) -> str:
    return rf"\textsuperscript{{{''.join(_DAGGER[sign] for sign in mark)}}}" if mark else ""


def _column(numbers: Sequence[str]) -> str:
    """A siunitx column as wide as its widest number."""
    found = [
        match for number in numbers if (match := re.fullmatch(r"-?(\d+)(?:\.(\d+))?(?:\((\d+)\))?", number))
    ]
    if not found:
        return "r"
    whole, decimals, digits = (max(len(match[part] or "") for match in found) for part in (1, 2, 3))
    sign = "-" if any(number.startswith("-") for number in numbers) else ""
    form = f"{sign}{whole}" + (f".{decimals}" if decimals else "") + (f"({digits})" if digits else "")
    return f"S[table-format={form},table-space-text-post={{\\textsuperscript{{***}}}}]"


def _claims(shown: View) -> str:
    table = claims_table(shown, CLAIMS)
    lines = [_row(*(column.title for column in table.columns))]
    rows = iter(table.rows)
    for pair in shown.pairs:
        title = rf"\emph{{{escaped(pair.title)}}}"
        lines += [r"\midrule", rf"\multicolumn{{{len(table.columns)}}}{{l}}{{{title}}} \\"]
        lines += [_row(*(cell.words for cell in row.cells)) for row in islice(rows, len(pair.rows))]
    columns = [
        rf">{{\raggedright\arraybackslash}}p{{{_WRAPPED[column.title]}}}"
        if column.title in _WRAPPED
        else column.align[0]
        for column in table.columns
    ]
    return _table(table.caption, "".join(columns), lines)
