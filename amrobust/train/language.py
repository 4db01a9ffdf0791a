"""Training of language workloads by truncated back-propagation through time over windows of varying length."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from amrobust import workloads
from amrobust.optim import NTASGD
from amrobust.rules.schedules import PlateauState
from amrobust.runs.measurement import Output
from amrobust.runs.spec import Spec
from amrobust.train import heartbeat, measurements
from amrobust.train.checkpoint import Checkpoint
from amrobust.train.epochs import restore_stream, stream_state, train_epochs
from amrobust.train.network import at_output, make_optimizer, network_at_x0, rate_of, set_rates
from amrobust.train.optimizers import find
from amrobust.train.streams import integer, seed_sequence
from amrobust.train.unit import SeedOutcome
from amrobust.workloads.models import lstm
from amrobust.workloads.models.lstm import State, WeightDroppedLSTM
from amrobust.workloads.ptb import WINDOW, PennTreebank, fixed_windows, rescaled_rate

ROWS_IN_CACHE = 256
"""Over how many words the cross-entropy is taken at once when nothing is differentiated: 10 MB of Penn Treebank's logits."""


class LanguageTraining:
    """One seed of a language workload (:class:`amrobust.train.epochs.Training`).

    The plateau, and the trigger of SGD+ASGD, watch the validation loss of the last output: option II where there are two.
    """

    def __init__(self, spec: Spec, seed: int, device: torch.device) -> None:
        workload = workloads.get(spec.workload)
        assert isinstance(workload, PennTreebank)
        self.spec, self.workload, self.params = spec, workload, spec.workload_params
        self.outputs = measurements.outputs_of(spec)
        texts = workload.texts(self.params)
        self.train, self.validation, self.test = (
            text.to(device) for text in (texts.train, texts.validation, texts.test)
        )
        network = network_at_x0(spec, seed)
        assert isinstance(network, WeightDroppedLSTM)
        self.model = network.to(device).train()
        self.optimizer = make_optimizer(spec, self.model, seed)
        self.order = np.random.default_rng(seed_sequence(spec, "order", seed))
        self.dropout = torch.Generator().manual_seed(integer(seed_sequence(spec, "dropout", seed)))
        self.plateau = workload.plateau(self.params, spec.optimizer)
        self.lr = float(spec.hyperparameters["lr"])  # type: ignore[arg-type]
        self.rate = (
            PlateauState(self.lr, math.inf, 0) if self.plateau is None else self.plateau.start(self.lr)
        )
        self.with_closure = find(spec.optimizer).needs_closure(spec)

    def train_epoch(self, epoch: int) -> float:
        """One pass over the text, the state carried on without its gradient; the mean loss a word."""
        state = self.model.initial_state(self.train.shape[1])
        rate, steps = rate_of(self.spec, epoch), self.workload.steps_per_epoch(self.params)
        losses, lengths = [], []
        for window in self.workload.windows(self.params, self.order):
            start, end = window
            heartbeat.step(start, len(self.train))
            set_rates(
                self.optimizer,
                lambda lr, step, window=window: rescaled_rate(rate(self._lowered(lr), step), window, WINDOW),  # type: ignore[misc]
                start / len(self.train) * steps,
            )
            loss, output = self._gradient(window, state)
            if self.with_closure:
                step: Any = self.optimizer.step
                step(lambda window=window, state=state: self._gradient(window, state)[0])
            else:
                self.optimizer.step()
            state = detached(output.state)
            losses.append(loss.detach())
            lengths.append(end - start)
        weights = torch.tensor(lengths, dtype=torch.float64)
        return float((torch.stack(losses).double().cpu() * weights).sum() / weights.sum())

    def _gradient(self, window: tuple[int, int], state: State) -> tuple[Tensor, lstm.Output]:
        """Sets the parameters' gradients to the window's, clipped; the mean loss a word, and what the network gave."""
        start, end = window
        self.optimizer.zero_grad(set_to_none=True)
        output = self.model(self.train[start:end], state, self.dropout)
        loss = cross_entropy(output.logits.flatten(0, 1), self.train[start + 1 : end + 1].flatten())
        (loss + self.workload.penalty(self.params, output)).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), float(self.params["clip"]))  # type: ignore[arg-type]
        return loss, output

    def _lowered(self, lr: float) -> float:
        """What the plateau has made of a parameter group's own rate."""
        return self.rate.lr if lr == self.lr else lr * self.rate.lr / self.lr

    def evaluate(self, output: Output) -> tuple[Mapping[str, float], None]:
        """Perplexity of the validation and the test text."""
        with at_output(self.optimizer, output.name):
            measured = {
                "validation_perplexity": perplexity(self.model, self.validation),
                "test_perplexity": perplexity(self.model, self.test),
            }
        return measured, None

    def observe(self, measured: Mapping[str, Mapping[str, float]]) -> None:
        """Lower the rate, or begin to average, where the validation loss has stopped improving."""
        loss = math.log(measured[self.outputs[-1].key]["validation_perplexity"])
        if self.plateau is not None:
            self.rate = self.plateau.observe(self.rate, loss)
        if isinstance(self.optimizer, NTASGD):
            self.optimizer.observe(loss)

    def state(self) -> dict[str, Any]:
        """Network, optimizer, the plateau, and the places of the streams."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rate": list(self.rate.__dict__.values()),
            "order": stream_state(self.order),
            "dropout": self.dropout.get_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state that :meth:`state` gave."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rate = PlateauState(*state["rate"])
        restore_stream(self.order, state["order"])
        self.dropout.set_state(state["dropout"])


def detached(state: State) -> State:
    """The state cut off from the graph that made it."""
    return tuple((hidden.detach(), cell.detach()) for hidden, cell in state)


@torch.no_grad()
def perplexity(model: WeightDroppedLSTM, text: Tensor) -> float:
    """exp of the mean cross-entropy a word of ``text`` (steps, columns), in evaluation mode; inf where that overflows."""
    model.eval()
    state = model.initial_state(text.shape[1])
    total = 0.0
    for start, end in fixed_windows(len(text), WINDOW):
        output = model(text[start:end], state)
        state = output.state
        targets = torch.split(text[start + 1 : end + 1].flatten(), ROWS_IN_CACHE)
        for logits, words in zip(
            torch.split(output.logits.flatten(0, 1), ROWS_IN_CACHE), targets, strict=True
        ):
            total += cross_entropy(logits, words, reduction="sum").item()
    model.train()
    mean = total / ((len(text) - 1) * text.shape[1])
    return math.exp(mean) if mean < 700 else math.inf


def train_language_seed(
    spec: Spec, seed: int, *, device: torch.device | None = None, checkpoint: Checkpoint | None = None
) -> SeedOutcome:
    """Train one seed of ``spec``; its numbers depend on nothing but (spec, seed) and the machine's arithmetic."""
    workload = workloads.get(spec.workload)
    training = LanguageTraining(spec, seed, device or torch.device("cpu"))
    metrics = [name for name, _, _ in workload.metrics]
    return train_epochs(training, seed, workload.epochs(spec.workload_params), metrics, checkpoint)
