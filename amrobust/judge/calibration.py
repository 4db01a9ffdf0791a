"""Calibration of whole families: false verdicts among many claims, composites on their borders, with what decides them."""

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
from amrobust.runs.arms import Arm
from amrobust.runs.metric import Metric
from amrobust.stats.calibration import study
from amrobust.stats.calibration.conditions import CURVES, EPOCHS, Condition
from amrobust.stats.calibration.figures import Cell, Effort, Figure, rate

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
UNDER = {name: CURVES[name] for name in ("AR(0.8) curves", "t5 curves", "one seed in ten fails throughout")}


def cells() -> list[Cell]:
    """The cells of families and composites, and of single claims; ``ratio`` is the number of methods, or of parts."""
    found = [
        Cell(topic, name, n, float(methods))
        for topic, name, n, methods in product(
            ("families", "families in part false"), UNDER, (5, 10), METHODS
        )
        if topic == "families" or methods > 1
    ]
    found += [Cell("composites", name, n, float(parts)) for name, n, parts in product(UNDER, (5, 10), PARTS)]
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
    """Families in which any true claim is decided: of methods that are all equal, or half of which differ from the baseline."""
    condition, methods = UNDER[cell.condition], int(cell.ratio)
    names = [f"m{place}" for place in range(1, methods + 1)]
    apart = names[: methods // 2] if differing else []
    claims = [Claim(kind, name, "b") for name in names for kind in USUAL]
    wrong = 0
    for _ in range(effort.slow):
        curves = _samples(condition, methods, cell.n, rng)
        for name in apart:
            curves[name] = curves[name] / FAR + FAR
        samples = {name: _sample(name, values) for name, values in curves.items()}

        def evidence(place: int, rate: Rate, samples: Mapping[str, Sample] = samples) -> Evidence:
            return gather(claims[place], samples, METRIC, Rules(), replace(rate, p_alone=True))

        judged = judged_together(len(claims), ALPHA, evidence)
        wrong += any(
            p is not None and p <= ALPHA and claim.method not in apart
            for claim, (_, p) in zip(claims, judged, strict=True)
        )
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
        )
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


TOPICS: dict[str, Callable[[Cell, Effort, np.random.Generator], list[Figure]]] = {
    "families": _all_equal,
    "families in part false": _half_differ,
    "composites": _composite,
}
