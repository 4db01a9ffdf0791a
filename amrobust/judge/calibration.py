"""Calibration of whole families, of composites on their borders, and of claims where seeds fail, with what decides them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from amrobust.judge.claim import Claim
from amrobust.judge.evidence import gather
from amrobust.judge.family import judged_together
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Curves, Sample
from amrobust.judge.tipping import with_tipping_points
from amrobust.judge.verdicts import decide
from amrobust.runs.arms import Arm
from amrobust.runs.axis import epochs
from amrobust.runs.metric import Metric
from amrobust.stats.calibration import study
from amrobust.stats.calibration.conditions import CURVES, EPOCHS, Condition
from amrobust.stats.calibration.figures import Cell, Effort, Figure, Measure, rate

ALPHA = study.ALPHA
METRIC = Metric("value", "higher")
USUAL = ("better mean", "less spread", "less Avg. STD")
"""Of every method against the baseline."""
METHODS = (1, 2, 6)
"""Methods in a family: 3, 6 and 18 claims."""
FAR = 3.0
"""Ratio of STDs, and difference of means in STDs, of the methods that do differ."""
PARTS = (2, 5, 10)
MARGIN = 1.0
FAILING = "one seed in ten fails throughout"
SKEWED = "skewed AR(0.8) curves"
OF_EVERY_STUDY = {"few-seeds", "low-power"}
"""Warnings that say nothing of the samples."""
FAILURE = 2.0
"""Between the values of seeds that fail and of all others, so that a tenth of the seeds lie beyond."""
BOUNDS = (0.1, 0.3, 0.5)
"""On the probability of a failure: the true one, and two that it keeps."""
UNDER = {name: CURVES[name] for name in ("AR(0.8) curves", "t5 curves", FAILING)}


def cells() -> list[Cell]:
    """The cells of families and composites, and of single claims; ``ratio`` is the number of methods, or of parts."""
    found = [
        Cell(topic, name, n, float(methods))
        for topic, name, n, methods in product(
            ("families", "families in part false"), UNDER, (5, 10, 20), METHODS
        )
        if (n < 20 if topic == "families" else methods > 1)
    ]
    found += [Cell("composites", name, n, float(parts)) for name, n, parts in product(UNDER, (5, 10), PARTS)]
    found += [
        Cell("failing seeds", name, n, FAR) for name, n in product(("AR(0.8) curves", FAILING), (5, 20))
    ]
    found += [
        Cell("warned verdicts", name, n, 1.0)
        for name, n in product(("AR(0.8) curves", SKEWED, FAILING), (5, 10, 20))
    ]
    return [*study.cells(), *found]


def measure(cell: Cell, effort: Effort | None = None, *, root: int = 0) -> list[Figure]:
    """Measure a cell; the same root and effort give the same figures."""
    if cell.topic not in TOPICS:
        return study.measure(cell, effort, root=root)
    rng = np.random.default_rng([root, zlib.crc32(cell.name.encode())])
    return [replace(figure, seed=root) for figure in TOPICS[cell.topic](cell, effort or Effort(), rng)]


def measure_all(
    cells: Sequence[Cell], effort: Effort, *, root: int = 0, jobs: int = 1
) -> Iterator[tuple[int, list[Figure]]]:
    """As :func:`amrobust.stats.calibration.measure_all`, of families too."""
    return study.measure_all(cells, effort, root=root, jobs=jobs, measured=measure)


def _sample(method: str, curves: Curves) -> Sample:
    arm = Arm(
        method, method, "simulated", tuple(range(len(curves))), {METRIC.name: curves}, {METRIC.name: METRIC}
    )
    return Sample.of(arm, METRIC.name, 1, False)


def _samples(condition: Condition, methods: int, n: int, rng: np.random.Generator) -> dict[str, Curves]:
    """Curves of a baseline, ``b``, and of so many methods."""
    first, _ = condition.draw(rng, methods + 1, n)
    return {"b" if place == 0 else f"m{place}": curves for place, curves in enumerate(first)}


def _family(cell: Cell, effort: Effort, rng: np.random.Generator, *, differing: bool) -> list[Figure]:
    """Families in which any true equality is rejected, of methods that are all equal or half of which differ from the baseline.

    Of the latter also those in which each kind of claim about the first that differs is supported.
    """
    condition, methods = UNDER[cell.condition], int(cell.ratio)
    names = [f"m{place}" for place in range(1, methods + 1)]
    apart = names[: methods // 2] if differing else []
    claims = [Claim(kind, name, "b") for name in names for kind in USUAL]
    wrong, seen = 0, dict.fromkeys(USUAL, 0)
    for _ in range(effort.slow):
        curves = _samples(condition, methods, cell.n, rng)
        for name in apart:
            curves[name] = curves[name] / FAR + FAR
        samples = {name: _sample(name, values) for name, values in curves.items()}

        def evidence(place: int, rate: Rate, samples: Mapping[str, Sample] = samples) -> Evidence:
            return gather(claims[place], samples, METRIC, Rules(), replace(rate, p_alone=True))

        judged = judged_together(len(claims), ALPHA, evidence)
        rejected = [
            (claim, found)
            for claim, (found, p) in zip(claims, judged, strict=True)
            if p is not None and p <= ALPHA
        ]
        wrong += any(claim.method not in apart for claim, _ in rejected)
        for claim, found in rejected:
            seen[claim.kind] += claim.method in apart[:1] and found.points_to(METRIC)
    what = f"{cell.condition}, {len(claims)} claims" + (
        f", {len(USUAL) * len(apart)} of them false" if apart else ""
    )
    banded = condition.banded
    return [
        rate(
            cell,
            "any equality rejected (Holm)",
            "type I error",
            wrong,
            effort.slow,
            banded=banded,
            condition=what,
        ),
        *(
            rate(cell, f"{kind} (Holm)", "power", hits, effort.slow, condition=what)
            for kind, hits in seen.items()
            if apart
        ),
    ]


def _composite(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    """Composites of non-inferiority at as many epochs: supported with one part on its border, refuted with all on theirs."""
    condition, parts = UNDER[cell.condition], int(cell.ratio)
    epochs = np.linspace(1, EPOCHS, parts).round().astype(int).tolist()
    claim = Claim(
        "composite", "m1", "b",
        parts=tuple(Claim("non-inferior", "m1", "b", margin=MARGIN, epochs=(epoch, epoch)) for epoch in epochs),
    )  # fmt: skip
    one = np.full(EPOCHS, 10 * MARGIN)
    one[epochs[-1] - 1] = -MARGIN
    wrong = {"supported": 0, "refuted": 0}
    for _ in range(effort.slow):
        curves = _samples(condition, 1, cell.n, rng)
        for outcome, shift in (("supported", one), ("refuted", np.full(EPOCHS, -MARGIN))):
            samples = {"b": _sample("b", curves["b"]), "m1": _sample("m1", curves["m1"] + shift)}
            found = gather(claim, samples, METRIC, Rules(), Rate(ALPHA, ALPHA, p_alone=True))
            assert found.p is not None
            wrong[outcome] += found.p <= ALPHA and found.points_to(METRIC) == (outcome == "supported")
    where = {"supported": "one part on its border", "refuted": "all parts on their borders"}
    return [
        rate(
            cell, f"composite {outcome}", "type I error", wrong[outcome], effort.slow, banded=condition.banded,
            condition=f"{cell.condition}, {parts} parts, {where[outcome]}",
        )
        for outcome in wrong
    ]  # fmt: skip


def _all_equal(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    return _family(cell, effort, rng, differing=False)


def _half_differ(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    return _family(cell, effort, rng, differing=True)


def _failing(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    """Claims on spreads whose true ratio is 1/3: supported, and so that no single failing seed would undo it.

    Where seeds do fail, also bounds on the probability of that.
    """
    condition, metric, rules = UNDER[cell.condition], Metric(METRIC.name, "lower"), Rules()
    spreads = [Claim(kind, "m1", "b") for kind in ("less spread", "less Avg. STD")]
    bounds = {
        bound: Claim("exceedance bound", "b", "b", bound=(FAILURE, bound))
        for bound in BOUNDS
        if cell.condition == FAILING
    }
    supported = dict.fromkeys((*spreads, *bounds.values()), 0)
    firm = dict.fromkeys(spreads, 0)
    for _ in range(effort.slow):
        curves = _samples(condition, 1, cell.n, rng)
        curves["m1"] = curves["m1"] / cell.ratio
        samples = {name: _sample(name, values) for name, values in curves.items()}
        for claim in supported:
            evidence = gather(claim, samples, metric, rules, Rate(ALPHA, ALPHA))
            verdict = with_tipping_points(
                decide(evidence, evidence.p, metric, epochs(EPOCHS), rules, 1),
                evidence,
                samples,
                metric,
                rules,
            )
            if verdict.outcome == "supported":
                supported[claim] += 1
                if verdict.tipping is not None:
                    firm[claim] += verdict.tipping.seeds != 1
    counts = [(claim.kind, supported[claim]) for claim in spreads]
    counts += [(f"{claim.kind}, undone by no single failing seed", hits) for claim, hits in firm.items()]
    where = f"{cell.condition}, STDs 1 and {cell.ratio:g}"
    found = [rate(cell, name, "power", hits, effort.slow, condition=where) for name, hits in counts]
    for bound, claim in bounds.items():
        name = f"failures bounded by {100 * bound:.0f} %"
        what: Measure = "type I error" if bound == BOUNDS[0] else "power"
        found.append(rate(cell, name, what, supported[claim], effort.slow, condition=cell.condition))
    return found


def _warned(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    """Claims on equal spreads that are decided, and those of them that no warning about their samples goes with."""
    condition, rules = CURVES[cell.condition], Rules()
    claims = [Claim(kind, "m1", "b") for kind in ("less spread", "less Avg. STD")]
    decided, alone = dict.fromkeys(claims, 0), dict.fromkeys(claims, 0)
    for _ in range(effort.slow):
        samples = {
            name: _sample(name, values) for name, values in _samples(condition, 1, cell.n, rng).items()
        }
        for claim in claims:
            evidence = gather(claim, samples, METRIC, rules, Rate(ALPHA, ALPHA))
            verdict = decide(evidence, evidence.p, METRIC, epochs(EPOCHS), rules, 1)
            if verdict.outcome in ("supported", "refuted"):
                decided[claim] += 1
                alone[claim] += {note.kind for note in verdict.warnings} <= OF_EVERY_STUDY
    return [
        rate(cell, f"{claim.kind}{what}", "type I error", counts[claim], effort.slow, banded=condition.banded)
        for claim in claims
        for what, counts in (("", decided), (", without a warning of its samples", alone))
    ]


TOPICS: dict[str, Callable[[Cell, Effort, np.random.Generator], list[Figure]]] = {
    "families": _all_equal,
    "families in part false": _half_differ,
    "composites": _composite,
    "failing seeds": _failing,
    "warned verdicts": _warned,
}
