"""``ema(adamw)`` and ``muon+adamw``: found by name, their hyperparameters checked, trained alone and in stacks, resumed."""

import copy

import numpy as np
import pytest
import torch
from made_up_data import put_fashion
from torch.nn.functional import cross_entropy

import amrobust
from amrobust import rules
from amrobust.errors import UserError
from amrobust.train import composed
from amrobust.train.images import ImageTraining
from amrobust.train.network import load, network_at_x0, order_generator, train_seed
from amrobust.train.optimizers import find
from amrobust.train.prepare import describe, make_spec, methods_of
from amrobust.train.stacking.trainer import train_stack
from amrobust.workloads import data as data_sets

SHORT = {"epochs": 2, "lr_drops": 0, "model": "mlp"}
HERE = "foreign_optimizers"


def spec(name, **hyperparameters):
    return make_spec("digits", name, SHORT, hyperparameters)


def test_the_hyperparameters_are_those_of_both():
    of = spec("ema(msgd)", decay=0.9, lr=0.05)
    assert of.hyperparameters == {"lr": 0.05, "momentum": 0.9, "weight_decay": 5e-4, "decay": 0.9}
    assert {output: method.title for output, method in methods_of(of).items()} == {
        "I": "ema(msgd) (decay = 0.9, lr = 0.05), I",
        "II": "ema(msgd) (decay = 0.9, lr = 0.05), II",
    }
    assert describe(spec("am1(adamw)", m=7)).methods["II"] == "am1(adamw)[m=7]/II"
    assert describe(spec(f"tail({HERE}:Signs)")).code.keys() == {f"{HERE}.py"}
    assert describe(spec(f"tail({HERE}:Signs)")).methods["II"] == "tail(Signs)/II"


