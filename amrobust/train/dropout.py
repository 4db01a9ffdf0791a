"""Dropout whose masks come from a stream of each seed: the same masks whether a seed trains alone or in a stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

ELEMENTS, CHANNELS = (nn.Dropout,), (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
DROPOUTS = ELEMENTS + CHANNELS

States = tuple[Tensor, Tensor]
"""Hidden and cell states of an LSTM, each (layers, batch, hidden)."""


class SeededDropout(nn.Module):
    """Dropout of elements, or of whole channels, with masks drawn from one generator a seed.

    With ``dim`` the inputs of the seeds lie side by side along that axis, in the order of ``generators``.
    """

    def __init__(
        self,
        rate: float,
        generators: Sequence[torch.Generator],
        *,
        channels: bool = False,
        dim: Literal[0, 1] = 0,
    ) -> None:
        super().__init__()
        self.rate, self.generators, self.channels, self.dim = rate, generators, channels, dim

    def forward(self, x: Tensor) -> Tensor:
        """``x`` times masks of 0 and 1 / (1 − rate) in training, ``x`` itself otherwise."""
        if not self.training or self.rate == 0:
            return x
        shape = list(x.shape)
        shape[self.dim] //= len(self.generators)
        if self.channels:
            shape[2:] = [1] * len(shape[2:])
        kept = 1 - self.rate
        masks = [
            torch.empty(shape, dtype=x.dtype, device=x.device).bernoulli_(kept, generator=g)
            for g in self.generators
        ]
        mask = torch.cat(masks, self.dim)
        return x * (mask / kept if kept else mask)


class LayeredLSTM(nn.Module):
    """``nn.LSTM`` with its layers apart and a :class:`SeededDropout` after each but the last; it shares the parameters."""

    def __init__(self, lstm: nn.LSTM, generator: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        directions = 2 if lstm.bidirectional else 1
        for layer in range(lstm.num_layers):
            inputs = lstm.input_size if layer == 0 else directions * (lstm.proj_size or lstm.hidden_size)
            single = nn.LSTM(
                inputs,
                lstm.hidden_size,
                bias=lstm.bias,
                batch_first=lstm.batch_first,
                bidirectional=lstm.bidirectional,
                proj_size=lstm.proj_size,
                device="meta",  # no numbers are drawn for parameters that are replaced at once
            )
            for name, _ in list(single.named_parameters()):
                setattr(single, name, getattr(lstm, name.replace("_l0", f"_l{layer}")))
            self.layers.append(single)
        self.dropout = SeededDropout(lstm.dropout, [generator])
        self.directions = directions

    def forward(self, x: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """As that of ``nn.LSTM`` on batches."""
        ends = []
        for index, layer in enumerate(self.layers):
            rows = slice(index * self.directions, (index + 1) * self.directions)
            x, end = layer(x, None if states is None else (states[0][rows], states[1][rows]))
            ends.append(end)
            if index + 1 < len(self.layers):
                x = self.dropout(x)
        hidden, cell = zip(*ends, strict=True)
        return x, (torch.cat(hidden), torch.cat(cell))


def seed_dropout(network: nn.Module, generator: torch.Generator) -> None:
    """Make every dropout layer inside ``network`` draw its masks from ``generator``, in the order of its forward pass."""
    for name, child in list(network.named_children()):
        if isinstance(child, DROPOUTS):
            setattr(network, name, SeededDropout(child.p, [generator], channels=isinstance(child, CHANNELS)))
        elif type(child) is nn.LSTM and child.dropout > 0:
            setattr(network, name, LayeredLSTM(child, generator))
        else:
            seed_dropout(child, generator)
