"""Tail and suffix averages of a rule's outputs."""

import numpy as np
import pytest

from amrobust import rules

X0 = np.array([1.0, 2.0, 3.0])


def gradient(x, k):
    return x * np.array([1.0, 0.5, 0.1]) + 0.3 * np.sin(np.arange(3) + 7.0 * k)


def trajectory(rule, steps, start=X0):
    """The outputs after 0, 1, …, ``steps`` steps, and the last state."""
    state = rule.init(start)
    found = [rule.outputs(state)]
    for k in range(steps):
        state = rule.step(state, gradient(state.x, k), 0.1)
        found.append(rule.outputs(state))
    return found, state


RULES = [rules.msgd(0.9), rules.am1(0.9, 3), rules.am2(0.9, 3, indices=rules.IndexStream(0, 3))]
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


@every_rule
@pytest.mark.parametrize("window", [1, 4, 100])
def test_a_tail_average_is_the_mean_after_the_last_steps(rule, window):
    plain, _ = trajectory(rule, 12)
    averaged, _ = trajectory(rules.tail_average(rule, window), 12)
    for k in range(13):
        last = plain[max(1, k - window + 1) : k + 1] or plain[:1]
        assert averaged[k].keys() == plain[k].keys()
        for name, value in averaged[k].items():
            np.testing.assert_allclose(value, np.mean([point[name] for point in last], axis=0), atol=1e-13)


@every_rule
@pytest.mark.parametrize("start", [0, 5, 100])
def test_a_suffix_average_is_the_mean_since_its_start(rule, start):
    plain, _ = trajectory(rule, 12)
    averaged, _ = trajectory(rules.suffix_average(rule, start), 12)
    for k in range(13):
        since = plain[start + 1 : k + 1] or plain[k : k + 1]
        for name, value in averaged[k].items():
            np.testing.assert_allclose(value, np.mean([point[name] for point in since], axis=0), atol=1e-13)


@every_rule
def test_averaging_leaves_the_iterates_as_they_are(rule):
    _, plain = trajectory(rule, 12)
    for averaged in (rules.tail_average(rule, 4), rules.suffix_average(rule, 4)):
        assert np.array_equal(trajectory(averaged, 12)[1].x, plain.x)


def test_sgd_averaged_from_the_start_is_am1_with_m_k():
    averaged, _ = trajectory(rules.suffix_average(rules.sgd()), 12)
    amortized, _ = trajectory(rules.am1(0.9, 12), 12)
    np.testing.assert_allclose(averaged[-1]["I"], amortized[-1]["II"], atol=1e-12)


def test_msgds_tail_average_is_not_am1s_output():
    """What the control is for: the same averaging, another momentum."""
    control, _ = trajectory(rules.tail_average(rules.msgd(0.9), 3), 12)
    amortized, _ = trajectory(rules.am1(0.9, 3), 12)
    assert np.abs(control[-1]["I"] - amortized[-1]["II"]).max() > 0.01


@pytest.mark.parametrize("at", ["iterate", "output"])
@pytest.mark.parametrize("wrap", [lambda rule: rules.tail_average(rule, 4), rules.suffix_average])
@every_rule
def test_a_restart_empties_the_average_and_restarts_the_rule(rule, wrap, at):
    averaged = wrap(rule)
    outputs, state = trajectory(averaged, 7)
    point = state.x if at == "iterate" else outputs[-1]["II" if "II" in outputs[-1] else "I"]
    restarted = averaged.restart(state, at=at)
    assert np.array_equal(restarted.x, point)
    for value in averaged.outputs(restarted).values():
        np.testing.assert_allclose(value, point, atol=1e-15)
    if rule.name == "am2":
        assert restarted.inner.k == 7
    else:
        following = averaged.step(restarted, gradient(point, 0), 0.1)
        assert np.array_equal(following.x, averaged.step(averaged.init(point), gradient(point, 0), 0.1).x)


def test_validation_losses_reach_the_rule():
    for averaged in (rules.tail_average(rules.ntasgd(1), 4), rules.suffix_average(rules.ntasgd(1))):
        state = averaged.init(X0)
        for loss in (1.0, 2.0, 3.0):
            state = averaged.observe(state, loss)
        assert state.inner.on


def test_a_seed_in_a_batch_is_the_seed_alone(as_array):
    starts = np.stack([X0, X0 + 1])
    for averaged in (rules.tail_average(rules.am1(0.9, 3), 4), rules.suffix_average(rules.am1(0.9, 3), 2)):
        state = averaged.init(as_array(starts))
        for k in range(9):
            g = np.stack([gradient(row, k) for row in np.asarray(state.x)])
            state = averaged.step(state, as_array(g), 0.1)
        for s in range(2):
            alone, _ = trajectory(averaged, 9, starts[s])
            for name, value in averaged.outputs(state).items():
                np.testing.assert_allclose(np.asarray(value)[s], alone[-1][name], rtol=0, atol=1e-14)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        rules.tail_average(rules.sgd(), 0)
    with pytest.raises(ValueError, match="step 0 or later"):
        rules.suffix_average(rules.sgd(), -1)
