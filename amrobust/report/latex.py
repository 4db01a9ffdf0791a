"""The comparison as LaTeX tables in the booktabs style, its numbers in siunitx columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from amrobust.judge.judgement import Comparison, Judgement
from amrobust.report.marks import AVERAGE, MEAN, SPREAD, marks
from amrobust.report.text import latex as escaped
from amrobust.report.view import View, view

_PREAMBLE = r"""% Needs \usepackage{array,booktabs,siunitx,textcomp}. Means are written 98.12(17), their STD in the last digits:
% \sisetup{uncertainty-mode = separate} prints 98.12 ± 0.17 (before version 3 of siunitx: separate-uncertainty)."""
_PLAIN = re.compile(r"-?\d+(\.\d+)?")
_DAGGER = {"†": r"\textdagger{}", "*": r"\textasteriskcentered{}"}


def render(comparison: Comparison) -> str:
    """Two tables a judgement (methods, verdicts) and the cautions as a list, to be input into a document.

    Stars and daggers mark what is decided against the baseline; a line under the table says what they mean.
    """
    parts = [_PREAMBLE]
    for judgement in comparison.judgements:
        parts += _judgement(judgement)
    if comparison.problems:
        parts += [_list("itemize", "Set aside", [escaped(problem) for problem in comparison.problems])]
    return "\n\n".join(parts) + "\n"


def _judgement(judgement: Judgement) -> list[str]:
    shown = view(judgement)
    parts = [_methods(shown, judgement)]
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
            items.append(rf"{escaped(note.caution.message)} \emph{{Remedy:}} {escaped(note.remedy)}{scope}")
        parts += [_list("enumerate", "Cautions", items)]
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


def _methods(shown: View, judgement: Judgement) -> str:
    interval, marked = shown.method_interval, marks(judgement)
    lines = [
        _braced("", "", "Final mean", interval, interval, "Avg. STD", interval),
        _braced(
            "Method",
            "n",
            f"± STD{shown.unit}",
            "of the mean",
            "of the STD",
            shown.unit.strip(),
            "of Avg. STD",
        ),
        r"\midrule",
    ]
    means = [_with_uncertainty(row.mean, row.std) for row in shown.methods]
    for row, mean in zip(shown.methods, means, strict=True):
        cells = (
            escaped(row.method),
            escaped(row.seeds),
            _number(mean, row.mean_std, marked(row.method, MEAN)),
            escaped(row.mean_interval),
            escaped(row.std_interval) + _superscript(marked(row.method, SPREAD)),
            _number(row.avg_std, row.avg_std, marked(row.method, AVERAGE)),
            escaped(row.avg_std_interval),
        )
        lines.append(" & ".join(cells) + r" \\")
    columns = f"lr{_column(means)}rr{_column([row.avg_std for row in shown.methods])}r"
    return _table(f"{shown.heading}. {shown.question}", columns, lines, marked.legend)


def _with_uncertainty(mean: str, std: str) -> str:
    """``98.12(17)``, or nothing where the two are not numbers of equally many decimals."""
    if not (_PLAIN.fullmatch(mean) and _PLAIN.fullmatch(std)) or std.startswith("-"):
        return ""
    decimals = len(mean.partition(".")[2])
    digits = std.replace(".", "").lstrip("0") or "0"
    return f"{mean}({digits})" if len(std.partition(".")[2]) == decimals else ""


def _number(number: str, words: str, mark: str) -> str:
    """A cell of a siunitx column: the number as it is, or else the words in braces."""
    plain = bool(re.fullmatch(r"-?\d+(\.\d+)?(\(\d+\))?", number))
    return (number if plain else f"{{{escaped(words)}}}") + (f"{{{_superscript(mark)}}}" if mark else "")


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
    names = ("Claim", "Estimate", shown.claim_interval, "p", "Holm p", "Verdict", "Test", "Second opinion")
    lines = [_row(*names)]
    for pair in shown.pairs:
        lines += [r"\midrule", rf"\multicolumn{{8}}{{l}}{{\emph{{{escaped(pair.title)}}}}} \\"]
        lines += [
            _row(
                row.claim,
                row.estimate,
                row.interval,
                row.p,
                row.p_adjusted,
                row.verdict,
                row.test,
                row.second,
            )
            for row in pair.rows
        ]
    # Words wrap in columns of fixed width, ragged, so that the table fits a page.
    wrapped = "".join(rf">{{\raggedright\arraybackslash}}p{{{width}}}" for width in ("2cm", "2.9cm", "3.1cm"))
    return _table(f"Verdicts on {shown.heading}. {shown.tally}. {shown.levels}", f"lrrrr{wrapped}", lines)
