"""The first page: the question, what was found about every claim, and the figure that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from amrobust.judge.comparison import Comparison, GroupComparison, Verdict
from amrobust.judge.declaration import together
from amrobust.judge.endpoints import best_of
from amrobust.judge.verdicts import called
from amrobust.judge.words import counted
from amrobust.report.annex import left_out
from amrobust.report.blocks import (
    Block,
    Callout,
    Heading,
    Paragraph,
    Sentence,
    Sentences,
    Span,
    placed,
    plain,
)
from amrobust.report.figures import FIGURES, forest
from amrobust.report.headlines import headlines
from amrobust.report.names import brief, group_names, spelled
from amrobust.report.overview import over_settings, overview, table_first
from amrobust.report.style import Style
from amrobust.report.tables import results_table
from amrobust.report.text import breakable, prose
from amrobust.report.view import OUTCOMES, View, introduced
from amrobust.runs.workload import shared_and_own

_MOST_HEADLINES = 4
_MOST_LETTERS = 2_300
"""Beyond either of these headlines do not fit on the first page."""
_MOST_METHODS = 8
"""Methods whose table fits on the first page beside their headlines."""
_MOST_REASONS = 4
_MOST_ROWS = 30
"""Rows of a figure of several settings that fits on the first page beside the table of their verdicts."""
_EPOCHS = 3
"""The place of the epochs among the parts of a setup."""


def summary(
    comparison: Comparison, views: Sequence[View], look: Mapping[str, Style], whole: Comparison | None = None
) -> list[Block]:
    """The blocks of the first page; ``whole`` is the comparison with the methods that the report does not go into."""
    whole = whole or comparison
    groups = comparison.groups
    verdicts = [v for compared in groups for v in compared.verdicts]
    methods = [len(compared.methods) for compared in whole.groups]
    blocks: list[Block] = [plain(breakable(question), "question") for question in _questions(groups)]
    blocks += [plain(" · ".join(part), "setup") for part in _setups(groups, views, methods)]
    declared = together([j.declaration for j in groups if j.declaration is not None])
    blocks += [plain(declared.sentence, "small")] if declared is not None else []
    blocks += _warnings(comparison, verdicts)
    if verdicts:
        blocks.append(_lead([v for compared in whole.groups for v in compared.verdicts]))
        blocks += left_out(whole)
        blocks += _verdicts(groups, views)
    blocks += _key_figure(groups, look)
    count = sum(len(shown.notes) for shown in views)
    if count:
        are = "One warning applies" if count == 1 else f"{count} warnings apply"
        blocks.append(plain(f"{are} to these results; each is given with its hint under Warnings.", "small"))
    return blocks


def _questions(groups: Sequence[GroupComparison]) -> list[str]:
    """The question of each group, once; those that differ in the workload alone are one about all of them."""
    found = list(dict.fromkeys(j.question.replace(j.workload, brief(j.setting)) for j in groups))
    if len(found) > 1:
        everywhere = f"each of {len(groups)} settings"
        merged = {compared.question.replace(compared.workload, everywhere) for compared in groups}
        found = [*merged] if len(merged) == 1 else found
    return found


def headlines_first(groups: Sequence[GroupComparison], views: Sequence[View]) -> bool:
    """Whether the first page has a headline for every pair and sweep, and not a table of verdicts, as of several settings."""
    if len({compared.setting.usually_measured for compared in groups}) != 1:
        return False
    lines = [
        line
        for each, shown in zip(groups, views, strict=True)
        for line in headlines(each, shown.rows, groups)
    ]
    letters = sum(len(text) for line in lines for _, text in line.found)
    return len(lines) <= _MOST_HEADLINES and letters <= _MOST_LETTERS


def verdict_sentences(compared: GroupComparison) -> Sentences:
    """Every verdict in words."""
    return Sentences(tuple(Sentence(v.outcome, prose(v.sentence)) for v in compared.verdicts))


def _setups(
    groups: Sequence[GroupComparison], views: Sequence[View], methods: Sequence[int]
) -> list[list[str]]:
    """What was compared, in a line; several groups share one where they differ in the workload alone."""
    found = [
        [breakable(part) for part in _setup(compared, shown, count)]
        for compared, shown, count in zip(groups, views, methods, strict=True)
    ]
    everywhere = {tuple(parts[:_EPOCHS][1:] + parts[_EPOCHS + 1 :]) for parts in found}
    if len(everywhere) == 1 < len(found):
        own = shared_and_own([compared.setting for compared in groups])
        where = f"{len(found)} settings: {', '.join(parts[0] for parts in found)}"
        if own is not None:
            each = dict.fromkeys(", ".join(workload.texts) for workload in own[1])
            between = "; " if any(", " in text for text in each) else ", "
            where = breakable(f"{len(found)} settings of {own[0].label}: {between.join(each)}")
        epochs = " or ".join(dict.fromkeys(parts[_EPOCHS] for parts in found))
        return [[where, *found[0][1:_EPOCHS], epochs, *found[0][_EPOCHS + 1 :]]]
    return found


def _setup(compared: GroupComparison, shown: View, methods: int) -> list[str]:
    counts = sorted({row.n for row in shown.methods})
    seeds = (
        f"{counted(counts[0], 'seed')} per method"
        if counts[0] == counts[-1]
        else f"{counts[0]} to {counts[-1]} seeds"
    )
    axis = compared.axis
    epochs = axis.words
    if compared.first_epoch > 1:
        epochs += f" (assessed from {axis.quantity} {axis.at(compared.first_epoch)})"
    parts = [
        spelled(compared.setting),
        introduced(compared.metric),
        counted(methods, "method"),
        epochs,
        seeds,
    ]
    if any(not pair.sweep and pair.method != pair.baseline for pair in shown.pairs):
        parts.append(f"baseline {compared.baseline}")
    if (chooser := best_of(compared.final)) is not None:
        parts.append(f"final value: where {chooser.replace('_', ' ')} is best")
    elif compared.final != "last":
        parts.append(f"final value: mean of the last {compared.final.removeprefix('mean:')} {axis.plural}")
    return parts


def _lead(verdicts: Sequence[Verdict]) -> Paragraph:
    """How many claims ended how; one claim is answered by its sentence alone."""
    counts = Counter(v.outcome for v in verdicts)
    total = len(verdicts)
    if total == 1:
        return Paragraph((Span("One claim was tested."),), "lead")
    parts = [f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome]]
    if len(parts) == 1:
        return Paragraph((Span(f"All {total} claims: {next(iter(counts))}."),), "lead")
    return Paragraph((Span(f"Of {total} claims: {', '.join(parts)}."),), "lead")


def _warnings(comparison: Comparison, verdicts: Sequence[Verdict]) -> list[Block]:
    """What must not be missed: claims that are not assessable and why, and runs that were set aside."""
    found: list[Block] = []
    if not comparison.groups:
        found.append(
            Callout("Nothing could be assessed", tuple(breakable(problem) for problem in comparison.problems))
        )
        return found
    if all(len(compared.arms) == 1 for compared in comparison.groups):
        text = "There is one method here: its own numbers are given, and no claim is made about them."
        found.append(Callout("Nothing is compared", (text,)))
    refused = [v for v in verdicts if v.outcome == "not assessable"]
    if refused:
        if len(refused) == len(verdicts):
            title = (
                "The claim is not assessable"
                if len(verdicts) == 1
                else f"None of the {len(verdicts)} claims is assessable"
            )
        else:
            title = f"{len(refused)} of {len(verdicts)} claims are not assessable"
        reasons = list(dict.fromkeys(reason for j in comparison.groups for reason in _reasons(j)))
        lines = [prose(reason) for reason in reasons[:_MOST_REASONS]]
        if len(reasons) > _MOST_REASONS:
            lines.append(f"And {len(reasons) - _MOST_REASONS} more reasons, each with its claim below.")
        found.append(Callout(title, tuple(lines)))
    if comparison.problems:
        what = "1 run was" if len(comparison.problems) == 1 else f"{len(comparison.problems)} runs were"
        found.append(
            Callout(
                f"{what} set aside",
                (breakable(comparison.problems[0]),)
                if len(comparison.problems) == 1
                else ("Each with its reason under Warnings.",),
            )
        )
    return found


def _reasons(compared: GroupComparison) -> list[str]:
    """Why claims are not assessable: their sentences without the claims themselves."""
    found = []
    for verdict in compared.verdicts:
        if verdict.outcome == "not assessable":
            said = called(verdict.claim, compared.titles)
            opening = f"Not assessable: {said.form.statement(said, compared.metric, compared.axis)}, since "
            reason = verdict.sentence.removeprefix(opening)
            named = any(reason.startswith(arm.title) for arm in compared.arms)
            found.append(reason if named else reason[:1].upper() + reason[1:])
    return found


def _verdicts(groups: Sequence[GroupComparison], views: Sequence[View]) -> list[Block]:
    if headlines_first(groups, views):
        blocks: list[Block] = []
        for name, compared, shown in zip(group_names(groups), groups, views, strict=True):
            if len(groups) > 1 and compared.verdicts:
                blocks.append(Heading(breakable(name), 1))
            for line in headlines(compared, shown.rows, groups):
                blocks.append(Paragraph((Span(breakable(line.title), "strong"),), "headline"))
                blocks.append(
                    Sentences(tuple(Sentence(outcome, prose(text)) for outcome, text in line.found))
                )
        if len(groups) == 1 and len(groups[0].arms) <= _MOST_METHODS:
            blocks.append(results_table(groups[0], views[0]))
        return blocks
    if table_first(groups):
        return [overview(groups)]
    table = over_settings(groups)
    return [table, *_decided(groups)] if table is not None else []


def _decided(groups: Sequence[GroupComparison]) -> list[Block]:
    """Where the figure of all settings does not fit beside their table: the decided claims in sentences, if they do."""
    pairs = {(i, v.claim.method, v.claim.baseline) for i, j in enumerate(groups) for v in j.verdicts}
    decided = [
        Sentence(verdict.outcome, prose(f"{name}: {verdict.sentence}"))
        for name, compared in zip(group_names(groups), groups, strict=True)
        for verdict in compared.verdicts
        if verdict.outcome in ("supported", "refuted")
    ]
    letters = sum(len(sentence.text) for sentence in decided)
    if len(pairs) + len(groups) <= _MOST_ROWS or letters > _MOST_LETTERS or not decided:
        return []
    return [plain("The decided claims:"), Sentences(tuple(decided))]


def _key_figure(groups: Sequence[GroupComparison], look: Mapping[str, Style]) -> list[Block]:
    """The figure that shows the verdicts: of the first claim's kind, or, over several groups, intervals of pairs."""
    claims = [v.claim for compared in groups for v in compared.verdicts]
    names = ["forest"]
    names += [
        name for name in ("sweeps", "exceedances") if any(claim.form.figure == name for claim in claims)
    ]
    if len(groups) == 1 and claims:
        names = list(dict.fromkeys((claims[0].form.figure, *names)))
    for name in (*names, "finals"):
        if name == "forest":
            found = forest(groups, look)
        else:
            found = [drawing for compared in groups for drawing in FIGURES[name](compared, look)]
        if found:
            return placed(found[:1], name)
    return []
