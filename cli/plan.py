"""``amrobust plan``: how many seeds a study needs, of a claim as it is assumed to be true or as a pilot found it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from amrobust.cli import messages, options
from amrobust.cli.comparison_options import comparison_options, load_comparison
from amrobust.cli.output import OutputPath, WritingCommand
from amrobust.cli.parameters import Numbers
from amrobust.errors import UserError

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim
    from amrobust.judge.planning import Planned, Power, Study
    from amrobust.judge.simulated import Shape

ASSUMED = {
    "kinds", "ratio", "difference", "family", "curves", "autocorrelation", "correlation", "rates", "output",
}  # fmt: skip
"""What takes the place of a pilot's runs."""
SHARED = {"margin", "alpha", "test", "center", "power", "seeds", "shapes", "replications", "form"}
"""What is said of both; all other options read a pilot."""


@click.command("plan", cls=WritingCommand)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[RUNS...]")
@click.option(
    "--claim", "kinds", multiple=True, metavar="KIND",
    help="Kind of the claim, as in a claims file ('no more spread'); several are parts of one composite [default: by --ratio, "
    "--difference or --margin].",
)  # fmt: skip
@click.option(
    "--ratio", type=click.FloatRange(min=0, min_open=True), help="True ratio of spreads, the method's over the baseline's.",
)  # fmt: skip
@click.option(
    "--difference", type=float, help="True difference of means, in seed STDs; above 0 the method is better."
)
@click.option(
    "--rates",
    type=Numbers(float),
    metavar="P,Q",
    help="True divergence rates of the method and of the baseline (0.02,0.2).",
)
@click.option(
    "--family", type=click.IntRange(min=1), default=1, show_default=True, help="Claims in the family."
)
@click.option("--curves", type=click.IntRange(min=1), default=1, help="Of the Avg. STD of curves this long.")
@click.option(
    "--autocorrelation", type=click.FloatRange(0, 1, max_open=True), default=0.8, show_default=True,
    help="Of the curves, AR(1).",
)  # fmt: skip
@click.option(
    "--correlation", type=click.FloatRange(0, 1, max_open=True), default=0.0, show_default=True,
    help="Of the methods' seeds, where these are paired.",
)  # fmt: skip
@click.option(
    "--power", type=click.FloatRange(0.05, 0.99), default=0.8, show_default=True, help="Power wanted."
)
@click.option("--seeds", type=click.IntRange(min=4), help="Give the power at this number of seeds instead.")
@click.option(
    "--shape", "shapes", type=click.Choice(["normal", "t5", "skewed"]), multiple=True,
    help="Shape of the seeds around their mean; repeatable [default: all three].",
)  # fmt: skip
@click.option(
    "--replications", type=click.IntRange(min=100), default=500, show_default=True, help="Studies at each n.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=OutputPath(), help="Power curve of normal seeds: .pdf, .svg or .png.",
)  # fmt: skip
@comparison_options
@options.text_format
@click.pass_context
def command(
    ctx: click.Context, /, paths: tuple[Path, ...], power: float, seeds: int | None, shapes: tuple[Shape, ...],
    replications: int, form: str, **given: Any,
) -> None:  # fmt: skip
    """Say how many seeds per method a study needs, by simulating studies and the very test that will decide them.

    With RUNS, a pilot: for each claim that compare would test (or of --claims FILE), were its estimates the truth. Seeds are
    drawn with the pilot's means, STDs and correlations; a range of seeds is over the truths that the pilot leaves open (10 to
    90 %). Without: for one claim about what --ratio, --difference or --rates assume. Seeds are normal, t5 (heavy-tailed) and
    skewed (exponential, to the worse side), which no pilot of few seeds tells apart.

    \b
    amrobust plan runs/
    amrobust plan runs/ --claims claims.toml --seeds 20
    amrobust plan --ratio 1.5 --power 0.8
    amrobust plan --ratio 1.5 --curves 90 --family 6
    amrobust plan --margin 1.0 --seeds 20
    amrobust plan --claim "no more spread" --margin 1.5 --ratio 1
    amrobust plan --claim non-inferior --claim "less Avg. STD" --margin 1 --ratio 1.5 --curves 30
    amrobust plan --claim "diverges less" --rates 0.02,0.2
    amrobust plan --ratio 2 --test levene -o power.pdf
    """
    from amrobust.judge.simulated import SHAPES
    from amrobust.stats import CannotEstimate

    # A project's defaults are of every command, and say nothing here.
    said = {name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    flags = {p.name: max(p.opts, key=len) for p in ctx.command.params}
    for name in sorted(said - {"paths"}):
        if paths and name == "output":
            raise UserError(
                "--output draws the power curve of one assumed claim: leave it out, or the pilot's runs"
            )
        if paths and name in ASSUMED:
            raise UserError(f"{flags[name]} assumes what the pilot's runs say: leave out one of them")
        if not paths and name not in ASSUMED | SHARED:
            raise UserError(f"{flags[name]} is about a pilot's runs: name them, as in 'amrobust plan runs/'")
    wanted = shapes or SHAPES
    assumptions = {name: given.pop(name) for name in ASSUMED}
    try:
        if paths:
            _of_pilot(paths, given, power, seeds, wanted, replications, form)
        else:
            _of_assumed(assumptions, given, power, seeds, wanted, replications, form)
    except CannotEstimate as error:
        raise UserError(error.reason) from None


def _of_pilot(
    paths: tuple[Path, ...], given: dict[str, Any], power: float, seeds: int | None, shapes: tuple[Shape, ...],
    replications: int, form: str,
) -> None:  # fmt: skip
    from amrobust.judge.planning import plan_from

    pilot = load_comparison(paths, **given)
    claims = sum(len(compared.verdicts) for compared in pilot.groups)
    with _progress(claims) as step:
        found = plan_from(
            pilot, power=power, seeds=seeds, shapes=shapes, replications=replications, done=step
        )
    if form == "json":
        click.echo(json.dumps([_record(planned) for planned in found], indent=2))
    else:
        click.echo(_table(found, shapes, power, seeds, replications), nl=False)


def _of_assumed(
    assumptions: dict[str, Any], given: dict[str, Any], power: float, seeds: int | None, shapes: tuple[Shape, ...],
    replications: int, form: str,
) -> None:  # fmt: skip
    from amrobust.judge.planning import power_at, seeds_for_power

    output: Path | None = assumptions["output"]
    study = _study(assumptions, given)
    if output is not None:
        if seeds is not None or "normal" not in shapes:
            raise UserError(
                "a power curve is drawn while the number of normal seeds is looked for: leave out --seeds and --shape, or -o"
            )
        from amrobust.report.style import check_figure

        check_figure(output)
    found: dict[Shape, list[Power]] = {}
    with _progress(len(shapes)) as step:
        for shape in shapes:
            found[shape] = (
                [power_at(study, seeds, shape, replications=replications)]
                if seeds is not None
                else seeds_for_power(study, power, shape, replications=replications)
            )
            step()
    what = describe(study, assumptions, given)
    if output is not None:
        from amrobust.report.figures.power import write_power_curve

        write_power_curve(found["normal"], power, what, output)
    exact = None
    if study.claim.kind == "better mean" and "normal" in found and not assumptions["correlation"]:
        n = found["normal"][-1].n
        exact = noncentral_t(assumptions["difference"], n, given["alpha"] / study.family)
    if form == "json":
        answer = {
            "claim": _claim(study.claim), "family": study.family, "alpha": given["alpha"], "noncentral_t": exact,
            "shapes": {
                shape: {"found": asdict(powers[-1]), "tried": list(map(asdict, powers))} for shape, powers in found.items()
            },
        }  # fmt: skip
        click.echo(json.dumps(answer, indent=2))
        return
    first, *others = found
    click.echo(f"{what}, {first} seeds, alpha {given['alpha']:g}")
    for p in found[first]:
        click.echo(f"{p.n:>5} seeds per method: power {p.power:6.1%}  [{p.low:.1%}, {p.high:.1%}]")
    for shape in (first, *others):
        last = found[shape][-1]
        if seeds is None:
            reach = f"{last.n} seeds per method reach a power of {power:.0%}"
            click.echo(reach if shape == first else f"{shape} seeds: {reach}")
        elif shape != first:
            click.echo(f"{shape} seeds: power {last.power:.1%}  [{last.low:.1%}, {last.high:.1%}]")
    if exact is not None:
        click.echo(
            f"By the noncentral t distribution: power {exact:.1%} at {found['normal'][-1].n} normal seeds"
        )
    if output is not None:
        click.echo(f"power curve: {output}")


def _study(assumptions: dict[str, Any], given: dict[str, Any]) -> Study:
    """The claim that is assumed, and what its seeds are drawn from. Raises UserError on what makes no claim."""
    from amrobust.judge.claim import Claim
    from amrobust.judge.kinds import KINDS
    from amrobust.judge.planning import Study
    from amrobust.judge.rules import Rules
    from amrobust.judge.simulated import BASELINE, METHOD, Assumed
    from amrobust.judge.usage import meant

    ratio, difference, margin, epochs = (
        assumptions["ratio"], assumptions["difference"], given["margin"], assumptions["curves"],
    )  # fmt: skip
    kinds: tuple[str, ...] = assumptions["kinds"]
    if not kinds:
        if sum(value is not None for value in (ratio, margin if margin is not None else difference)) != 1:
            raise UserError(
                "give a pilot's RUNS, or one of --ratio (a spread), --difference (of means) or --margin (equivalent means); "
                "--claim says what else is claimed"
            )
        spread = "less Avg. STD" if epochs > 1 else "less spread"
        kinds = (spread if ratio is not None else "equivalent mean" if margin is not None else "better mean",)
    for kind in kinds:
        if kind not in KINDS:
            raise UserError(f"no claim is called {kind!r}: {meant(kind, KINDS)}")
        form = KINDS[kind]
        if not form.can_be_simulated:
            raise UserError(
                f"a claim of kind {kind!r} is not simulated: compare says how many seeds it needs"
            )
        if not form.can_be_a_part or not form.can_be_assumed:
            raise UserError(
                f"a claim of kind {kind!r} is planned from a pilot: amrobust plan RUNS --claims FILE"
            )
    units = {KINDS[kind].estimates for kind in kinds if "margin" in KINDS[kind].takes}
    if len(units) > 1:
        raise UserError(
            "one --margin is a difference of means in seed STDs or a ratio of spreads, and not both"
        )
    if (margin is not None) != bool(units):
        raise UserError(
            "--margin is given, and the claim takes none"
            if margin is not None
            else "the claim needs a --margin"
        )
    # Found is a spread that is smaller, whichever way round its ratio is written, and a mean that is better.
    of_spreads = [KINDS[kind] for kind in kinds if KINDS[kind].estimates == "ratio"]
    if ratio is not None and 1 < ratio < inf and not any("margin" in form.takes for form in of_spreads):
        ratio = 1 / ratio
    if kinds == ("better mean",) and difference is not None:
        difference = abs(difference)
    rates = assumptions["rates"] or (0.0, 0.0)
    if len(rates) != 2:
        raise UserError("--rates are two: the method's and the baseline's, such as 0.02,0.2")
    assumed = Assumed(
        1.0 if ratio is None else ratio, difference or 0.0, epochs, assumptions["autocorrelation"],
        assumptions["correlation"], rates,
    )  # fmt: skip
    parts = tuple(
        Claim(kind, METHOD, BASELINE, margin=margin if "margin" in KINDS[kind].takes else None)
        for kind in kinds
    )
    claim = parts[0] if len(parts) == 1 else Claim("composite", METHOD, BASELINE, parts=parts)
    rules = Rules(alpha=given["alpha"], test=given["test"], centre=given["center"])
    return Study(claim, assumed.sources(), assumed.metric, rules, assumptions["family"])


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing in a log; its context gives the call that counts one further."""
    hidden = messages.is_quiet() or not sys.stderr.isatty()
    with click.progressbar(
        length=total, label="planning", file=sys.stderr, hidden=hidden, show_pos=True
    ) as bar:
        yield lambda: bar.update(1)


def noncentral_t(difference: float, n: int, alpha: float) -> float:
    """The power of the two-sided t test of means ``difference`` STDs apart, ``n`` normal seeds each: checks the simulation."""
    from statsmodels.stats.power import TTestIndPower

    return float(TTestIndPower().power(abs(difference), n, alpha))


def describe(study: Study, assumptions: dict[str, Any], given: dict[str, Any]) -> str:
    """The planned claim in words: what is claimed, and what is true."""
    epochs, test = assumptions["curves"], given["test"]
    claims = " and ".join(part.kind for part in study.claim.parts or (study.claim,))
    margin = f" within {given['margin']:g}" if given["margin"] is not None else ""
    truths = []
    if assumptions["ratio"] is not None:
        truths.append(f"ratio of {'Avg. STDs' if epochs > 1 else 'final STDs'} {assumptions['ratio']:g}")
    if assumptions["difference"] is not None:
        truths.append(f"difference of means {assumptions['difference']:g} STD")
    if assumptions["rates"] is not None:
        truths.append("divergence rates {:g} and {:g}".format(*assumptions["rates"]))
    text = (
        f"To find '{claims}'{margin} by {'the test that decides' if test == 'auto' else f'the {test} test'}"
    )
    text += f": {', '.join(truths) or 'no true difference'}"
    text += f", curves of {epochs} epochs" if epochs > 1 else ""
    text += f", pairs with correlation {assumptions['correlation']:g}" if assumptions["correlation"] else ""
    return text + (f", one of {study.family} claims" if study.family > 1 else "")


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "kind": claim.kind, "method": claim.method, "baseline": claim.baseline, **dict(claim.form.details(claim)),
        **({"parts": [_claim(part) for part in claim.parts]} if claim.parts else {}),
    }  # fmt: skip


def _record(planned: Planned) -> dict[str, Any]:
    return {
        "workload": planned.compared.workload,
        "metric": planned.compared.metric.name,
        "claim": _claim(planned.verdict.claim),
        "pilot": planned.verdict.outcome,
        "would_be": planned.outcome,
        "seeds": None if planned.found is None else {s: p and asdict(p) for s, p in planned.found.items()},
        "range": asdict(planned.range) if planned.range is not None else None,
        "reason": planned.reason,
    }


def _table(
    found: list[Planned], shapes: tuple[Shape, ...], power: float, seeds: int | None, replications: int
) -> str:
    from amrobust.cli.columns import aligned
    from amrobust.judge.planning import MOST_SEEDS
    from amrobust.judge.verdicts import called, spanned
    from amrobust.judge.words import roughly
    from amrobust.runs.files import escape

    heading = [f"{shape} seeds" for shape in shapes]
    if seeds is None:
        heading.insert(1 if shapes[0] == "normal" else 0, "10–90 %")
    several = len({planned.compared.workload for planned in found}) > 1
    cells = [[*(["workload"] if several else []), "claim", "pilot", "would be", *heading]]
    notes = []
    for planned in found:
        claim = called(planned.verdict.claim, planned.compared.titles)
        brief = escape(claim.form.brief(claim))
        row = [*([escape(planned.compared.workload)] if several else []), brief, planned.verdict.outcome]
        if planned.found is None:
            notes.append(f"{': '.join(row[:-1])}: {planned.reason}")
            cells.append([*row, "–", *("–" for _ in heading)])
            continue
        numbers = []
        for p in planned.found.values():
            beyond = f"> {MOST_SEEDS:,}"
            numbers.append(
                (beyond if p is None else roughly(p.n))
                if seeds is None
                else f"{100 * p.power:.0f} %"
                if p
                else "–"
            )
        if planned.range is not None:
            numbers.insert(1 if shapes[0] == "normal" else 0, spanned(planned.range, "–", "∞"))
        cells.append([*row, planned.outcome or "", *numbers])
    first = found[0].compared
    what = (
        f"Seeds per method with a power of {power:.0%}"
        if seeds is None
        else f"Power at {seeds} seeds per method"
    )
    lines = [
        f"{what}, were the pilot's estimates the truth, {first.metric.name.replace('_', ' ')}, alpha "
        f"{first.alpha:g} over {found[0].verdict.family_size} claims",
        "",
        aligned(cells).rstrip("\n"),
        "",
    ]
    if seeds is None:
        lines.append(
            "10–90 %: over the truths that the pilot's estimate leaves open, by the t test of normal seeds."
        )
    lines.append(
        f"By at most {replications:,} simulated studies at each number of seeds; from 10 seeds on the jackknife stands in for "
        "the permutation."
    )
    return "\n".join([*lines, *notes]) + "\n"
