"""Simulated seeds: drawn from what a pilot found of its methods, or from what is assumed of two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from scipy import special

from amrobust.errors import UserError
from amrobust.judge.kinds.kind import FEWEST_SEEDS
from amrobust.judge.samples import Curves, Sample
from amrobust.judge.usage import asked_for
from amrobust.runs.arms import Arm
from amrobust.runs.metric import Metric
from amrobust.stats import CannotEstimate, final_values
from amrobust.stats.limits import check_count, check_finite

Shape = Literal["normal", "t5", "skewed"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
"""Of seeds around their mean: normal, heavy-tailed, and exponential to the worse side. All have the same STDs."""

METHOD, BASELINE, QUANTITY = "the method", "the baseline", "value"
MOST_EPOCHS = 2_000
LARGEST_EFFECT = 1e6
"""Of a true ratio or difference: more is found by any number of seeds."""


@dataclass(frozen=True)
class Source:
    """What seeds of one method are drawn from: curves mean + STD × (weights @ root), the weights independent and normal."""

    sample: Sample
    """What a drawn sample is like but for its seeds and curves."""
    mean: Curves
    std: Curves
    root: Curves
    """(weights, epochs): makes curves with a variance of 1 of weights."""
    divergence: float = 0.0
    log_seconds: tuple[float, float] | None = None
    """Mean and STD of the logarithms of the seeds' wall times."""
    weights: str = ""
    """Methods of one name here share their seeds' weights, and are paired by that."""

    @classmethod
    def of_pilot(cls, samples: Mapping[str, Sample]) -> dict[str, Source]:
        """By method: the pilot's mean, and mixtures of its seeds' deviations, which have their covariance.

        Paired methods are drawn together. Raises UserError on seeds of several x0, and CannotEstimate on fewer than 4 seeds.
        """
        shared: dict[str, list[Sample]] = defaultdict(list)
        for name, sample in samples.items():
            if sample.x0s:
                raise UserError("seeds of several x0 are not planned for: give the pilot's runs from one x0")
            shared[sample.arm.pairing or sample.arm.training or name].append(sample)
        found = {}
        for key, members in shared.items():
            finite = [
                {seed for seed, curve in zip(s.seeds, s.curves, strict=True) if np.isfinite(curve).all()}
                for s in members
            ]
            common = sorted(set.intersection(*finite))
            if len(common) < FEWEST_SEEDS:
                raise CannotEstimate(
                    f"{members[0].arm.title} has {len(common)} usable seeds to plan from", FEWEST_SEEDS
                )
            for sample in members:
                curves = sample.curves[[sample.seeds.index(seed) for seed in common]]
                std = curves.std(axis=0, ddof=1)
                with np.errstate(divide="ignore", invalid="ignore"):
                    root = (curves - curves.mean(axis=0)) / (std * np.sqrt(len(common) - 1))
                logs = np.log(sample.arm.seconds) if sample.arm.seconds else None
                found[sample.arm.method] = cls(
                    sample,
                    curves.mean(axis=0),
                    std,
                    np.where(std > 0, root, 0.0),
                    0.0 if sample.complete_cases else sample.diverged / len(sample.seeds),
                    None if logs is None else (float(logs.mean()), float(logs.std(ddof=1))),
                    key,
                )
        return {name: found[name] for name in samples}

    def drawn(
        self,
        shape: Shape,
        metric: Metric,
        final: str,
        weights: Curves,
        factor: Curves,
        rng: np.random.Generator,
    ) -> Sample:
        """A sample of as many seeds as have ``weights``; ``factor`` (seeds, 1) is each one's own under heavy tails."""
        n = len(weights)
        z = weights @ self.root
        if shape == "t5":
            z = z * factor
        elif shape == "skewed":
            worse = -1.0 if metric.way == "higher" else 1.0
            z = worse * np.where(self.std > 0, -special.log_ndtr(-z) - 1, 0.0)
        curves = self.mean + self.std * z
        lost = rng.random(n) < self.divergence
        curves[lost] = np.nan
        seconds: tuple[float, ...] = ()
        if self.log_seconds is not None:
            seconds = tuple(np.exp(self.log_seconds[0] + self.log_seconds[1] * rng.standard_normal(n)))
        seeds = tuple(range(n))
        arm = replace(self.sample.arm, seeds=seeds, seconds=seconds, diverged=(), declared={}, seed_plans=())
        return replace(
            self.sample, arm=arm, seeds=seeds, curves=curves, finals=final_values(curves, final), diverged=int(lost.sum()),
            complete_cases=False,
        )  # fmt: skip


@dataclass(frozen=True)
class Assumed:
    """Two methods as they are assumed to be, without a pilot: the baseline has mean 0 and STD 1 at every epoch.

    ``ratio``: the method's STD; ``difference``: by how much its mean is better, in seed STDs; ``correlation``: of pairs;
    ``divergence``: the rates of the method and the baseline. Curves are AR(1) with ``autocorrelation``.
    """

    ratio: float = 1.0
    difference: float = 0.0
    epochs: int = 1
    autocorrelation: float = 0.8
    correlation: float = 0.0
    divergence: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Raises UserError where no such methods can be."""
        with asked_for():
            check_finite("difference", self.difference)
            check_finite("ratio", self.ratio)
            check_count("epochs", self.epochs, 1, MOST_EPOCHS)
            for name in ("autocorrelation", "correlation"):
                check_finite(name, getattr(self, name))
        if not 1 / LARGEST_EFFECT <= self.ratio <= LARGEST_EFFECT or abs(self.difference) > LARGEST_EFFECT:
            raise UserError(
                f"a true ratio lies between {1 / LARGEST_EFFECT:g} and {LARGEST_EFFECT:g}, a true difference is at most "
                f"{LARGEST_EFFECT:g} seed STDs"
            )
        for name in ("autocorrelation", "correlation"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(
                    f"{name.replace('auto', 'an auto')} of {getattr(self, name):g} is not in [0, 1)"
                )
        if not all(0 <= rate <= 1 for rate in self.divergence):
            raise UserError("rates of divergence lie between 0 and 1")

    @property
    def metric(self) -> Metric:
        """Of which more is better."""
        return Metric(QUANTITY, "higher")

    def sources(self) -> dict[str, Source]:
        """By method: what its seeds are drawn from."""
        apart = np.abs(np.subtract.outer(np.arange(self.epochs), np.arange(self.epochs)))
        curve = np.linalg.cholesky(self.autocorrelation**apart).T
        common, own, none = (
            np.sqrt(self.correlation) * curve,
            np.sqrt(1 - self.correlation) * curve,
            0 * curve,
        )
        found = {}
        for place, (name, ratio, difference) in enumerate(
            ((METHOD, self.ratio, self.difference), (BASELINE, 1.0, 0.0))
        ):
            paired = self.correlation > 0
            arm = Arm(
                name, name, "assumed", (0,), {QUANTITY: np.zeros((1, self.epochs))}, {QUANTITY: self.metric},
                pairing="shared" if paired else None,
            )  # fmt: skip
            root = np.vstack([common, *((own, none) if place == 0 else (none, own))]) if paired else curve
            found[name] = Source(
                Sample.of(arm, QUANTITY, 1, False), np.full(self.epochs, difference), np.full(self.epochs, ratio),
                np.asarray(root, np.float64),
                self.divergence[place], weights="shared" if paired else name,
            )  # fmt: skip
        return found
