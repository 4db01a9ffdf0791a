"""What the report says, as plain data for its template: the template sets it and adds nothing to it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from amrobust import __version__
from amrobust.claims.judgement import Comparison, Judgement
from amrobust.claims.rules import Rules, Selection
from amrobust.report.drawing import Drawing, Style, styles
from amrobust.report.figures import FIGURES
from amrobust.report.forest import forest
from amrobust.report.numbers import ABSENT
from amrobust.report.text import printable
from amrobust.report.view import View, claim_words, quantity, view

_SENTENCES_ON_PAGE_ONE = 8
_BREAK_AFTER = re.compile(r"([/\],=_;:+-])(?=\S)")
_UNBROKEN = re.compile(r"(\S{18})(?=\S)")
_NEGATIVE = re.compile(r"(?<=[\s(\[])-(?=\d)")
_AROUND_EQUALS = re.compile(r"(?<=\w) ([=<]) (?=[\d−])")
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%)")
_EXPONENT = re.compile(r"(?<=\d)e([+-])0*(\d+)")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_DIGEST = re.compile(r"[0-9a-f]{32,64}")
ZERO_WIDTH_SPACE = "\u200b"


def document(comparison: Comparison, title: str | None = None) -> dict[str, Any]:
    """Everything printed in the report, ready for JSON; every string is text to be shown as it is."""
    look = styles(comparison)
    groups = [_group(judgement, look) for judgement in comparison.judgements]
    return {
        "title": printable(title) if title else _title(comparison),
        "version": __version__,
        "groups": groups,
        "problems": [breakable(problem) for problem in comparison.problems],
    }


def breakable(text: str) -> str:
    """``text`` made printable, with places to break long words: after punctuation, or every 18 characters."""
    words = []
    for word in printable(text).split(" "):
        if len(word) > 18:
            pieces = _BREAK_AFTER.sub(rf"\1{ZERO_WIDTH_SPACE}", word).split(ZERO_WIDTH_SPACE)
            word = ZERO_WIDTH_SPACE.join(_UNBROKEN.sub(rf"\1{ZERO_WIDTH_SPACE}", piece) for piece in pieces)
        words.append(word)
    return " ".join(words)


def _prose(text: str) -> str:
    """A sentence with numbers: minus signs, and no line break inside ``p = 0.031`` or before a unit."""
    text = _NEGATIVE.sub("−", breakable(text))
    return _BEFORE_UNIT.sub("\u00a0", _AROUND_EQUALS.sub("\u00a0\\1\u00a0", text))


def typeset(number: str) -> str:
    """A printed number with a minus sign for its hyphens and powers of ten for its exponents."""

    def power(match: re.Match[str]) -> str:
        exponent = match[2] if match[1] == "+" else f"-{match[2]}"
        return f" × 10{exponent.translate(_SUPERSCRIPT)}"

    return _EXPONENT.sub(power, number).replace("-", "−")


def _title(comparison: Comparison) -> str:
    workloads = list(dict.fromkeys(judgement.workload for judgement in comparison.judgements))
    if not workloads:
        return "Robustness over seeds"
    return printable(f"Robustness over seeds on {' and '.join(workloads)}")


def _group(judgement: Judgement, look: Mapping[str, Style]) -> dict[str, Any]:
    shown = view(judgement)
    claims = sum(len(pair.rows) for pair in shown.pairs)
    assumptions = _assumptions(shown)
    figures = {name: [_drawing(d) for d in draw(judgement, look)] for name, draw in FIGURES.items()}
    overview = forest(judgement, look)
    return {
        "heading": printable(shown.heading),
        "workload": printable(judgement.workload),
        "quantity": printable(quantity(judgement.metric)),
        "unit": printable(shown.unit),
        "question": breakable(shown.question),
        "setup": [breakable(part) for part in _setup(judgement, shown)],
        "tally": shown.tally,
        "claims": claims,
        "family": max((verdict.family_size for verdict in judgement.verdicts), default=0),
        "sentences_first": claims <= _SENTENCES_ON_PAGE_ONE,
        "matrix": _matrix(judgement, shown),
        "methods": [_texts(asdict(row) | {"seeds": row.seeds}) for row in shown.methods],
        "method_interval": shown.method_interval,
        "averages": any(row.avg_std != ABSENT for row in shown.methods),
        "pairs": [
            {
                "method": breakable(pair.method),
                "baseline": breakable(pair.baseline),
                "title": breakable(pair.title),
                "facts": [_prose(sentence) for sentence in pair.facts],
                "rows": [
                    {
                        **_texts(asdict(row) | {"verdict": row.verdict, "second": row.second}),
                        "sentence": _prose(row.sentence),
                        "mark": assumptions.get(row.assumption, ""),
                    }
                    for row in pair.rows
                ],
            }
            for pair in shown.pairs
        ],
        "remarks": [_prose(remark) for remark in shown.remarks],
        "claim_interval": shown.claim_interval,
        "levels": shown.levels,
        "last": judgement.final == "last",
        "second_opinions": any(row.second_opinion for pair in shown.pairs for row in pair.rows),
        "assumptions": [{"mark": mark, "text": printable(text)} for text, mark in assumptions.items()],
        "alpha": f"{judgement.alpha:g}",
        "margins": any(v.claim.margin is not None for v in judgement.verdicts),
        "notes": [
            {
                "message": _prose(note.caution.message),
                "remedy": breakable(note.remedy),
                "scope": breakable(note.scope),
            }
            for note in shown.notes
        ],
        "forest": _drawing(overview) if overview is not None else None,
        "figures": figures,
        "appendix": _appendix(judgement),
    }


def _texts(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row's names broken where they may be, its numbers typeset; the rest as it is."""
    words = ("method", "claim", "test", "second", "verdict", "outcome")
    return {
        key: (breakable(value) if key in words else typeset(value)) if isinstance(value, str) else value
        for key, value in row.items()
    }


