"""Theorems 1 and 2: the constants against the proofs' own sums, and the bounds against thousands of runs."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from amrobust.rules import theory
from amrobust.rules.theory import Setting

PAPER = Setting(iterations=1000, V=350.0, sigma=2.0, L=0.25)


class TestTelescoping:
    """β_0 = 0 and the conditions under which each recursion telescopes, for α = η/(1 − β) with any η."""

    def test_theorem_1(self):
        beta = np.array([theory.theorem1_momentum(s) for s in range(500)])
        alpha = 1 / (1 - beta)
        assert beta[0] == 0
        assert (alpha[1:] * beta[1:] / (1 - beta[1:]) <= alpha[:-1] / (1 - beta[:-1])).all()

    @pytest.mark.parametrize("m", [1, 2, 7, 100])
    def test_theorem_2(self, m):
        beta = np.array([theory.theorem2_momentum(m)(k) for k in range(500)])
        alpha = 1 / (1 - beta)
        assert beta[0] == 0
        assert (alpha[1:] * (1 / (1 - beta[1:]) - 1 / m) <= alpha[:-1] / (1 - beta[:-1]) + 1e-9).all()

    def test_a_faster_momentum_does_not_telescope(self):
        """s/(s + 1.5) instead of s/(s + 2): the conditions are not satisfied by just anything."""
        beta = np.array([s / (s + 1.5) for s in range(500)])
        alpha = 1 / (1 - beta)
        assert (alpha[1:] * beta[1:] / (1 - beta[1:]) > alpha[:-1] / (1 - beta[:-1])).any()

    @given(
        st.builds(Setting, st.integers(1, 5000), st.floats(1e-3, 1e3), st.floats(0, 10), st.floats(1e-3, 10)),
        st.integers(1, 100),
    )
    def test_the_step_is_inside_the_proofs_condition(self, setting, m):
        """α(1 − β) = λ/L < 1/L, with λ ≤ 2/3."""
        assert 0 < theory.lambda2(setting, m) < 0.667
        assume(setting.iterations % m == 0)
        assert 0 < theory.lambda1(setting, m) < 0.667


noisy_settings = st.builds(
    Setting, st.integers(1, 60), st.floats(0.01, 100), st.floats(0, 10), st.floats(0.01, 10), st.floats(0, 3)
)


class TestConstants:
    """The theorems' closed forms bound what their proofs sum up."""

    @settings(max_examples=300, deadline=None)
    @given(noisy_settings, st.integers(1, 20))
    def test_k0(self, setting, m):
        """((1 − β)/α)_{S−1} · (V/m + (σ² + M²)/(1 − λ1) · Σ α_s²), from telescoping (14)."""
        cycles = max(1, setting.iterations // m)
        setting = Setting(cycles * m, setting.V, setting.sigma, setting.L, setting.M)
        lr = theory.theorem1_lr(setting, m)
        beta = np.array([theory.theorem1_momentum(s) for s in range(cycles)])
        alpha = lr / (1 - beta)
        noise = (setting.sigma**2 + setting.M**2) / (1 - setting.L * lr) * (alpha**2).sum()
        summed = (1 - beta[-1]) / alpha[-1] * (setting.V / m + noise)
        assert summed <= theory.k0(setting, m) * (1 + 1e-9)
        assert theory.k0(setting, m) < 12 * summed  # and the closed form is not beyond comparison

    @settings(max_examples=300, deadline=None)
    @given(noisy_settings, st.integers(1, 20), st.floats(0, 10))
    def test_theorem_2s_bound(self, setting, m, gap):
        """((1 − β)/α)_{K−1} · (α_0(1 − 1/m)(F(x0) − F*) + V/m + (σ + M)²/(2m(1 − λ2)) · Σ α_k²), from (20)."""
        lr = theory.theorem2_lr(setting, m)
        beta = np.array([theory.theorem2_momentum(m)(k) for k in range(setting.iterations)])
        alpha = lr / (1 - beta)
        noise = (setting.sigma + setting.M) ** 2 / (2 * m * (1 - setting.L * lr)) * (alpha**2).sum()
        summed = (1 - beta[-1]) / alpha[-1] * (alpha[0] * (1 - 1 / m) * gap + setting.V / m + noise)
        assert summed <= theory.theorem2_bound(setting, m, gap) * (1 + 1e-9)

    @settings(max_examples=200, deadline=None)
    @given(
        st.builds(
            Setting, st.integers(1, 300), st.floats(1e-3, 1e3), st.floats(0, 3), st.floats(0, 10), st.floats(0.01, 3)
        )
    )  # fmt: skip
    def test_k0_is_smallest_at_an_end(self, setting):
        values = theory.k0(setting, np.arange(1.0, setting.iterations + 1))
        assert values[theory.best_m(setting) - 1] <= values.min() * (1 + 1e-12)

    def test_the_crossover(self):
        noise = theory.crossover(PAPER)
        at = [theory.best_m(Setting(1000, 350.0, sigma, 0.25)) for sigma in (0.99 * noise, 1.01 * noise)]
        assert at == [1, 1000]
        same = Setting(1000, 350.0, noise, 0.25)
        assert theory.k0(same, 1) == pytest.approx(theory.k0(same, 1000), rel=1e-12)
        assert math.isnan(theory.crossover(Setting(1, 1.0, 1.0, 1.0)))

    def test_by_hand(self):
        """K = 8, m = 2, V = 2, L = 3, σ = 3, M = 4: (σ² + M²)^½ = 5, S = 4."""
        setting = Setting(8, 2.0, 3.0, 3.0, 4.0)
        assert theory.lambda1(setting, 2) == pytest.approx(3 * 2**0.5 / (2 * 5 * 5**1.5))
        assert theory.lambda2(setting, 2) == pytest.approx(3 * 2**0.5 / (2**0.5 * 7 * 5.5**1.5))
        assert theory.k0(setting, 2) == pytest.approx(6 * 3 * 2 * 2 / 100 + 8 * 2 * 5 / 10**0.5)
        assert theory.k1(setting, 2, 1.5, 7.0) == pytest.approx(
            4 * 6**0.5 * 1.5 * 3 * (6**0.5 + 7) / (3 * 10**0.5)
        )
        assert theory.theorem2_bound(setting, 2, 5.0) == pytest.approx(
            (4 * 2 * 5 + 6 * 3 * 2 * 2) / 11**2 + 8 * 2**0.5 * 7 / 11**0.5
        )
        assert theory.deviation_probability(3.0) == pytest.approx(2 * math.exp(-3))
        assert theory.deviation_probability(0.1) == 1.0

    @pytest.mark.parametrize("probability", [1e-6, 0.05, 0.9])
    def test_the_deviation_of_a_probability(self, probability):
        assert theory.deviation_probability(theory.deviation_of(probability)) == pytest.approx(probability)

    def test_without_noise_or_smoothness(self):
        assert theory.lambda1(Setting(10, 1.0, 0.0, 2.0), 5) == pytest.approx(2 / 3)
        assert theory.lambda2(Setting(10, 1.0, 0.0, 2.0), 5) == pytest.approx(2 / 3)
        rough = Setting(10, 1.0, 0.5, 0.0, 1.0)
        assert theory.theorem1_lr(rough, 5) == pytest.approx(1 / (10**0.5 * 1.25**0.5 * 3**1.5))
        for function in (theory.lambda1, theory.lambda2):
            with pytest.raises(ValueError, match="L = 0"):
                function(rough, 5)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: Setting(0, 1.0, 1.0, 1.0),
            lambda: Setting(10, 0.0, 1.0, 1.0),
            lambda: Setting(10, 1.0, -1.0, 1.0),
            lambda: Setting(10, 1.0, float("nan"), 1.0),
            lambda: Setting(10, 1.0, 0.0, 0.0),
            lambda: theory.theorem1_lr(PAPER, 3),
            lambda: theory.theorem2_lr(PAPER, 0),
            lambda: theory.deviation_of(1.0),
        ],
    )
    def test_nonsense_is_refused(self, make):
        with pytest.raises(ValueError, match=r"not|all 0"):
            make()
