"""``logistic``: the convex problem of the paper's Appendix A.8, with noise of known size on the gradient."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.workloads.workload import MetricRow, require

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """F(x) = mean_i log(1 + exp(−b_i ⟨a_i, x⟩)); ``signed_rows`` holds b_i a_i, shape (samples, features).

    With rows of unit length the gradient is Lipschitz with L = 1/4 or less.
    """

    signed_rows: Array

    def loss(self, x: Array) -> Array:
        """F at each row of ``x`` (S, d): shape (S,)."""
        margins = x @ self.signed_rows.T
        np.negative(margins, out=margins)
        return np.asarray(np.logaddexp(0.0, margins, out=margins).mean(axis=1))

    def gradient(self, x: Array) -> Array:
        """∇F at each row of ``x``: shape (S, d)."""
        weights = x @ self.signed_rows.T
        with np.errstate(over="ignore"):  # exp(z) = inf gives weight 0, as it should
            np.exp(weights, out=weights)
        weights += 1.0
        np.reciprocal(weights, out=weights)
        return np.asarray(weights @ self.signed_rows / -len(self.signed_rows))


def sphere_noise(generator: np.random.Generator, steps: int, dimension: int, radius: float) -> Array:
    """``steps`` points drawn uniformly from the sphere of the given radius in R^dimension."""
    noise = generator.standard_normal((steps, dimension))
    noise *= radius / np.linalg.norm(noise, axis=1, keepdims=True)
    return noise


@lru_cache(maxsize=4)
def _load(data: str | None) -> tuple[Problem, str]:
    rows, labels = _breast_cancer() if data is None else _libsvm(Path(data))
    values = np.unique(labels)
    if len(values) != 2:
        raise UserError(
            f"logistic: {data} has {len(values)} different labels, and the problem needs exactly two"
        )
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(lengths > 0, lengths, 1.0)
    signed = np.ascontiguousarray(np.where(labels == values[1], 1.0, -1.0)[:, None] * rows)
    return Problem(signed), hashlib.sha256(repr(signed.shape).encode() + signed.tobytes()).hexdigest()


def _breast_cancer() -> tuple[Array, Array]:
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    features = data.data
    return (features - features.mean(axis=0)) / features.std(axis=0), data.target


def _libsvm(path: Path) -> tuple[Array, Array]:
    from sklearn.datasets import load_svmlight_file

    try:
        rows, labels = load_svmlight_file(str(path), dtype=np.float64)
    except (OSError, ValueError, OverflowError, EOFError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"logistic: cannot read {path} as LIBSVM text ('label index:value ...'): {reason}"
        ) from None
    if rows.shape[0] * rows.shape[1] > 500_000_000 or rows.shape[1] == 0:
        raise UserError(
            f"logistic: {path} has {rows.shape[0]} rows of {rows.shape[1]} features, which is not usable dense"
        )
    dense = np.asarray(rows.toarray())
    if not np.isfinite(dense).all():
        raise UserError(f"logistic: {path} holds values that are not finite numbers")
    return dense, labels


@dataclass(frozen=True)
class Logistic:
    """Regularisation-free logistic regression from x0 = 0; the oracle is ∇F plus noise on the sphere of radius ``sigma``.

    The data are a LIBSVM file (``data``, rows normalised to unit length), or scikit-learn's breast-cancer set
    (standardised, then normalised) when none is given. A curve has one point every ``record_every`` iterations.
    """

    name: str = "logistic"
    kind: Literal["convex"] = "convex"
    metrics: tuple[MetricRow, ...] = (("train_loss", "lower", ""), ("grad_norm", "lower", ""))

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Breast-cancer data, σ = 1, 1,000 iterations recorded every 20."""
        return {"data": None, "sigma": 1.0, "iterations": 1000, "record_every": 20}

    def optimizer_defaults(self, optimizer: str) -> Mapping[str, float | int]:
        """η = 0.1, well inside 1/L = 4, because the noise is large."""
        return {"lr": 0.1, "momentum": 0.9, "m": 10, "weight_decay": 0.0}

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise UserError on values out of range."""
        for name in ("iterations", "record_every"):
            value = params[name]
            require(isinstance(value, int) and value >= 1, self.name, name, value, "a positive integer")
        require(
            params["iterations"] % params["record_every"] == 0,
            self.name,
            "iterations",
            params["iterations"],
            f"a multiple of record_every = {params['record_every']}",
        )
        sigma = params["sigma"]
        require(
            isinstance(sigma, (int, float)) and 0 <= sigma < float("inf"),
            self.name,
            "sigma",
            sigma,
            "at least 0",
        )

    def problem(self, params: Mapping[str, Any]) -> Problem:
        """The objective on the chosen data. Raises UserError where the file cannot be read."""
        return _load(params["data"])[0]

    def data_digest(self, params: Mapping[str, Any]) -> str:
        """Of the signed, normalised rows: the same file elsewhere is the same problem."""
        return _load(params["data"])[1]

    def data_note(self, params: Mapping[str, Any]) -> None:
        """Nothing: a file is the user's own choice, and its digest is recorded."""
        return

    def epochs(self, params: Mapping[str, Any]) -> int:
        """The number of recorded points."""
        return int(params["iterations"]) // int(params["record_every"])

    def steps_per_epoch(self, params: Mapping[str, Any]) -> None:
        """A recorded point is not a pass over the data."""
        return

    def steps_per_point(self, params: Mapping[str, Any]) -> int:
        """Iterations between two recorded points."""
        return int(params["record_every"])


WORKLOAD = Logistic()