def _drawing(drawing: Drawing) -> dict[str, str]:
    return {"svg": drawing.svg, "caption": printable(drawing.caption), "alt": printable(drawing.alt)}


def _setup(judgement: Judgement, shown: View) -> list[str]:
    counts = sorted({row.n for row in shown.methods})
    seeds = f"{counts[0]} seeds a method" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]} seeds"
    epochs = f"{judgement.epochs} epoch{'s' if judgement.epochs != 1 else ''}"
    if judgement.first_epoch > 1:
        epochs += f" (judged from epoch {judgement.first_epoch})"
    parts = [judgement.workload, quantity(judgement.metric), epochs, seeds]
    if shown.pairs:
        parts.append(f"baseline {judgement.baseline}")
    if judgement.final != "last":
        parts.append(f"final value: mean of the last {judgement.final.removeprefix('mean:')} epochs")
    return parts


def _matrix(judgement: Judgement, shown: View) -> dict[str, Any]:
    """Verdicts at a glance: a row a pair, a column a kind of claim."""
    kinds = list(dict.fromkeys(claim_words(v.claim, judgement.metric) for v in judgement.verdicts))
    baselines = {pair.baseline for pair in shown.pairs if not pair.sweep}
    one_baseline = len(baselines) == 1
    rows = []
    for pair in shown.pairs:
        cells: dict[str, dict[str, str]] = {
            row.claim: {"outcome": row.outcome, "estimate": typeset(row.estimate)} for row in pair.rows
        }
        name = pair.method if one_baseline else f"{pair.method} vs {pair.baseline}"
        name = f"{pair.sweep[0]} … {pair.sweep[-1]}" if pair.sweep else name
        rows.append({"name": breakable(name), "cells": [cells.get(kind) for kind in kinds]})
    heading = f"Against {baselines.pop()}" if one_baseline else "Method vs baseline"
    return {"heading": breakable(heading), "kinds": [printable(kind) for kind in kinds], "rows": rows}


