"""Every rule reproduces the exact float64 trajectories, on NumPy, torch and JAX, alone and in a batch of seeds."""

import json

import numpy as np
import pytest

from amrobust import rules

TOLERANCE = 1e-10


@pytest.fixture(scope="module")
def vectors(shared):
    return json.loads(shared("vectors/trajectories.json").read_text())


def cases(vectors, name):
    found = [case for case in vectors["cases"] if case["name"] == name]
    assert found
    return found


def follow(rule, vectors, rates, array, seeds):
    """States after each iteration; with ``seeds`` rows, all but the last of which start elsewhere."""
    a, b = array(vectors["A"]), array(vectors["b"])
    x0 = np.asarray(vectors["x0"])
    if seeds:
        x0 = np.stack([np.roll(x0, shift) for shift in range(seeds - 1, -1, -1)])
    state = rule.init(array(x0))
    for k, lr in enumerate(rates):
        gradient = state.x @ a.T - b + array(vectors["noise"][k])
        state = rule.step(state, gradient, lr)
        yield state


def compare(rule, vectors, rates, expected, array, seeds):
    """``expected`` maps a function of (state, outputs) to the trajectory that it must give."""
    for k, state in enumerate(follow(rule, vectors, rates, array, seeds)):
        for read, trajectory in expected:
            value = np.asarray(read(state, rule.outputs(state)))
            value = value[-1] if seeds else value
            np.testing.assert_allclose(value, trajectory[k], rtol=0, atol=TOLERANCE, err_msg=f"iteration {k}")


with_and_without_seeds = pytest.mark.parametrize("seeds", [0, 3], ids=["one", "batch"])


def option(name):
    return lambda state, outputs: outputs[name]


@with_and_without_seeds
@pytest.mark.parametrize("case", ["sgd", "m_sgd", "m_sgd_weight_decay", "cm_sgd"])
def test_rules_with_one_output(vectors, case, as_array, seeds):
    name = {"sgd": "sgd", "cm_sgd": "cm"}.get(case, "msgd")
    (data,) = cases(vectors, case)
    given = data["params"]
    parameters = {"momentum": given["beta"]} if "beta" in given else {}
    if "weight_decay" in given:
        parameters["weight_decay"] = given["weight_decay"]
    rule = rules.make(name, **parameters)
    rates = [given["eta"]] * vectors["iterations"]
    compare(rule, vectors, rates, [(option("I"), data["x"])], as_array, seeds)


@with_and_without_seeds
@pytest.mark.parametrize("which", range(3))
def test_am1_both_options(vectors, which, as_array, seeds):
    data = cases(vectors, "am1")[which]
    given = data["params"]
    rule = rules.am1(given["beta"], given["m"])
    rates = [given["eta"]] * vectors["iterations"]
    expected = [(option("I"), data["option_1"]), (option("II"), data["option_2"])]
    compare(rule, vectors, rates, expected, as_array, seeds)


@with_and_without_seeds
@pytest.mark.parametrize("which", range(3))
def test_am2_both_options(vectors, which, as_array, seeds):
    data = cases(vectors, "am2")[which]
    given = data["params"]
    indices = given["indices"]
    if seeds:  # the other seeds sample other rows
        columns = [(np.asarray(indices) + shift) % given["m"] for shift in range(seeds - 1, -1, -1)]
        indices = np.stack(columns, axis=1)
    rule = rules.am2(given["beta"], given["m"], indices=indices)
    rates = [given["eta"]] * vectors["iterations"]
    expected = [(option("I"), data["option_1"]), (option("II"), data["option_2"])]
    compare(rule, vectors, rates, expected, as_array, seeds)


