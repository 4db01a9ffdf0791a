"""The report's figures on matplotlib axes of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from amrobust.errors import UserError
from amrobust.judge.comparison import Comparison, GroupComparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Quantity = Literal["spread", "avg_std", "mean"]


@dataclass(frozen=True)
class Plots:
    """Each draws on ``ax``, or on new axes, and returns them; ``group`` is the group where there are several."""

    data: Comparison

    def curves(self, ax: Axes | None = None, *, group: int = 0) -> Axes:
        """Mean over seeds at each epoch, with a band of one STD on either side."""
        from amrobust.report.figures.curves import mean_lines
        from amrobust.report.view import quantity

        compared = self._group(group)
        return self._lines(ax, compared, mean_lines(compared), f"mean {quantity(compared.metric)}")

    def stds(self, ax: Axes | None = None, *, group: int = 0) -> Axes:
        """STD over seeds at each epoch, of which Avg. STD is the mean, with a descriptive band meant for all at once."""
        from amrobust.report.figures.curves import std_lines

        compared = self._group(group)
        unit = f" ({compared.metric.unit})" if compared.metric.unit else ""
        return self._lines(ax, compared, std_lines(compared), f"STD over seeds{unit}")

    def finals(self, ax: Axes | None = None, *, group: int = 0) -> Axes:
        """Every seed's final value, a row per method, with the mean and its interval.

        Raises UserError where all seeds diverged.
        """
        from amrobust.report.figures.finals import draw_strip, final_rows
        from amrobust.report.style import labels, styles

        compared = self._group(group)
        rows = final_rows(compared)
        if not any(row.values.size for row in rows):
            raise UserError("no seed of any method is left to draw: all diverged")
        axes = ax or _new_axes()
        draw_strip(axes, rows, compared, styles(self.data))
        axes.set_yticks(range(len(rows)), labels([row.method for row in rows]).values())
        return axes

    def claims(self, quantity: Quantity = "spread", ax: Axes | None = None, *, group: int = 0) -> Axes:
        """Estimates with intervals of all claims about the final spread, Avg. STD or the final mean, a row a pair.

        Raises UserError on another quantity, and where no claim about it has an estimate.
        """
        from amrobust.judge.kinds import KINDS
        from amrobust.report.figures.forest import draw_panel, panels_of
        from amrobust.report.style import labels, styles

        kinds = {"spread": "less spread", "avg_std": "less Avg. STD", "mean": "better mean"}
        if quantity not in kinds:
            raise UserError(f"claims are drawn of {', '.join(kinds)}, not of {quantity!r}")
        compared = self._group(group)
        panels = [
            p
            for p in panels_of([compared])
            if p.kind.quantity == KINDS[kinds[quantity]].quantity and p.phase is None
        ]
        if not panels:
            raise UserError(f"no claim about {quantity} has an estimate here")
        short = labels([arm.method for arm in compared.arms], 20)
        axes = ax or _new_axes()
        rows = list(panels[0].verdicts)
        draw_panel(axes, panels[0], compared, rows, styles(self.data))
        axes.set_yticks(
            range(len(rows)), [f"{short[method]} / {short[baseline]}" for _, method, baseline in rows]
        )
        return axes

    def _group(self, group: int) -> GroupComparison:
        groups = self.data.groups
        if not 0 <= group < len(groups):
            raise UserError(f"there is no group {group}: this comparison has {len(groups)}, from 0 on")
        return groups[group]

    def _lines(self, ax: Axes | None, compared: GroupComparison, lines: Any, label: str) -> Axes:
        from amrobust.report.figures.curves import draw_lines
        from amrobust.report.style import styles

        if not lines:
            raise UserError(
                "there are no curves to draw: these data have one epoch, or no seed that stayed finite"
            )
        axes = ax or _new_axes()
        draw_lines(axes, lines, styles(self.data))
        axes.set_xlabel(compared.axis.label)
        axes.set_ylabel(label)
        axes.legend()
        return axes


def _new_axes() -> Axes:
    import matplotlib.pyplot as plt

    _, axes = plt.subplots()
    return axes
