"""Optimizers of others: found by name or path, their hyperparameters checked, trained as torch's own class trains them."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from amrobust.errors import UserError
from amrobust.runs.spec import Spec
from amrobust.train import foreign
from amrobust.train.layout import plan_layout
from amrobust.train.network import load, network_at_x0, order_generator, train_seed
from amrobust.train.optimizers import find
from amrobust.train.prepare import describe, make_spec
from amrobust.train.stacking.trainer import train_stack

SHORT = {"epochs": 2, "lr_drops": 0, "model": "mlp"}
HERE = "foreign_optimizers"


def spec(name, **hyperparameters):
    return make_spec("digits", name, SHORT, hyperparameters)


def test_torchs_own_are_called_by_their_class_in_lower_case():
    found = spec("adamw", lr=0.002, beta2=0.99)
    assert found.hyperparameters == {
        "lr": 0.002, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.01, "amsgrad": False,
    }  # fmt: skip
    assert describe(found).methods == {"I": "adamw[beta2=0.99,lr=0.002]"}
    names = foreign.torch_names()
    assert {
        "adam",
        "adamax",
        "adamw",
        "nadam",
        "radam",
        "rmsprop",
        "rprop",
        "adagrad",
        "adadelta",
    } <= names.keys()


def test_a_seed_is_what_a_plain_loop_with_torchs_class_gives():
    of = spec("adamw", lr=0.01)
    data = load(of, torch.device("cpu"), torch.float32)
    model = network_at_x0(of).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    order = order_generator(of, 3)
    for _ in range(2):
        permutation = torch.from_numpy(order.permutation(len(data.train_labels)))
        for batch in torch.split(permutation[: len(permutation) // 16 * 16], 16):
            optimizer.zero_grad()
            cross_entropy(model(data.train_images[batch]), data.train_labels[batch]).backward()
            optimizer.step()
    model.eval()
    accuracy = (model(data.test_images).argmax(1) == data.test_labels).double().mean().item() * 100
    assert train_seed(of, 3).curves["I"]["test_accuracy"][-1] == pytest.approx(accuracy)


def test_elementwise_ones_train_in_stacks_and_agree():
    of = spec("adamax")
    assert plan_layout(of, range(4), batching="stack").batching == "stack"
    together = train_stack([(of, seed) for seed in range(2)], dtype=torch.float64)
    alone = train_seed(of, 1, dtype=torch.float64)
    assert together[1].curves["I"]["test_loss"] == pytest.approx(alone.curves["I"]["test_loss"], rel=1e-7)


def test_others_train_one_by_one_and_the_note_says_why():
    layout = plan_layout(spec("adafactor"), range(4), batching="stack")
    assert layout.batching == "none"
    assert "adafactor mixes the coordinates" in layout.note


def test_any_class_by_its_path(monkeypatch):
    of = spec(f"{HERE}:Signs", lr=0.002)
    assert of.hyperparameters == {"lr": 0.002, "bound": 1.0, "nesterov": False}
    facts = describe(of)
    assert facts.methods == {"I": "Signs[lr=0.002]"}
    assert facts.code.keys() == {f"{HERE}.py"}
    assert train_seed(of, 0).curves["I"]["test_accuracy"][-1] > 50


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("adamm", {}, "did you mean 'adam'"),
        ("amm1", {}, "did you mean 'am1'"),
        ("adamw", {"betas": 0.9}, "it takes lr, beta1, beta2"),
        ("adamw", {"lr": "fast"}, "is not a number"),
        ("adamw", {"lr": 0.0}, "lr = 0.0 is not above 0"),
        ("adamw", {"amsgrad": 1}, "is not true or false"),
        ("adamw", {"beta1": 2.0}, "cannot train digits so: Invalid beta parameter"),
        ("lbfgs", {}, "needs a closure"),
        ("sparseadam", {}, "does not support dense gradients"),
        ("no_such_package.module:Thing", {}, "cannot be imported: ModuleNotFoundError"),
        (f"{HERE}:Missing", {}, "cannot be imported: AttributeError"),
        (f"{HERE}:not_a_class", {}, "not a class of torch.optim.Optimizer"),
        (f"{HERE}:Needy", {}, "has no default for horizon"),
        (f"{HERE}:NoRate", {}, "has no learning rate"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(name, given, message):
    with pytest.raises(UserError, match=message):
        spec(name, **given)


def test_the_error_names_each_that_there_is_once():
    with pytest.raises(UserError) as raised:
        spec("lookahead")
    named = str(raised.value).partition("choose one of ")[2].split(", ")
    assert {"am1", "sgd", "adamw"} <= set(named)
    assert len(named) == len(set(named))


def test_convex_problems_are_not_for_them():
    with pytest.raises(UserError, match="trains networks"):
        make_spec("logistic", "adamw")


def test_a_pair_of_numbers_reaches_the_constructor():
    of = Spec("digits", {}, "adamw", {**spec("adamw").hyperparameters, "beta1": 0.5})
    (group,) = find(of.optimizer).build(of, [nn.Parameter(torch.zeros(2))], 0).param_groups
    assert group["betas"] == (0.5, 0.999)
