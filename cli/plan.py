"""``amrobust plan``: how many seeds a study needs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import click

from amrobust.cli import options
from amrobust.cli.output import OutputPath
from amrobust.errors import UserError


@click.command("plan")
@click.option(
    "--ratio", type=click.FloatRange(min=0, min_open=True), help="True ratio of spreads that is to be found."
)
@click.option("--difference", type=float, help="True difference of means that is to be found, in seed STDs.")
@click.option(
    "--margin",
    type=click.FloatRange(min=0, min_open=True),
    help="Show that means agree within this margin, in seed STDs (--difference: their true difference, else 0).",
)
@click.option(
    "--power", type=click.FloatRange(0.05, 0.99), default=0.8, show_default=True, help="Power wanted."
)
@click.option("--seeds", type=click.IntRange(min=4), help="Give the power at this number of seeds instead.")
@click.option(
    "--test",
    type=click.Choice(["auto", "jackknife", "levene"]),
    default="auto",
    show_default=True,
    help="Test that will decide a spread.",
)
@click.option(
    "--center",
    type=click.Choice(["median", "mean"]),
    default="median",
    show_default=True,
    help="Its centre.",
)
@click.option(
    "--claims", type=click.IntRange(min=1), default=1, show_default=True, help="Claims in the family."
)
@click.option(
    "--curves",
    type=click.IntRange(min=1),
    default=1,
    help="Judge the Avg. STD of curves this long.",
)
@click.option(
    "--autocorrelation",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.8,
    show_default=True,
    help="Of the curves, AR(1).",
)
@click.option(
    "--alpha", type=click.FloatRange(min=0, max=0.5, min_open=True), default=0.05, show_default=True
)
@click.option(
    "--replications",
    type=click.IntRange(min=100),
    default=2_000,
    show_default=True,
    help="Studies at each n.",
)
@click.option(
    "-o",
    "--output",
    type=OutputPath(),
    help="Power curve: .pdf, .svg or .png.",
)
@options.text_format
def command(
    ratio: float | None,
    difference: float | None,
    margin: float | None,
    power: float,
    seeds: int | None,
    test: Literal["auto", "jackknife", "levene"],
    center: Literal["median", "mean"],
    claims: int,
    curves: int,
    autocorrelation: float,
    alpha: float,
    replications: int,
    output: Path | None,
    form: str,
) -> None:
    """Say how many seeds per method a study needs, by simulating the very test that will decide on normal seeds.

    \b
    amrobust plan --ratio 1.5 --power 0.8
    amrobust plan --ratio 1.5 --curves 90 --claims 6
    amrobust plan --margin 1.0 --seeds 20
    amrobust plan --ratio 2 --test levene -o power.pdf
    """
    from amrobust.stats import CannotEstimate
    from amrobust.stats.power import Study, power_at, seeds_for_power

    if sum(value is not None for value in (ratio, margin if margin is not None else difference)) != 1:
        raise UserError(
            "give one of --ratio (a spread), --difference (of means) or --margin (equivalent means)"
        )
    decision: Literal["auto", "jackknife", "levene", "welch", "tost"]
    decision = test if ratio is not None else "tost" if margin is not None else "welch"
    if seeds is not None and output is not None:
        raise UserError(
            "a power curve is drawn while the number of seeds is looked for: leave out --seeds or -o"
        )
    if output is not None:
        from amrobust.report.style import check_figure

        check_figure(output)
    try:
        study = Study(
            decision, ratio=max(ratio, 1 / ratio) if ratio else 1.0, difference=abs(difference or 0.0), margin=margin,
            alpha=alpha, claims=claims, epochs=curves, autocorrelation=autocorrelation, centre=center,
        )  # fmt: skip
        if seeds is not None:
            powers = [power_at(study, seeds, replications=replications)]
        else:
            powers = seeds_for_power(study, power, replications=replications)
    except CannotEstimate as error:
        raise UserError(error.reason) from None
    found = powers[-1]
    if output is not None:
        from amrobust.report.figures.power import write_power_curve

        write_power_curve(powers, power, describe(ratio, difference, margin, test, claims, curves), output)
    exact = noncentral_t(difference, found.n, alpha / claims) if difference else None
    if form == "json":
        tried = [asdict(p) for p in powers]
        answer = {"study": asdict(study), "tried": tried, "found": asdict(found), "noncentral_t": exact}
        click.echo(json.dumps(answer, indent=2))
        return
    for p in powers:
        click.echo(f"{p.n:>5} seeds per method: power {p.power:6.1%}  [{p.low:.1%}, {p.high:.1%}]")
    click.echo(f"{describe(ratio, difference, margin, test, claims, curves)}, normal seeds, alpha {alpha:g}")
    if seeds is None:
        click.echo(f"{found.n} seeds per method reach a power of {power:.0%}")
    if exact is not None:
        click.echo(f"By the noncentral t distribution: power {exact:.1%} at {found.n} seeds")
    if output is not None:
        click.echo(f"power curve: {output}")


def noncentral_t(difference: float, n: int, alpha: float) -> float:
    """The power of the two-sided t test of means ``difference`` STDs apart, ``n`` normal seeds each: checks the simulation."""
    from statsmodels.stats.power import TTestIndPower

    return float(TTestIndPower().power(abs(difference), n, alpha))


def describe(
    ratio: float | None, difference: float | None, margin: float | None, test: str, claims: int, curves: int
) -> str:
    """The planned claim in words."""
    if ratio is not None:
        by = "the test that decides" if test == "auto" else f"the {test} test"
        what = f"a ratio of {'Avg. STDs' if curves > 1 else 'final STDs'} of {ratio:g} by {by}"
        what += f", curves of {curves} epochs" if curves > 1 else ""
    elif margin is not None:
        what = f"means that agree within {margin:g} STD (TOST)"
    else:
        what = f"a difference of means of {difference:g} STD (Welch)"
    return f"To find {what}" + (f", one of {claims} claims" if claims > 1 else "")
