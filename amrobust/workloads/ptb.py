"""``ptb``: word-level language modelling on the Penn Treebank, the setup of the paper's Table 3 (Appendix D.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from amrobust.rules.schedules import Plateau
from amrobust.workloads import catalogue, contents, data, rates
from amrobust.workloads.formats import Corpus, parse_text
from amrobust.workloads.workload import MetricRow, require

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from amrobust.workloads.models.lstm import Output, WeightDroppedLSTM

SHORTEST_WINDOW = 5
"""No window but the last is shorter."""
WINDOW = 70
"""The usual length of a window; the learning rate is for this length."""
MODELS = ("lstm", "small-lstm")
SCHEDULES = ("paper", "plateau", "constant", "cosine", *rates.PER_STEP)
DROPOUTS = ("output", "hidden", "input", "embedding", "weight")


@dataclass(frozen=True)
class Texts:
    """The three texts as word numbers, side by side: tensors (steps, columns)."""

    train: Tensor
    validation: Tensor
    test: Tensor


@dataclass(frozen=True)
class _Loaded:
    corpus: Corpus
    digest: str
    unofficial: tuple[str, ...]


@lru_cache(maxsize=2)
def _load(directory: Path) -> _Loaded:
    """The corpus of the data directory; ``directory`` is what the cache goes by."""
    found = contents.read(catalogue.get("ptb"))
    corpus = parse_text([(f"ptb: {name}", content) for name, content in found.files.items()])
    digest = hashlib.sha256("\n".join(corpus.words).encode())
    for tokens in corpus.texts:
        digest.update(f"{len(tokens)}".encode() + tokens.tobytes())
    return _Loaded(corpus, digest.hexdigest(), found.unofficial)


@dataclass(frozen=True)
class PennTreebank:
    """The next word, by an LSTM that reads ``batch_size`` columns of the text in windows of about 70 words.

    The loss of a step is the mean cross-entropy a word plus ``ar`` and ``tar`` (activation and temporal activation
    regularisation); its gradient is clipped to the norm ``clip``, and the step's learning rate is the epoch's times
    window/70. Under ``schedule`` plateau the rate is divided by ``drop_factor`` after ``patience`` epochs without a better
    validation loss; constant leaves it, and paper leaves that of SGD+ASGD only; the others are those of all workloads
    (:mod:`amrobust.workloads.rates`). ``dropout_…`` are the five dropouts of the
    network (:class:`amrobust.workloads.models.lstm.Dropouts`); ``train_tokens`` takes the first so many words of the
    training text, ``evaluation_tokens`` of the validation and of the test text.

    Perplexity is exp of the mean loss a word, the state carried over the whole text, read in ``evaluation_batch`` columns, the
    test text in ``test_columns`` where that is given: each column begins without a state, which is why fewer are better.
    ``train_batch_loss`` is the mean loss a word over the epoch's windows, with dropout, without the penalties.
    """

    name: str = "ptb"
    kind: Literal["language"] = "language"
    metrics: tuple[MetricRow, ...] = (
        ("validation_perplexity", "lower", ""),
        ("test_perplexity", "lower", ""),
        ("train_batch_loss", "lower", "nats"),
    )

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The paper's setup; for the small LSTM, set the dropouts and penalties to 0."""
        return {
            "epochs": 750,
            "batch_size": 80,
            "model": "lstm",
            "schedule": "paper",
            "patience": 15,
            "drop_factor": 2.0,
            "clip": 0.25,
            "ar": 2.0,
            "tar": 1.0,
            "dropout_output": 0.4,
            "dropout_hidden": 0.3,
            "dropout_input": 0.65,
            "dropout_embedding": 0.1,
            "dropout_weight": 0.5,
            "evaluation_batch": 10,
            "train_tokens": None,
        }

    @property
    def optional(self) -> Mapping[str, Any]:
        """The whole validation and test text, the latter in as many columns as the former, no warmup."""
        return {"evaluation_tokens": None, "test_columns": None, **rates.RATE}

    def optimizer_defaults(self, optimizer: str) -> Mapping[str, float | int]:
        """η = 2.5 and β = 0.99 (Table 3); for SGD+ASGD η = 30, and 5 evaluations without progress start its average."""
        lr = 30.0 if optimizer == "ntasgd" else 2.5
        return {"lr": lr, "momentum": 0.99, "m": 5, "weight_decay": 1.2e-6, "nonmono": 5}

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise UserError on values out of range."""
        for name in ("epochs", "batch_size", "evaluation_batch", "patience"):
            value = params[name]
            require(_whole(value) and value >= 1, self.name, name, value, "an integer of at least 1")
        value = params.get("test_columns")
        good = value is None or (_whole(value) and value >= 1)
        require(good, self.name, "test_columns", value, "an integer of at least 1, or none")
        for name, columns in (("train_tokens", "batch_size"), ("evaluation_tokens", "evaluation_batch")):
            value = params.get(name)
            require(
                value is None or (_whole(value) and value >= 2 * params[columns]),
                self.name, name, value, f"an integer of at least twice {columns}",
            )  # fmt: skip
        require(params["model"] in MODELS, self.name, "model", params["model"], f"one of {', '.join(MODELS)}")
        rates.check_rate(self.name, params, SCHEDULES)
        for name in params:
            value = params[name]
            if name.startswith("dropout_"):
                require(_real(value) and 0 <= value < 1, self.name, name, value, "at least 0 and below 1")
            elif name in ("ar", "tar"):
                require(_real(value) and 0 <= value < float("inf"), self.name, name, value, "at least 0")
        require(_real(params["clip"]) and params["clip"] > 0, self.name, "clip", params["clip"], "above 0")
        factor = params["drop_factor"]
        require(_real(factor) and 1 < factor < float("inf"), self.name, "drop_factor", factor, "above 1")

    def data_digest(self, params: Mapping[str, Any]) -> str:
        """Of the words and the three texts, whatever part of them is used."""
        return _load(data.directory()).digest

    def data_note(self, params: Mapping[str, Any]) -> str | None:
        """That these are not the publisher's bytes, where they are not."""
        unofficial = _load(data.directory()).unofficial
        return f"ptb: {', '.join(unofficial)} not the publisher's bytes" if unofficial else None

    def _columns(self, params: Mapping[str, Any]) -> tuple[NDArray[np.int64], ...]:
        """Training, validation and test text, side by side."""
        train, validation, test = _load(data.directory()).corpus.texts
        wanted, evaluated = params["train_tokens"], params.get("evaluation_tokens")
        for name, value, most in (
            ("train_tokens", wanted, len(train)),
            ("evaluation_tokens", evaluated, min(len(validation), len(test))),
        ):
            require(value is None or value <= most, self.name, name, value, f"at most {most:,}")
        of_test = "evaluation_batch" if params.get("test_columns") is None else "test_columns"
        for tokens, name in (
            (train, "batch_size"),
            (validation, "evaluation_batch"),
            (test[:evaluated], of_test),
        ):
            require(
                2 * params[name] <= len(tokens),
                self.name, name, params[name], f"possible with a text of {len(tokens):,} words",
            )  # fmt: skip
        return (
            columns(train[:wanted], params["batch_size"]),
            columns(validation[:evaluated], params["evaluation_batch"]),
            columns(test[:evaluated], params[of_test]),
        )

    def texts(self, params: Mapping[str, Any]) -> Texts:
        """The texts as tensors. Raises UserError where they are absent, damaged or too short."""
        import torch

        return Texts(*map(torch.from_numpy, self._columns(params)))

    def epochs(self, params: Mapping[str, Any]) -> int:
        """As asked for."""
        return int(params["epochs"])

    def learning_rate(self, params: Mapping[str, Any], lr: float, epoch: int) -> float:
        """The rate of epoch 0, 1, … when training starts with ``lr``; what a plateau lowers is lowered elsewhere."""
        return rates.learning_rate(params, lr, epoch) if params["schedule"] == "cosine" else lr

    def steps_per_epoch(self, params: Mapping[str, Any]) -> int:
        """The expected number of windows in the training text; it varies by a few from epoch to epoch."""
        return expected_windows(len(self._columns(params)[0]), WINDOW)

    def steps_per_point(self, params: Mapping[str, Any]) -> int:
        """A curve has one point per epoch."""
        return self.steps_per_epoch(params)

    def windows(self, params: Mapping[str, Any], order: np.random.Generator) -> list[tuple[int, int]]:
        """One epoch's windows over the training text, drawn from the seed's order stream."""
        return random_windows(len(self._columns(params)[0]), WINDOW, order)

    def plateau(self, params: Mapping[str, Any], optimizer: str) -> Plateau | None:
        """What watches the validation loss and lowers the rate; None where the rate is constant."""
        if params["schedule"] == "paper" and optimizer == "ntasgd":
            return None
        if params["schedule"] not in ("plateau", "paper"):
            return None
        # Drops where more than `patience` evaluations did not improve: one less, to drop after exactly so many epochs.
        return Plateau(patience=params["patience"] - 1, factor=params["drop_factor"], threshold=0.0)

    @property
    def model_params(self) -> tuple[str, ...]:
        """The parameters that :meth:`model` takes."""
        return ("model", *(f"dropout_{name}" for name in DROPOUTS))

    def model(self, generator: torch.Generator, model: str = "lstm", **dropouts: float) -> WeightDroppedLSTM:
        """The network at x0, drawn from ``generator``; ``dropouts`` are the parameters of that name."""
        from amrobust.workloads.models.lstm import Dropouts, WeightDroppedLSTM

        words = len(_load(data.directory()).corpus.words)
        size = {"embedding": 200, "layers": 1} if model == "small-lstm" else {}
        probabilities = Dropouts(**{name.removeprefix("dropout_"): value for name, value in dropouts.items()})
        network = WeightDroppedLSTM(words, dropouts=probabilities, **size)
        network.initialise(generator)
        return network

    def penalty(self, params: Mapping[str, Any], output: Output) -> Tensor:
        """What is added to a training step's loss: activation and temporal activation regularisation."""
        return output.activation_penalty(params["ar"], params["tar"])


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _real(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def columns(tokens: NDArray[np.int64], batch: int) -> NDArray[np.int64]:
    """The text cut into ``batch`` columns that are read side by side: shape (steps, batch).

    Column b holds tokens b·steps … (b+1)·steps − 1; what does not fill the last column is left out. Raises ValueError where
    a column would have fewer than two tokens.
    """
    steps = len(tokens) // batch
    if steps < 2:
        raise ValueError(f"{len(tokens)} tokens do not make {batch} columns of two or more")
    return np.ascontiguousarray(tokens[: steps * batch].reshape(batch, steps).T)


def fixed_windows(steps: int, length: int) -> list[tuple[int, int]]:
    """(start, end) of windows of ``length`` inputs that cover the inputs 0 … steps − 2, each of which has a next token."""
    return [(start, min(start + length, steps - 1)) for start in range(0, steps - 1, length)]


def random_windows(steps: int, length: int, generator: np.random.Generator) -> list[tuple[int, int]]:
    """(start, end) of windows of varying length that cover the inputs 0 … steps − 2.

    A window's length is normal with standard deviation 5 around ``length`` (with probability 0.95) or half of it, rounded
    towards 0 and at least 5; the last window ends with the text. (Merity et al., 2018, Section 5; their implementation's
    numbers, which the paper uses.) Three numbers are taken from the generator for each possible window, in one call.
    """
    most = -(-(steps - 1) // SHORTEST_WINDOW)
    base = np.where(generator.random(most) < 0.95, length, length / 2)
    lengths = np.maximum(SHORTEST_WINDOW, generator.normal(base, 5).astype(np.int64))
    ends = np.minimum(np.cumsum(lengths), steps - 1)
    ends = ends[: int(np.searchsorted(ends, steps - 1)) + 1]
    starts = np.concatenate([[0], ends[:-1]])
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def expected_windows(steps: int, length: int) -> int:
    """About how many windows :func:`random_windows` makes: inputs over the mean length, at least 1."""
    mean = 0.95 * length + 0.05 * length / 2 - 0.5
    return max(1, round((steps - 1) / max(mean, SHORTEST_WINDOW)))


def rescaled_rate(rate: float, window: tuple[int, int], length: int) -> float:
    """The learning rate for one window: ``rate`` times the window's length over the usual ``length``.

    A loss is the mean over the window's tokens, so that without it short windows would weigh more (Merity et al., 2018).
    """
    return rate * (window[1] - window[0]) / length


WORKLOAD = PennTreebank()
