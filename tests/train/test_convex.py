"""Convex experiments: the same trajectories on every backend, methods in general form, theorem parameters, what is recorded."""

import math

import numpy as np
import pytest
from click.testing import CliRunner

from amrobust import rules
from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.rules import theory
from amrobust.runs.provenance import command_of
from amrobust.runs.store import open_runs
from amrobust.train import convex
from amrobust.train.convex_rules import (
    learning_rate,
    setting,
    starting_point,
    theorem1b,
    workload_of,
)
from amrobust.train.optimizers import OPTIMIZERS
from amrobust.train.prepare import describe, make_spec
from amrobust.train.streams import seed_sequence
from amrobust.workloads.problem import sphere_noise

SHORT = {"iterations": 60, "record_every": 20}
PROBLEMS = ("logistic-ball", "logistic-l1", "logistic-simplex", "hinge-box")


def final(spec, metric, output, backend="numpy", seeds=(0, 1)):
    return np.array([o.curves[output][metric] for o in convex.train_block(spec, seeds, backend)])


@pytest.mark.parametrize("backend", ["torch", "jax"])
@pytest.mark.parametrize("workload", ["logistic", *PROBLEMS])
@pytest.mark.parametrize("optimizer", ["am1", "am2"])
def test_every_backend_runs_the_same_trajectories(workload, optimizer, backend):
    if backend == "jax":
        pytest.importorskip("jax", reason="jax is not installed (pip install 'amrobust[jax]')")
    spec = make_spec(workload, optimizer, SHORT, {"m": 5})
    for output in ("I", "II"):
        here, there = (final(spec, "train_loss", output, name) for name in ("numpy", backend))
        np.testing.assert_allclose(there, here, rtol=1e-11)


def test_float32_follows_float64_at_its_own_precision_and_is_another_run():
    double, single = (make_spec("logistic", "am1", SHORT | {"dtype": d}) for d in ("float64", "float32"))
    assert double == make_spec("logistic", "am1", SHORT)
    assert single.identity() != double.identity()
    one, other = (final(spec, "train_loss", "II") for spec in (double, single))
    assert 0 < abs(one - other).max() < 1e-5


@pytest.mark.parametrize("workload", PROBLEMS)
@pytest.mark.parametrize("optimizer", [name for name, own in OPTIMIZERS.items() if own.general is not None])
def test_every_method_reduces_the_gap_and_stays_in_the_set(workload, optimizer):
    spec = make_spec(workload, optimizer, {"iterations": 400, "record_every": 20, "sigma": 0.1})
    workload = workload_of(spec)
    start = workload.problem(spec.workload_params).loss(starting_point(spec)[None])[0]
    gap0 = start - workload.comparator(spec.workload_params).value
    for output in describe(spec).outputs:
        gaps = final(spec, "gap", output)
        assert (gaps >= -1e-9).all()
        assert (gaps[:, -1] < 0.7 * gap0).all()


def test_a_run_on_the_ball_is_the_rule_with_that_prox_stepped_by_hand():
    spec = make_spec("logistic-ball", "am1", SHORT | {"V": 2.0}, {"m": 3, "lr": 0.5})
    problem = workload_of(spec).problem(spec.workload_params)
    noise = sphere_noise(np.random.default_rng(seed_sequence(spec, "noise", 4)), 60, 30, 1.0)
    rule = rules.am1_general(0.9, 3, prox=rules.Ball(2.0))
    state = rule.init(np.zeros(30))
    for error in noise:
        state = rule.step(state, problem.gradient(state.x[None])[0] + error, 0.5)
    ours = final(spec, "train_loss", "II", seeds=(4,))[0, -1]
    assert ours == pytest.approx(problem.loss(state.output[None])[0], rel=1e-12)


