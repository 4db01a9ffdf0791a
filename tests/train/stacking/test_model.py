"""A stack of a network computes for each of its seeds what the network itself computes, in outputs, gradients and buffers."""

import pytest
import torch
from small_networks import Convolutional, Joining, Language, images, tokens
from torch import nn

from amrobust.train.dropout import seed_dropout
from amrobust.train.stacking.check import arrangement_for
from amrobust.train.stacking.layers import CannotStack
from amrobust.train.stacking.model import StackedModel, losses
from amrobust.workloads.models.resnet import resnet8
from amrobust.workloads.models.small import MLP, SmallCNN

SEEDS = 3
DIGITS = images(size=8, count=SEEDS * 5)

CASES = {
    "cnn": (SmallCNN, DIGITS, ("channels", "batch")),
    "mlp": (MLP, DIGITS, ("batch",)),
    "resnet8": (lambda: resnet8(channels=1), DIGITS, ("channels", "batch")),
    "dropout": (Convolutional, images(count=SEEDS * 5), ("channels", "batch")),
    "joining": (Joining, images(count=SEEDS * 5), ("batch",)),
    "lstm": (Language, tokens(count=SEEDS * 5), ("batch",)),
    "lstm, steps first": (lambda: Language(batch_first=False), tokens(count=SEEDS * 5), ("batch",)),
    "conv1d": (
        lambda: nn.Sequential(nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4, affine=False), nn.Flatten(), nn.Linear(8, 3)),
        (images(size=1)[0][:15, 0, 0].new_ones(15, 2, 4).cumsum(0).cumsum(2).sin(), images()[1][:15]),
        ("channels", "batch"),
    ),
    "no running statistics": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 4, bias=False), nn.BatchNorm1d(4, track_running_stats=False)),
        (images(count=15)[0], images(count=15)[1]),
        ("batch",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "arrangement"), [(case, way) for case, (_, _, ways) in CASES.items() for way in ways]
)
def test_outputs_gradients_and_buffers_of_every_seed(case, arrangement):
    make, (inputs, labels), _ = CASES[case]
    torch.manual_seed(3)
    networks = [make().double() for _ in range(SEEDS)]
    x = inputs.unflatten(0, (SEEDS, -1))
    x, y = x.double() if x.is_floating_point() else x, labels.unflatten(0, (SEEDS, -1))
    stack = StackedModel(
        networks[0], arrangement, [torch.Generator().manual_seed(seed) for seed in range(SEEDS)]
    )
    rows = torch.stack([stack.row(network) for network in networks])
    buffers = stack.buffers(networks)
    stack.bind(rows, buffers, differentiable=True)
    stack.train()
    gradients = torch.empty_like(rows)
    for _ in range(2):  # the second pass meets buffers and generators that the first has moved
        outputs = stack(x)
        stack.gradients(losses(outputs, y), gradients)
    stack.train(False)
    evaluated = stack(x)
    for seed, network in enumerate(networks):
        seed_dropout(network, torch.Generator().manual_seed(seed))
        network.train()
        for _ in range(2):
            own = network(x[seed])
            network.zero_grad()
            nn.functional.cross_entropy(own, y[seed]).backward()
        torch.testing.assert_close(outputs[seed], own, rtol=1e-10, atol=1e-10)
        network_like = [p.grad for p in network.parameters()]
        own_row = stack._row([gradient[None] for gradient in network_like])[0]
        torch.testing.assert_close(gradients[seed], own_row, rtol=1e-8, atol=1e-10)
        for name, buffer in network.named_buffers():
            torch.testing.assert_close(buffers[name][seed], buffer, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(evaluated[seed], network.eval()(x[seed]), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_the_check_finds_the_first_arrangement_that_is_right(case):
    make, (inputs, labels), (expected, *_) = CASES[case]
    torch.manual_seed(3)
    state = torch.get_rng_state()
    made = make()
    torch.set_rng_state(state)
    assert arrangement_for(made, inputs, labels) == expected
    assert torch.equal(torch.get_rng_state(), state), "it leaves torch's generator alone"


def test_fewer_rows_than_were_trained_can_be_evaluated():
    networks = [MLP() for _ in range(3)]
    stack = StackedModel(networks[0], "batch")
    rows = torch.stack([stack.row(network) for network in networks])
    stack.bind(rows[1:2], {})
    torch.testing.assert_close(stack(DIGITS[0][None])[0], networks[1](DIGITS[0]))


class Flat(nn.Module):
    """Base of networks that do something that a stack cannot."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(36, 3)

    def forward(self, x):
        return self.between(self.head(x.flatten(1)))

    def between(self, logits):
        return logits


class DrawsItsOwn(Flat):
    def between(self, logits):
        return nn.functional.dropout(logits, 0.5, self.training)


class LooksAtTheBatch(Flat):
    def between(self, logits):
        return logits - logits.mean(0)


class OwnParameter(Flat):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def between(self, logits):
        return logits * self.scale


class TwoOutputs(Flat):
    def between(self, logits):
        return logits, logits


def frozen():
    network = Flat()
    network.head.bias.requires_grad_(False)
    return network


def hooked():
    network = Flat()
    network.head.register_forward_hook(lambda layer, inputs, out: 2 * out)
    return network


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (DrawsItsOwn, "random numbers outside its dropout layers"),
        (LooksAtTheBatch, "something else"),
        (OwnParameter, "no stacked form of OwnParameter, which has 'scale'"),
        (TwoOutputs, "more than one tensor"),
        (frozen, "frozen"),
        (hooked, "hooks"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 3), nn.PReLU()), "no stacked form of PReLU"),
        (lambda: nn.Sequential(nn.Conv2d(1, 3, 3, padding=1, padding_mode="circular")), "circular"),
    ],
)
def test_what_cannot_be_stacked_is_refused_with_the_reason(make, reason):
    with pytest.raises(CannotStack, match=reason):
        arrangement_for(make(), *images())


@pytest.mark.parametrize(
    ("lstm", "reason"),
    [
        (nn.LSTM(4, 2, bidirectional=True, batch_first=True), "bidirectional"),
        (nn.LSTM(4, 6, proj_size=4, batch_first=True), "projects"),
        (nn.GRU(4, 4, batch_first=True), "no stacked form of GRU"),
    ],
)
def test_other_recurrent_layers_are_refused(lstm, reason):
    network = Language()
    network.lstm = lstm
    with pytest.raises(CannotStack, match=reason):
        arrangement_for(network, *tokens())
