"""A workload of a user's own: what does not fit together is said before anything is trained."""

from typing import ClassVar

import pytest
import torch
from torch import nn

from amrobust.errors import UserError
from amrobust.train.prepare import make_spec
from amrobust.train.training import train_unit
from amrobust.workloads import Classification


class Whole(Classification):
    defaults: ClassVar = {"epochs": 1, "batch_size": 4, "lr_drops": 0}

    def network(self):
        return nn.Linear(2, 3)

    def data(self):
        inputs = torch.arange(40.0).reshape(20, 2)
        labels = torch.arange(20) % 3
        return inputs[:12], labels[:12], inputs[12:], labels[12:]


class Three(Whole):
    def data(self):
        return super().data()[:3]


class Arrays(Whole):
    def data(self):
        return tuple(part.numpy() for part in super().data())


class Short(Whole):
    def data(self):
        inputs, labels, *tests = super().data()
        return inputs, labels[1:], *tests


class Whole32(Whole):
    def data(self):
        inputs, labels, test_inputs, test_labels = super().data()
        return inputs, labels, test_inputs, test_labels.int()


class Bytes(Whole):
    def data(self):
        inputs, labels, *tests = super().data()
        return inputs, labels.to(torch.uint8), *tests


class Unread(Whole):
    def data(self):
        return torch.load("no such file")


class Unbuilt(Whole):
    def network(self):
        return {}["layers"]


class NoModule(Whole):
    def network(self):
        return torch.sigmoid


class Wider(Whole):
    def network(self):
        return nn.Linear(5, 3)


class OtherTests(Whole):
    def data(self):
        inputs, labels, test_inputs, test_labels = super().data()
        return inputs, labels, test_inputs[:, :1], test_labels


class OneNumber(Whole):
    def network(self):
        return nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))


class FewClasses(Whole):
    def network(self):
        return nn.Linear(2, 2)


class Backwards(nn.Module):
    """Token by token: logits (examples, classes, positions)."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(5, 5)

    def forward(self, tokens):
        return self.words(tokens).transpose(1, 2)


class Tokens(Whole):
    def network(self):
        return Backwards()

    def data(self):
        tokens = torch.arange(60).reshape(20, 3) % 5
        return tokens[:12], tokens[:12], tokens[12:], tokens[12:]


@pytest.mark.parametrize(
    ("workload", "message"),
    [
        (Three, r"Three: data\(\) gives 3 things: training inputs and labels, test inputs and labels"),
        (Arrays, r"data\(\) gives a ndarray: four tensors are needed"),
        (Short, r"inputs of shape \(12, 2\) and labels of shape \(11,\).*as many labels as inputs"),
        (Whole32, r"labels of shape \(8,\) and type torch\.int32.*labels\.long\(\)"),
        (Unread, r"data\(\) raises FileNotFoundError: .* \(test_classification\.py, line \d+\)"),
        (Unbuilt, r"network\(\) raises KeyError: 'layers' \(test_classification\.py, line \d+\)"),
        (NoModule, r"network\(\) gives a builtin_function_or_method: a torch\.nn\.Module is needed"),
        (Wider, r"cannot take the inputs, of shape \(12, 2\): RuntimeError: mat1 and mat2"),
        (OtherTests, r"cannot take the inputs, of shape \(8, 1\)"),
        (OneNumber, r"makes \(2,\): .* of shape \(2, classes\)"),
        (FewClasses, r"tells 2 classes apart, and labels go from 0 to 2"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_what_does_not_fit_is_refused_with_what_would(workload, message):
    with pytest.raises(UserError, match=message):
        make_spec(f"{__name__}:{workload.__name__}", "msgd")


@pytest.mark.parametrize("workload", [Whole, Bytes, Tokens])
def test_what_fits_trains_and_the_trial_leaves_no_trace(workload):
    drawn = torch.random.get_rng_state()
    spec = make_spec(f"{__name__}:{workload.__name__}", "msgd")
    assert torch.equal(torch.random.get_rng_state(), drawn)
    (outcome,) = train_unit(spec, [0])
    assert outcome.error is None
    assert set(outcome.curves["I"]) == {"test_accuracy", "test_loss", "train_loss", "train_batch_loss"}
