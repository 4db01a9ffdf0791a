"""What every rule keeps to, and the identities between rules that the paper states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amrobust import rules

CENTRE = np.array([0.3, -1.0, 2.0])


def gradient(x, k):
    """A fixed noisy quadratic: the gradient of call k."""
    noise = np.sin(np.arange(3) + 7.0 * k)
    return (x - CENTRE) * np.array([1.0, 0.5, 0.1]) + 0.3 * noise


def run(rule, x0, rates):
    state = rule.init(x0)
    for k, lr in enumerate(rates):
        state = rule.step(state, gradient(state.x, k), lr)
    return state


def all_rules(m=3, stream=None, decay=0.01):
    stream = stream or rules.IndexStream(4, m)
    return [
        rules.sgd(decay), rules.ntasgd(2, decay), rules.cm(0.9, decay), rules.msgd(0.9, decay), rules.omsgd(0.9, decay),
        rules.msgd_tf(0.9, decay), rules.aggmo((0.0, 0.9), decay), rules.qhm(0.9, 0.7, decay),
        rules.am1(0.9, m, decay), rules.am2(0.9, m, decay, indices=stream), rules.hybrid(0.3, 0.5, m, decay),
        rules.am1_general(m=m), rules.am2_general(m=m, indices=stream), rules.make("adamw"),
    ]  # fmt: skip


every_rule = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
X0 = np.array([1.0, 2.0, 3.0])


def plain_am1(x0, rates, beta, m):
    """Algorithm 2 as printed: the running mean, not the efficient form."""
    x, output, mean = x0.copy(), x0.copy(), np.zeros_like(x0)
    for k, lr in enumerate(rates):
        x = x - lr * gradient(x, k)
        mean = mean + x / m
        if (k + 1) % m == 0:
            x, output, mean = x + beta * (mean - output), mean, np.zeros_like(x0)
    return x, output


@pytest.mark.parametrize("m", [1, 2, 5, 7])
def test_am1_is_algorithm_2(m):
    rates = [0.1] * 10 + [0.01] * 9
    state = run(rules.am1(0.9, m), X0, rates)
    x, output = plain_am1(X0, rates, 0.9, m)
    np.testing.assert_allclose(state.x, x, atol=1e-12)
    np.testing.assert_allclose(rules.am1(0.9, m).outputs(state)["II"], output, atol=1e-12)


def test_am1_by_hand():
    """One number, gradient x, η = 1/2, β = 1/2, m = 2: x = 8 → 4 → 2 + ½(3 − 8) = −½, x̃ = 3."""
    rule = rules.am1(0.5, 2)
    state = rule.init(np.array([8.0]))
    state = rule.step(state, state.x, 0.5)
    assert (state.x, rule.outputs(state)["II"]) == (4.0, 8.0)
    state = rule.step(state, state.x, 0.5)
    assert (state.x, rule.outputs(state)["II"]) == (-0.5, 3.0)


def test_am2_by_hand():
    """Gradient x, η = 1/2, β = 1/2, indices 0, 1, 1: the second write lands in row 1 and is read from it."""
    rule = rules.am2(0.5, 2, indices=[0, 1, 1])
    state = rule.init(np.array([8.0]))
    state = rule.step(state, state.x, 0.5)  # φ = (4, 8), x = 4 + ½(8 − 8)
    assert state.x == 4.0
    state = rule.step(state, state.x, 0.5)  # φ = (4, 2), x = 2 + ½(2 − 8)
    assert state.x == -1.0
    assert rule.outputs(state)["II"] == 3.0


def test_m_1_is_nesterov_at_a_constant_rate():
    rates = [0.1] * 20
    one = rules.am1(0.9, 1)
    state = run(one, X0, rates)
    np.testing.assert_allclose(one.outputs(state)["I"], run(rules.msgd(0.9), X0, rates).x, atol=1e-12)
    np.testing.assert_allclose(one.outputs(state)["II"], run(rules.omsgd(0.9), X0, rates).y, atol=1e-12)
    np.testing.assert_allclose(
        run(rules.am2(0.9, 1, indices=[0] * 21), X0, rates).x, run(rules.msgd(0.9), X0, rates).x, atol=1e-12
    )


def test_m_k_is_sgd_and_its_average():
    rates = [0.1] * 12
    points, state = [], rules.sgd().init(X0)
    for k, lr in enumerate(rates):
        state = rules.sgd().step(state, gradient(state.x, k), lr)
        points.append(state.x)
    amortized = run(rules.am1(0.9, 12), X0, rates)
    np.testing.assert_allclose(amortized.output, np.mean(points, axis=0), atol=1e-12)
    np.testing.assert_allclose(run(rules.am1(0.9, 12), X0, rates[:-1]).x, points[-2], atol=1e-12)


def test_am1s_output_is_x0_until_m_steps_are_done():
    for steps in range(4):
        assert np.array_equal(run(rules.am1(0.9, 4), X0, [0.1] * steps).output, X0)
    assert not np.array_equal(run(rules.am1(0.9, 4), X0, [0.1] * 4).output, X0)


def test_every_rule_is_tested_here():
    assert {rule.name for rule in all_rules()} == set(rules.RULES)


COUPLED = [place for place, rule in enumerate(all_rules()) if rule.name != "adamw"]
"""AdamW's decay is not: it is of the iterate, beside the step."""


