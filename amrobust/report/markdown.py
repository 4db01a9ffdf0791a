"""The comparison as GitHub-flavoured Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from amrobust.judge.judgement import Comparison
from amrobust.report.text import markdown as escaped
from amrobust.report.view import View, view


def render(comparison: Comparison) -> str:
    """A section a judgement: the methods' table, the verdicts' table and sentences, the cautions with remedies."""
    parts: list[str] = []
    for judgement in comparison.judgements:
        parts += _judgement(view(judgement))
    if comparison.problems:
        parts += ["## Set aside", "\n".join(f"- {escaped(problem)}" for problem in comparison.problems)]
    return "\n\n".join(parts) + "\n"


def _judgement(shown: View) -> list[str]:
    parts = [f"## {escaped(shown.heading)}", escaped(shown.question), _methods(shown)]
    parts += [escaped(remark) for remark in shown.statements]
    if shown.pairs:
        sentences = [row.sentence for pair in shown.pairs for row in pair.rows if row.sentence]
        parts += [f"### {escaped(shown.tally)}", _claims(shown)]
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
            lines.append(f"{number}. {escaped(note.caution.message)} *Remedy:* {escaped(note.remedy)}{scope}")
        parts += ["### Cautions", "\n".join(lines)]
    return parts


def _table(headings: Sequence[str], alignments: str, rows: Sequence[Sequence[str]]) -> str:
    """A pipe table; ``alignments`` has an ``l`` or ``r`` a column."""
    rules = ["---:" if side == "r" else "---" for side in alignments]
    lines = [[escaped(heading) for heading in headings], rules, *([escaped(c) for c in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _methods(shown: View) -> str:
    return _table(shown.method_headings, "lrrrrrr", [row.cells for row in shown.methods])


def _claims(shown: View) -> str:
    headings = (
        "Method", "Baseline", "Claim", "Estimate", shown.claim_interval, "p", "Holm p", "Verdict", "Test",
        "Second opinion",
    )  # fmt: skip
    rows = [
        (
            pair.method, pair.baseline, row.claim, row.estimate, row.interval, row.p, row.p_adjusted, row.verdict,
            row.test, row.second,
        )
        for pair in shown.pairs
        for row in pair.rows
    ]  # fmt: skip
    return _table(headings, "lllrrrrlll", rows)