def _assumptions(shown: View) -> dict[str, str]:
    """Each distinct assumption with the letter that refers to it."""
    found = dict.fromkeys(row.assumption for pair in shown.pairs for row in pair.rows if row.assumption)
    return {text: _letters(place) for place, text in enumerate(found)}


def _letters(place: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    head, tail = divmod(place, len(letters))
    return (letters[head - 1] if head else "") + letters[tail]


def _appendix(judgement: Judgement) -> dict[str, Any]:
    """How to reproduce the runs and the report, and what was recorded about each method's runs."""
    facts = {arm.method: {**_own_facts(judgement, arm.method), **arm.facts} for arm in judgement.arms}
    commands = dict.fromkeys(values.pop("command") for values in facts.values() if "command" in values)
    keys = dict.fromkeys(key for values in facts.values() for key in values)
    common = {
        key: next(iter(facts.values()))[key]
        for key in keys
        if len(facts) > 1 and len({values.get(key) for values in facts.values()}) == 1
    }
    digests = {"data digest": judgement.data_digest, "x0 digest": judgement.x0_digest}
    shared = {key: value for key, value in digests.items() if value and key not in keys} | common
    return {
        "commands": [
            [_pieces(words) for words in re.split(r" (?=-)", printable(command))]
            for command in (*commands, _report_command(judgement))
        ],
        "shared": [_fact(key, value) for key, value in shared.items()],
        "methods": [
            {
                "method": breakable(method),
                "facts": [_fact(key, value) for key, value in values.items() if key not in common],
            }
            for method, values in facts.items()
        ],
    }


def _pieces(words: str) -> list[str]:
    """A part of a command in one piece, or in lines where it is too long for one."""
    size = 72
    return [words] if len(words) < size else [words[i : i + size] for i in range(0, len(words), size)]


def _fact(key: str, value: str) -> dict[str, Any]:
    """A line of the appendix; a digest is set in a typewriter face and kept whole."""
    digest = bool(_DIGEST.fullmatch(value))
    return {"key": breakable(key), "value": value if digest else breakable(value), "digest": digest}


def _own_facts(judgement: Judgement, method: str) -> dict[str, str]:
    arm = next(arm for arm in judgement.arms if arm.method == method)
    facts = {"seeds": _ranges(arm.seeds)}
    if arm.diverged:
        facts["diverged seeds"] = _ranges(arm.diverged)
    return facts


def _ranges(seeds: tuple[int, ...]) -> str:
    """``0–19, 25`` for sorted runs of consecutive seeds."""
    spans: list[list[int]] = []
    for seed in sorted(seeds):
        if spans and seed == spans[-1][1] + 1:
            spans[-1][1] = seed
        else:
            spans.append([seed, seed])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in spans)


def _report_command(judgement: Judgement) -> str:
    """The command that makes this report from the runs, with every option that is not at its default."""
    selection, rules = judgement.selection or Selection(), judgement.rules or Rules()
    metric = judgement.metric.name.removeprefix(f"{selection.scale}_")
    words = ["amrobust", "report", "RUNS", "-o", "report.pdf", "--metric", metric]
    if judgement.verdicts:
        words += [
            "--baseline",
            judgement.baseline,
            "--test",
            judgement.test,
            "--alpha",
            f"{judgement.alpha:g}",
        ]
    margins = {v.claim.margin for v in judgement.verdicts if v.claim.margin is not None}
    values = {
        "--margin": f"{margins.pop():g}" if len(margins) == 1 else "",
        "--final": judgement.final if judgement.final != "last" else "",
        "--center": rules.centre if rules.centre != Rules.centre else "",
        "--pairs": selection.pairs if selection.pairs != Selection.pairs else "",
        "--looks": ",".join(map(str, rules.looks)),
        "--scale": selection.scale if selection.scale != "none" else "",
        "--align": selection.align if selection.align != "refuse" else "",
    }
    words += [word for option, value in values.items() if value for word in (option, value)]
    flags = {"--survivors": selection.survivors, "--allow-different-x0": selection.allow_different_x0}
    return shlex.join([*words, *(flag for flag, given in flags.items() if given)])
