"""Definitions and formulas of everything that a report shows: an entry for each test and figure that it has."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from amrobust.judge.comparison import GroupComparison, Verdict
from amrobust.report.blocks import Definitions, Entry, Span

_CATALOGUE = Path(__file__).with_name("templates") / "methods.toml"


def methods_used(groups: Sequence[GroupComparison], shown: Collection[str]) -> Definitions:
    """The entries for the tests of ``groups``, their topics, and what is ``shown``: figures and sections by name."""
    topics = {"definitions", *(_TOPICS[name] for name in shown if name in _TOPICS)}
    for compared in groups:
        topics.update(_tests(compared))
        if compared.verdicts:
            topics.add("family")
        if any(arm.tuning is not None for arm in compared.arms):
            topics.add("tuning")
        if compared.look is not None:
            topics.add("planned looks")
        if any(pair.epochs_that_differ is not None for pair in compared.pairs):
            topics.add("max-T")
        if any(pair.winning is not None for pair in compared.pairs):
            topics.add("ranks")
    return Definitions(
        tuple(
            entry for when, entry in _catalogue() if any(_meets(w, topic) for w in when for topic in topics)
        )
    )


def _meets(wanted: str, topic: str) -> bool:
    return topic.startswith(wanted[:-1]) if wanted.endswith("*") else topic == wanted


_TOPICS = {
    "stds": "simultaneous band",
    "quantiles": "quantile band",
    "exceedances": "exceedance",
    "tails": "tail table",
    "power": "power",
}


def _tests(compared: GroupComparison) -> Iterator[str]:
    for summary in compared.summaries:
        for result in (summary.final_mean, summary.final_spread, summary.avg_std, summary.on_distribution):
            if result is not None:
                yield result.test
    for verdict in compared.verdicts:
        yield from _tests_of(verdict)


def _tests_of(verdict: Verdict) -> Iterator[str]:
    for result in (verdict.interval, verdict.test, verdict.sensitivity_test):
        if result is not None:
            yield result.test
    for part in verdict.parts:
        yield from _tests_of(part)


@cache
def _catalogue() -> tuple[tuple[tuple[str, ...], Entry], ...]:
    entries: list[dict[str, Any]] = tomllib.loads(_CATALOGUE.read_text(encoding="utf-8"))["entry"]
    return tuple(
        (
            tuple(entry["when"]),
            Entry(
                entry["term"],
                _spans(entry["text"].strip()),
                Span(entry["display"], "math", entry["alt"]) if "display" in entry else None,
            ),
        )
        for entry in entries
    )


def _spans(text: str) -> tuple[Span, ...]:
    """Running text with mathematics between dollar signs, its reading behind a bar."""
    found = []
    for place, piece in enumerate(text.split("$")):
        if place % 2:
            source, _, alt = piece.partition("|")
            found.append(Span(source, "math", alt))
        elif piece:
            found.append(Span(piece))
    return tuple(found)
