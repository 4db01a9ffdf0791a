"""The image networks: their sizes, shapes, initial weights, and their blocks against convolutions by SciPy."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from torch import nn

from amrobust.workloads.models.densenet import DenseLayer, DenseNet121, Transition
from amrobust.workloads.models.resnet import (
    BasicBlock,
    Bottleneck,
    PreActBlock,
    PreActResNet18,
    resnet8,
    resnet18,
    resnet34,
    resnet50,
    resnet152,
)

EPS = 1e-5


@pytest.fixture(autouse=True)
def _float64():
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(default)


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (resnet18, 11_173_962),
        (resnet34, 21_282_122),
        (resnet50, 25_557_032),
        (resnet152, 60_192_808),
        (PreActResNet18, 11_171_146),
        (DenseNet121, 7_048_548),
        (resnet8, 78_042),
        (lambda: resnet8(channels=1), 77_754),
    ],
    ids=["ResNet18", "ResNet34", "ResNet50", "ResNet152", "PreAct", "DenseNet", "ResNet8", "grey"],
)
def test_they_have_the_stated_numbers_of_parameters(make, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in make().parameters()) == count


@pytest.mark.parametrize(
    ("make", "size", "classes"),
    [
        (lambda: resnet8(channels=1), (1, 28, 28), 10),
        (lambda: resnet8(100), (3, 32, 32), 100),
        (resnet18, (3, 32, 32), 10),
        (PreActResNet18, (3, 32, 32), 10),
        (DenseNet121, (3, 32, 32), 100),
        (resnet50, (3, 64, 64), 1000),
    ],
)
def test_logits_have_a_row_an_image(make, size, classes):
    with torch.inference_mode():
        assert make()(torch.zeros(2, *size)).shape == (2, classes)


def test_a_stage_halves_the_image_and_the_imagenet_stem_quarters_it():
    shapes = []
    for net, size in ((resnet18(), 32), (resnet50(), 64)):
        net.blocks.register_forward_hook(
            lambda _, args, out: shapes.append((args[0].shape[-1], out.shape[-1]))
        )
        with torch.inference_mode():
            net(torch.zeros(2, 3, size, size))
    assert shapes == [(32, 4), (16, 2)]


@pytest.mark.parametrize("make", [resnet8, PreActResNet18, lambda: resnet50(10)])
def test_the_weights_depend_on_the_generator_alone(make):
    states = []
    for unrelated in (1, 2):
        torch.manual_seed(unrelated)
        net = make()
        net.initialise(torch.Generator().manual_seed(5))
        states.append(net.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    net.initialise(torch.Generator().manual_seed(6))
    assert not torch.equal(net.head.weight, states[0]["head.weight"])


@pytest.mark.parametrize("make", [resnet18, DenseNet121])
def test_cifar_networks_start_uniform_by_fan_in(make):
    net = make()
    net.initialise(torch.Generator().manual_seed(0))
    layers = [layer for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for layer in layers:
        bound = layer.weight[0].numel() ** -0.5
        assert layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
    assert net.head.bias.abs().max() <= net.head.in_features**-0.5
    assert net.head.bias.abs().min() > 0


def test_imagenet_networks_start_normal_by_fan_out():
    net = resnet50()
    net.initialise(torch.Generator().manual_seed(0))
    for layer in (net.conv, net.blocks[0].conv2, net.blocks[-1].conv3):
        fan_out = layer.out_channels * layer.kernel_size[0] ** 2
        assert layer.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
        assert layer.weight.abs().max() > 3 * (2 / fan_out) ** 0.5  # a normal has tails
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert all((norm.weight == 1).all() and (norm.bias == 0).all() for norm in norms)


def randomised(block):
    """The block in evaluation mode with random weights and random statistics of its batch norms."""
    generator = torch.Generator().manual_seed(3)
    for name, value in block.state_dict().items():
        if value.is_floating_point():
            value.normal_(generator=generator)
            if name.endswith("running_var"):
                value.square_()
    return block.eval()


def convolve(x, conv):
    """By SciPy, for x (channels, h, w)."""
    weight = conv.weight.detach().numpy()
    pad, stride = conv.padding[0], conv.stride[0]
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    full = np.stack(
        [sum(correlate2d(plane, kernel, "valid") for plane, kernel in zip(x, k, strict=True)) for k in weight]
    )
    return full[:, ::stride, ::stride]


def normalise(x, norm):
    mean, variance, weight, bias = (
        t.detach().numpy()[:, None, None]
        for t in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return (x - mean) / np.sqrt(variance + EPS) * weight + bias


def relu(x):
    return np.maximum(x, 0)


IMAGE = np.random.default_rng(0).normal(size=(3, 6, 6))


def check(block, expected):
    with torch.inference_mode():
        result = block(torch.from_numpy(IMAGE)[None])[0].numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("width", "stride"), [(3, 1), (4, 2)])
def test_a_basic_block_by_hand(width, stride):
    block = randomised(BasicBlock(3, width, stride))
    y = relu(normalise(convolve(IMAGE, block.conv1), block.norm1))
    y = normalise(convolve(y, block.conv2), block.norm2)
    straight = IMAGE if stride == 1 else normalise(convolve(IMAGE, block.shortcut[0]), block.shortcut[1])
    check(block, relu(y + straight))


def test_a_bottleneck_by_hand():
    block = randomised(Bottleneck(3, 2, 2))
    y = relu(normalise(convolve(IMAGE, block.conv1), block.norm1))
    y = relu(normalise(convolve(y, block.conv2), block.norm2))
    y = normalise(convolve(y, block.conv3), block.norm3)
    assert block.conv2.stride == (2, 2)
    check(block, relu(y + normalise(convolve(IMAGE, block.shortcut[0]), block.shortcut[1])))


@pytest.mark.parametrize(("width", "stride"), [(3, 1), (4, 2)])
def test_a_pre_activation_block_by_hand(width, stride):
    block = randomised(PreActBlock(3, width, stride))
    first = relu(normalise(IMAGE, block.norm1))
    y = convolve(relu(normalise(convolve(first, block.conv1), block.norm2)), block.conv2)
    check(block, y + (IMAGE if stride == 1 else convolve(first, block.shortcut)))


def test_a_dense_layer_and_a_transition_by_hand():
    layer = randomised(DenseLayer(3, 2))
    y = convolve(relu(normalise(IMAGE, layer.norm1)), layer.conv1)
    check(layer, np.concatenate([convolve(relu(normalise(y, layer.norm2)), layer.conv2), IMAGE]))
    transition = randomised(Transition(3, 2))
    y = convolve(relu(normalise(IMAGE, transition.norm)), transition.conv)
    check(transition, y.reshape(2, 3, 2, 3, 2).mean(axis=(2, 4)))
