"""Update rules of others: found by path or announced, checked, trained as a plain loop over their steps trains."""

import foreign_rules_of_others as others
import numpy as np
import pytest

from amrobust.errors import UserError
from amrobust.train.convex import _noise, train_block
from amrobust.train.convex_rules import starting_point, workload_of
from amrobust.train.prepare import describe, make_spec
from amrobust.train.unit import Place
from amrobust.workloads import backends

HERE = "foreign_rules_of_others"
SHORT = {"iterations": 10, "record_every": 5, "sigma": 0.0}


def spec(name, workload="logistic", **hyperparameters):
    return make_spec(workload, name, SHORT, hyperparameters)


def by_hand(of, rule, lr):
    """The curve of train_loss by a plain loop over a rule's steps, without noise."""
    problem = workload_of(of).problem(of.workload_params)
    state = rule.init(starting_point(of)[None])
    losses = []
    for k in range(1, 11):
        state = rule.step(state, problem.gradient(state.x), lr)
        if k % 5 == 0:
            losses.append({name: problem.loss(point)[0] for name, point in rule.outputs(state).items()})
    return {name: [loss[name] for loss in losses] for name in losses[0]}


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_a_seed_is_what_a_plain_loop_over_its_steps_gives(backend):
    if backend == "jax":
        pytest.importorskip("jax", reason="jax is not installed (pip install 'amrobust[jax]')")
    of = spec(f"{HERE}:averaged", lr=0.2, weight1=0.8, power=0.5)
    assert of.hyperparameters == {"lr": 0.2, "weight1": 0.8, "weight2": 0.1, "power": 0.5, "steps": 3}
    expected = by_hand(of, others.averaged((0.8, 0.1), 0.5), 0.2)
    for outcome in train_block(of, [0, 1], backend):
        for output in ("I", "II"):
            assert outcome.curves[output]["train_loss"] == pytest.approx(expected[output], rel=1e-10)
    facts = describe(of, Place(backend))
    assert facts.methods["II"] == "averaged[lr=0.2,power=0.5,weight1=0.8]/II"
    assert facts.code.keys() == {f"{HERE}.py"}