@pytest.mark.parametrize("place", COUPLED, ids=[all_rules()[place].name for place in COUPLED])
def test_weight_decay_is_coupled_l2(place):
    """A step with decay λ on the gradient g is a step without it on g + λx; the general rules have h instead."""
    decayed, plain = all_rules()[place], all_rules(decay=0.0)[place]
    decay = 0.0 if "general" in plain.name else 0.01
    x, y = decayed.init(X0), plain.init(X0)
    for k in range(7):
        x = decayed.step(x, gradient(x.x, k), 0.1)
        y = plain.step(y, gradient(y.x, k) + decay * y.x, 0.1)
    np.testing.assert_allclose(x.x, y.x, atol=1e-12)


@every_rule
def test_steps_write_to_nothing_that_they_are_given(rule):
    state = rule.init(X0)
    for k in range(7):
        g = gradient(state.x, k)
        before = [np.copy(value) for value in (*state, g) if isinstance(value, np.ndarray)]
        following = rule.step(state, g, 0.1)
        after = [value for value in (*state, g) if isinstance(value, np.ndarray)]
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
        state = following


@every_rule
def test_repeating_a_run_repeats_it_exactly(rule):
    rates = [0.1] * 9
    assert np.array_equal(run(rule, X0, rates).x, run(rule, X0, rates).x)


@every_rule
@pytest.mark.parametrize("at", ["iterate", "output"])
def test_restart_is_a_fresh_start_from_the_chosen_point(rule, at):
    state = run(rule, X0, [0.1] * 7)
    restarted = rule.restart(state, at=at)
    outputs = rule.outputs(state)
    point = state.x if at == "iterate" or "II" not in outputs else outputs["II"]
    assert np.array_equal(restarted.x, point)
    fresh = rule.init(point)
    drawn = {"am2": "k", "am2_general": "drawn"}.get(rule.name)  # AM2's index stream goes on where it was
    for name in fresh._fields:
        expected = 7 if name == drawn else getattr(fresh, name)
        assert np.array_equal(getattr(restarted, name), expected)


@settings(max_examples=25, deadline=None)
@given(shift=st.floats(-5, 5), m=st.integers(1, 6), beta=st.floats(0, 0.95))
def test_translation_of_the_problem_translates_the_trajectory(shift, m, beta):
    for rule in (rules.am1(beta, m), rules.am2(beta, m, indices=rules.IndexStream(1, m)), rules.msgd(beta)):
        here, there = rule.init(X0), rule.init(X0 + shift)
        for k in range(13):
            here = rule.step(here, gradient(here.x, k), 0.1)
            there = rule.step(there, gradient(there.x - shift, k), 0.1)
        for name, value in rule.outputs(here).items():
            np.testing.assert_allclose(rule.outputs(there)[name], value + shift, atol=1e-9)


def test_a_seed_in_a_batch_is_the_seed_alone(as_array):
    seeds, m = [11, 12, 13], 4
    starts = np.stack([X0 + s for s in range(3)])
    for place, batch in enumerate(all_rules(m, rules.IndexStream(seeds, m))):
        state = batch.init(as_array(starts))
        for k in range(15):
            g = np.stack([gradient(np.asarray(state.x)[s], k) for s in range(3)])
            state = batch.step(state, as_array(g), 0.1)
        for s, seed in enumerate(seeds):
            rule = all_rules(m, rules.IndexStream(seed, m))[place]
            expected = run(rule, starts[s], [0.1] * 15)
            np.testing.assert_allclose(np.asarray(state.x)[s], expected.x, rtol=0, atol=1e-14)


class TestIndexStream:
    def test_any_order_of_reading_gives_the_same_indices(self):
        forwards = rules.IndexStream(3, 5)
        first = [forwards(k) for k in range(2100)]
        fresh = rules.IndexStream(3, 5)
        assert [fresh(k) for k in (2050, 5, 1024, 1023)] == [first[k] for k in (2050, 5, 1024, 1023)]

    def test_seeds_differ_and_rows_are_uniform(self):
        stream = rules.IndexStream([1, 2], 4)
        drawn = np.array([stream(k) for k in range(4000)])
        assert not np.array_equal(drawn[:, 0], drawn[:, 1])
        counts = np.stack([np.bincount(column, minlength=4) for column in drawn.T])
        assert (abs(counts - 1000) < 150).all()

    def test_the_stream_never_changes(self):
        """Fixed numbers: recorded runs depend on them."""
        stream = rules.IndexStream(0, 5)
        assert [stream(k) for k in (0, 1, 2, 3, 4, 1024, 1025)] == GOLDEN


GOLDEN = [4, 3, 2, 1, 1, 2, 4]
