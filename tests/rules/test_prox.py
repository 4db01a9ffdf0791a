"""Prox setups against a general convex solver, and against the inequality that characterises a prox mapping."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from amrobust import rules

DIMENSION = 5
LOW, HIGH = np.array([-1.0, 0.0, -0.3, 0.5, -2.0]), np.array([0.5, 1.0, -0.1, 0.5, 2.0])
CENTRE = np.array([0.5, -0.5, 0.0, 1.0, 0.2])


def into_box(v):
    return LOW + (HIGH - LOW) / (1 + np.exp(-v))


def into_ball(v):
    return CENTRE + 0.8 * v / np.sqrt(1 + (v**2).sum(-1, keepdims=True))


def into_simplex(v):
    return np.exp(v) / np.exp(v).sum(-1, keepdims=True)


# A setup, and a map from R^d into its set X.
SETUPS = {
    "euclidean": (rules.Euclidean(), lambda v: v),
    "l1": (rules.L1(0.7), lambda v: v),
    "box": (rules.Box(LOW, HIGH), into_box),
    "ball": (rules.Ball(0.8, CENTRE), into_ball),
    "simplex": (rules.Simplex(), into_simplex),
    "entropy": (rules.Entropy(), into_simplex),
}
every_setup = pytest.mark.parametrize("name", SETUPS)


def objective(setup, u, z, G, alpha):
    return setup.divergence(u, z) + (G * u).sum(-1) + alpha * setup.h(u)


def solved(name, setup, z, G, alpha):
    """The minimiser by SLSQP, from the middle of X, knowing nothing but the definition of V, h and X."""

    def euclidean(u):
        return 0.5 * ((u - z) ** 2).sum() + G @ u

    def entropic(u):
        return (u * np.log(u / z)).sum() + G @ u

    def split(pq):  # u = p − q with p, q ≥ 0 makes the l1 norm smooth
        return euclidean(pq[:DIMENSION] - pq[DIMENSION:]) + alpha * 0.7 * pq.sum()

    total = {"type": "eq", "fun": lambda u: u.sum() - 1}
    options = {"ftol": 1e-15, "maxiter": 2000}
    if name == "l1":
        bounds = [(0, None)] * (2 * DIMENSION)
        pq = minimize(split, np.ones(2 * DIMENSION), bounds=bounds, options=options, method="SLSQP").x
        return pq[:DIMENSION] - pq[DIMENSION:]
    match name:
        case "euclidean":
            given = {}
        case "box":
            given = {"bounds": list(zip(LOW, HIGH, strict=True))}
        case "ball":
            given = {"constraints": {"type": "ineq", "fun": lambda u: 0.8**2 - ((u - CENTRE) ** 2).sum()}}
        case "simplex":
            given = {"bounds": [(0, 1)] * DIMENSION, "constraints": total}
        case "entropy":
            given = {"bounds": [(1e-12, 1)] * DIMENSION, "constraints": total}
    function = entropic if name == "entropy" else euclidean
    start = {"box": (LOW + HIGH) / 2, "ball": CENTRE}.get(name, np.full(DIMENSION, 1 / DIMENSION))
    return minimize(function, start, method="SLSQP", options=options, **given).x


@every_setup
@pytest.mark.parametrize("size", [0.3, 3.0])
def test_the_prox_is_what_a_general_solver_finds(name, size):
    setup, into = SETUPS[name]
    rng = np.random.default_rng(0)
    for _ in range(12):
        z, G, alpha = into(rng.normal(size=DIMENSION)), size * rng.normal(size=DIMENSION), rng.uniform(0.1, 2)
        found = setup.prox(z, G, alpha)
        reference = solved(name, setup, z, G, alpha)
        np.testing.assert_allclose(found, reference, atol=2e-4)
        assert setup.contains(found)
        # The solver may leave X by its own tolerance, hence not exactly ≤.
        assert objective(setup, found, z, G, alpha) <= objective(setup, reference, z, G, alpha) + 1e-6


vectors = st.lists(st.floats(-3, 3), min_size=DIMENSION, max_size=DIMENSION).map(np.array)


@every_setup
@settings(max_examples=60, deadline=None)
@given(z=vectors, w=vectors, G=vectors, alpha=st.floats(0.01, 3))
def test_three_point_inequality(name, z, w, G, alpha):
    """⟨G, z⁺⟩ + αh(z⁺) + V(z⁺, z) + V(w, z⁺) ≤ ⟨G, w⟩ + αh(w) + V(w, z) for every w in X, and z⁺ alone has it."""
    setup, into = SETUPS[name]
    z, w = into(z), into(w)
    found = setup.prox(z, G, alpha)
    left = objective(setup, found, z, G, alpha) + setup.divergence(w, found)
    assert left <= objective(setup, w, z, G, alpha) + 1e-9


@every_setup
@settings(max_examples=60, deadline=None)
@given(u=vectors, z=vectors)
def test_the_distance_is_1_strongly_convex_in_the_norm(name, u, z):
    setup, into = SETUPS[name]
    u, z = into(u), into(z)
    assert setup.divergence(u, z) >= setup.norm(u - z) ** 2 / 2 - 1e-9
    assert abs(setup.divergence(u, u)) < 1e-12


@every_setup
@given(x=vectors, g=vectors)
def test_the_dual_norm_is_dual(name, x, g):
    setup, _ = SETUPS[name]
    assert g @ x <= setup.dual_norm(g) * setup.norm(x) + 1e-9
    attained = np.sign(g) * (abs(g) == abs(g).max()) if name == "entropy" else g
    np.testing.assert_allclose(g @ attained, setup.dual_norm(g) * setup.norm(attained), atol=1e-9)


@pytest.mark.parametrize("name", ["box", "ball", "simplex", "entropy"])
def test_the_reach_is_the_distance_of_the_farthest_point(name):
    setup, into = SETUPS[name]
    rng = np.random.default_rng(2)
    for u in into(rng.normal(size=(5, DIMENSION))):
        # A convex function is largest at an extreme point, and prox steps along a large G end in those.
        far = setup.prox(np.tile(u, (3000, 1)), 1e6 * rng.normal(size=(3000, DIMENSION)), 1.0)
        found = setup.norm(far - u).max()
        assert 0.98 * setup.reach(u) <= found <= setup.reach(u) * (1 + 1e-9)


@pytest.mark.parametrize("setup", [rules.Euclidean(), rules.L1(0.1), rules.Box(0.0, np.inf)])
def test_what_is_unbounded_is_told_by_its_reach(setup):
    assert setup.reach(np.ones(3)) == np.inf


@every_setup
def test_rows_are_treated_each_for_itself(as_array, name):
    setup, into = SETUPS[name]
    rng = np.random.default_rng(1)
    z, u, G = (
        into(rng.normal(size=(4, DIMENSION))),
        into(rng.normal(size=(4, DIMENSION))),
        rng.normal(size=(4, DIMENSION)),
    )
    alphas = np.array([[0.1], [0.5], [1.0], [2.0]])
    batch = setup.prox(as_array(z), as_array(G), as_array(alphas))
    assert type(batch) is type(as_array(z))
    for row in range(4):
        alone = setup.prox(z[row], G[row], alphas[row, 0])
        np.testing.assert_allclose(np.asarray(batch)[row], alone, atol=1e-14)
        for function in (setup.h, setup.norm, setup.dual_norm):
            np.testing.assert_allclose(np.asarray(function(as_array(u)))[row], function(u[row]), atol=1e-14)
        np.testing.assert_allclose(
            np.asarray(setup.divergence(as_array(u), as_array(z)))[row],
            setup.divergence(u[row], z[row]),
            atol=1e-14,
        )


@every_setup
@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_float32_stays_float32(name, kind):
    setup, into = SETUPS[name]
    z = into(np.zeros((2, DIMENSION))).astype(np.float32)
    z = torch.from_numpy(z) if kind == "torch" else z
    assert setup.contains(z)
    for value in (setup.prox(z, 0.1 * z, 0.5), setup.divergence(z, z), setup.h(z), setup.norm(z)):
        assert value.dtype == z.dtype


def test_by_hand():
    v = np.array([2.0, -0.5, 0.3])
    zero = np.zeros(3)
    np.testing.assert_allclose(rules.L1(2.0).prox(v, zero, 0.25), [1.5, 0.0, 0.0])
    np.testing.assert_allclose(rules.Box(-0.4, 1.0).prox(v, zero, 1.0), [1.0, -0.4, 0.3])
    np.testing.assert_allclose(rules.Ball(1.0).prox(np.array([3.0, 4.0]), np.zeros(2), 1.0), [0.6, 0.8])
    np.testing.assert_allclose(rules.Simplex().prox(np.array([0.9, 0.5, -1.0]), zero, 1.0), [0.7, 0.3, 0.0])
    halves = np.array([0.5, 0.5])
    np.testing.assert_allclose(rules.Entropy().prox(halves, np.array([0.0, np.log(3.0)]), 1.0), [0.75, 0.25])
    assert rules.Entropy().divergence(np.array([1.0, 0.0]), halves) == pytest.approx(np.log(2))


def test_entropy_survives_gradients_that_overflow_an_exponential():
    z = np.full(3, 1 / 3)
    far = rules.Entropy().prox(z, np.array([0.0, 1e4, -1e4]), 1.0)
    np.testing.assert_array_equal(far, [0.0, 0.0, 1.0])
    back = rules.Entropy().prox(far, np.array([0.0, -2e4, 0.0]), 1.0)  # an underflowed coordinate comes back
    np.testing.assert_array_equal(back, [0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("setup", "outside"),
    [
        (rules.Box(0.0, 1.0), [0.5, 1.1]),
        (rules.Ball(1.0), [0.8, 0.8]),
        (rules.Simplex(), [0.5, 0.6]),
        (rules.Simplex(), [-0.5, 1.5]),
        (rules.Entropy(), [0.0, 0.0]),
    ],
)
def test_points_outside_are_told_and_refused_as_a_start(setup, outside):
    outside = np.array(outside)
    assert not setup.contains(outside)
    assert not setup.contains(np.stack([np.array([0.5, 0.5]), outside]))
    assert setup.contains(np.array([0.5, 0.5]))
    for rule in (rules.am1_general(prox=setup), rules.am2_general(prox=setup, indices=[0, 0])):
        with pytest.raises(ValueError, match="starting point"):
            rule.init(outside)


@pytest.mark.parametrize("make", [lambda: rules.L1(-1), lambda: rules.Box(1, 0), lambda: rules.Ball(0)])
def test_nonsense_is_refused(make):
    with pytest.raises(ValueError, match=r"at least 0|low <= high|positive"):
        make()
