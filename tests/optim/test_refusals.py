"""What is refused, with the reason."""

import pytest
import torch
from stepping import EVERY, KINDS, MAIN, parameters, steps
from torch import nn

from amrobust.optim import AM1SGD, AM2SGD, NTASGD, QHM, AggMo, HybridSGD

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


@pytest.mark.parametrize("stop", [0, 3], ids=["fresh", "stepped"])
@pytest.mark.parametrize("own", EVERY)
@pytest.mark.parametrize(
    "other",
    [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.ASGD, torch.optim.Rprop, *EVERY],
)
def test_the_state_of_another_optimizer_is_refused_and_training_goes_on(own, other, stop):
    params, others = parameters(shapes=[(2,), ()]), parameters(shapes=[(2,), ()])
    saving = other(others, lr=0.1)
    steps(saving, others, range(stop))
    optimizer = own(params, lr=0.1)
    if own is other:
        optimizer.load_state_dict(saving.state_dict())
    else:
        with pytest.raises(
            ValueError, match=f"not the state of a {own.__name__} .* of the class that saved it"
        ):
            optimizer.load_state_dict(saving.state_dict())
    steps(optimizer, params, range(2))


@pytest.mark.parametrize("saved", [{}, None, [], {"state": {}}, {"model": {}, "optimizer": {}}], ids=repr)
@pytest.mark.parametrize("own", EVERY)
def test_what_is_no_state_of_an_optimizer_is_refused_in_the_same_words(own, saved):
    optimizer = own(parameters(shapes=[(2,)]), lr=0.1)
    with pytest.raises(ValueError, match="it has no state and param_groups"):
        optimizer.load_state_dict(saved)


@pytest.mark.parametrize("own", [own for own in EVERY if own not in (AggMo, NTASGD, QHM)])
def test_a_state_whose_m_was_changed_before_a_restart_is_no_other_optimizers(own):
    params = parameters(shapes=[(2,)])
    optimizer = own(params, lr=0.1, m=5)
    steps(optimizer, params, range(3))
    optimizer.param_groups[0]["m"] = 2
    optimizer.restart()
    again = own(params, lr=0.1)
    again.load_state_dict(optimizer.state_dict())
    steps(again, params, range(3))
    assert again.param_groups[0]["m"] == 2
