"""The bounds of Theorems 1 and 2 against thousands of runs: they hold where the proofs say so, and break outside.

Every bound that is checked is below the gap at x0 (or what the set X allows), so that staying where one is does not satisfy it.
"""

import math

import numpy as np
import pytest

from amrobust import rules
from amrobust.rules import theory
from amrobust.rules.theory import Setting
from amrobust.workloads.problem import Problem, sphere_noise

SEEDS = 4000
TOO_LARGE = 30.0
"""A learning rate of this over L; the proofs need less than 1 over L."""


def rows():
    """Forty unit vectors in the plane, near one axis, three in ten with the other label: curvature 0.22 of L = 0.25."""
    angle = np.random.default_rng(0).uniform(-0.6, 0.6, 40)
    label = np.where(np.arange(40) % 10 < 3, -1.0, 1.0)
    return label[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


class Hinge:
    """F(x) = mean_i max(0, 1 − b_i ⟨a_i, x⟩): not smooth, Lipschitz with constant 1, so L = 0 and M = 2."""

    def __init__(self, signed_rows):
        self.signed_rows = signed_rows

    def loss(self, x):
        return np.maximum(0.0, 1.0 - x @ self.signed_rows.T).mean(axis=1)

    def gradient(self, x):
        return (x @ self.signed_rows.T < 1.0) @ self.signed_rows / -len(self.signed_rows)


class Case:
    """A problem on a set X with its solution: F(x*) by 20,000 exact steps, V, D_X and the gap at x0."""

    def __init__(self, problem, prox, x0, L, diameter=None):
        self.problem, self.prox, self.x0, self.L = problem, prox, x0, L
        exact = rules.am1_general(m=1, prox=prox)
        state = exact.init(x0[None])
        for _ in range(20_000):
            lr = 1 / (2 * L) if L else 0.01 / 20_000**0.5
            state = exact.step(state, problem.gradient(state.x), lr)
        self.optimum = state.output[0]
        self.best = float(problem.loss(state.output)[0])
        self.gap0 = float(problem.loss(x0[None])[0]) - self.best
        self.V = float(prox.divergence(self.optimum, x0))
        self.diameter = diameter and diameter + float(prox.norm(self.optimum - x0))

    def gaps(self, rule, iterations, lr, noise, seeds=SEEDS):
        """F(output) − F(x*) of each seed; ``noise(seeds)`` are the gradients' errors of one iteration."""
        state = rule.init(np.tile(self.x0, (seeds, 1)))
        for _ in range(iterations):
            state = rule.step(state, self.problem.gradient(state.x) + noise(seeds), lr)
        return self.problem.loss(rule.outputs(state)["II"]) - self.best


RADIUS = 6.7
"""Three times the distance from x0 to the solution."""


@pytest.fixture(scope="module")
def logistic():
    return Case(Problem(rows()), rules.Ball(RADIUS), np.zeros(2), L=0.25, diameter=RADIUS)


def sphere(sigma):
    generator = np.random.default_rng(1)
    return lambda seeds: sphere_noise(generator, seeds, 2, sigma)


def mean_and_error(gaps):
    return gaps.mean(), gaps.std(ddof=1) / math.sqrt(len(gaps))


def am1(case, m):
    return rules.am1_general(m=m, prox=case.prox)


class TestTheorem1a:
    @pytest.mark.parametrize(
        ("sigma", "iterations", "m"),
        [
            (0.0, 60, 1),
            (0.0, 60, 6),
            (0.0, 60, 60),
            (0.01, 60, 1),
            (0.01, 60, 6),
            (0.01, 60, 60),
            (0.1, 240, 10),
        ],
    )
    def test_the_mean_gap_is_below_k0(self, logistic, sigma, iterations, m):
        setting = Setting(iterations, logistic.V, sigma, logistic.L)
        bound = theory.k0(setting, m)
        assert bound < logistic.gap0
        lr = theory.theorem1_lr(setting, m)
        mean, error = mean_and_error(logistic.gaps(am1(logistic, m), iterations, lr, sphere(sigma)))
        assert mean + 4 * error < bound

    @pytest.mark.parametrize(("sigma", "m"), [(0.0, 1), (0.0, 6), (0.0, 60), (0.01, 6), (0.01, 60)])
    def test_a_step_outside_the_condition_breaks_it(self, logistic, sigma, m):
        bound = theory.k0(Setting(60, logistic.V, sigma, logistic.L), m)
        lr = TOO_LARGE / logistic.L
        mean, error = mean_and_error(logistic.gaps(am1(logistic, m), 60, lr, sphere(sigma)))
        assert mean - 4 * error > bound

    def test_without_smoothness(self):
        """L = 0: the step is λ1/L as one quantity."""
        case = Case(Hinge(rows()), rules.Ball(3.0), np.zeros(2), L=0.0)
        setting = Setting(4000, case.V, 0.1, 0.0, M=2.0)
        bound = theory.k0(setting, 20)
        assert bound < case.gap0
        lr = theory.theorem1_lr(setting, 20)
        mean, error = mean_and_error(case.gaps(am1(case, 20), 4000, lr, sphere(0.1), seeds=200))
        assert mean + 4 * error < bound

    def test_in_the_norm_of_entropy(self):
        """On the simplex: ‖·‖₁, so that V ≤ log d and σ is the largest entry of the noise."""
        generator = np.random.default_rng(2)
        signs = np.where(np.arange(12) < 6, 1.0, -1.0)
        case = Case(
            Problem(signs * generator.uniform(0.2, 1, (40, 12))), rules.Entropy(), np.full(12, 1 / 12), L=0.25
        )
        setting = Setting(3000, case.V, 0.05, case.L)
        bound = theory.k0(setting, 10)
        assert bound < case.gap0
        assert math.log(12) + 1e-9 >= case.V
        lr = theory.theorem1_lr(setting, 10)

        def noise(seeds):
            return 0.05 * np.sign(generator.uniform(-1, 1, (seeds, 12)))

        mean, error = mean_and_error(case.gaps(am1(case, 10), 3000, lr, noise, seeds=100))
        assert mean + 4 * error < bound


class TestTheorem1b:
    """Noise on the sphere has the light tails that the theorem asks for, with equality."""

    @pytest.mark.parametrize("m", [1, 6, 60])
    @pytest.mark.parametrize("probability", [0.5, 0.05, 0.001])
    def test_few_gaps_are_above_k0_and_k1(self, logistic, m, probability):
        setting = Setting(60, logistic.V, 0.002, logistic.L)
        lr = theory.theorem1_lr(setting, m)
        gaps = logistic.gaps(am1(logistic, m), 60, lr, sphere(0.002))
        assert (gaps > self.limit(logistic, setting, m, probability)).mean() <= probability

    @pytest.mark.parametrize("probability", [0.5, 0.05, 0.001])
    def test_a_step_outside_the_condition_breaks_it(self, logistic, probability):
        setting = Setting(60, logistic.V, 0.002, logistic.L)
        gaps = logistic.gaps(am1(logistic, 60), 60, TOO_LARGE / logistic.L, sphere(0.002))
        assert (gaps > self.limit(logistic, setting, 60, probability)).mean() > probability

    @staticmethod
    def limit(case, setting, m, probability):
        deviation = theory.deviation_of(probability)
        return theory.k0(setting, m) + theory.k1(setting, m, deviation, case.diameter)


class TestTheorem2:
    @staticmethod
    def am2(case, m):
        return rules.am2_general(m=m, prox=case.prox, indices=rules.IndexStream(range(SEEDS), m))

    @pytest.mark.parametrize(
        ("sigma", "iterations", "m"),
        [(0.0, 60, 1), (0.0, 60, 6), (0.01, 60, 6), (0.01, 60, 20), (0.1, 240, 10)],
    )
    def test_the_mean_gap_is_below_the_bound(self, logistic, sigma, iterations, m):
        setting = Setting(iterations, logistic.V, sigma, logistic.L)
        bound = theory.theorem2_bound(setting, m, logistic.gap0)
        assert bound < logistic.gap0
        lr = theory.theorem2_lr(setting, m)
        mean, error = mean_and_error(logistic.gaps(self.am2(logistic, m), iterations, lr, sphere(sigma)))
        assert mean + 4 * error < bound

    @pytest.mark.parametrize(("sigma", "m"), [(0.0, 1), (0.0, 6), (0.005, 6)])
    def test_a_step_outside_the_condition_breaks_it(self, logistic, sigma, m):
        bound = theory.theorem2_bound(Setting(60, logistic.V, sigma, logistic.L), m, logistic.gap0)
        lr = TOO_LARGE / logistic.L
        mean, error = mean_and_error(logistic.gaps(self.am2(logistic, m), 60, lr, sphere(sigma)))
        assert mean - 4 * error > bound
