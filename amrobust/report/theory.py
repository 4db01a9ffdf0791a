"""The trade-off of m as a figure: the bounds of Theorems 1 and 2 over m."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from amrobust.report.style import COLOURS, DASHES, GREY, house_style, new_figure, plain_number, save_figure
from amrobust.rules import theory
from amrobust.rules.theory import Setting
from amrobust.rules.tradeoff import Extras


class _Curve(NamedTuple):
    label: str
    bound: Callable[[Any], Any]
    colour: str
    dashes: Any
    width: float = 1.2
    marked: bool = True


def write_tradeoff(setting: Setting, lengths: Sequence[int], extras: Extras, title: str, path: Path) -> None:
    """Draw K0(m) and its two terms for m = 1 … K, with ``lengths`` marked, as PDF, SVG or PNG by the name's ending.

    K0 + K1, Theorem 2's bound and F(x0) − F* are drawn where ``extras`` has what they need. Raises UserError on another
    ending or a path that is no place for a file, RunError where writing fails.
    """
    import seaborn
    from matplotlib.ticker import FuncFormatter

    m = np.unique(np.round(np.geomspace(1, setting.iterations, 200)))
    with house_style():
        figure = new_figure(3.1)
        axes = figure.add_axes((0.1, 0.15, 0.6, 0.74))
        for curve in _curves(setting, extras):
            values = curve.bound(m)
            if not values.any():
                continue  # a term that is 0 has no place on a logarithmic axis
            seaborn.lineplot(
                x=m, y=values, color=curve.colour, linestyle=curve.dashes, linewidth=curve.width,
                label=curve.label, legend=False, ax=axes,
            )  # fmt: skip
            if curve.marked:
                marks = np.array(lengths, dtype=np.float64)
                axes.scatter(marks, curve.bound(marks), color=curve.colour, s=16, zorder=3)
        if extras.gap:
            axes.axhline(extras.gap, color=GREY, linewidth=0.7, label="F(x0) − F*")
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(plain_number))
        axes.minorticks_off()
        axes.set_xlabel("Amortization length m")
        axes.set_ylabel("Bound on the gap")
        axes.set_title(title, loc="left")
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=2.6)
        save_figure(figure, path)


def _curves(setting: Setting, extras: Extras) -> list[_Curve]:
    """K0 is drawn broad, so that a term that is nearly all of it shows on top of it."""
    curves = [
        _Curve("K0 (AM1-SGD)", lambda m: theory.k0(setting, m), "#000000", DASHES[0], 2.4),
        _Curve(
            "Acceleration term", lambda m: theory.acceleration_term(setting, m), COLOURS[1], DASHES[1], marked=False
        ),
        _Curve("Noise term", lambda m: theory.noise_term(setting, m), COLOURS[2], DASHES[2], marked=False),
    ]  # fmt: skip
    if extras.diameter is not None:
        diameter, deviation = extras.diameter, theory.deviation_of(extras.probability)
        curves.append(
            _Curve(
                f"K0 + K1 (P ≤ {extras.probability:.4g})",
                lambda m: theory.k0(setting, m) + theory.k1(setting, m, deviation, diameter),
                COLOURS[3],
                DASHES[3],
            )
        )
    if extras.gap is not None:
        gap = extras.gap
        curves.append(
            _Curve(
                "Theorem 2 (AM2-SGD)", lambda m: theory.theorem2_bound(setting, m, gap), COLOURS[4], DASHES[4]
            )
        )
    return curves
