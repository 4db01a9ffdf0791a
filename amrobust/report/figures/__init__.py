"""The figures of the report, each a function from a group to drawings, none where it would have nothing to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from amrobust.judge.comparison import GroupComparison
from amrobust.report.figures.curves import mean_curves, std_curves
from amrobust.report.figures.equivalence import equivalence
from amrobust.report.figures.finals import final_values_figure
from amrobust.report.figures.forest import forest
from amrobust.report.figures.power import power_figure
from amrobust.report.figures.sweep import sweep_figures
from amrobust.report.figures.tails import exceedances, quantiles
from amrobust.report.style import Drawing, Style

Draw = Callable[[GroupComparison, Mapping[str, Style]], list[Drawing]]

FIGURES: dict[str, Draw] = {
    "curves": mean_curves,
    "stds": std_curves,
    "finals": final_values_figure,
    "equivalence": equivalence,
    "sweeps": sweep_figures,
    "quantiles": quantiles,
    "exceedances": exceedances,
    "power": power_figure,
}
"""Those about one group, by name; :func:`forest` is about all of a comparison."""

__all__ = ["FIGURES", "Draw", "forest"]
