"""Comparisons made up from simulated curves: the input of every exporter, without training or judging anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison, MethodSummary, Verdict
from amrobust.judge.kinds.kind import Outcome
from amrobust.runs.arms import Arm
from amrobust.runs.metric import Metric
from amrobust.stats import Result, ResultWarning

ACCURACY = Metric("test_accuracy", "higher", "%", "workload", "workload")
SIX = ("msgd", "sgd", "am1[m=5]/I", "am1[m=5]/II", "am2[m=5]/I", "am2[m=5]/II")
ONE_X0 = ResultWarning(
    "one-x0",
    "All seeds start from one x0: every spread here is conditional on that initialisation.",
    "repeat the comparison from another x0 (amrobust run --x0 1) before generalising",
)


def make_arm(method: str, place: int, seeds: int, epochs: int, metric: Metric = ACCURACY) -> Arm:
    """Accuracy that rises to about 98 % in steps, noisier for the first methods, with correlated epochs."""
    rng = np.random.default_rng([place, seeds, epochs])
    epoch = np.arange(1, epochs + 1)
    mean = 98.2 - 0.1 * (place % 5) - 25 * np.exp(-epoch / (2 + 0.4 * place)) - 1.2 * (epoch < epochs / 2)
    noise = np.cumsum(rng.normal(size=(seeds, epochs)), axis=1) / np.sqrt(epoch)
    scale = (0.25 + 0.5 / (1 + place)) * (1 + 4 * np.exp(-epoch / 3))
    curves = mean + scale * (0.6 * noise + 0.6 * rng.normal(size=(seeds, epochs)))
    return Arm(
        method=method,
        optimizer=method.split("[")[0],
        workload="digits",
        seeds=tuple(range(seeds)),
        curves={metric.name: curves},
        metrics={metric.name: metric},
        output=method.rsplit("/", 1)[1] if "/" in method else None,
        training=method.split("/")[0],
        data_digest="d" * 64,
        x0_digest="0" * 64,
        steps_per_epoch=75,
        facts={
            "command": f"amrobust run --opt {method.split('[')[0]} --seeds {seeds}",
            "run": f"runs/digits-{method.split('[')[0]}-0123456789ab",
            "learning rate": "0.05",
            "torch": "2.6.0",
            "platform": "Linux-6.1-x86_64",
        },
    )


def summary(arm: Arm) -> MethodSummary:
    """Mean, STD and Avg. STD with rough intervals; none where a seed is not finite."""
    curves = arm.curves[next(iter(arm.metrics))]
    n = len(curves)
    lost = int((~np.isfinite(curves).all(axis=1)).sum())
    if lost or n < 2:
        return MethodSummary(arm.method, n, lost, None, None, None)
    mean, std = float(curves[:, -1].mean()), float(curves[:, -1].std(ddof=1))
    avg, half = float(curves.std(axis=0, ddof=1).mean()), 2.09 * std / math.sqrt(n)

    def result(quantity: str, test: str, estimate: float, low: float, high: float) -> Result:
        return Result(quantity, test, (n,), estimate, low, high, 0.95, assumption=f"assumption of {test}")

    return MethodSummary(
        arm.method,
        n,
        0,
        result("mean", "t", mean, mean - half, mean + half),
        result("STD", "Bonett", std, std * 0.77, std * 1.5),
        result("Avg. STD", "jackknife of log Avg. STD", avg, avg * 0.85, avg * 1.2),
    )


def verdict(claim: Claim, a: Arm, b: Arm, family: int) -> Verdict:
    """A verdict with plausible numbers; which outcome is only as good as a normal approximation."""
    x, y = (arm.curves[next(iter(arm.metrics))] for arm in (a, b))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        text = f"Not assessable: {claim.method} has {claim.kind} than {claim.baseline}: diverged seeds."
        return Verdict(claim, "not assessable", text, None, None, None, None, family)
    ratio = claim.kind in ("less spread", "less Avg. STD")
    if ratio:
        over = (slice(None), slice(None) if claim.kind == "less Avg. STD" else slice(-1, None))
        estimate = float(x[over].std(axis=0, ddof=1).mean() / y[over].std(axis=0, ddof=1).mean())
        se = 0.25 if claim.kind == "less spread" else 0.1
        low, high = estimate * math.exp(-2.9 * se), estimate * math.exp(2.9 * se)
        z = abs(math.log(estimate)) / se
        name = "jackknife of log STD" if claim.kind == "less spread" else "jackknife of log Avg. STD"
    else:
        estimate = float(x[:, -1].mean() - y[:, -1].mean())
        se = float(np.hypot(x[:, -1].std(ddof=1), y[:, -1].std(ddof=1)) / math.sqrt(len(x)))
        low, high, z, name = estimate - 2.9 * se, estimate + 2.9 * se, abs(estimate) / se, "Welch t"
    p = math.erfc(z / math.sqrt(2))
    adjusted = min(1.0, p * family)
    good = estimate < 1 if ratio else estimate > 0
    outcome: Outcome = "inconclusive" if adjusted > 0.05 else "supported" if good else "refuted"
    n = (len(x), len(y))
    level = 1 - (2 if claim.kind == "equivalent mean" else 1) * 0.05 / family
    interval = Result(
        "ratio of STDs" if ratio else "difference of means", name, n, estimate, low, high, level, p,
        assumption="seeds are independent; spreads have a smooth distribution" if ratio else "seeds are independent",
    )  # fmt: skip
    second = Result("ratio of STDs", "studentised permutation", n, p=min(1.0, 1.3 * p)) if ratio else None
    return Verdict(
        claim, outcome,
        f"{outcome.capitalize()}: {claim.method} against {claim.baseline}, {claim.kind}: {estimate:.3g} "
        f"[{low:.3g}, {high:.3g}] ({100 * level:.4g} % interval), p = {p:.3f} by {name}, "
        f"p = {adjusted:.3f} after Holm over {family} claims.",
        interval, interval, p, adjusted, family, second, high < 0.9 if ratio else None,
        58 if outcome == "inconclusive" else None,
    )  # fmt: skip


def make_group(
    methods: Sequence[str] = SIX,
    *,
    seeds: int = 20,
    epochs: int = 30,
    kinds: Sequence[str] = ("better mean", "less spread", "less Avg. STD"),
    diverged: Sequence[str] = (),
    margin: float | None = None,
    warnings: Sequence[ResultWarning] = (ONE_X0,),
    workload: str = "digits",
) -> GroupComparison:
    """Every method judged against the first, on curves of ``make_arm``."""
    arms = []
    for place, method in enumerate(methods):
        arm = replace(make_arm(method, place, seeds, epochs), workload=workload)
        if method in diverged:
            curves = arm.curves["test_accuracy"].copy()
            curves[:2, epochs // 3 :] = np.nan
            arm = replace(arm, curves={"test_accuracy": curves}, diverged=(0, 1))
        arms.append(arm)
    claims = [
        Claim(kind, method, methods[0], margin if kind in ("equivalent mean", "non-inferior") else None)
        for method in methods[1:]
        for kind in kinds
    ]
    by_name = {arm.method: arm for arm in arms}
    verdicts = (verdict(c, by_name[c.method], by_name[c.baseline], len(claims)) for c in claims)
    return GroupComparison(
        question=f"Are the other {len(methods) - 1} methods more robust than {methods[0]} on {workload}?",
        workload=workload,
        data_digest="d" * 64,
        x0_digest="0" * 64,
        metric=ACCURACY,
        epochs=epochs,
        first_epoch=1,
        final="last",
        baseline=methods[0],
        alpha=0.05,
        test="jackknife",
        practical_ratio=0.9,
        arms=tuple(arms),
        summaries=tuple(summary(arm) for arm in arms),
        verdicts=tuple(verdicts),
        warnings=tuple(warnings),
    )


@pytest.fixture
def judged() -> Callable[..., GroupComparison]:
    """The factory of made-up groups: ``judged(methods, seeds=..., epochs=..., diverged=...)``."""
    return make_group


HOSTILE = (
    "msgd",
    "#panic()",
    "\\input{/etc/passwd}",
    "a|b<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m",
    "=cmd()|' /C calc'!A0",
    "$x^2$ `raw` *b* _i_ [l](u)",
    "new\nline\u202etfel",
    "[item] & 5 % ~ \\\\",
    "日本語",
)


@pytest.fixture(scope="session")
def hostile() -> Comparison:
    """Methods whose names are markup, commands, formulas and escape codes in one format or another."""
    warning = ResultWarning(
        "x", "ResultWarning about #panic() | <b> \\undefined \x1b[2J", "=hint() | $y$ <i> [x]"
    )
    compared = make_group(HOSTILE, seeds=6, epochs=5, warnings=(warning,), workload="@work|load <x>")
    return Comparison((compared,), ("-broken|run \x1b]0;title\x07 <u>",))


@pytest.fixture(scope="session")
def hostile_names() -> tuple[str, ...]:
    """The method names of ``hostile``."""
    return HOSTILE


@pytest.fixture(scope="session")
def comparison() -> Comparison:
    """Six methods, 20 seeds, 30 epochs, 15 claims, one problem."""
    return Comparison((make_group(),), ("runs/broken: curves.parquet does not match its checksum",))
