"""The power curve of a planned study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from amrobust.report.drawing import COLOURS, house_style, new_figure, save_figure
from amrobust.stats.power import Power


def write_power_curve(powers: Sequence[Power], wanted: float, title: str, path: Path) -> None:
    """Write the power over the number of seeds, with its Monte Carlo interval, as PDF, SVG or PNG by the name's ending.

    Raises UserError on another ending or a path that is no place for a file, RunError where writing fails.
    """
    import seaborn

    with house_style():
        figure = new_figure(2.9)
        axes = figure.add_axes((0.1, 0.16, 0.87, 0.74))
        n = [power.n for power in powers]
        axes.fill_between(
            n,
            [power.low for power in powers],
            [power.high for power in powers],
            color=COLOURS[1],
            alpha=0.2,
            linewidth=0,
        )
        seaborn.lineplot(x=n, y=[power.power for power in powers], color=COLOURS[1], marker="o", ax=axes)
        axes.axhline(wanted, color="#404040", linewidth=0.7, linestyle=(0, (4, 2)))
        axes.set_ylim(0, 1.02)
        axes.set_xscale("log", base=2)
        shown = [value for value in n if value < 0.85 * n[-1]] + [n[-1]]
        axes.set_xticks(shown, [str(value) for value in shown])
        axes.minorticks_off()
        axes.set_xlabel("Seeds a method")
        axes.set_ylabel("Power")
        axes.set_title(title, loc="left")
        save_figure(figure, path)
