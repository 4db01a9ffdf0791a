"""The averaging family against its papers' formulas, written out as loops, and against each other."""

import numpy as np
import pytest
import torch

from amrobust import rules

X0 = np.array([1.0, 2.0, 3.0])
RATES = [0.1] * 8 + [0.03] * 8
STEPS = len(RATES)


def gradient(x, k):
    return x * np.array([1.0, 0.5, 0.1]) + 0.3 * np.sin(np.arange(3) + 7.0 * k)


def trajectory(rule, start=X0, rates=RATES):
    """The outputs after each step."""
    state, found = rule.init(start), []
    for k, lr in enumerate(rates):
        state = rule.step(state, gradient(state.x, k), lr)
        found.append(rule.outputs(state))
    return found


def points(rule, output="I", **given):
    return np.array([point[output] for point in trajectory(rule, **given)])


MSGD = rules.msgd(0.9)


def test_adamw_is_torchs():
    p = torch.nn.Parameter(torch.tensor(X0))
    optimizer = torch.optim.AdamW([p], betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)
    rule = rules.adamw(0.8, 0.95, 1e-6, 0.1)
    state = rule.init(X0)
    for k, lr in enumerate(RATES):
        p.grad = torch.tensor(gradient(p.detach().numpy(), k))
        optimizer.param_groups[0]["lr"] = lr
        optimizer.step()
        state = rule.step(state, gradient(state.x, k), lr)
        np.testing.assert_allclose(state.x, p.detach().numpy(), rtol=1e-12)


def averaged_by_torch(update_at, **how):
    """The mean of M-SGD's iterates that torch's AveragedModel keeps, updated at some of the steps."""
    model = torch.nn.ParameterList([torch.tensor(X0)])
    mean = torch.optim.swa_utils.AveragedModel(model, **how)
    found = []
    for k, w in enumerate(points(MSGD), 1):
        with torch.no_grad():
            model[0].copy_(torch.tensor(w))
        if update_at(k):
            mean.update_parameters(model)
        found.append(w if mean.n_averaged == 0 else mean.module[0].detach().numpy().copy())
    return np.array(found)


def test_ema_is_torchs():
    how = torch.optim.swa_utils.get_ema_multi_avg_fn(0.8)
    expected = averaged_by_torch(lambda k: True, multi_avg_fn=how)
    np.testing.assert_allclose(points(rules.wrapped(MSGD, rules.ema(0.8)), "II"), expected, rtol=1e-12)


@pytest.mark.parametrize(("start", "every"), [(0, 1), (4, 1), (5, 3), (100, 1)])
def test_swa_is_torchs(start, every):
    expected = averaged_by_torch(lambda k: k > start and (k - start) % every == 0)
    found = points(rules.wrapped(MSGD, rules.swa(start, every)), "II")
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("window", "every"), [(4, 1), (3, 4), (1, 1)])
def test_a_tail_is_the_mean_of_the_last_points(window, every):
    plain = points(MSGD)
    found = points(rules.wrapped(MSGD, rules.tail(window, every)), "II")
    for k in range(1, STEPS + 1):
        kept = plain[every - 1 : k : every][-window:]
        np.testing.assert_allclose(found[k - 1], kept.mean(axis=0) if len(kept) else plain[k - 1], rtol=1e-12)
    if every == 1:
        np.testing.assert_allclose(found, points(rules.tail_average(MSGD, window)), rtol=1e-12)


@pytest.mark.parametrize(
    "wrapper", [rules.ema(0.8), rules.swa(3), rules.tail(4)], ids=lambda wrapper: wrapper.name
)
def test_averaging_leaves_the_iterates_as_they_are(wrapper):
    assert np.array_equal(points(rules.wrapped(MSGD, wrapper)), points(MSGD))


def test_lookahead_is_algorithm_1_of_its_paper():
    """Fast weights θ from the slow φ, k steps of SGD each, then φ ← φ + α(θ − φ)."""
    slow, found, step = X0, [], 0
    for _ in range(4):
        fast = slow
        for _ in range(4):
            fast = fast - RATES[step] * gradient(fast, step)
            step += 1
        slow = slow + 0.3 * (fast - slow)
        found.append(slow)
    rule = rules.wrapped(rules.sgd(), rules.lookahead(4, 0.3))
    np.testing.assert_allclose(points(rule, "II")[3::4], found, rtol=1e-12)
    np.testing.assert_allclose(points(rule, "I")[3::4], found, rtol=1e-12)
    assert np.array_equal(points(rule, "II")[:3], [X0] * 3)


