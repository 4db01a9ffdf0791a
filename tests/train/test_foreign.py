"""Optimizers of others: found by name or path, their hyperparameters checked, trained as torch's own class trains them."""

import copy
import json

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from amrobust.errors import UserError
from amrobust.optim import evaluation_point
from amrobust.runs.spec import Spec, canonical_json
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
        (f"{HERE}:Bounded", {"limit": "nan"}, "limit is not a number"),
        (f"{HERE}:Bounded", {"limit": "far"}, "limit = 'far' is not a number"),
        (
            f"{HERE}:Bounded",
            {"decay": 1.0},
            "'decay', which is a function, can only be set in a class of your own",
        ),
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


@pytest.mark.parametrize(
    ("given", "limit"), [({}, float("inf")), ({"limit": 3}, 3.0), ({"limit": float("inf")}, float("inf"))]
)
def test_an_infinite_default_is_recorded_and_reaches_the_constructor(given, limit):
    of = spec(f"{HERE}:Bounded", **given)
    assert of.hyperparameters["limit"] == ("inf" if limit == float("inf") else limit)
    assert Spec.from_dict(json.loads(canonical_json(of.to_dict()))).hyperparameters == of.hyperparameters
    assert describe(of).methods == {"I": "Bounded[limit=3]" if limit == 3 else "Bounded"}
    (group,) = find(of.optimizer).build(of, [nn.Parameter(torch.zeros(2))], 0).param_groups
    assert group["limit"] == limit


def test_a_class_that_steps_with_another_rate_than_it_is_given_does_so_in_a_stack_too():
    of = make_spec("digits", f"{HERE}:Thirds", {**SHORT, "epochs": 1}, {"lr": 0.3})
    alone = train_seed(of, 1, dtype=torch.float64).curves["I"]["test_loss"]
    together = train_stack([(of, seed) for seed in range(2)], dtype=torch.float64)[1].curves["I"]["test_loss"]
    assert together == pytest.approx(alone, rel=1e-9)
    (group,) = find(of.optimizer).build(of, [nn.Parameter(torch.zeros(2))], 0).param_groups
    assert group["lr"] == pytest.approx(0.1)


def averaged_loop(of, seed, epochs, **made_with):
    """Test losses at both points of ``Averaged`` at each epoch's end: a plain loop, with a copy of the model for each."""
    data = load(of, torch.device("cpu"), torch.float64)
    model = network_at_x0(of).double().train()
    points = [torch.zeros_like(p) for p in model.parameters()]
    order, steps, found = order_generator(of, seed), 0, {"I": [], "II": []}
    for _ in range(epochs):
        permutation = torch.from_numpy(order.permutation(len(data.train_labels)))
        for batch in torch.split(permutation[: len(permutation) // 16 * 16], 16):
            model.zero_grad()
            cross_entropy(model(data.train_images[batch]), data.train_labels[batch]).backward()
            steps += 1
            with torch.no_grad():
                for p, point in zip(model.parameters(), points, strict=True):
                    p -= made_with["lr"] * p.grad
                    point += (p - point) / steps
        at_average = copy.deepcopy(model)
        with torch.no_grad():
            for p, point in zip(at_average.parameters(), points, strict=True):
                p.copy_(point)
        for output, network in (("I", model), ("II", at_average)):
            found[output].append(cross_entropy(network(data.test_images), data.test_labels).item())
    return found


def test_one_with_train_and_eval_is_measured_at_both_points():
    of = spec(f"{HERE}:Averaged", lr=0.02)
    assert describe(of).methods == {"I": "Averaged[lr=0.02]/I", "II": "Averaged[lr=0.02]/II"}
    expected = averaged_loop(of, 1, 2, lr=0.02)
    alone = train_seed(of, 1, dtype=torch.float64)
    together = train_stack([(of, seed) for seed in range(2)], dtype=torch.float64)[1]
    for outcome in (alone, together):
        for output, losses in expected.items():
            assert outcome.curves[output]["test_loss"] == pytest.approx(losses, rel=1e-7)


def test_measuring_puts_the_parameters_back_bit_for_bit():
    of = spec(f"{HERE}:Averaged", lr=0.02)
    p = nn.Parameter(torch.randn(50))
    optimizer = find(of.optimizer).build(of, [p], 0)
    for _ in range(3):
        p.grad = torch.randn(50)
        optimizer.step()
    before = p.detach().clone()
    with evaluation_point(optimizer):
        assert not torch.equal(p, before)
    assert torch.equal(p, before)
    optimizer.step()  # It is in training mode again: this class refuses otherwise.


def test_one_that_takes_two_gradients_gets_a_closure():
    """Sharpness-aware minimisation, against a loop by hand, with the gradient clipped at both points."""
    of = make_spec(
        "digits", f"{HERE}:TwoPasses", {**SHORT, "epochs": 1, "clip_norm": 0.5}, {"lr": 0.05, "rho": 0.1}
    )
    data = load(of, torch.device("cpu"), torch.float64)
    model = network_at_x0(of).double().train()
    permutation = torch.from_numpy(order_generator(of, 2).permutation(len(data.train_labels)))
    params = list(model.parameters())

    def gradient(batch):
        model.zero_grad()
        cross_entropy(model(data.train_images[batch]), data.train_labels[batch]).backward()
        nn.utils.clip_grad_norm_(params, 0.5)
        return [p.grad.clone() for p in params]

    for batch in torch.split(permutation[: len(permutation) // 16 * 16], 16):
        first = gradient(batch)
        norm = torch.cat([g.flatten() for g in first]).norm()
        with torch.no_grad():
            for p, g in zip(params, first, strict=True):
                p += 0.1 * g / norm
        second = gradient(batch)
        with torch.no_grad():
            for p, g, h in zip(params, first, second, strict=True):
                p -= 0.1 * g / norm + 0.05 * h
    expected = cross_entropy(model(data.test_images), data.test_labels).item()
    assert train_seed(of, 2, dtype=torch.float64).curves["I"]["test_loss"][-1] == pytest.approx(expected)
    assert plan_layout(of, range(4), batching="stack").batching == "none"


def test_lbfgs_learns_on_large_batches():
    of = make_spec(
        "digits", "lbfgs", {**SHORT, "batch_size": 400}, {"max_iter": 5, "line_search_fn": "strong_wolfe"}
    )
    losses = train_seed(of, 0).curves["I"]["test_loss"]
    assert losses[-1] < 0.5


def test_convex_problems_are_not_for_them():
    with pytest.raises(UserError, match="trains networks"):
        make_spec("logistic", "adamw")


def test_a_pair_of_numbers_reaches_the_constructor():
    of = Spec("digits", {}, "adamw", {**spec("adamw").hyperparameters, "beta1": 0.5})
    (group,) = find(of.optimizer).build(of, [nn.Parameter(torch.zeros(2))], 0).param_groups
    assert group["betas"] == (0.5, 0.999)
