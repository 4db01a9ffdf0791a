"""Tuning through the grid: what is trained, on which seeds, resumed, and what is chosen."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_runs import EPOCHS, METRICS, OUTPUTS, describe, outcome

from amrobust.errors import RunError, UserError
from amrobust.runs.tuning import FIRST_SEED, tuning_seeds
from amrobust.train.engine import train_runs
from amrobust.train.executors import make_executor
from amrobust.train.search import searches
from amrobust.train.tune import FOLDER, tune
from amrobust.train.unit import SeedOutcome
from amrobust.workloads.images import CIFAR10

SEEDS = tuning_seeds(3)


def found(methods, workload="digits", params=None, **shared):
    return searches(workload, params or {}, methods, **shared)


class Diverged(float):
    """The end of a training that diverged on its way and has a finite value all the same."""


class Ends:
    """A trainer whose trainings end with the numbers that ``ends`` gives for a spec and a seed."""

    def __init__(self, ends):
        self.ends, self.asked = ends, []

    def __call__(self, spec, seeds, *, executor, jobs):
        for seed in seeds:
            self.asked.append((spec, seed))
            value = self.ends(spec, seed)
            if isinstance(value, str):
                yield SeedOutcome(seed, error=value)
                continue
            curves = {o: {m: c.copy() for m, c in v.items()} for o, v in outcome(seed).curves.items()}
            for output, metrics in curves.items():
                for curve in metrics.values():
                    curve[-1] = value[OUTPUTS.index(output)] if isinstance(value, tuple) else value
            yield SeedOutcome(seed, curves=curves, diverged=isinstance(value, Diverged))


def tuned(tmp_path, grids, ends, metrics=METRICS):
    trainer = Ends(ends)
    file = tune(
        grids, SEEDS, tmp_path, make_executor("local", None), train=trainer,
        describe=lambda spec: replace(describe(replace(spec, hyperparameters={"m": 1})), metrics=metrics),
    )  # fmt: skip
    return file, trainer


LR = {"lr": (0.01, 0.1, 1.0)}


def by_lr(*values):
    means = dict(zip(LR["lr"], values, strict=True))
    return lambda spec, seed: means[spec.hyperparameters["lr"]] + 0.25 * (seed - SEEDS[1])


def test_the_best_mean_is_chosen_with_its_budget_and_every_mean_and_std(tmp_path):
    file, trainer = tuned(tmp_path, found([("msgd", LR)]), by_lr(90, 95, 93))
    (method,) = file.methods
    tuning = method.tuning
    assert method.optimizer == "msgd"
    assert method.hyperparameters["lr"] == 0.1
    assert set(method.hyperparameters) == {"lr", "momentum", "weight_decay"}
    assert tuning.searched == LR
    assert [(t.values, t.mean, t.std) for t in tuning.trials] == [
        ({"lr": 0.01}, 90, 0.25), ({"lr": 0.1}, 95, 0.25), ({"lr": 1.0}, 93, 0.25),
    ]  # fmt: skip
    assert (tuning.seeds, tuning.trainings, tuning.budget) == (SEEDS, 9, 9 * EPOCHS)
    assert (tuning.metric, tuning.better, tuning.unit, tuning.validation) == (
        "test_accuracy", "higher", "%", 0.1,
    )  # fmt: skip
    assert {seed for _, seed in trainer.asked} == set(SEEDS)
    assert min(SEEDS) >= FIRST_SEED
    assert file.workload == "digits"
    assert "validation" not in file.workload_params


def test_lower_is_better_where_the_workload_says_so(tmp_path):
    file, _ = tuned(tmp_path, found([("msgd", LR)]), by_lr(0.3, 0.2, 0.1), METRICS[::-1])
    assert file.methods[0].tuning.metric == "test_loss"
    assert file.methods[0].hyperparameters["lr"] == 1.0


def test_each_method_has_its_own_grid_and_choice(tmp_path):
    grids = found([("msgd", LR), ("am1", {"lr": (0.1, 0.3), "m": (3, 5)})])

    def ends(spec, seed):
        if spec.optimizer == "msgd":
            return -spec.hyperparameters["lr"]
        return 50.0 + spec.hyperparameters["m"] * (spec.hyperparameters["lr"] == 0.3)

    file, _ = tuned(tmp_path, grids, ends)
    first, second = file.methods
    assert first.hyperparameters["lr"] == 0.01
    assert (second.hyperparameters["lr"], second.hyperparameters["m"]) == (0.3, 5)
    assert [len(method.tuning.trials) for method in file.methods] == [3, 4]


@pytest.mark.parametrize(("output", "lr"), [(None, 1.0), ("II", 1.0), ("I", 0.01)])
def test_the_output_that_decides_can_be_chosen(tmp_path, output, lr):
    def ends(spec, seed):
        rate = spec.hyperparameters["lr"]
        return (-rate, rate)

    file, _ = tuned(tmp_path, found([("am1", LR)], output=output), ends)
    assert file.methods[0].hyperparameters["lr"] == lr
    assert file.methods[0].tuning.output == (output or "II")


@pytest.mark.parametrize("lost", [np.nan, Diverged(99.0)])
def test_a_combination_of_which_one_seed_diverged_is_never_chosen(tmp_path, lost):
    def ends(spec, seed):
        return {0.01: 1.0, 0.1: lost if seed == SEEDS[2] else 99.0, 1.0: 2.0}[spec.hyperparameters["lr"]]

    tuning = tuned(tmp_path, found([("msgd", LR)]), ends)[0].methods[0].tuning
    assert tuning.best.values == {"lr": 1.0}
    assert (tuning.trials[1].mean, tuning.trials[1].diverged) == (None, 1)


def test_where_all_diverge_the_error_says_so(tmp_path):
    with pytest.raises(RunError, match="msgd: a seed diverged in each of the 3 combinations"):
        tuned(tmp_path, found([("msgd", LR)]), lambda spec, seed: np.nan)


def test_numbers_too_large_to_add_are_not_chosen(tmp_path):
    file, _ = tuned(tmp_path, found([("msgd", LR)]), by_lr(1.7e308, 2.0, 1.0))
    assert file.methods[0].hyperparameters["lr"] == 0.1


def test_a_failed_seed_leaves_nothing_chosen_and_the_same_again_trains_it_alone(tmp_path):
    grids = found([("msgd", LR)])
    good = by_lr(1, 2, 3)

    def broken(spec, seed):
        return "no memory" if spec.hyperparameters["lr"] == 0.1 and seed == SEEDS[0] else good(spec, seed)

    with pytest.raises(RunError, match="no memory"):
        tuned(tmp_path, grids, broken)
    file, trainer = tuned(tmp_path, grids, good)
    assert [(spec.hyperparameters["lr"], seed) for spec, seed in trainer.asked] == [(0.1, SEEDS[0])]
    again, trainer = tuned(tmp_path, grids, good)
    assert not trainer.asked
    assert again == file


def test_its_runs_lie_apart_from_the_judged_ones(tmp_path):
    tuned(tmp_path, found([("msgd", LR)]), by_lr(1, 2, 3))
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]
    # A convex problem has no split: its tuning and its judged runs have one identity, and still are two runs.
    grids = found([("sgd", LR)], "logistic")
    train_runs(
        grids[0].specs[:1], range(2), tmp_path, make_executor("local", None),
        train=Ends(by_lr(1, 2, 3)), describe=lambda spec: describe(replace(spec, hyperparameters={"m": 1})),
    )  # fmt: skip
    file, _ = tuned(tmp_path, grids, by_lr(1, 2, 3))
    assert file.methods[0].tuning.validation is None
    (judged,) = tmp_path.glob("logistic-*")
    assert (tmp_path / FOLDER / judged.name).is_dir()


class TestSearches:
    def test_they_hold_a_tenth_of_the_training_set_out_unless_said_otherwise(self):
        (search,) = found([("msgd", LR)])
        assert {spec.workload_params["validation"] for spec in search.specs} == {0.1}
        (search,) = found([("msgd", LR)], params={"validation": 0.25})
        assert {spec.workload_params["validation"] for spec in search.specs} == {0.25}

    @pytest.mark.parametrize("workload", ["logistic", "ptb"])
    def test_nothing_is_held_out_of_a_convex_problem_or_where_there_is_a_validation_text(self, workload):
        (search,) = found([("sgd", LR)], workload)
        assert all("validation" not in spec.workload_params for spec in search.specs)

    def test_a_test_set_is_not_tuned_on(self):
        with pytest.raises(UserError, match="a test set is not to be tuned on"):
            found([("sgd", LR)], "imagenet")

    def test_equal_values_are_one_and_values_are_as_they_are_run(self):
        (search,) = found([("am1", {"lr": (1, 0.5, 1.0), "m": (5,)})])
        assert search.searched == {"lr": (1.0, 0.5)}
        assert [spec.hyperparameters["lr"] for spec in search.specs] == [1.0, 0.5]
        assert all(isinstance(value, float) for value in search.searched["lr"])

    def test_no_choice_and_too_many_are_refused(self):
        with pytest.raises(UserError, match="nothing to choose from"):
            found([("msgd", {"lr": (0.1,)}), ("sgd", {})])
        many = tuple(0.1 + 0.0001 * i for i in range(101))
        with pytest.raises(UserError, match="10,201 combinations"):
            found([("msgd", {"lr": many, "weight_decay": many})])

    def test_a_method_with_nothing_to_search_is_tuned_with_one_combination(self):
        one, other = found([("msgd", LR), ("sgd", {"lr": (0.1,)})])
        assert (len(one.specs), len(other.specs), other.searched) == (3, 1, {})

    def test_the_images_can_be_split(self):
        assert "validation" in CIFAR10.optional
