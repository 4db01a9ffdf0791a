"""The evidence behind the first page: a function a section, from one group to its blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from amrobust.judge.comparison import GroupComparison, Verdict
from amrobust.report.blocks import (
    Block,
    Listing,
    Sentences,
    Warned,
    Warnings,
    placed,
    plain,
)
from amrobust.report.figures import FIGURES, forest
from amrobust.report.overview import overview
from amrobust.report.remarks import tuning_lines
from amrobust.report.style import Style
from amrobust.report.summary import verdict_sentences
from amrobust.report.tables import beside_published, results_table
from amrobust.report.tailtable import tail_numbers
from amrobust.report.testtable import facts_table, test_table
from amrobust.report.text import breakable, prose
from amrobust.report.view import ClaimRow, View, heading

_MOST_SENTENCES = 40
"""Beyond this many claims the tables say it all, and only what they cannot hold is said in sentences too."""


@dataclass(frozen=True)
class Material:
    """What the sections of one group are made from."""

    compared: GroupComparison
    shown: View
    look: Mapping[str, Style]
    in_headlines: bool
    """Whether the first page has a headline for every pair and sweep."""
    in_table: bool
    """Whether it has a table of verdicts."""
    declared: GroupComparison
    """The group with the names of its methods, as commands and claims files have them, not their titles."""


def verdicts(material: Material) -> list[Block]:
    """Every verdict in a sentence, and their table, unless the first page has headlines; the tables of tests have the rest."""
    compared = material.compared
    if not compared.verdicts or material.in_headlines:
        return []
    blocks: list[Block] = []
    table = overview([compared])
    if not material.in_table and 1 < len(table.columns) <= 7 and len(table.rows) > 1:
        blocks.append(table)
    sentences = verdict_sentences(compared)
    if len(compared.verdicts) > _MOST_SENTENCES:
        kept = tuple(
            sentence
            for sentence, verdict in zip(sentences.items, compared.verdicts, strict=True)
            if verdict.outcome == "not assessable" or verdict.parts
        )
        sentences = Sentences(kept)
    return [*blocks, sentences] if sentences.items else blocks


def results(material: Material) -> list[Block]:
    """The methods' own numbers, and every seed's final value."""
    blocks: list[Block] = [results_table(material.compared, material.shown)]
    beside = beside_published(material.compared, material.shown)
    blocks += [beside] if beside is not None else []
    blocks += [plain(prose(remark)) for remark in material.shown.remarks]
    return blocks + placed(FIGURES["finals"](material.compared, material.look), "finals")


def training(material: Material) -> list[Block]:
    """What happens along training."""
    compared, look = material.compared, material.look
    return [
        *placed(FIGURES["curves"](compared, look), "curves"),
        *placed(FIGURES["stds"](compared, look), "stds"),
    ]


def sweep(material: Material) -> list[Block]:
    """Accuracy and spread against a swept hyperparameter."""
    return placed(FIGURES["sweeps"](material.compared, material.look), "sweeps")


def equivalence(material: Material) -> list[Block]:
    """Differences of means against their margin."""
    return placed(FIGURES["equivalence"](material.compared, material.look), "equivalence")


def tails(material: Material) -> list[Block]:
    """Quantiles, exceedance and bounds."""
    compared, look = material.compared, material.look
    figures = [
        figure
        for name in ("quantiles", "exceedances")
        for figure in placed(FIGURES[name](compared, look), name)
    ]
    return [*tail_numbers(compared), *figures] if figures else []


def power(material: Material) -> list[Block]:
    """What the study could have found."""
    return placed(FIGURES["power"](material.compared, material.look), "power")


def tests(material: Material) -> list[Block]:
    """The intervals, a table of tests for each kind of claim, and what describes the pairs."""
    compared, shown = material.compared, material.shown
    kinds: dict[str, list[tuple[Verdict, ClaimRow]]] = {}
    for verdict, row in zip(compared.verdicts, shown.rows, strict=True):
        kinds.setdefault(heading(verdict.claim, compared), []).append((verdict, row))
    blocks: list[Block] = placed(forest([compared], material.look), "forest") if compared.verdicts else []
    tables = _merged(list(kinds.values()))
    # Why a claim is not assessable stands in its sentence: a table of nothing else would be one of dashes.
    blocks += [
        test_table(compared, shown, found)
        for found in tables
        if any(verdict.outcome != "not assessable" for verdict, _ in found)
    ]
    facts = facts_table(compared)
    blocks += [facts] if facts is not None else []
    titles = compared.titles
    for verdict, row in zip(compared.verdicts, shown.rows, strict=True):
        pair = f"{titles[verdict.claim.method]} against {titles[verdict.claim.baseline]}"
        blocks += [plain(prose(f"{pair}, {text}"), "small") for text in row.tipping]
    return blocks


def _merged(tables: list[list[tuple[Verdict, ClaimRow]]]) -> list[list[tuple[Verdict, ClaimRow]]]:
    """The tables; where those about pairs have one claim each, all about one pair, they are one."""
    about_pairs = [found for found in tables if found[0][0].claim.is_about_a_pair]
    claims = [verdict.claim for found in about_pairs for verdict, _ in found]
    if (
        len(about_pairs) < 2
        or len(claims) > len(about_pairs)
        or len({(c.method, c.baseline) for c in claims}) > 1
    ):
        return tables
    return [
        [item for found in about_pairs for item in found],
        *(found for found in tables if found not in about_pairs),
    ]


def tuning(material: Material) -> list[Block]:
    """How each method's hyperparameters were chosen, also where that is not known."""
    return [Listing(tuple(prose(line) for line in tuning_lines(material.compared)))]


def warnings(material: Material) -> list[Block]:
    """Warnings with their hints."""
    items = tuple(
        Warned(prose(note.warning.message), breakable(note.hint), breakable(note.scope))
        for note in material.shown.notes
    )
    return [Warnings(items)] if items else []


EVIDENCE: dict[str, tuple[str, Callable[[Material], list[Block]]]] = {
    "verdicts": ("Verdicts, one by one", verdicts),
    "results": ("Results", results),
    "training": ("Along training", training),
    "sweep": ("Sweep", sweep),
    "tests": ("Tests", tests),
    "equivalence": ("Equivalence", equivalence),
    "tails": ("Tails", tails),
    "power": ("Power", power),
    "tuning": ("How each method was tuned", tuning),
    "warnings": ("Warnings", warnings),
}
"""The sections about one group: their titles, and what makes them."""
