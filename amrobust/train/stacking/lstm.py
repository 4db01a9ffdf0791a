"""An LSTM of each seed, all in step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from amrobust.train.dropout import SeededDropout, States
from amrobust.train.stacking.layers import Arrangement, CannotStack, Generators, StackedLayer


class StackedLSTM(StackedLayer):
    """``nn.LSTM`` of several layers, in one direction, with dropout between the layers.

    The inputs of all steps go through one batched product a layer, the hidden states through one per step.
    """

    def __init__(self, layer: nn.LSTM, arrangement: Arrangement, generators: Generators) -> None:
        if arrangement != "batch":
            raise CannotStack("an LSTM has no channels")
        if layer.bidirectional or layer.proj_size:
            raise CannotStack("an LSTM is bidirectional or projects its states")
        self.names = tuple(name for name, _ in layer.named_parameters())
        super().__init__(arrangement)
        self.layers, self.batch_first, self.hidden_size = (
            layer.num_layers,
            layer.batch_first,
            layer.hidden_size,
        )
        self.dropout = SeededDropout(layer.dropout, generators, dim=0 if layer.batch_first else 1)

    def forward(self, x: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """As that of ``nn.LSTM``: inputs (S·batch, steps, features) with ``batch_first``, else (steps, S·batch, features)."""
        ends = []
        for index in range(self.layers):
            start = None if states is None else (states[0][index], states[1][index])
            x, end = self._layer(index, x, start)
            ends.append(end)
            if index + 1 < self.layers:
                x = self.dropout(x)
        hidden, cell = zip(*ends, strict=True)
        return x, (torch.stack(hidden), torch.stack(cell))

    def _layer(self, index: int, x: Tensor, start: States | None) -> tuple[Tensor, States]:
        steps_first = x.transpose(0, 1) if self.batch_first else x
        parts = torch.unflatten(steps_first, 1, (self.seeds, -1)).movedim(1, 0)
        seeds, steps, batch, features = parts.shape
        bias = getattr(self, f"bias_ih_l{index}", None)
        gates = torch.bmm(parts.reshape(seeds, steps * batch, features), self._weight("ih", index))
        if bias is not None:
            gates = gates + (bias + getattr(self, f"bias_hh_l{index}"))[:, None]
        inputs = gates.view(seeds, steps, batch, -1).unbind(1)
        recurrent = self._weight("hh", index)
        if start is None:
            hidden = cell = x.new_zeros(seeds, batch, self.hidden_size)
        else:
            hidden, cell = (torch.unflatten(state, 0, (seeds, batch)) for state in start)
        outputs = []
        for given in inputs:
            entry, forget, candidate, exit_ = torch.baddbmm(given, hidden, recurrent).chunk(4, dim=2)
            cell = torch.sigmoid(forget) * cell + torch.sigmoid(entry) * torch.tanh(candidate)
            hidden = torch.sigmoid(exit_) * torch.tanh(cell)
            outputs.append(hidden.flatten(0, 1))
        out = torch.stack(outputs, dim=1 if self.batch_first else 0)
        return out, (hidden.flatten(0, 1), cell.flatten(0, 1))

    def _weight(self, kind: str, index: int) -> Tensor:
        weight: Tensor = getattr(self, f"weight_{kind}_l{index}")
        return weight.transpose(1, 2)