class TestTheoremParameters:
    def test_are_those_of_the_theorems_at_the_problems_constants(self):
        spec = make_spec("logistic-ball", "am1g", {"sigma": 2.0, "iterations": 200}, {"m": 10, "theorem": 1})
        expected = theory.Setting(iterations=200, V=350.0, sigma=2.0, L=0.25)
        assert pytest.approx(350.0) == setting(spec).V
        assert learning_rate(spec) == pytest.approx(theory.theorem1_lr(expected, 10))
        other = make_spec("logistic-ball", "am2g", {"sigma": 2.0, "iterations": 200}, {"m": 10, "theorem": 1})
        assert learning_rate(other) == pytest.approx(theory.theorem2_lr(expected, 10))
        nonsmooth = setting(make_spec("hinge-box", "am1g", {}, {"theorem": 1}))
        assert (0.0, pytest.approx(2.0)) == (nonsmooth.L, nonsmooth.M)
        assert math.log(60) >= setting(make_spec("logistic-simplex", "acsa", {}, {"theorem": 1})).V

    def test_replace_learning_rate_and_momentum(self):
        spec = make_spec("logistic-ball", "am1g", {}, {"theorem": 1})
        assert spec.hyperparameters == {"m": 10, "theorem": 1}
        assert describe(spec).methods["II"] == "am1g[m=10,theorem=1]/II"
        with pytest.raises(UserError, match="theorem = 1 sets lr itself"):
            make_spec("logistic-ball", "am1g", {}, {"theorem": 1, "lr": 0.1})

    @pytest.mark.parametrize("optimizer", ["am1g", "am2g"])
    def test_keep_the_mean_gap_below_bounds_that_x0_does_not_satisfy(self, optimizer):
        params = {"iterations": 200, "record_every": 200, "sigma": 0.005}
        spec = make_spec("logistic-ball", optimizer, params, {"theorem": 1})
        gap0 = math.log(2) - workload_of(spec).comparator(spec.workload_params).value
        first = optimizer == "am1g"
        bound = theory.k0(setting(spec), 10) if first else theory.theorem2_bound(setting(spec), 10, gap0)
        gaps = final(spec, "gap", "II", seeds=range(64))[:, -1]
        assert gaps.mean() + 4 * gaps.std() / 8 < bound < gap0 / 2

    @pytest.mark.parametrize(
        ("workload", "params", "optimizer", "hyperparameters", "message"),
        [
            ("logistic-ball", {}, "am1g", {"theorem": 1, "m": 7}, "whole cycles"),
            ("logistic", {}, "am1g", {"theorem": 1}, "--param V=350"),
            ("logistic", {}, "am1g", {"theorem": 2}, "theorem = 2"),
            ("digits", {}, "am1g", {}, "for convex workloads"),
            ("logistic-ball", {}, "cm", {}, "cm has no form for the constraint"),
            ("logistic-ball", {}, "am1", {"weight_decay": 0.1}, "weight decay would change the problem"),
        ],
    )
    def test_what_cannot_be_run_is_refused(self, workload, params, optimizer, hyperparameters, message):
        with pytest.raises(UserError, match=message):
            make_spec(workload, optimizer, params, hyperparameters)


class TestTheorem1b:
    def test_the_bound_is_the_theorys_at_the_problems_constants(self):
        spec = make_spec("logistic-ball", "am1g", {"sigma": 0.1, "iterations": 200}, {"m": 10, "theorem": 1})
        radius = math.sqrt(700)
        expected = theory.Setting(iterations=200, V=350.0, sigma=0.1, L=0.25)
        limit, probability = theorem1b(spec, 2.0)
        # x* lies on the sphere, so that the farthest point of the ball is opposite.
        assert limit == pytest.approx(theory.k0(expected, 10) + theory.k1(expected, 10, 2.0, 2 * radius))
        assert probability == pytest.approx(math.exp(-4 / 3) + math.exp(-2))

    @pytest.mark.parametrize(
        ("workload", "optimizer", "hyperparameters", "message"),
        [
            ("logistic-ball", "am1", {}, "Theorem 1b is about acsa and am1g"),
            ("logistic-ball", "am1g", {}, "with theorem = 1"),
            ("logistic-ball", "am2g", {"theorem": 1}, "am2g has other parameters"),
            ("logistic-l1", "am1g", {"theorem": 1}, "needs a compact set"),
        ],
    )
    def test_where_the_theorem_says_nothing_that_is_said(self, workload, optimizer, hyperparameters, message):
        with pytest.raises(UserError, match=message):
            theorem1b(make_spec(workload, optimizer, {}, hyperparameters), 2.0)