def test_option_i_is_the_base_alone_and_ii_its_average():
    of = spec("ema(adamw)", decay=0.9, lr=0.01)
    data = load(of, torch.device("cpu"), torch.float64)
    model = network_at_x0(of).double()
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)
    )
    order = order_generator(of, 3)
    for _ in range(2):
        permutation = torch.from_numpy(order.permutation(len(data.train_labels)))
        for batch in torch.split(permutation[: len(permutation) // 16 * 16], 16):
            optimizer.zero_grad()
            cross_entropy(model(data.train_images[batch]), data.train_labels[batch]).backward()
            optimizer.step()
            average.update_parameters(model)
    found = train_seed(of, 3, dtype=torch.float64).curves
    for output, network in (("I", model), ("II", average)):
        loss = cross_entropy(network(data.test_images), data.test_labels).item()
        assert found[output]["test_loss"][-1] == pytest.approx(loss, rel=1e-9)


@pytest.mark.parametrize("wrapper", rules.WRAPPERS)
def test_stacked_is_alone(wrapper):
    of = spec(f"{wrapper}(adamw)", lr=0.01)
    together = train_stack([(of, seed) for seed in range(2)], dtype=torch.float64)[1]
    alone = train_seed(of, 1, dtype=torch.float64)
    for output in ("I", "II"):
        assert together.curves[output]["test_loss"] == pytest.approx(
            alone.curves[output]["test_loss"], rel=1e-7
        )


def test_matrices_go_to_the_first_and_each_rate_follows_the_schedule():
    params = {**SHORT, "schedule": "linear"}
    of = make_spec("digits", "muon+adamw", params, {"lr": 0.02, "adamw.lr": 0.004, "adamw.beta1": 0.8})
    data = load(of, torch.device("cpu"), torch.float64)
    model = network_at_x0(of).double()
    optimizers = [
        torch.optim.Muon([p for p in model.parameters() if p.ndim == 2], 0.02),
        torch.optim.AdamW([p for p in model.parameters() if p.ndim != 2], 0.004, betas=(0.8, 0.999)),
    ]
    order, step = order_generator(of, 3), 0
    for _ in range(2):
        permutation = torch.from_numpy(order.permutation(len(data.train_labels)))
        for batch in torch.split(permutation[: len(permutation) // 16 * 16], 16):
            model.zero_grad()
            cross_entropy(model(data.train_images[batch]), data.train_labels[batch]).backward()
            for optimizer, lr in zip(optimizers, (0.02, 0.004), strict=True):
                optimizer.param_groups[0]["lr"] = lr * (1 - step / 150)
                optimizer.step()
            step += 1
    loss = cross_entropy(model(data.test_images), data.test_labels).item()
    assert train_seed(of, 3, dtype=torch.float64).curves["I"]["test_loss"][-1] == pytest.approx(
        loss, rel=1e-6
    )


def test_a_class_may_choose_by_the_parameters_names():
    of = spec(f"{HERE}:LastLayerApart")
    model = network_at_x0(of)
    params = list(model.named_parameters())
    optimizer = find(of.optimizer).build(of, params, 0)
    last = [id(p) for name, p in params if name.startswith(params[-1][0].rpartition(".")[0])]
    assert [id(p) for p in optimizer.param_groups[1]["params"]] == last
    assert train_seed(of, 0).curves["I"]["test_accuracy"][-1] > 50


@pytest.mark.parametrize("name", ["gpa(adamw)", "ema(adagrad+adamw)"])
def test_one_is_resumed_to_the_same_bits_and_restarts_at_drops(name, tmp_path, monkeypatch):
    put_fashion(tmp_path, train=120, test=60)
    monkeypatch.setenv(data_sets.ENVIRONMENT, str(tmp_path))
    params = {"epochs": 3, "batch_size": 20, "model": "small-cnn", "restart": True}
    of = make_spec("fashion-mnist", name, params)
    straight, resumed = (ImageTraining(of, 0, torch.device("cpu")) for _ in range(2))
    straight.train_epoch(0)
    resumed.restore(copy.deepcopy(straight.state()))
    for epoch in (1, 2):  # Each begins with a drop of the rate, and a restart.
        assert resumed.train_epoch(epoch) == straight.train_epoch(epoch)
    for output in straight.outputs:
        assert resumed.evaluate(output)[0] == straight.evaluate(output)[0]


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("emma(adamw)", {}, "nothing is called 'emma'"),
        ("ema(adamm)", {}, "did you mean 'adam'"),
        ("ema(am1)", {}, "am1 has an output point of its own"),
        ("ema(adamw)", {"decay": 1.0}, r"decay = 1.0 is not in \[0, 1\)"),
        ("swa(sgd)", {"start": 1.5}, "an integer of at least 0"),
        ("ema(adamw)", {"window": 3}, "it takes lr, beta1"),
        ("tail(sgd)", {"lr": -1.0}, "lr = -1.0 is not above 0"),
        ("gpa(lbfgs)", {}, "evaluates the loss itself"),
        ("muon+", {}, "not of the form first[+]second"),
        ("muon+am1", {}, "cannot be combined"),
        ("muon+adamw", {"adamw.lr": -1.0}, "not above 0"),
        ("muon+adamw", {"beta1": 0.5}, "muon[+]adamw has no 'beta1'"),
        ("muon+adamw", {"momentum": -1.0}, "cannot train digits so"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(name, given, message):
    with pytest.raises(UserError, match=message):
        spec(name, **given)


def test_on_convex_problems_the_rules_are_wrapped(tmp_path):
    methods = {"gpa(msgd)": {"mu_x": [0.5, 0.9]}, "schedulefree(sgd)": {}}
    params = {"iterations": 100, "record_every": 50}
    runs = amrobust.run(
        methods, workload="logistic", params=params, seeds=2, runs_dir=tmp_path, executor="local"
    )
    assert sorted(arm.method for arm in runs.arms) == [
        "gpa(msgd)/I", "gpa(msgd)/II", "gpa(msgd)[mu_x=0.5]/I", "gpa(msgd)[mu_x=0.5]/II",
        "schedulefree(sgd)/I", "schedulefree(sgd)/II",
    ]  # fmt: skip
    for arm in runs.arms:
        assert np.isfinite(arm.curves["train_loss"]).all()
    with pytest.raises(UserError, match="trains networks"):
        make_spec("logistic", "ema(adamw)")
    with pytest.raises(UserError, match="convex problem"):
        make_spec("logistic", "muon+adamw")


def test_the_parts_of_a_name():
    assert composed.parts("ema(a.b:C+adamw)") == ("a.b:C", "adamw")
    assert composed.parts("am1") == ("am1",)
