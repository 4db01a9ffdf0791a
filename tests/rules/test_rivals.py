"""The rules that AM1-SGD is compared with: identities between them, and when NT-ASGD begins to average."""

import numpy as np
import pytest

from amrobust import rules

X0 = np.array([1.0, 2.0, 3.0])
RATES = [0.1] * 8 + [0.02] * 8


def gradient(x, k):
    return x * np.array([1.0, 0.5, 0.1]) + 0.3 * np.sin(np.arange(3) + 7.0 * k)


def run(rule, rates=RATES):
    state = rule.init(X0)
    for k, lr in enumerate(rates):
        state = rule.step(state, gradient(state.x, k), lr)
    return state


def test_tensorflows_form_is_am1_with_m_1_under_any_schedule():
    one, tf = rules.am1(0.9, 1), rules.msgd_tf(0.9)
    for name in ("I", "II"):
        expected = one.outputs(run(one))[name]
        np.testing.assert_allclose(tf.outputs(run(tf))[name], expected, atol=1e-12)


def test_pytorchs_form_differs_from_it_after_a_drop_only():
    assert np.allclose(run(rules.msgd(0.9), RATES[:8]).x, run(rules.msgd_tf(0.9), RATES[:8]).x, atol=1e-12)
    assert np.abs(run(rules.msgd(0.9)).x - run(rules.msgd_tf(0.9)).x).max() > 0.01


def test_qhm_with_nu_beta_is_msgd():
    rates = [lr / (1 - 0.9) for lr in RATES]
    np.testing.assert_allclose(run(rules.qhm(0.9, 0.9), rates).x, run(rules.msgd(0.9)).x, atol=1e-12)


def test_aggmo_with_one_beta_is_classical_momentum():
    np.testing.assert_allclose(run(rules.aggmo((0.9,))).x, run(rules.cm(0.9)).x, atol=1e-12)


def test_aggmos_exponential_betas():
    assert rules.aggmo_betas(3) == pytest.approx((0.0, 0.9, 0.99))
    with pytest.raises(ValueError, match="at least one"):
        rules.aggmo(())


def test_hybrid_by_hand():
    """Gradient x, η = 1/2, γ = 1/4, τ = 1/2, m = 2: y = 4, x = 3, then y = 1.5, x = 1.5 + ¼(1.5 − 4) + ½(2.75 − 8)."""
    rule = rules.hybrid(0.25, 0.5, 2)
    state = rule.init(np.array([8.0]))
    state = rule.step(state, state.x, 0.5)
    assert (state.x, rule.outputs(state)["II"]) == (3.0, 8.0)
    state = rule.step(state, state.x, 0.5)
    assert (state.x, rule.outputs(state)["II"]) == (1.5 - 0.625 - 2.625, 2.75)


def test_hybrid_without_one_of_its_momenta():
    for name in ("I", "II"):
        amortized, am1 = rules.hybrid(0.0, 0.9, 4), rules.am1(0.9, 4)
        np.testing.assert_allclose(
            amortized.outputs(run(amortized))[name], am1.outputs(run(am1))[name], atol=1e-12
        )
    nesterov = run(rules.hybrid(0.9, 0.0, 4))
    np.testing.assert_allclose(nesterov.x, run(rules.omsgd(0.9)).x, atol=1e-12)
    np.testing.assert_allclose(nesterov.y, run(rules.omsgd(0.9)).y, atol=1e-12)


class TestNTASGD:
    LOSSES = (5.0, 4.0, 3.0, 3.5, 3.2, 3.6, 3.1, 2.0, 9.0)

    @staticmethod
    def evaluations_until_averaging(losses, nonmono):
        rule = rules.ntasgd(nonmono)
        state = rule.init(X0)
        for evaluations, loss in enumerate(losses, start=1):
            state = rule.observe(state, loss)
            if state.on:
                return evaluations
        return None

    @staticmethod
    def published(losses, nonmono):
        """The trigger as Merity et al. print it: t > n and v > min over l ≤ t − n − 1 of logs[l]."""
        logs = []
        for t, v in enumerate(losses):
            if t > nonmono and v > min(logs[: t - nonmono]):
                return t + 1
            logs.append(v)
        return None

    @pytest.mark.parametrize("nonmono", range(1, 7))
    def test_the_trigger_is_the_published_one(self, nonmono):
        assert self.evaluations_until_averaging(self.LOSSES, nonmono) == self.published(self.LOSSES, nonmono)

    def test_the_trigger_on_random_losses(self):
        rng = np.random.default_rng(0)
        found = [
            (self.evaluations_until_averaging(losses, 5), self.published(losses, 5))
            for losses in np.cumsum(rng.normal(-0.2, 1, (200, 30)), axis=1)
        ]
        assert all(ours == theirs for ours, theirs in found)
        assert len({ours for ours, _ in found}) > 5

    def test_never_improving_triggers_at_the_seventh_evaluation_of_nonmono_5(self):
        assert self.evaluations_until_averaging([1.0] + [2.0] * 9, 5) == 7

    def test_steady_improvement_or_nan_never_triggers(self):
        assert self.evaluations_until_averaging(np.arange(20.0)[::-1], 5) is None
        assert self.evaluations_until_averaging([float("nan")] * 20, 5) is None

    def test_the_average_is_the_mean_of_the_iterates_since_the_trigger(self):
        rule = rules.ntasgd(1)
        state, after = rule.init(X0), []
        for k in range(12):
            state = rule.step(state, gradient(state.x, k), 0.1)
            if state.on:
                after.append(state.x)
            expected = np.mean(after, axis=0) if after else state.x
            np.testing.assert_allclose(rule.outputs(state)["II"], expected, atol=1e-12)
            state = rule.observe(state, 1.0 + k)
        assert len(after) == 9
        np.testing.assert_allclose(state.x, run(rules.sgd(), [0.1] * 12).x, atol=0)

    def test_every_seed_has_its_own_trigger(self, as_array):
        losses = np.array(
            [[3.0, 3.0, 3.0], [4.0, 2.0, 2.0], [5.0, 1.0, 3.0], [6.0, 0.5, 1.0], [7.0, 0.1, 1.0]]
        )
        rule = rules.ntasgd(2)
        starts = np.stack([X0, X0 + 1, X0 + 2])
        batch, alone = rule.init(as_array(starts)), [rule.init(x0) for x0 in starts]
        for k in range(15):
            g = np.stack([gradient(np.asarray(batch.x)[s], k) for s in range(3)])
            batch = rule.step(batch, as_array(g), 0.1)
            alone = [rule.step(state, gradient(state.x, k), 0.1) for state in alone]
            if k < 5:
                batch = rule.observe(batch, as_array(losses[k]))
                alone = [rule.observe(state, losses[k, s]) for s, state in enumerate(alone)]
        assert batch.on.tolist() == [True, False, False]
        for s, state in enumerate(alone):
            assert np.array_equal(np.asarray(batch.average)[s], state.average)

    def test_a_restart_waits_for_its_own_trigger(self):
        rule = rules.ntasgd(1)
        state = run(rule)
        for loss in (1.0, 2.0, 3.0):
            state = rule.observe(state, loss)
        assert state.on
        restarted = rule.restart(state)
        assert not restarted.on
        assert restarted.losses == ()
