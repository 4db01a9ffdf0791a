"""The convex problems: gradients, constants, and comparators that nothing in X improves on; parameters checked."""

import numpy as np
import pytest
from scipy.optimize import minimize

from amrobust import workloads
from amrobust.errors import UserError
from amrobust.rules import L1, Ball, Box
from amrobust.workloads.optimum import minimum
from amrobust.workloads.problem import HINGE, Problem

NAMES = ("logistic-ball", "logistic-l1", "logistic-simplex", "hinge-box")
RNG = np.random.default_rng(0)


def of(name):
    workload = workloads.get(name)
    return workload, workload.problem(workload.defaults)


def points_of(problem, count=200):
    """Points of X, near and far from its centre."""
    size = RNG.lognormal(0, 2, (count, 1))
    start = np.tile(problem.centre, (count, 1))
    return problem.prox.prox(start, size * RNG.normal(size=start.shape), 0.0)


@pytest.mark.parametrize("name", NAMES)
class TestEveryProblem:
    def test_its_constants_bound_how_far_the_loss_leaves_its_tangent(self, name):
        _, problem = of(name)
        x, y = points_of(problem), points_of(problem)
        smooth = problem.loss(y) - problem.prox.h(y) - problem.loss(x) + problem.prox.h(x)
        beyond = smooth - ((y - x) * problem.gradient(x)).sum(axis=1)
        distance = problem.prox.norm(y - x)
        assert (beyond >= -1e-9).all()  # f is convex
        assert (beyond <= problem.L / 2 * distance**2 + problem.M * distance + 1e-9).all()

    def test_no_point_of_x_is_better_than_the_comparator(self, name):
        workload, problem = of(name)
        best = workload.comparator(workload.defaults)
        assert problem.prox.contains(best.point[None])
        assert best.value == problem.loss(best.point[None])[0]
        assert 0 <= best.error <= 1e-9
        steps = 10.0 ** np.arange(-6, 1)[:, None]
        near = problem.prox.prox(
            np.tile(best.point, (700, 1)),
            np.tile(steps, (100, 1)) * RNG.normal(size=(700, len(best.point))),
            0.0,
        )
        assert (
            problem.loss(np.concatenate([near, points_of(problem)])) >= best.value - best.error - 1e-12
        ).all()

    def test_the_comparator_is_a_fixed_point_of_the_prox_step_where_f_is_smooth(self, name):
        workload, problem = of(name)
        if problem.margin is HINGE:
            pytest.skip("a subgradient step moves away from a kink")
        u = workload.comparator(workload.defaults).point[None]
        step = 1 / problem.L
        np.testing.assert_allclose(problem.prox.prox(u, step * problem.gradient(u), step), u, atol=1e-6)

    def test_the_comparator_is_solved_for_once(self, name):
        workload, _ = of(name)
        assert workload.comparator(workload.defaults) is workload.comparator(
            workload.defaults | {"sigma": 5.0}
        )

    def test_values_that_make_no_sense_are_refused(self, name):
        workload, _ = of(name)
        (own,) = workload.own
        for change in (
            {own: 0.0},
            {own: float("nan")},
            {own: "wide"},
            {own: True},
            {"sigma": -1},
            {"dtype": "float16"},
        ):
            with pytest.raises(UserError, match=next(iter(change))):
                workload.check({**workload.defaults, **change})


def rows(n=60, d=4):
    generator = np.random.default_rng(3)
    drawn = generator.normal(size=(n, d)) + 0.3
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


class TestMinimumAgainstScipy:
    def test_on_a_ball(self):
        problem = Problem(rows(), prox=Ball(1.5))
        found = minimize(
            lambda x: problem.loss(x[None])[0], np.zeros(4), jac=lambda x: problem.gradient(x[None])[0], method="SLSQP",
            constraints={"type": "ineq", "fun": lambda x: 1.5**2 - x @ x}, options={"ftol": 1e-14},
        )  # fmt: skip
        np.testing.assert_allclose(minimum(problem).point, found.x, atol=1e-5)

    def test_a_ball_that_does_not_bind_leaves_the_free_minimum(self):
        problem = Problem(rows(), prox=Ball(100.0))
        point = minimum(problem).point
        assert np.linalg.norm(point) < 99
        assert abs(problem.gradient(point[None])).max() < 1e-9

    def test_with_an_l1_term_against_its_split_into_positive_parts(self):
        problem = Problem(rows(), prox=L1(0.05))

        def split(p):
            x = p[:4] - p[4:]
            g = problem.gradient(x[None])[0]
            return problem.loss(x[None])[0] - problem.prox.h(x) + 0.05 * p.sum(), np.concatenate(
                [g, -g]
            ) + 0.05

        found = minimize(
            split,
            np.full(8, 0.1),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, None)] * 8,
            options={"ftol": 1e-15, "gtol": 1e-10},
        )
        assert minimum(problem).value == pytest.approx(found.fun, abs=1e-9)

    def test_of_a_hinge_by_many_small_subgradient_steps(self):
        problem = Problem(rows(), HINGE, Box(-0.5, 0.5))
        best = minimum(problem)
        x, lowest = np.zeros((1, 4)), np.inf
        for k in range(1, 4000):
            x = problem.prox.prox(x, problem.gradient(x) / k**0.5, 0.0)
            lowest = min(lowest, problem.loss(x)[0])
        assert best.value <= lowest <= best.value + 1e-3


class TestLogisticWithV:
    def test_the_gap_is_taken_against_the_best_point_of_the_ball(self):
        workload, ball = workloads.get("logistic"), workloads.get("logistic-ball")
        best = workload.comparator(workload.defaults | {"V": 350.0})
        assert best.value == ball.comparator(ball.defaults).value
        assert np.linalg.norm(best.point) ** 2 / 2 == pytest.approx(350.0)

    def test_without_it_there_is_no_gap(self):
        workload = workloads.get("logistic")
        assert workload.comparator(workload.defaults) is None
        assert "gap" not in [name for name, _, _ in workloads.metrics_of(workload, workload.defaults)]
        assert workloads.metrics_of(workload, workload.defaults | {"V": 1.0})[0][0] == "gap"
