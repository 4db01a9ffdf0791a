"""The calibration study as Markdown for people and CSV for machines."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from amrobust import __version__
from amrobust.errors import RunError
from amrobust.runs.output import make_directory, write_output
from amrobust.stats.calibration import Figure

TABLE, PAGE = "figures.csv", "README.md"


def write_calibration(figures: Sequence[Figure], topics: Sequence[str], directory: Path) -> None:
    """Write ``figures.csv`` (one row a figure) and ``README.md`` into ``directory``.

    What the directory has of ``topics``, all that the study knows, stays where ``figures`` have none of that topic. Raises
    UserError where it is no place for files, RunError where it cannot be read or written.
    """
    make_directory(directory)
    place = directory / TABLE
    try:
        there = _read(place) if place.exists() else []
    except (OSError, ValueError) as error:
        raise RunError(f"cannot read {place}: {error}") from None
    measured = {figure.topic for figure in figures}
    kept = [*figures, *(figure for figure in there if figure.topic not in measured)]
    ordered = [figure for topic in topics for figure in kept if figure.topic == topic]
    table = io.StringIO()
    writer = csv.DictWriter(
        table, [*(field.name for field in fields(Figure)), "outside"], lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows({**asdict(figure), "outside": figure.outside} for figure in ordered)
    write_output(place, table.getvalue().encode("utf-8"))
    write_output(directory / PAGE, page(ordered).encode("utf-8"))


def _read(place: Path) -> list[Figure]:
    """The figures of a table that was written before. Raises ValueError where it is none."""
    names = [field.name for field in fields(Figure)]
    kinds: dict[str, Callable[[str], Any]] = dict.fromkeys(
        ("n", "replications", "seed"), int
    ) | dict.fromkeys(("value", "low", "high", "band_low", "band_high"), float)
    with place.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if not {*names} <= {*(rows.fieldnames or ())}:
            raise ValueError("it lacks columns of a calibration")
        values: list[dict[str, Any]] = [
            {name: kinds.get(name, str)(row[name]) if row[name] else None for name in names} for row in rows
        ]
        return [Figure(**of_one) for of_one in values]


def page(figures: Sequence[Figure]) -> str:
    """All figures as Markdown: a table a topic, a column a number of seeds."""
    banded = [figure for figure in figures if figure.band_high is not None]
    outside = [f"{f.construction}, {f.condition}, n = {f.n}" for f in banded if f.outside]
    kept = (
        f"{len(banded) - len(outside)} of these {len(banded)} figures do, or cannot be told from it at 99 %."
    )
    lines = [
        "# Measured error rates",
        "",
        f"Made by `amrobust calibrate` (amrobust {__version__}), which measures a topic at a time: each says its seed and its",
        "replications, fewer for curves of 30 epochs and fewest where every replication resamples. Nominal error",
        "5 %, nominal coverage 95 %. Figures are in %, seeds used are means; n is the number of seeds per method.",
        f"`{TABLE}` has every figure with its 99 % Monte Carlo interval.",
        "",
        "**Bold**: what decides in a comparison, under conditions in which it has to keep a type I error of at most 6 % and a",
        f"coverage of at least 93 %. {kept}",
        *([f"Outside: {'; '.join(outside)}."] if outside else []),
    ]
    for topic in dict.fromkeys(figure.topic for figure in figures):
        own = [figure for figure in figures if figure.topic == topic]
        counts = " to ".join(
            f"{n:,}" for n in sorted({pick(f.replications for f in own) for pick in (min, max)})
        )
        seeds = " and ".join(str(seed) for seed in sorted({figure.seed for figure in own}))
        lines += [
            "",
            f"## {topic[0].upper()}{topic[1:]}",
            "",
            f'`amrobust calibrate --topic "{topic}" --seed {seeds}`: {counts} replications.',
            "",
            *_table(own),
        ]
    return "\n".join(lines) + "\n"


def _table(figures: Sequence[Figure]) -> list[str]:
    sizes = sorted({figure.n for figure in figures})
    rows: dict[tuple[str, str, str], dict[int, Figure]] = {}
    for figure in figures:
        rows.setdefault((figure.construction, figure.condition, figure.measure), {})[figure.n] = figure
    lines = [
        "| construction | condition | measure | " + " | ".join(f"n = {n}" for n in sizes) + " |",
        "|---|---|---|" + "--:|" * len(sizes),
    ]
    for (construction, condition, measure), cells in rows.items():
        shown = [_shown(cells[n]) if n in cells else "" for n in sizes]
        lines.append(f"| {construction} | {condition} | {measure} | " + " | ".join(shown) + " |")
    return lines


def _shown(figure: Figure) -> str:
    text = f"{figure.value:.1f}" if figure.measure == "mean seeds used" else f"{100 * figure.value:.1f}"
    return f"**{text}**" if figure.band_high is not None else text
