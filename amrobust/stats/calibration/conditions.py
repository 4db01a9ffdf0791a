"""The conditions that constructions are measured under: two samples of equal spread, drawn many at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from amrobust.stats.samples import Array

EPOCHS = 30
Draw = Callable[[np.random.Generator, tuple[int, int, int]], Array]
"""From a generator and (replications, seeds, epochs) to values with a standard deviation of 1 at every epoch."""


def normal(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """Normal seeds."""
    return rng.standard_normal(shape)


def t5(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """Heavy-tailed seeds: Student's t with 5 degrees of freedom."""
    return np.asarray(rng.standard_t(5, shape) / np.sqrt(5 / 3))


def skewed(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """Exponential seeds."""
    return np.asarray(rng.exponential(size=shape) - 1)


def autoregressive(correlation: float, draw: Draw = normal) -> Draw:
    """AR(1) curves with the given correlation of neighbouring epochs."""

    def curves(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
        values = draw(rng, shape)
        for t in range(1, shape[2]):
            values[..., t] = correlation * values[..., t - 1] + np.sqrt(1 - correlation**2) * values[..., t]
        return values

    return curves


def t5_seeds(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """AR(0.8) curves that are each scaled by a heavy-tailed factor of their seed: t5 at every epoch."""
    factor = np.sqrt(rng.chisquare(5, (*shape[:2], 1)) / 5)
    return np.asarray(autoregressive(0.8)(rng, shape) / factor / np.sqrt(5 / 3))


def dips(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """AR(0.8) curves in which 2 % of the epochs of each seed drop by 5 standard deviations."""
    values = autoregressive(0.8)(rng, shape) - 5.0 * (rng.random(shape) < 0.02)
    return np.asarray(values / np.sqrt(1 + 25 * 0.02 * 0.98))


def failing(draw: Draw) -> Draw:
    """Seeds of which one in ten fails: all its epochs lie 8 standard deviations of the others off."""

    def curves(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
        values = draw(rng, shape) + 8.0 * (rng.random((*shape[:2], 1)) < 0.1)
        return np.asarray(values / np.sqrt(1 + 64 * 0.1 * 0.9))

    return curves


def losses(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """exp of AR(0.8) curves: positive, and far from its mean on one side only."""
    return np.asarray(np.exp(autoregressive(0.8)(rng, shape)) / np.sqrt(np.e * (np.e - 1)))


def coarse(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """Accuracies near 100 % on a small test set, with ties and, at few seeds, without any spread: 99 % of 200 examples."""
    return np.asarray((rng.binomial(200, 0.99, shape) - 198) / np.sqrt(200 * 0.99 * 0.01))


def taking_off(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """Curves that rise by ten times their noise, AR(0.8), at an epoch of their own in the middle third."""
    epochs = np.arange(shape[2])
    first, last = shape[2] // 3, 2 * shape[2] // 3
    risen = epochs >= rng.integers(first, last, (*shape[:2], 1))
    share = np.clip((epochs - first + 1) / (last - first), 0, 1)
    spread = np.sqrt(share * (1 - share) + 0.01)
    return np.asarray((risen - share + 0.1 * autoregressive(0.8)(rng, shape)) / spread)


def profile(early: float) -> Draw:
    """AR(0.8) curves whose STD in the first third is ``early`` times that of the rest, 1 on average over epochs."""

    def curves(rng: np.random.Generator, shape: tuple[int, int, int]) -> Array:
        scale = np.where(np.arange(shape[2]) < shape[2] // 3, early, 1.0)
        return np.asarray(autoregressive(0.8)(rng, shape) * scale / scale.mean())

    return curves


@dataclass(frozen=True)
class Condition:
    """Two distributions of equal spread; ``correlation`` above 0 makes pairs."""

    first: Draw
    second: Draw
    epochs: int = 1
    correlation: float = 0.0
    more: int = 1
    """How many times as many seeds the second sample has."""
    banded: bool = False
    """Whether what decides has to keep its band here: normal and t5 seeds of equal shape."""

    @property
    def plain(self) -> bool:
        """Whether both samples are of one size, and continuous."""
        return self.more == 1 and self.first is not coarse

    @property
    def paired(self) -> bool:
        """Whether seeds are paired."""
        return self.correlation > 0

    def draw(self, rng: np.random.Generator, replications: int, n: int) -> tuple[Array, Array]:
        """Both samples, (replications, seeds, epochs) each; ``n`` seeds in the first."""
        shape = replications, n, self.epochs
        a, b = self.first(rng, shape), self.second(rng, (replications, n * self.more, self.epochs))
        if not self.paired:
            return a, b
        common = np.sqrt(self.correlation) * self.first(rng, shape)
        own = np.sqrt(1 - self.correlation)
        return common + own * a, common + own * b


VALUES: dict[str, Condition] = {
    "normal seeds": Condition(normal, normal, banded=True),
    "t5 seeds": Condition(t5, t5, banded=True),
    "skewed seeds": Condition(skewed, skewed),
    "one seed in ten fails": Condition(failing(normal), failing(normal)),
    "normal against t5 seeds": Condition(normal, t5),
    "normal against skewed seeds": Condition(normal, skewed),
    "accuracies of 99 % on 200 examples": Condition(coarse, coarse),
    "normal seeds, against 4 times as many": Condition(normal, normal, more=4, banded=True),
    "t5 seeds, against 4 times as many": Condition(t5, t5, more=4, banded=True),
    "one seed in ten fails, against 4 times as many": Condition(failing(normal), failing(normal), more=4),
    "normal pairs, correlation 0.5": Condition(normal, normal, correlation=0.5, banded=True),
    "t5 pairs, correlation 0.5": Condition(t5, t5, correlation=0.5, banded=True),
    "skewed pairs, correlation 0.5": Condition(skewed, skewed, correlation=0.5),
    "normal pairs, correlation 0.9": Condition(normal, normal, correlation=0.9, banded=True),
    "normal pairs, correlation 0.99": Condition(normal, normal, correlation=0.99, banded=True),
}

_AR = autoregressive(0.8)
CURVES: dict[str, Condition] = {
    "AR(0.8) curves": Condition(_AR, _AR, EPOCHS, banded=True),
    "t5 curves": Condition(t5_seeds, t5_seeds, EPOCHS, banded=True),
    "skewed AR(0.8) curves": Condition(autoregressive(0.8, skewed), autoregressive(0.8, skewed), EPOCHS),
    "one seed in ten fails throughout": Condition(failing(_AR), failing(_AR), EPOCHS),
    "losses, exp of AR(0.8) curves": Condition(losses, losses, EPOCHS),
    "curves that take off at their own epoch": Condition(taking_off, taking_off, EPOCHS),
    "AR(0.8) curves, against 4 times as many": Condition(_AR, _AR, EPOCHS, more=4, banded=True),
    "t5 curves, against 4 times as many": Condition(t5_seeds, t5_seeds, EPOCHS, more=4, banded=True),
    "one seed in ten fails throughout, against 4 times as many": Condition(
        failing(_AR), failing(_AR), EPOCHS, more=4
    ),
    "dips in 2 % of the epochs": Condition(dips, dips, EPOCHS),
    "autocorrelation 0.99 against 0.3": Condition(autoregressive(0.99), autoregressive(0.3), EPOCHS),
    "early against late spread": Condition(profile(5.0), profile(0.25), EPOCHS),
    "AR(0.8) pairs, correlation 0.5": Condition(_AR, _AR, EPOCHS, correlation=0.5, banded=True),
    "t5 pairs of curves, correlation 0.5": Condition(
        t5_seeds, t5_seeds, EPOCHS, correlation=0.5, banded=True
    ),
}
