"""The general rules: their special cases, against independent plain code."""

import numpy as np
import pytest

from amrobust import rules
from amrobust.rules.theory import theorem1_momentum, theorem2_momentum

X0 = np.array([0.2, 0.3, 0.5])


def gradient(x, k):
    return (x - np.array([0.3, -1.0, 2.0])) * np.array([1.0, 0.5, 0.1]) + 0.3 * np.sin(np.arange(3) + 7.0 * k)


def run(rule, steps, lr=0.1, x0=X0):
    state = rule.init(x0)
    for k in range(steps):
        state = rule.step(state, gradient(state.x, k), lr)
    return rule.outputs(state)


def project(v):
    """Onto the simplex, by bisection on the threshold."""
    low, high = v.min() - 1, v.max()
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(v - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(v - low, 0)


PLAIN = {
    "euclidean": (rules.Euclidean(), lambda z, g, alpha: z - alpha * g),
    "l1": (
        rules.L1(0.3),
        lambda z, g, alpha: np.array(
            [max(v - 0.3 * alpha, 0) + min(v + 0.3 * alpha, 0) for v in z - alpha * g]
        ),
    ),
    "simplex": (rules.Simplex(), lambda z, g, alpha: project(z - alpha * g)),
    "entropy": (rules.Entropy(), lambda z, g, alpha: z * np.exp(-alpha * g) / (z * np.exp(-alpha * g)).sum()),
}
every_plain = pytest.mark.parametrize("name", PLAIN)


@every_plain
def test_m_1_is_ac_sa(name):
    """Lan (2012): x_md = x/b + (1 − 1/b)x_ag, b_t = (t + 1)/2, x⁺ = Prox(x, γ_t g(x_md)), x_ag⁺ = x⁺/b + (1 − 1/b)x_ag."""
    setup, plain = PLAIN[name]
    x, aggregate = X0, X0
    for t in range(1, 21):
        b = (t + 1) / 2
        gamma = 0.1 * b
        middle = x / b + (1 - 1 / b) * aggregate
        x = plain(x, gradient(middle, t - 1), gamma)
        aggregate = x / b + (1 - 1 / b) * aggregate
    found = run(rules.am1_general(m=1, prox=setup), 20)["II"]
    np.testing.assert_allclose(found, aggregate, atol=1e-12)


@every_plain
def test_m_k_is_mirror_descent_sa(name):
    """Nemirovski et al. (2009): z⁺ = Prox(z, α g(z)), and the average of the points."""
    setup, plain = PLAIN[name]
    z, points = X0, []
    for k in range(20):
        z = plain(z, gradient(z, k), 0.1)
        points.append(z)
    found = run(rules.am1_general(m=20, prox=setup), 20)["II"]
    np.testing.assert_allclose(found, np.mean(points, axis=0), atol=1e-12)


@every_plain
def test_algorithm_1_as_printed(name):
    setup, plain = PLAIN[name]
    m, z, output = 4, X0, X0
    for s in range(5):
        beta, total = s / (s + 2), np.zeros(3)
        for j in range(m):
            x = (1 - beta) * z + beta * output
            z = plain(z, gradient(x, s * m + j), 0.1 / (1 - beta))
            total += z
        output = (1 - beta) / m * total + beta * output
    np.testing.assert_allclose(run(rules.am1_general(m=m, prox=setup), 20)["II"], output, atol=1e-12)


@every_plain
def test_algorithm_3_as_printed(name):
    setup, plain = PLAIN[name]
    m, z = 4, X0
    stream = rules.IndexStream(3, m)
    table = [X0] * m
    for k in range(20):
        j, beta = stream(k), (k / m) / (k / m + 2)
        x = (1 - beta) * z + beta * table[j]
        z = plain(z, gradient(x, k), 0.1 / (1 - beta))
        table[j] = (1 - beta) * z + beta * table[j]
    found = run(rules.am2_general(m=m, prox=setup, indices=stream), 20)["II"]
    np.testing.assert_allclose(found, np.mean(table, axis=0), atol=1e-12)


@pytest.mark.parametrize("m", [1, 3, 7])
@pytest.mark.parametrize("name", ["I", "II"])
def test_constant_momentum_without_constraint_is_the_euclidean_rule(m, name):
    """With η = α(1 − β), which is what ``lr`` means to both."""
    general, special = run(rules.am1_general(0.9, m), 21), run(rules.am1(0.9, m), 21)
    np.testing.assert_allclose(general[name], special[name], atol=1e-12)
    stream = rules.IndexStream(1, m)
    general = run(rules.am2_general(0.9, m, indices=stream), 21)
    special = run(rules.am2(0.9, m, indices=stream), 21)
    np.testing.assert_allclose(general[name], special[name], atol=1e-12)


@every_plain
def test_every_point_stays_in_the_set(name):
    setup, _ = PLAIN[name]
    for rule in (
        rules.am1_general(0.7, 3, prox=setup),
        rules.am2_general(m=3, prox=setup, indices=rules.IndexStream(0, 3)),
    ):
        state = rule.init(X0)
        for k in range(30):
            state = rule.step(state, gradient(state.x, k), 1.0)
            assert setup.contains(np.stack([state.x, *rule.outputs(state).values()]))


def test_a_restart_begins_the_schedule_again_and_goes_on_in_the_index_stream():
    stream = rules.IndexStream(5, 3)
    rule = rules.am2_general(m=3, indices=stream)
    state = rule.init(X0)
    for k in range(10):
        state = rule.step(state, gradient(state.x, k), 0.1)
    state = rule.restart(state, at="output")
    shifted = rules.am2_general(m=3, indices=lambda k: stream(k + 10))
    fresh = shifted.init(state.x)
    for k in range(10):
        state = rule.step(state, gradient(state.x, k), 0.1)
        fresh = shifted.step(fresh, gradient(fresh.x, k), 0.1)
    np.testing.assert_array_equal(state.table, fresh.table)


def test_the_theorems_momentum_schedules():
    assert [theorem1_momentum(s) for s in range(4)] == pytest.approx([0, 1 / 3, 1 / 2, 3 / 5])
    assert [theorem2_momentum(1)(k) for k in range(4)] == pytest.approx([0, 1 / 3, 1 / 2, 3 / 5])
    assert theorem2_momentum(4)(4) == pytest.approx(1 / 3)
