"""The report put together: sections of blocks, numbered, as plain data for the templates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from amrobust import __version__
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.annex import annex, foremost
from amrobust.report.appendix import made_with, reproduce
from amrobust.report.blocks import Block, Code, Facts, Figure, Listing, Section, Table, plain
from amrobust.report.evidence import EVIDENCE, Material
from amrobust.report.layout import Layout
from amrobust.report.methods import methods_used
from amrobust.report.names import brief, titled
from amrobust.report.notes import notes
from amrobust.report.overview import over_settings, table_first
from amrobust.report.places import command_without_places, without_places
from amrobust.report.style import styles
from amrobust.report.summary import headlines_first, summary
from amrobust.report.text import breakable, escape_prose
from amrobust.report.view import quantity, view
from amrobust.runs.workload import shared_and_own

_LONG_TITLE = 50


def document(comparison: Comparison, layout: Layout | None = None) -> dict[str, Any]:
    """Everything printed in the report, ready for JSON; every string is text to be shown as it is.

    ``sections`` hold ``blocks``, whose ``kind`` says how they are to be set (:mod:`amrobust.report.blocks`).
    """
    layout = layout or Layout()
    if layout.provenance != "full":
        comparison = without_places(comparison)
        layout = replace(layout, command=layout.command and command_without_places(layout.command))
    return {
        "title": escape_prose(layout.title) if layout.title else _title(comparison),
        "authors": [escape_prose(author) for author in layout.authors],
        "paper": layout.paper,
        "version": __version__,
        "sections": [asdict(section) for section in _numbered(_sections(comparison, layout))],
    }


def _title(comparison: Comparison) -> str:
    workloads = list(dict.fromkeys(brief(compared.setting) for compared in comparison.groups))
    if not workloads:
        return "Robustness over seeds"
    shown = " and ".join(workloads)
    if len(shown) > _LONG_TITLE and len(workloads) > 1:
        others = "another setting" if len(workloads) == 2 else f"{len(workloads) - 1} other settings"
        shown = f"{workloads[0]} and {others}"
    return escape_prose(f"Robustness over seeds on {shown}")


def _sections(comparison: Comparison, layout: Layout) -> list[Section]:
    """The sections asked for that have something to say, in the order asked for.

    Those about one group stand together under its heading, where there are several.
    """
    named, whole = comparison, titled(comparison)
    comparison = replace(whole, groups=tuple(map(foremost, whole.groups)))
    look = styles(comparison)
    views = [replace(view(compared), notes=notes(compared, in_ranges=True)) for compared in comparison.groups]
    alone = len(comparison.groups) == 1
    in_headlines = headlines_first(comparison.groups, views)
    in_table = table_first(comparison.groups) or over_settings(comparison.groups) is not None
    answered = "answer" in layout.sections
    materials = [
        Material(
            compared,
            shown,
            look,
            answered and in_headlines,
            answered and in_table and not in_headlines,
            declared,
        )
        for compared, shown, declared in zip(comparison.groups, views, named.groups, strict=True)
    ]
    own = [name for name in layout.sections if name in EVIDENCE or name == "reproduce"]
    found: list[Section] = []
    for name in layout.sections:
        if name == "answer":
            found.append(Section(name, "", tuple(summary(comparison, views, look, whole))))
        elif name == "methods" and comparison.groups:
            # Filled in below: it explains what the other sections turn out to show.
            found.append(Section(name, "Methods", ()))
        elif alone and name in own:
            found += _of_group(materials[0], name, layout, 1)
        elif own and name == own[0]:
            for heading, material in zip(_headings(comparison.groups), materials, strict=True):
                evidence = [part for each in own for part in _of_group(material, each, layout, 2)]
                found.append(Section("group", f"Evidence: {breakable(heading)}", (), new_page=True))
                found += evidence
        if name == "warnings" and comparison.problems:
            found.append(Section(name, "Set aside", (Listing(tuple(map(breakable, comparison.problems))),)))
    if "verdicts" in layout.sections:
        found += annex(whole)
    shown = {block.name for section in found for block in section.blocks if isinstance(block, Figure)}
    tables = {section.name for section in found if any(isinstance(block, Table) for block in section.blocks)}
    explained = methods_used(comparison.groups, shown | tables)
    if "reproduce" in layout.sections:
        found.append(Section("reproduce", "", (Facts((("", (made_with(),)),)),)))
    filled = [replace(s, blocks=(explained,)) if s.name == "methods" else s for s in found]
    return list(_claims_once(filled))


def _headings(groups: Sequence[GroupComparison]) -> list[str]:
    """What each group is about: its workload without what all settings share, the metric, the epochs."""
    own = shared_and_own([compared.setting for compared in groups])
    if own is None:
        names = [brief(compared.setting) for compared in groups]
    else:
        names = [", ".join((each.name, *each.texts)) for each in own[1]]
    return [
        f"{name}, {quantity(compared.metric)}, {compared.axis.words}"
        for name, compared in zip(names, groups, strict=True)
    ]


def _claims_once(sections: Iterable[Section]) -> Iterator[Section]:
    """Claims that were printed in full for one setting are referred to by the next."""
    printed: set[Code] = set()
    for section in sections:
        blocks: list[Block] = []
        for block in section.blocks:
            if isinstance(block, Code) and block in printed:
                blocks[-1] = plain("The claims are those of the setting above.")
                continue
            blocks.append(block)
            if isinstance(block, Code):
                printed.add(block)
        yield replace(section, blocks=tuple(blocks))


def _of_group(material: Material, name: str, layout: Layout, level: int) -> list[Section]:
    if name == "reproduce":
        blocks, title = reproduce(material.declared, layout, level), "How to reproduce this"
    else:
        title, make = EVIDENCE[name]
        blocks = make(material)
    # A first page that has room for neither headlines nor a table of verdicts is full.
    full = level == 1 and not material.in_headlines and not material.in_table
    return [Section(name, title, tuple(blocks), level, full and name == "verdicts")] if blocks else []


def _numbered(sections: Iterable[Section]) -> Iterator[Section]:
    """Figures and tables with their numbers; one that the first page has is not shown again."""
    seen: set[tuple[str, object]] = set()
    counts = {"figure": 0, "table": 0}
    for section in sections:
        blocks: list[Block] = []
        for block in section.blocks:
            if isinstance(block, (Figure, Table)):
                content = (
                    block.kind,
                    block.svg if isinstance(block, Figure) else (block.columns, block.rows),
                )
                if content in seen:
                    continue
                if section.name == "answer":
                    seen.add(content)
                counts[block.kind] += 1
                block = replace(block, number=counts[block.kind])
            blocks.append(block)
        if blocks or section.name == "group":
            yield replace(section, blocks=tuple(blocks))
