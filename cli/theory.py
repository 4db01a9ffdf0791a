"""``amrobust theory``: what the paper's theorems say about m."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amrobust.cli.output import OutputPath
from amrobust.cli.parameters import parse_counts
from amrobust.errors import UserError

if TYPE_CHECKING:
    from amrobust.rules.theory import Setting
    from amrobust.rules.tradeoff import Bounds, Extras


@click.command("theory")
@click.option("--sigma", type=float, required=True, help="Noise: E‖g(x) − ∇f(x)‖² is at most its square.")
@click.option("--L", "smoothness", type=float, required=True,
              help="Smoothness: Lipschitz constant of ∇f; 0 where f is only Lipschitz.")  # fmt: skip
@click.option("--M", "lipschitz", type=float, default=0.0, show_default=True,
              help="Of a nonsmooth part: twice its Lipschitz constant.")  # fmt: skip
@click.option("--V", "distance", type=float, required=True, help="V(x*, x0), Euclidean ‖x* − x0‖²/2.")
@click.option("--m", "lengths", default="1,5,10", show_default=True, help="Amortization lengths.")
@click.option(
    "--iterations", type=click.IntRange(min=1), default=1000, show_default=True, help="Gradients, K."
)
@click.option("--diameter", type=float, help="max ‖x − x*‖ over X: adds K1, the deviation (Theorem 1b).")
@click.option("--probability", type=float, default=0.05, show_default=True, help="Of a gap above K0 + K1.")
@click.option("--gap", type=float, help="F(x0) − F*: adds AM2-SGD (Theorem 2).")
@click.option("-o", "--output", type=OutputPath(),
              help="Bounds over m as a figure: .pdf, .svg or .png.")  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True
)
def command(
    sigma: float,
    smoothness: float,
    lipschitz: float,
    distance: float,
    lengths: str,
    iterations: int,
    diameter: float | None,
    probability: float,
    gap: float | None,
    output: Path | None,
    form: str,
) -> None:
    """Say what the theorems prescribe and prove for AM1-SGD at several m: learning rate, K0 and its two terms.

    K0(m) = 6LmV/(K + m)² + 8√(2V)·√(σ² + M²)/√(K + m) bounds the expected gap E[F] − F* after K iterations: a larger m gives
    up acceleration (the first term) for less noise (the second). It is a bound in the worst case, not a forecast.

    \b
    amrobust theory --sigma 2 --L 0.25 --V 350 --m 1,5,10 --iterations 1000
    amrobust theory --sigma 0.01 --L 0.25 --V 350 --m 1,10,100,1000 -o tradeoff.pdf
    amrobust theory --sigma 2 --L 0.25 --V 350 --diameter 53 --probability 0.01 --gap 0.6
    """
    from amrobust.cli.tables import as_csv
    from amrobust.rules.theory import Setting
    from amrobust.rules.tradeoff import Extras, tradeoff

    wanted = parse_counts(lengths)
    for m in wanted:
        if iterations % m:
            below = next(d for d in range(min(m, iterations), 0, -1) if iterations % d == 0)
            raise UserError(
                f"{iterations} iterations are not whole cycles of m = {m}: take m = {below}, or "
                f"{(iterations // m + 1) * m} iterations"
            )
    try:
        setting = Setting(iterations, distance, sigma, smoothness, lipschitz)
        extras = Extras(diameter, probability, gap)
        rows = tradeoff(setting, wanted, extras)
    except ValueError as error:
        raise UserError(str(error)) from None
    if output is not None:
        from amrobust.report.theory import write_tradeoff

        write_tradeoff(setting, wanted, extras, describe(setting), output)
    if form == "csv":
        names = list(asdict(rows[0]))
        click.echo(as_csv(names, [list(asdict(row).values()) for row in rows]), nl=False)
    elif form == "json":
        click.echo(to_json(setting, rows, extras))
    else:
        click.echo(to_text(setting, rows, extras))
        if output is not None:
            click.echo(f"bounds over m: {output}")


def describe(setting: Setting) -> str:
    """The setting in words."""
    rough = f", M = {setting.M:g}" if setting.M else ""
    return f"K = {setting.iterations}, V = {setting.V:g}, σ = {setting.sigma:g}, L = {setting.L:g}{rough}"


def to_json(setting: Setting, rows: list[Bounds], extras: Extras) -> str:
    """Setting, bounds, and which m minimises K0."""
    from amrobust.rules.theory import best_m, crossover

    noise = crossover(setting)
    found = {
        "setting": asdict(setting) | asdict(extras),
        "bounds": [asdict(row) for row in rows],
        "best_m": best_m(setting),
        "crossover_noise": None if math.isnan(noise) else noise,
    }
    return json.dumps(found, indent=2)


def to_text(setting: Setting, rows: list[Bounds], extras: Extras) -> str:
    """A table of the bounds, and which m minimises K0."""
    from amrobust.rules.theory import best_m, crossover, deviation_of, k0

    columns = {
        "m": "m", "λ1": "lambda1", "lr": "lr", "acceleration": "acceleration", "noise": "noise", "K0": "k0",
        "K1": "k1", "K0 + K1": "with_deviation", "AM2 lr": "theorem2_lr", "Theorem 2": "theorem2",
    }  # fmt: skip
    shown = {
        title: [getattr(row, name) for row in rows]
        for title, name in columns.items()
        if any(getattr(row, name) is not None for row in rows)
    }
    widths = [max(len(title), 9) for title in shown]
    lines = ["  ".join(f"{title:>{width}}" for title, width in zip(shown, widths, strict=True))]
    for values in zip(*shown.values(), strict=True):
        lines.append("  ".join(f"{value:>{width}.4g}" for value, width in zip(values, widths, strict=True)))
    last, best = setting.iterations, best_m(setting)
    other = last if best == 1 else 1
    lines.append(f"{describe(setting)}: bounds on the expected gap")
    if extras.diameter is not None:
        lines.append(
            f"a gap above K0 + K1 has a probability of at most {extras.probability:g} "
            f"(Λ = {deviation_of(extras.probability):.4g}, D = {extras.diameter:g})"
        )
    if extras.gap is not None and any(row.k0 >= extras.gap for row in rows):
        lines.append(
            f"where K0 is not below F(x0) − F* = {extras.gap:g} it says less than that x0 is no better"
        )
    if last > 1:
        lines.append(
            f"K0 is smallest at m = {best}: {k0(setting, best):.4g}, against {k0(setting, other):.4g} at m = {other}; "
            f"both are equal at √(σ² + M²) = {crossover(setting):.4g}"
        )
    return "\n".join(lines)