@with_and_without_seeds
def test_original_nesterov_under_a_learning_rate_drop(vectors, as_array, seeds):
    (data,) = cases(vectors, "nesterov_with_learning_rate_drop")
    given = data["params"]
    iterate = (lambda state, outputs: state.x, data["option_1"])
    output = (option("II"), data["option_2"])
    for rule in (rules.omsgd(given["beta"]), rules.am1(given["beta"], 1)):
        compare(rule, vectors, given["etas"], [iterate, output], as_array, seeds)


@with_and_without_seeds
def test_tensorflows_form_under_a_learning_rate_drop(vectors, as_array, seeds):
    (data,) = cases(vectors, "nesterov_with_learning_rate_drop")
    given = data["params"]
    expected = [(option("I"), data["option_1"]), (option("II"), data["option_2"])]
    rule = rules.msgd_tf(given["beta"])
    compare(rule, vectors, given["etas"], expected, as_array, seeds)


@with_and_without_seeds
def test_aggmo(vectors, as_array, seeds):
    (data,) = cases(vectors, "aggmo")
    given = data["params"]
    rates = [given["eta"]] * vectors["iterations"]
    compare(rules.aggmo(given["betas"]), vectors, rates, [(option("I"), data["x"])], as_array, seeds)


@with_and_without_seeds
def test_qhm(vectors, as_array, seeds):
    (data,) = cases(vectors, "qhm")
    given = data["params"]
    rates = [given["alpha"]] * vectors["iterations"]
    rule = rules.qhm(given["beta"], given["nu"])
    compare(rule, vectors, rates, [(option("I"), data["x"])], as_array, seeds)


@with_and_without_seeds
def test_nesterov_plus_amortized(vectors, as_array, seeds):
    (data,) = cases(vectors, "nesterov_plus_amortized")
    given = data["params"]
    rule = rules.hybrid(given["nesterov"], given["amortized"], given["m"])
    rates = [given["eta"]] * vectors["iterations"]
    expected = [(option("I"), data["option_1"]), (option("II"), data["option_2"])]
    compare(rule, vectors, rates, expected, as_array, seeds)


PROX = {
    "euclidean_schedule": rules.Euclidean(),
    "l1": rules.L1(0.2),
    "entropy_simplex": rules.Entropy(),
}
every_prox = pytest.mark.parametrize("prox", PROX)


def scheduled(values):
    """A schedule given as a list; what comes after the last iteration is not in it."""
    return lambda index: values[min(index, len(values) - 1)]


@with_and_without_seeds
@every_prox
def test_general_am1(vectors, prox, as_array, seeds):
    (data,) = cases(vectors, f"am1_general_{prox}")
    given = data["params"]
    m, betas = given["m"], given["betas"]
    rule = rules.am1_general(scheduled(betas), m, prox=PROX[prox])
    rates = [alpha * (1 - beta) for alpha, beta in zip(given["alphas"], betas, strict=True) for _ in range(m)]
    after_cycles = [
        data["output"][(k + 1) // m - 1] if k + 1 >= m else given.get("x0", vectors["x0"]) for k in range(30)
    ]
    problem = vectors | {"x0": given.get("x0", vectors["x0"])}
    compare(rule, problem, rates, [(option("II"), after_cycles)], as_array, seeds)


@with_and_without_seeds
@every_prox
def test_general_am2(vectors, prox, as_array, seeds):
    (data,) = cases(vectors, f"am2_general_{prox}")
    given = data["params"]
    betas = given["betas"]
    indices = np.asarray(
        [*given["indices"], 0]
    )  # that of the gradient that would come next is not in the vectors
    if seeds:
        indices = np.stack([(indices + shift) % given["m"] for shift in range(seeds - 1, -1, -1)], axis=1)
    rule = rules.am2_general(scheduled(betas), given["m"], prox=PROX[prox], indices=indices)
    rates = [alpha * (1 - beta) for alpha, beta in zip(given["alphas"], betas, strict=True)]
    problem = vectors | {"x0": given.get("x0", vectors["x0"])}
    compare(rule, problem, rates, [(option("II"), data["output"])], as_array, seeds)
