"""The weight-dropped LSTM language model (Merity et al., 2018) with every one of its regularisations."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear

State = tuple[tuple[Tensor, Tensor], ...]
"""Hidden and cell state of each layer, shapes (1, batch, width)."""


@dataclass(frozen=True)
class Dropouts:
    """Probabilities; the defaults are those of the paper's Table 3 (Appendix D.2).

    ``weight`` drops entries of the recurrent matrices once a call, ``embedding`` whole words of the embedding matrix;
    ``input`` (of the embedded words), ``hidden`` (between layers) and ``output`` (of the last layer) use one mask for all
    time steps of a call.
    """

    output: float = 0.4
    hidden: float = 0.3
    input: float = 0.65
    embedding: float = 0.1
    weight: float = 0.5


NO_DROPOUT = Dropouts(0.0, 0.0, 0.0, 0.0, 0.0)


class Output(NamedTuple):
    """What a call gives: logits (time, batch, words), the last layer's output before and after its dropout, the state."""

    logits: Tensor
    raw: Tensor
    dropped: Tensor
    state: State

    def activation_penalty(self, ar: float, tar: float) -> Tensor:
        """ar · mean(dropped²) + tar · mean((raw_{t+1} − raw_t)²): activation and temporal activation regularisation.

        The second term is 0 where there is one time step only.
        """
        penalty = ar * self.dropped.square().mean()
        if len(self.raw) > 1:
            penalty = penalty + tar * (self.raw[1:] - self.raw[:-1]).square().mean()
        return penalty


def dropout_mask(shape: tuple[int, ...], p: float, like: Tensor, generator: torch.Generator) -> Tensor:
    """Entries 0 with probability ``p``, else 1/(1 − p); drawn where ``generator`` lives, of the kind of ``like``."""
    kept = torch.empty(shape, device=generator.device).bernoulli_(1 - p, generator=generator)
    return kept.to(like).div_(1 - p)


class LSTMLayer(nn.Module):
    """One LSTM layer over (time, batch, inputs), with the parameters of ``torch.nn.LSTM`` under the same names."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(4 * width, inputs))
        self.weight_hh = nn.Parameter(torch.empty(4 * width, width))
        self.bias_ih = nn.Parameter(torch.empty(4 * width))
        self.bias_hh = nn.Parameter(torch.empty(4 * width))

    @property
    def width(self) -> int:
        """Units of the layer."""
        return self.weight_hh.shape[1]

    def forward(
        self, x: Tensor, state: tuple[Tensor, Tensor], recurrent_mask: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The outputs at all time steps and the last state; ``recurrent_mask`` multiplies the recurrent matrix."""
        recurrent = self.weight_hh if recurrent_mask is None else self.weight_hh * recurrent_mask
        weights = [self.weight_ih, recurrent, self.bias_ih, self.bias_hh]
        output, hidden, cell = torch.lstm(x, state, weights, True, 1, 0.0, self.training, False, False)
        return output, (hidden, cell)


class WeightDroppedLSTM(nn.Module):
    """Embedding, LSTM layers, and a linear map back to the words that shares the embedding's matrix.

    ``layers`` layers of ``hidden`` units, the last one as wide as the embedding. With the defaults, the paper's
    400-1150-1150-400 on 10,000 words: 24,221,600 parameters. Dropout acts in training mode and draws its masks from the
    generator of the call alone.
    """

    def __init__(
        self,
        words: int = 10_000,
        embedding: int = 400,
        hidden: int = 1150,
        layers: int = 3,
        dropouts: Dropouts | None = None,
    ) -> None:
        super().__init__()
        widths = [embedding, *[hidden] * (layers - 1), embedding]
        self.embedding = nn.Parameter(torch.empty(words, embedding))
        self.layers = nn.ModuleList(LSTMLayer(inputs, width) for inputs, width in pairwise(widths))
        self.bias = nn.Parameter(torch.empty(words))
        self.dropouts = Dropouts() if dropouts is None else dropouts

    def initial_state(self, batch: int) -> State:
        """Zeros for every layer."""
        return tuple(
            (self.bias.new_zeros(1, batch, layer.width), self.bias.new_zeros(1, batch, layer.width))
            for layer in self._layers()
        )

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> Output:
        """Logits of the next word at every position of ``tokens`` (time, batch), starting from ``state``.

        Raises ValueError in training mode without a generator, unless every dropout is 0.
        """
        drop = self.dropouts if self.training else NO_DROPOUT
        if generator is None and drop != NO_DROPOUT:
            raise ValueError("dropout needs a generator in training mode")
        batch = tokens.shape[1]
        matrix = _dropped(self.embedding, drop.embedding, (len(self.embedding), 1), generator)
        x = embedding(tokens, matrix)
        x = _dropped(x, drop.input, (1, batch, x.shape[2]), generator)
        after: list[tuple[Tensor, Tensor]] = []
        layers = self._layers()
        for index, layer in enumerate(layers):
            mask = _mask(layer.weight_hh, drop.weight, tuple(layer.weight_hh.shape), generator)
            raw, final = layer(x, state[index], mask)
            after.append(final)
            p = drop.output if index == len(layers) - 1 else drop.hidden
            x = _dropped(raw, p, (1, batch, layer.width), generator)
        return Output(linear(x, self.embedding, self.bias), raw, x, tuple(after))

    def _layers(self) -> list[LSTMLayer]:
        return [layer for layer in self.layers if isinstance(layer, LSTMLayer)]

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from ``generator``: embedding uniform ±0.1, layers uniform ±1/√width, the last bias 0."""
        nn.init.uniform_(self.embedding, -0.1, 0.1, generator=generator)
        nn.init.zeros_(self.bias)
        for layer in self._layers():
            bound = layer.width**-0.5
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)


def _mask(like: Tensor, p: float, shape: tuple[int, ...], generator: torch.Generator | None) -> Tensor | None:
    """A dropout mask, or None where nothing is dropped."""
    if p == 0 or generator is None:
        return None
    return dropout_mask(shape, p, like, generator)


def _dropped(x: Tensor, p: float, shape: tuple[int, ...], generator: torch.Generator | None) -> Tensor:
    mask = _mask(x, p, shape, generator)
    return x if mask is None else x * mask
