"""The warnings about claims: their power, tests and intervals; each says what is the matter and what would remove it."""

from __future__ import annotations

from amrobust.judge.words import significant
from amrobust.stats.results import Number, ResultWarning


def low_power(ratio: float, power: float) -> ResultWarning:
    """A spread claim that these seeds would probably not settle even if a sizeable ratio were true."""
    return ResultWarning.of(
        "low-power",
        f"With these seeds and this family, a true spread ratio of {ratio:g} would be found with {{power}} % power: "
        "not finding one says little.",
        "ask amrobust plan for the seeds that a wanted power takes",
        power=Number(f"{100 * power:.0f}", power),
    )


def levels_differ(method: str, baseline: str, share: float, difference: float, unit: str) -> ResultWarning:
    """Early means differ, so that a difference of spread may be one of level."""
    return ResultWarning.of(
        "levels-differ",
        f"In the first {100 * share:.0f} % of training {{method}} differs from {{baseline}} by {{difference}}{unit} on "
        "average: a method nearer its limit varies less for that alone.",
        "read the spread beside the mean curves, and compare the final spread as well",
        method=method,
        baseline=baseline,
        difference=Number(significant(difference, sign=True), difference),
    )


def cost_measured_apart(method: str, baseline: str) -> ResultWarning:
    """Wall times depend on what else the machine did."""
    return ResultWarning.of(
        "wall-time",
        "Wall times of {method} and {baseline} were measured in separate sessions of training: what else the machine did "
        "is in them.",
        "measure the step itself (benchmarks/), or train both at once on an idle machine",
        method=method,
        baseline=baseline,
    )


def opinions_disagree(decides: str, p: float, second: str, second_p: float, alpha: float) -> ResultWarning:
    """The sensitivity test falls on the other side of alpha."""
    return ResultWarning.of(
        "opinions-disagree",
        "The sensitivity test, {second}, gives p = {second_p} where the deciding {decides} gives p = {p}: they fall on "
        f"different sides of {alpha:g}.",
        "treat the claim as borderline; more seeds would settle it",
        second=second,
        second_p=Number(significant(second_p), second_p),
        decides=decides,
        p=Number(significant(p), p),
    )


def interval_disagrees(
    test: str, p_adjusted: float, by_test: str, interval: str, by_interval: str, coverage: str
) -> ResultWarning:
    """The bootstrap interval that was asked for does not say what the deciding test says."""
    return ResultWarning.of(
        "interval-disagrees",
        f"{{test}} alone, p = {{p}} over the family, makes the claim {by_test}; the interval by {{interval}} alone makes it "
        f"{by_interval}. A verdict needs both. {{coverage}}",
        "treat the claim as open; more seeds would settle it, and --interval test shows the interval of the p-value",
        test=test,
        p=Number(significant(p_adjusted), p_adjusted),
        interval=interval,
        coverage=coverage,
    )


def no_interval(method: str, quantity: str, interval: str, reason: str) -> ResultWarning:
    """A bootstrap interval was asked for that these seeds do not allow."""
    return ResultWarning.of(
        "no-interval",
        "{quantity} of {method} has no interval by {interval}: {reason}.",
        "train more seeds, or use --interval test",
        quantity=quantity[:1].upper() + quantity[1:],
        method=method,
        interval=interval,
        reason=reason,
    )


def measurement_decides(
    here: str, outcome: str, estimate: str, other: str, other_outcome: str, other_estimate: str
) -> ResultWarning:
    """Another measurement of the same weights gives another verdict."""
    return ResultWarning.of(
        "measurement-decides",
        "With {here} the claim is {outcome}{estimate}, with {other} {other_outcome}{other_estimate}: the verdict depends on "
        "how the same weights are measured.",
        "report both: what the measurement adds is not the method's; more seeds settle what is inconclusive",
        here=here,
        outcome=outcome,
        estimate=estimate,
        other=other,
        other_outcome=other_outcome,
        other_estimate=other_estimate,
    )


def paired_instead(test: str, used: str) -> ResultWarning:
    """A test for independent samples was asked for on paired arms."""
    return ResultWarning(
        "paired-arms",
        f"The {test} test assumes independent samples, but these arms share their seeds: {used} was used instead.",
        "compare independently seeded runs if the unpaired test is wanted",
    )


def no_margin(test: str, used: str) -> ResultWarning:
    """A test was asked for that has no form for a margin."""
    return ResultWarning(
        "no-margin",
        f"The {test} test has no form for a ratio of spreads against a margin: the {used} was used.",
        "leave --test out, or take --test jackknife or, of independent methods, permutation: these test any ratio",
    )


def values_only(test: str, used: str, what: str) -> ResultWarning:
    """A test was asked for that has no form for these samples."""
    return ResultWarning(
        "values-only",
        f"The {test} test takes one number per seed of two independent methods and has no form for {what}: "
        f"the {used} was used.",
        "leave --test out: what decides by itself has a form for everything; --test levene has one for curves",
    )
