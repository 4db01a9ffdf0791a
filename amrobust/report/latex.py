"""The comparison as LaTeX tables in the booktabs style."""

from __future__ import annotations

from collections.abc import Sequence

from amrobust.claims.judgement import Comparison
from amrobust.report.text import latex as escaped
from amrobust.report.view import View, view

_PREAMBLE = r"% Needs \usepackage{array,booktabs,textcomp}."


def render(comparison: Comparison) -> str:
    """Two tables a judgement (methods, verdicts) and the cautions as a list, to be input into a document."""
    parts = [_PREAMBLE]
    for judgement in comparison.judgements:
        parts += _judgement(view(judgement))
    if comparison.problems:
        parts += [_list("itemize", "Set aside", [escaped(problem) for problem in comparison.problems])]
    return "\n\n".join(parts) + "\n"


def _judgement(shown: View) -> list[str]:
    parts = [_methods(shown)]
    if shown.remarks:
        parts += [_list("itemize", "Remarks", [escaped(remark) for remark in shown.remarks])]
    if shown.pairs:
        sentences = [escaped(row.sentence) for pair in shown.pairs for row in pair.rows if row.sentence]
        parts += [_claims(shown), *([_list("itemize", "Verdicts", sentences)] if sentences else [])]
        facts = [escaped(sentence) for pair in shown.pairs for sentence in pair.facts]
        parts += [_list("itemize", "Beside the claims", facts)] if facts else []
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


def _table(caption: str, columns: str, lines: Sequence[str]) -> str:
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
            r"\end{table}",
        ]
    )


def _row(*cells: str) -> str:
    return " & ".join(escaped(cell) for cell in cells) + r" \\"


def _methods(shown: View) -> str:
    interval = shown.method_interval
    lines = [
        _row("", "", "Final mean", interval, interval, "Avg. STD", interval),
        _row(
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
    lines += [
        _row(r.method, r.seeds, r.mean_std, r.mean_interval, r.std_interval, r.avg_std, r.avg_std_interval)
        for r in shown.methods
    ]
    return _table(f"{shown.heading}. {shown.question}", "lrrrrrr", lines)


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