def test_amortized_momentum_around_sgd_is_am1():
    for output in ("I", "II"):
        found = points(rules.wrapped(rules.sgd(0.01), rules.amortized(0.9, 3)), output)
        np.testing.assert_allclose(found, points(rules.am1(0.9, 3, 0.01), output), rtol=1e-11)


def test_amortized_momentum_around_adams_step_by_hand():
    """Ours: preconditioned steps in cycles of m, and a push along the difference of two cycles' means at the end of each."""
    x, square, mean, found = X0, 0.0, X0, []
    for k, lr in enumerate(RATES[:12]):
        square = 0.9 * square + 0.1 * gradient(x, k) ** 2
        x = x - lr * gradient(x, k) / (np.sqrt(square / (1 - 0.9 ** (k + 1))) + 1e-8)
        found.append(x)
        if (k + 1) % 4 == 0:
            latest = np.mean(found[-4:], axis=0)
            x, mean = x + 0.7 * (latest - mean), latest
            np.testing.assert_allclose(
                points(rules.wrapped(rules.adamw(0.0, 0.9), rules.amortized(0.7, 4)))[k], x, rtol=1e-11
            )


def test_generalized_primal_averaging_is_its_papers_recursion():
    x, z, found = X0, X0, []
    for k, lr in enumerate(RATES):
        y = 0.7 * x + 0.3 * z
        z = z - lr * (gradient(y, k) + 0.02 * z)
        x = 0.95 * x + 0.05 * z
        found.append(x)
    rule = rules.wrapped(rules.sgd(0.02), rules.gpa(0.95, 0.7))
    np.testing.assert_allclose(points(rule, "II"), found, rtol=1e-12)


def test_with_all_weight_on_the_step_the_base_is_left():
    for output in ("I", "II"):
        np.testing.assert_allclose(
            points(rules.wrapped(MSGD, rules.gpa(0.0, 0.0)), output), points(MSGD), rtol=1e-12
        )
    np.testing.assert_allclose(points(rules.wrapped(MSGD, rules.lookahead(5, 1.0))), points(MSGD), rtol=1e-12)


def test_schedule_free_sgd_is_its_papers_recursion():
    """Equations 2 to 4: under a constant rate with c = 1/(t + 1), a uniform mean of z; under another with weights γ²."""
    for rates in ([0.1] * STEPS, [min(1, (k + 1) / 5) * 0.1 for k in range(STEPS)]):
        x, z, weights, found = X0, X0, 0.0, []
        for k, lr in enumerate(rates):
            y = 0.1 * z + 0.9 * x
            z = z - lr * gradient(y, k)
            weights += lr**2
            c = lr**2 / weights
            x = (1 - c) * x + c * z
            found.append(x)
        rule = rules.wrapped(rules.sgd(), rules.schedule_free(0.9))
        np.testing.assert_allclose(points(rule, "II", rates=rates), found, rtol=1e-12)
    assert c < 0.1


WRAPPERS = [make() for make in rules.WRAPPERS.values()]


@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda wrapper: wrapper.name)
@pytest.mark.parametrize("at", ["iterate", "output"])
def test_a_restart_begins_anew(wrapper, at):
    rule = rules.wrapped(MSGD, wrapper)
    state = rule.init(X0)
    for k in range(7):
        state = rule.step(state, gradient(state.x, k), 0.1)
    point = rule.outputs(state)["I" if at == "iterate" else "II"]
    state, fresh = rule.restart(state, at), rule.init(point)
    for k in range(7):
        state, fresh = (rule.step(s, gradient(s.x, k), 0.1) for s in (state, fresh))
        for output in ("I", "II"):
            assert np.array_equal(rule.outputs(state)[output], rule.outputs(fresh)[output])


@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda wrapper: wrapper.name)
@pytest.mark.parametrize("base", [rules.sgd(), MSGD, rules.adamw()], ids=lambda rule: rule.name)
def test_a_seed_in_a_batch_is_the_seed_alone(as_array, wrapper, base):
    rule, starts = rules.wrapped(base, wrapper), np.stack([X0, X0 + 1])
    state = rule.init(as_array(starts))
    for k, lr in enumerate(RATES):
        g = np.stack([gradient(row, k) for row in np.asarray(state.x)])
        state = rule.step(state, as_array(g), lr)
    for s in range(2):
        alone = trajectory(rule, starts[s])[-1]
        for name, value in rule.outputs(state).items():
            np.testing.assert_allclose(np.asarray(value)[s], alone[name], rtol=0, atol=1e-13)


@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda wrapper: wrapper.name)
def test_the_output_is_x0_until_the_step_that_is_named(wrapper):
    found = points(rules.wrapped(rules.sgd(), wrapper), "II")
    assert (found[: wrapper.first - 1] == X0).all()
    assert not np.array_equal(found[wrapper.first - 1], X0)
