"""Optimizers on a stack: elementwise ones are told from those that mix coordinates, and rows move as they would alone."""

import pytest
import torch
from small_networks import small_spec
from torch import nn

from amrobust.train.network import at_output, make_optimizer
from amrobust.train.stacking.layers import CannotStack
from amrobust.train.stacking.rows import TorchRows, mixing, require_elementwise, rows_of
from amrobust.train.stacking.trainer import clip

ELEMENTWISE = [
    "ASGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD",
]  # fmt: skip
MIXING = ["Adafactor", "LBFGS", "Muon", "SparseAdam"]


def test_every_optimizer_of_torch_is_in_one_of_the_lists():
    found = {
        name
        for name, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and name != "Optimizer"
    }
    assert found <= {*ELEMENTWISE, *MIXING}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_optimizers_are_accepted(name):
    assert mixing(lambda params: getattr(torch.optim, name)(params, lr=0.1)) is None


@pytest.mark.parametrize("name", MIXING)
def test_those_that_mix_coordinates_are_recognised(name):
    if not hasattr(torch.optim, name):
        pytest.skip(f"this torch has no {name}")
    assert mixing(lambda params: getattr(torch.optim, name)(params, lr=0.1)) is not None


class Normalised(torch.optim.SGD):
    """Somebody's own: steps along the unit vector of each parameter's gradient, once that is long."""

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.grad.div_(p.grad.norm().clamp(min=50.0))
        super().step(closure)


class Noisy(torch.optim.SGD):
    """Somebody's own: Langevin noise."""

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for p in group["params"]:
                p.data.add_(torch.randn_like(p), alpha=0.01)


class Corrected(torch.optim.SGD):
    """Somebody's own: gradients whose norm falls below its running mean are scaled up to that, as AdaNorm does."""

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                norm = p.grad.norm()
                mean = self.state[p]["mean"] = 0.95 * self.state[p].get("mean", 0.0) + 0.05 * norm
                p.grad.mul_(torch.clamp(mean / norm, min=1.0))
        super().step(closure)


class Keeping(torch.optim.SGD):
    """Somebody's own: the gradient before is kept as the tensor that it was in, and added."""

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                before = self.state[p].get("before")
                self.state[p]["before"] = p.grad
                if before is not None:
                    p.data.sub_(before, alpha=group["lr"])
        super().step(closure)


@pytest.mark.parametrize("kind", [Normalised, Noisy, Corrected, Keeping])
def test_an_optimizer_nobody_listed_is_recognised_by_what_it_does(kind):
    assert "mixes the coordinates" in mixing(lambda params: kind(params, lr=0.1))


@pytest.mark.parametrize("optimizer", ["sgd", "msgd", "omsgd", "cm", "am1", "am2"])
def test_rows_move_as_each_would_alone_and_so_do_their_outputs(optimizer):
    spec = small_spec("made-up", optimizer)
    require_elementwise(spec)
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(3, 8, generator=generator, dtype=torch.float64)
    # In the middle of a stack, whose other rows stay as they are.
    stack = torch.cat([start.new_full((1, 8), 7.0), start, start.new_full((2, 8), 7.0)])
    rows, gradients = stack[1:4], torch.zeros(6, 8, dtype=torch.float64)[1:4]
    together = rows_of([spec] * 3, [4, 5, 6], rows, gradients)
    alone = [nn.Parameter(row.clone()) for row in start]
    optimizers = [
        make_optimizer(spec, nn.ParameterList([p]), seed) for p, seed in zip(alone, [4, 5, 6], strict=True)
    ]
    for k in range(9):
        gradients.copy_(torch.randn(3, 8, generator=generator))
        lr = 0.1 if k < 5 else 0.01
        together.step(lr)
        for p, own, gradient in zip(alone, optimizers, gradients, strict=True):
            p.grad = gradient.clone()
            own.param_groups[0]["lr"] = lr
            own.step()
    torch.testing.assert_close(rows, torch.stack([p.detach() for p in alone]), rtol=1e-13, atol=1e-13)
    outputs = {"omsgd": ["II"], "am1": ["I", "II"], "am2": ["I", "II"]}.get(optimizer, ["I"])
    for output in outputs:
        points = together.point(output)
        for p, own, point in zip(alone, optimizers, points, strict=True):
            with at_output(own, output):
                torch.testing.assert_close(point, p.detach(), rtol=1e-13, atol=1e-13)
    assert (stack[[0, 4, 5]] == 7).all()
    torch.testing.assert_close(rows, torch.stack([p.detach() for p in alone]), rtol=1e-13, atol=1e-13)


def test_rows_follow_an_optimizer_that_exchanges_storage(monkeypatch):
    class Exchanging(torch.optim.SGD):
        def step(self, closure=None):
            (p,) = self.param_groups[0]["params"]
            p.data = p.detach() - self.param_groups[0]["lr"] * p.grad

    from amrobust.train.stacking import rows as module

    monkeypatch.setattr(
        module, "make_optimizer", lambda spec, model, seed: Exchanging(model.parameters(), lr=1.0)
    )
    rows, gradients = torch.zeros(2, 3), torch.ones(2, 3)
    together = TorchRows(small_spec("made-up"), 0, rows, gradients)
    for _ in range(2):
        together.step(0.5)
    assert torch.equal(rows, torch.full((2, 3), -1.0))


def test_an_optimizer_that_mixes_names_itself(monkeypatch):
    from amrobust.train.stacking import rows as module

    monkeypatch.setattr(
        module, "make_optimizer", lambda spec, model, seed: torch.optim.LBFGS(model.parameters())
    )
    with pytest.raises(CannotStack, match="sgd does not update"):
        require_elementwise(small_spec("made-up"))


def test_clipping_is_torchs_own_a_row():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(4, 7, generator=generator, dtype=torch.float64) * torch.tensor(
        [[0.01], [1], [100], [torch.nan]]
    )
    clipped = rows.clone()
    clip(clipped, 1.0)
    for row, mine in zip(rows, clipped, strict=True):
        parts = [
            nn.Parameter(torch.zeros(3, dtype=torch.float64)),
            nn.Parameter(torch.zeros(4, dtype=torch.float64)),
        ]
        parts[0].grad, parts[1].grad = row[:3].clone(), row[3:].clone()
        nn.utils.clip_grad_norm_(parts, 1.0)
        expected = torch.cat([p.grad for p in parts])
        torch.testing.assert_close(mine, expected, equal_nan=True)