def test_the_learning_rate_is_the_workloads_where_none_is_given():
    of = spec(f"{HERE}:signed")
    assert of.hyperparameters["lr"] == spec("sgd").hyperparameters["lr"]
    assert describe(of).methods == {"I": "signed"}


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("signed", {"step": 2.0}, "it takes lr, scale"),
        ("signed", {"scale": "big"}, "is not a number"),
        ("signed", {"lr": -1.0}, "is not above 0"),
        ("needy", {}, "has no default for horizon"),
        ("nothing", {}, "returns None, neither an amrobust.rules.Rule nor"),
        ("third", {}, r"outputs 'I', 'II' or both.*it has III \(2, 3\)"),
        ("shrinking", {}, r"points of the shape of x0.*I \(1, 3\)"),
        ("picky", {"order": 3}, "cannot be made so: ValueError: order is 1 or 2"),
        ("of_torch", {}, "cannot run on the numpy backend: AttributeError"),
        ("not_a_function", {}, "neither a function that returns an amrobust.rules.Rule"),
        ("missing", {}, "cannot be imported: AttributeError"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(name, given, message):
    with pytest.raises(UserError, match=message):
        describe(spec(f"{HERE}:{name}", **given))


def test_they_are_for_problems_without_constraints_and_not_for_networks():
    with pytest.raises(UserError, match="has no form for the constraint"):
        spec(f"{HERE}:signed", "logistic-ball")
    with pytest.raises(UserError, match=r"not a class of torch\.optim\.Optimizer but makes an update rule"):
        make_spec("digits", f"{HERE}:signed")


def test_a_misspelt_name_is_held_against_rules_that_are_announced(tmp_path, monkeypatch):
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[amrobust.rules]\nsteadied = {HERE}:signed\nadamw = {HERE}:signed\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert spec("steadied", scale=2.0).optimizer == "steadied"
    with pytest.raises(UserError, match="did you mean 'steadied'"):
        spec("steadyed")
    with pytest.raises(UserError, match="adamw trains networks"):
        spec("adamw")


class TestOptax:
    """Optax's own loop on the same gradients, one seed at a time, is the independent source."""

    CASES = {  # noqa: RUF012
        "sgd with nesterov": ("sgd", {"momentum": 0.9, "nesterov": True}),
        "adam": ("adam", {"b1": 0.8}),
        "adamw": ("adamw", {"weight_decay": 0.01}),
        "lion": ("lion", {}),
        "a norm over all coordinates": ("lars", {}),
    }

    @pytest.fixture(autouse=True)
    def optax(self):
        return pytest.importorskip("optax", reason="optax is not installed (pip install 'amrobust[optax]')")

    @pytest.mark.parametrize("case", CASES)
    def test_a_seed_is_optaxs_own_trajectory(self, optax, case):
        import jax

        name, given = self.CASES[case]
        of = make_spec("logistic", f"optax:{name}", SHORT | {"sigma": 0.5}, {"lr": 0.05, **given})
        transformation = getattr(optax, name)(learning_rate=0.05, **given)
        library, problem = backends.get("jax"), workload_of(of).problem(of.workload_params)
        trained = train_block(of, [3, 5], "jax")
        for outcome in trained:
            noise = [errors[0] for errors in _noise(of, [outcome.seed], 10, problem.dimension)]
            with library.computing():
                x = library.array(starting_point(of), "float64")
                state, losses = transformation.init(x), []
                for k, errors in enumerate(noise, 1):
                    gradient = problem.gradient(np.asarray(x)[None])[0] + errors
                    updates, state = transformation.update(jax.numpy.asarray(gradient), state, x)
                    x = optax.apply_updates(x, updates)
                    if k % 5 == 0:
                        losses.append(problem.loss(np.asarray(x)[None])[0])
            assert outcome.curves["I"]["train_loss"] == pytest.approx(losses, rel=1e-10)

    @pytest.mark.parametrize("rows", [None, 4])
    def test_the_rule_steps_with_and_without_an_axis_of_seeds(self, optax, rows):
        import jax

        from amrobust.rules import tail_average, transformed

        rng = np.random.default_rng(0)
        transformation = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(0.1))
        rule = transformed(transformation)
        assert tail_average(rule, 2).backend == "jax"
        with jax.enable_x64(True):
            starts = rng.normal(size=(rows or 1, 6))
            gradients = rng.normal(size=(7, rows or 1, 6))
            state = rule.init(jax.numpy.asarray(starts if rows else starts[0]))
            for gradient in gradients:
                state = rule.step(state, jax.numpy.asarray(gradient if rows else gradient[0]), 0.1)
            for row in range(rows or 1):
                x = jax.numpy.asarray(starts[row])
                memory = transformation.init(x)
                for gradient in gradients[:, row]:
                    updates, memory = transformation.update(jax.numpy.asarray(gradient), memory, x)
                    x = optax.apply_updates(x, updates)
                found = np.atleast_2d(rule.outputs(state)["I"])[row]
                assert found.dtype == np.float64
                np.testing.assert_allclose(found, x, rtol=1e-12)

    def test_the_run_names_optax_and_its_version(self, optax):
        facts = describe(spec("optax:adam", b1=0.5), Place("jax"))
        assert facts.methods == {"I": "adam[b1=0.5]"}
        assert facts.versions["optax"] == optax.__version__
        assert any(name.startswith("optax.") and name.endswith(":adam") for name in facts.versions)

    def test_single_precision_stays_single(self):
        of = make_spec("logistic", "optax:adam", SHORT | {"dtype": "float32"})
        (outcome,) = train_block(of, [0], "jax")
        assert np.isfinite(outcome.curves["I"]["train_loss"]).all()

    @pytest.mark.parametrize("backend", ["numpy", "torch"])
    def test_another_backend_is_refused_with_the_hint(self, backend):
        with pytest.raises(UserError, match="optax:adam computes with jax alone: choose --backend jax"):
            describe(spec("optax:adam"), Place(backend))

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("scale_by_adam", "has no learning_rate"),
            ("lbfgs", "cannot run on the jax backend"),
            ("adan_", "cannot be imported"),
        ],
    )
    def test_what_is_no_method_is_refused(self, name, message):
        with pytest.raises(UserError, match=message):
            describe(spec(f"optax:{name}"), Place("jax"))


def test_without_optax_the_hint_is_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "optax", None)
    with pytest.raises(
        UserError, match=r"needs optax, which is not installed: pip install 'amrobust\[optax\]'"
    ):
        spec("optax:adamax")
