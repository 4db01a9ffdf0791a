"""The tables behind the verdicts: the tests of one kind of claim, and what describes pairs beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import GroupComparison, PairFacts, Verdict
from amrobust.judge.words import counted
from amrobust.report.blocks import Cell, Column, Row, Table, typeset_table
from amrobust.report.numbers import ABSENT, p_value, percent, ratio
from amrobust.report.tables import claims_table
from amrobust.report.text import breakable, escape_prose
from amrobust.report.view import ClaimRow, View, claim_words, difference_unit, heading

_LONG_NAME = 32
"""Longer names are broken where a table would get too wide."""

Found = Sequence[tuple[Verdict, ClaimRow]]


def test_table(compared: GroupComparison, shown: View, found: Found) -> Table:
    """Claims of one kind, or several about one pair; what all rows share is said once, in the caption."""
    claims = [verdict.claim for verdict, _ in found]
    many_claims = len({row.claim for _, row in found}) > 1
    many_methods = len({(claim.method, claim.methods) for claim in claims}) > 1
    pairs = all(claim.is_about_a_pair for claim in claims)
    tests, seconds = _distinct(found, "test"), _distinct(found, "sensitivity_test")
    marks = _marks(found)
    together = len({heading(claim, compared) for claim in claims}) == 1
    names = {
        "method": many_methods or not many_claims,
        "baseline": pairs and len({claim.baseline for claim in claims}) > 1,
        "claim": many_claims,
        "test": len(tests) > 1,
        "estimate": any(row.estimate != ABSENT for _, row in found),
        "interval": any(row.interval != ABSENT for _, row in found),
        "p": True,
        "holm": True,
        "second p": len(seconds) == 1,
        "sensitivity test": len(seconds) > 1,
        "verdict": True,
        "seeds": True,
    }
    table = claims_table(shown, (name for name, wanted in names.items() if wanted), [row for _, row in found])
    titles = {"Holm p": "Holm", "check\np": "Check\np", "Seeds": "Required\nseeds"}
    if together:
        titles["Estimate"] = _estimate_heading(found, compared)
    columns = tuple(replace(column, title=titles.get(column.title, column.title)) for column in table.columns)
    rows = []
    for (_, row), printed in zip(found, table.rows, strict=True):
        first, *others = printed.cells
        # What the heading says of an estimate, its sign of a ratio or its unit, is not said again.
        others = [replace(cell, text=cell.value) if together and cell.value else cell for cell in others]
        rows.append(Row((replace(first, mark=marks.get(row.assumption, "")), *others)))
    caption = _caption(compared, found, marks)
    return typeset_table(Table(caption, columns, tuple(rows), small=True))


def _distinct(found: Found, field: str) -> dict[str, None]:
    """The different texts in a field of the rows, without empty ones and dashes."""
    return dict.fromkeys(text for _, row in found if (text := getattr(row, field)) and text != ABSENT)


def _marks(found: Found) -> dict[str, str]:
    """A letter for each assumption, where the rows differ in it."""
    assumptions = _distinct(found, "assumption")
    if len(assumptions) < 2:
        return {}
    return {text: chr(ord("a") + place % 26) for place, text in enumerate(assumptions)}


def _caption(compared: GroupComparison, found: Found, marks: Mapping[str, str]) -> str:
    claims = [verdict.claim for verdict, _ in found]
    words = _distinct(found, "claim")
    if claims[0].form.estimates == "share":
        text = "Bounds on tails"
    elif len(words) > 1:
        methods = {claim.method for claim in claims}
        text = f"All claims about {methods.pop()}" if len(methods) == 1 else "All claims"
    else:
        name = claim_words(claims[0], compared)
        text = f"{name[:1].upper()}{name[1:]}"
    baselines = {claim.baseline for claim in claims}
    if all(claim.is_about_a_pair for claim in claims) and len(baselines) == 1:
        text += f"{',' if f', {compared.axis.plural} ' in text else ''} against {baselines.pop()}"
    tests, seconds = _distinct(found, "test"), _distinct(found, "sensitivity_test")
    text += f": {next(iter(tests))}." if len(tests) == 1 else "."
    text += f" {_sides(claims)} Holm: adjusted over {counted(max(v.family_size for v, _ in found), 'claim')}."
    if len(seconds) == 1:
        text += f" 2nd opinion, which never decides: {next(iter(seconds))}."
    if any(row.seeds for _, row in found):
        text += (
            " Required seeds: per method, for 80 % power, were the estimate the truth; in brackets over what it leaves "
            "open (10 to 90 %)."
        )
    assumptions = _distinct(found, "assumption")
    if marks:
        text += f" Assumes: {'; '.join(f'({mark}) {assumption}' for assumption, mark in marks.items())}."
    elif assumptions:
        text += f" Assumes {next(iter(assumptions))}."
    return breakable(_minus(text))


def _minus(text: str) -> str:
    """``|x - median|`` with a minus sign."""
    return text.replace("|x - median|", "|x − median|")


def _sides(claims: Sequence[Claim]) -> str:
    """Which tails the p-values are of."""
    if all(claim.parts for claim in claims):
        return "p: the largest of the parts'."
    one_sided = [claim.margin is not None or claim.bound is not None for claim in claims]
    if any(one_sided) and not all(one_sided):
        return "p: two-sided, against a margin one-sided."
    return "p: one-sided." if any(one_sided) else "p: two-sided."


def _estimate_heading(found: Found, compared: GroupComparison) -> str:
    claim = found[0][0].claim
    if claim.form.estimates != "difference":
        steps = [v.claim.form.per(v.interval) for v, _ in found if v.interval is not None]
        units = dict.fromkeys(filter(None, steps))
        return claim.form.estimates.capitalize() + (f" a {' or '.join(units)}" if units else "")
    unit = escape_prose(difference_unit(compared.metric).strip())
    return f"Difference{f' ({unit})' if unit else ''}"


def facts_table(compared: GroupComparison) -> Table | None:
    """What describes the pairs and decides nothing; None where there is nothing."""
    axis = compared.axis
    pairs = [pair for pair in compared.pairs if _says_something(pair)]
    if not pairs:
        return None
    by_pair = len({pair.baseline for pair in pairs}) > 1
    tests = dict.fromkeys(pair.winning.test for pair in pairs if pair.winning is not None)
    long = any(len(name) > _LONG_NAME for pair in pairs for name in (pair.method, pair.baseline))
    share = 1.0 if long else 0.0
    columns = [Column("Method", "left", share)] + ([Column("Baseline", "left", share)] if by_pair else [])
    columns += [
        Column("Chance to\nend better"), Column(f"{percent(1 - compared.alpha)}\ninterval"), Column("p"),
        Column("Ratio of STDs at\nmatched mean"), Column(f"{axis.plural.capitalize()} whose\nSTDs differ", "left", 1.0),
    ]  # fmt: skip
    rows = []
    for pair in pairs:
        won = pair.winning
        epochs = pair.epochs_that_differ
        cells = [breakable(pair.method)] + ([breakable(pair.baseline)] if by_pair else [])
        cells += [f"{won.estimate:.2f}" if won is not None and won.estimate is not None else ABSENT]
        cells += [f"[{won.low:.2f}, {won.high:.2f}]" if won is not None and won.low is not None else ABSENT]
        cells += [p_value(won.p) if won is not None else ABSENT, ratio(pair.at_matched_level)]
        cells += [ABSENT if epochs is None else axis.spans(epochs) or "none"]
        rows.append(Row(tuple(Cell(cell) for cell in cells)))
    caption = "Beside the claims: descriptions on which no verdict rests"
    caption += f". Chance to end better: {', '.join(tests)}" if tests else ""
    caption += f"; {axis.plural}: adjusted over all {axis.plural} of a pair (max-T)."
    if compared.baseline and not by_pair:
        caption = caption.replace("Beside the claims", f"Beside the claims, against {pairs[0].baseline}")
    return Table(breakable(caption), tuple(columns), tuple(rows), small=True)


def _says_something(pair: PairFacts) -> bool:
    return (
        pair.winning is not None or pair.epochs_that_differ is not None or pair.at_matched_level is not None
    )
