"""The calibration study as Markdown for people and Parquet for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from amrobust import __version__
from amrobust.runs.output import make_directory, write_output
from amrobust.stats.calibration import Effort, Figure

TABLE, PAGE = "figures.parquet", "README.md"


def write_calibration(figures: Sequence[Figure], effort: Effort, root: int, directory: Path) -> None:
    """Write ``figures.parquet`` (one row a figure) and ``README.md`` into ``directory``.

    Raises UserError where it is no place for files, RunError where writing fails.
    """
    import pandas as pd

    make_directory(directory)
    rows = pd.DataFrame([{**asdict(figure), "outside": figure.outside} for figure in figures])
    write_output(directory / TABLE, rows.to_parquet(index=False))
    write_output(directory / PAGE, page(figures, effort, root).encode("utf-8"))


def page(figures: Sequence[Figure], effort: Effort, root: int) -> str:
    """All figures as Markdown: a table a topic, a column a number of seeds."""
    banded = [figure for figure in figures if figure.band_high is not None]
    outside = [f"{f.construction}, {f.condition}, n = {f.n}" for f in banded if f.outside]
    kept = (
        f"{len(banded) - len(outside)} of these {len(banded)} figures do, or cannot be told from it at 99 %."
    )
    lines = [
        "# Measured error rates",
        "",
        f"Made by `amrobust calibrate --seed {root}` (amrobust {__version__}): {effort.values:,} replications for final",
        f"values, {effort.curves:,} for curves of 30 epochs, {effort.slow:,} where every replication resamples. Nominal error",
        "5 %, nominal coverage 95 %. Figures are in %, seeds used are means; n is the number of seeds a method.",
        f"`{TABLE}` has every figure with its 99 % Monte Carlo interval.",
        "",
        "**Bold**: what decides in a comparison, under conditions in which it has to keep a type I error of at most 6 % and a",
        f"coverage of at least 93 %. {kept}",
        *([f"Outside: {'; '.join(outside)}."] if outside else []),
    ]
    for topic in dict.fromkeys(figure.topic for figure in figures):
        lines += [
            "",
            f"## {topic[0].upper()}{topic[1:]}",
            "",
            *_table([f for f in figures if f.topic == topic]),
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
