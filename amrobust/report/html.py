"""The comparison as HTML: a page that needs nothing but itself, or a fragment for a notebook."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from html import escape as escape_html
from typing import TYPE_CHECKING

from amrobust import __version__
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.blocks import Table
from amrobust.report.names import titled
from amrobust.report.style import Drawing, Style, styles
from amrobust.report.tables import claims_table, methods_table
from amrobust.report.text import escape
from amrobust.report.view import view

if TYPE_CHECKING:
    import pandas as pd

CLAIMS = ("claim", "estimate", "interval", "p", "holm", "verdict, seeds", "test", "sensitivity test")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Whatever a name may hold, the page loads nothing and runs nothing."""

_STYLE = """
.amrobust { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; }
.amrobust table { border-collapse: collapse; margin: .6em 0 1em; font-variant-numeric: tabular-nums; }
.amrobust th, .amrobust td { padding: .2em .8em .2em 0; text-align: right; vertical-align: top; border: 0; }
.amrobust th { font-weight: 600; border-bottom: 1px solid #999; }
.amrobust tr > :first-child, .amrobust .words { text-align: left; }
.amrobust h2 { font-size: 1.25em; } .amrobust h3 { font-size: 1.05em; margin-bottom: .2em; }
.amrobust .supported { color: #00664a; font-weight: 600; } .amrobust .refuted { color: #a83c00; font-weight: 600; }
.amrobust .inconclusive, .amrobust .not-assessable { color: #5c5c5c; }
.amrobust .quiet { color: #5c5c5c; } .amrobust figure { margin: 1em 0; } .amrobust img { max-width: 100%; }
.amrobust li { margin: .25em 0; }
"""


def render(comparison: Comparison) -> str:
    """A whole page with verdicts, figures, tables and warnings; no script, no font and no file from elsewhere."""
    look = styles(comparison)
    bodies = [_group(compared, look) + _figures(compared, look) for compared in comparison.groups]
    title = ", ".join(dict.fromkeys(compared.workload for compared in comparison.groups))
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_text(f'Robustness over seeds: {title}')}</title>",
            f"<style>{_STYLE}body {{ max-width: 75em; margin: 2em auto; padding: 0 1em; }}</style>",
            "</head>",
            '<body class="amrobust">',
            *bodies,
            *_problems(comparison),
            f'<p class="quiet">amrobust {_text(__version__)}</p>',
            "</body>",
            "</html>",
            "",
        ]
    )


def fragment(comparison: Comparison) -> str:
    """The same with one figure, that of the verdicts, and no page around it, for a notebook's cell."""
    named = titled(comparison)
    look = styles(named)
    parts = [_group(compared, look) for compared in named.groups]
    return "\n".join(
        [f'<div class="amrobust"><style>{_STYLE}</style>', *parts, *_problems(comparison), "</div>"]
    )


def _text(text: str) -> str:
    """Text that is shown as it is: no markup, no control characters."""
    return escape_html(escape(text), quote=True)


def with_table(heading: str, table: pd.DataFrame, lines: Iterable[str]) -> str:
    """A heading, a frame and lines under it, for a notebook's cell."""
    cells = [[_number(value) for value in row] for row in table.itertuples(index=False)]
    head = "".join(f"<th>{_text(str(name))}</th>" for name in table.columns)
    body = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in cells)
    said = list(map(_text, lines))
    return "\n".join(
        [
            f'<div class="amrobust"><style>{_STYLE}</style>',
            f"<p>{_text(heading)}</p>",
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>",
            *([_list("ul", said)] if said else []),
            "</div>",
        ]
    )


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _group(compared: GroupComparison, look: Mapping[str, Style]) -> str:
    """The verdicts first, with the figure that shows them, and what they rest on after them."""
    from amrobust.report.figures import forest

    shown = view(compared)
    parts = [f"<h2>{_text(shown.heading)}</h2>", f"<p>{_text(shown.question)}</p>"]
    if shown.pairs:
        parts.append(f"<h3>{_text(shown.tally)}</h3>")
        for pair in shown.pairs:
            parts += [f"<h3>{_text(pair.title)}</h3>", _table(claims_table(shown, CLAIMS, pair.rows))]
        parts += map(_figure, forest([compared], look)[:1])
        for pair in shown.pairs:
            sentences = [row.sentence for row in pair.rows if row.sentence]
            parts.append(_list("ul", map(_text, [*sentences, *pair.facts])))
        parts += [f'<p class="quiet">{_text(shown.levels)}</p>'] if shown.levels else []
    parts.append(_table(methods_table(shown)))
    parts += [f"<p>{_text(remark)}</p>" for remark in shown.statements]
    if shown.tuning:
        parts += ["<h3>Tuning</h3>", _list("ul", map(_text, shown.tuning))]
    if shown.notes:
        items = []
        for note in shown.notes:
            scope = f" {_text(note.scope)}." if note.scope else ""
            items.append(f"{_text(note.warning.message)} <em>Hint:</em> {_text(note.hint)}{scope}")
        parts += ["<h3>Warnings</h3>", _list("ol", items)]
    return "\n".join(parts)


def _problems(comparison: Comparison) -> list[str]:
    if not comparison.problems:
        return []
    return ["<h3>Set aside</h3>", _list("ul", [_text(problem) for problem in comparison.problems])]


def _list(kind: str, items: Iterable[str]) -> str:
    return "\n".join([f"<{kind}>", *(f"<li>{item}</li>" for item in items), f"</{kind}>"])


def _table(table: Table) -> str:
    """Words stand at the left but in the first column, which always does; a verdict has its colour."""
    head = "".join(f"<th>{_text(' '.join(column.title.split()))}</th>" for column in table.columns)
    body = []
    for row in table.rows:
        cells = []
        for place, (cell, column) in enumerate(zip(row.cells, table.columns, strict=True)):
            kinds = ["words"] if place and column.align == "left" else []
            kinds += [cell.badge.replace(" ", "-")] if cell.badge else []
            kind = f' class="{" ".join(kinds)}"' if kinds else ""
            cells.append(f"<td{kind}>{_text(cell.words)}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([f"<table><thead><tr>{head}</tr></thead><tbody>", *body, "</tbody></table>"])


def _figures(compared: GroupComparison, look: Mapping[str, Style]) -> str:
    from amrobust.report.figures import FIGURES, forest

    drawings = forest([compared], look)[1:]
    drawings += [drawing for draw in FIGURES.values() for drawing in draw(compared, look)]
    return "\n".join(["", *map(_figure, drawings)])


def _figure(drawing: Drawing) -> str:
    """As an image, so that nothing in it can act and its identifiers meet no others."""
    data = base64.b64encode(drawing.svg.encode("utf-8")).decode("ascii")
    return (
        f'<figure><img alt="{_text(drawing.alt)}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{_text(drawing.caption)}</figcaption></figure>"
    )
