"""What is refused, with the reason."""

import pytest
import torch
from stepping import KINDS, MAIN, parameters, steps
from torch import nn

from amrobust.optim import AM1SGD, AM2SGD, QHM, AggMo, HybridSGD

every_kind = pytest.mark.parametrize("name", MAIN)


@every_kind
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -1.0}, "learning rate"),
        ({"lr": float("nan")}, "learning rate"),
        ({"lr": torch.zeros(2)}, "one element"),
        ({"weight_decay": -1}, "weight decay"),
        ({"differentiable": True}, "differentiable"),
        ({"fused": True, "foreach": True}, "foreach and fused cannot be True together"),
        ({"fused": True, "compile": True}, "fused and compile cannot be True together"),
    ],
)
def test_bad_arguments_of_all(name, options, message):
    with pytest.raises(ValueError, match=message):
        KINDS[name].make(parameters(), **options)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (AM1SGD, {"momentum": 1.0}, "momentum"),
        (AM1SGD, {"momentum": -0.1}, "momentum"),
        (AM1SGD, {"m": 0}, "amortization"),
        (AM1SGD, {"m": 2.5}, "amortization"),
        (AM1SGD, {"m": True}, "amortization"),
        (AM2SGD, {"momentum": 1.0}, "momentum"),
        (AM2SGD, {"m": 0}, "amortization"),
        (AM2SGD, {"m": 2, "indices": [0, 2]}, "rows 0 to 1"),
        (AM2SGD, {"capturable": True}, "AM1SGD can be captured"),
        (AggMo, {"betas": ()}, "at least one"),
        (AggMo, {"betas": (0.5, 1.0)}, "beta"),
        (QHM, {"momentum": 1.0}, "momentum"),
        (QHM, {"nu": 1.1}, "nu"),
        (HybridSGD, {"nesterov": -0.1}, "nesterov"),
        (HybridSGD, {"amortized": 1.0}, "amortized"),
        (HybridSGD, {"nesterov": 0.5, "amortized": 0.5}, "sum"),
        (HybridSGD, {"m": 0}, "amortization"),
    ],
)
def test_bad_hyperparameters(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(parameters(), 0.1, **options)


@every_kind
def test_a_group_is_checked_like_the_arguments(name):
    optimizer = KINDS[name].make(parameters())
    with pytest.raises(ValueError, match="learning rate"):
        optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))], "lr": -1})
    with pytest.raises(ValueError, match="differentiable"):
        optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))], "differentiable": True})
    assert len(optimizer.param_groups) == 1


@every_kind
def test_a_sparse_gradient_is_refused_before_anything_is_updated(name):
    dense = nn.Parameter(torch.ones(2))
    embedding = nn.Embedding(5, 2, sparse=True)
    optimizer = KINDS[name].make([{"params": [dense]}, {"params": embedding.parameters()}])
    (embedding(torch.tensor([1])).sum() + dense.sum()).backward()
    with pytest.raises(RuntimeError, match="sparse=False"):
        optimizer.step()
    assert torch.equal(dense, torch.ones(2))


@every_kind
def test_the_state_of_another_optimizer_is_refused(name):
    params = parameters(shapes=[(2,)])
    sgd = torch.optim.SGD(params, 0.1, momentum=0.9)
    steps(sgd, params, [0])
    optimizer = KINDS[name].make(params)
    with pytest.raises(ValueError, match="not the state of"):
        optimizer.load_state_dict(sgd.state_dict())
