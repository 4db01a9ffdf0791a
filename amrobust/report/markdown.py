"""The comparison as GitHub-flavoured Markdown."""

from __future__ import annotations

from amrobust.judge.comparison import Comparison
from amrobust.report.blocks import Table
from amrobust.report.tables import claims_table, methods_table
from amrobust.report.text import markdown as escaped
from amrobust.report.view import View, view

CLAIMS = (
    "method", "baseline", "claim", "estimate", "interval", "p", "holm", "verdict, seeds", "test", "sensitivity test"
)  # fmt: skip


def render(comparison: Comparison) -> str:
    """A section a group: the methods' table, the verdicts' table and sentences, the warnings with hints."""
    parts: list[str] = []
    for compared in comparison.groups:
        parts += _group(view(compared))
    if comparison.problems:
        parts += ["## Set aside", "\n".join(f"- {escaped(problem)}" for problem in comparison.problems)]
    return "\n\n".join(parts) + "\n"


def _group(shown: View) -> list[str]:
    parts = [f"## {escaped(shown.heading)}", escaped(shown.question), _table(methods_table(shown))]
    parts += [escaped(remark) for remark in shown.statements]
    if shown.pairs:
        sentences = [row.sentence for pair in shown.pairs for row in pair.rows if row.sentence]
        parts += [f"### {escaped(shown.tally)}", _table(claims_table(shown, CLAIMS))]
        parts += [escaped(shown.levels)] if shown.levels else []
        parts += ["\n".join(f"- {escaped(sentence)}" for sentence in sentences)] if sentences else []
        facts = [sentence for pair in shown.pairs for sentence in pair.facts]
        if facts:
            parts += ["### Beside the claims", "\n".join(f"- {escaped(sentence)}" for sentence in facts)]
    if shown.tuning:
        parts += ["### Tuning", "\n".join(f"- {escaped(sentence)}" for sentence in shown.tuning)]
    if shown.notes:
        lines = []
        for number, note in enumerate(shown.notes, start=1):
            scope = f" {escaped(note.scope)}." if note.scope else ""
            lines.append(f"{number}. {escaped(note.warning.message)} *Hint:* {escaped(note.hint)}{scope}")
        parts += ["### Warnings", "\n".join(lines)]
    return parts


def _table(table: Table) -> str:
    """A pipe table."""
    rules = ["---:" if column.align == "right" else "---" for column in table.columns]
    headings = [escaped(" ".join(column.title.split("\n"))) for column in table.columns]
    lines = [headings, rules, *([escaped(cell.words) for cell in row.cells] for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