def test_without_a_constraint_the_general_form_is_the_plain_one():
    plain = make_spec("logistic", "am1", SHORT | {"sigma": 0.0}, {"m": 5})
    general = make_spec("logistic", "am1g", SHORT | {"sigma": 0.0}, {"m": 5})
    for output in ("I", "II"):
        np.testing.assert_allclose(
            final(general, "train_loss", output), final(plain, "train_loss", output), rtol=1e-12
        )


def test_the_tail_average_of_msgd_with_a_window_of_one_is_msgd():
    tail = make_spec("logistic", "msgd-tail", SHORT | {"sigma": 0.0}, {"m": 1})
    plain = make_spec("logistic", "msgd", SHORT | {"sigma": 0.0})
    np.testing.assert_allclose(final(tail, "train_loss", "I"), final(plain, "train_loss", "I"), rtol=1e-12)


@pytest.mark.parametrize("workload", PROBLEMS)
def test_other_starting_points_lie_in_the_set_and_differ(workload):
    points = [starting_point(make_spec(workload, "sgd", x0_index=index)) for index in (0, 1, 2)]
    problem = workload_of(make_spec(workload, "sgd")).problem(make_spec(workload, "sgd").workload_params)
    assert problem.prox.contains(np.stack(points))
    assert len(np.unique(np.stack(points), axis=0)) == 3


def test_a_seeds_noise_does_not_depend_on_its_block_or_the_chunks(monkeypatch):
    spec = make_spec("logistic", "sgd", SHORT)
    whole = np.stack(list(convex._noise(spec, [0, 1, 2], 60, 30)))
    monkeypatch.setattr(convex, "NOISE_BYTES", 7 * 8 * 30)
    alone = np.stack(list(convex._noise(spec, [1], 60, 30)))
    assert np.array_equal(whole[:, 1:2], alone)


class TestCommandLine:
    def run(self, tmp_path, *arguments):
        words = [
            "run",
            "--opt",
            "am1",
            "--seeds",
            "4",
            "--executor",
            "local",
            "-q",
            "--runs-dir",
            str(tmp_path),
        ]
        return CliRunner().invoke(main, [*words, *arguments])

    def test_backend_and_device_are_recorded_and_shown_and_no_part_of_the_identity(self, tmp_path):
        words = ("--workload", "logistic-ball", "--iterations", "40")
        assert self.run(tmp_path, *words).exit_code == 0
        assert self.run(tmp_path, *words, "--seeds", "6", "--backend", "torch").exit_code == 0
        (run,), _ = open_runs([tmp_path])
        assert [(s.backend, s.device, s.seeds) for s in run.manifest.provenance] == [
            ("numpy", "cpu", 4),
            ("torch", "cpu", 2),
        ]
        assert "backend" not in command_of(run.manifest)
        shown = CliRunner().invoke(main, ["show", str(run.path)]).output
        assert "numpy on cpu" in shown
        assert "torch on cpu" in shown

    def test_compare_judges_the_gap(self, tmp_path):
        words = ("--workload", "logistic-ball", "--iterations", "40")
        assert self.run(tmp_path, *words).exit_code == 0
        done = CliRunner().invoke(main, ["compare", str(tmp_path)])
        assert done.exit_code == 0
        assert "in gap?" in done.output

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--backend", "jax"), "digits is trained by torch: leave out --backend jax"),
            (("--device", "gpu"), "torch cannot use the device 'gpu' here"),
            (("--workload", "logistic", "--backend", "tensorflow"), "no backend is called 'tensorflow'"),
            (("--workload", "logistic", "--device", "cuda"), "choose --backend torch or jax"),
            (("--workload", "logistic-ball", "--param", "V=-1"), "V = -1"),
        ],
    )
    def test_mistakes_are_one_line_and_status_2(self, tmp_path, arguments, message):
        done = self.run(tmp_path, *arguments)
        assert done.exit_code == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
