"""Torch, on any of its devices."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from amrobust.workloads.backends.backend import Matrix, PlainMatrix, Precision
from amrobust.workloads.devices import torch_device

DTYPES = {"float64": torch.float64, "float32": torch.float32}


class TorchBackend:
    """See :class:`amrobust.workloads.backends.Backend`."""

    name = "torch"

    def __init__(self, device: str) -> None:
        self._device = torch_device(device)
        self.device = str(self._device)

    @property
    def versions(self) -> dict[str, str]:
        """Torch's."""
        return {"torch": torch.__version__}

    def computing(self) -> AbstractContextManager[Any]:
        """Nothing is differentiated."""
        return torch.inference_mode()

    def array(self, values: NDArray[np.float64], precision: Precision) -> torch.Tensor:
        """``values`` on the device."""
        return torch.asarray(values, dtype=DTYPES[precision], device=self._device)

    def numpy(self, array: torch.Tensor) -> NDArray[np.float64]:
        """The tensor as float64 NumPy values."""
        return array.double().cpu().numpy()

    def matrix(self, rows: NDArray[np.float64], precision: Precision) -> Matrix:
        """Dense rows on the device."""
        return PlainMatrix(self.array(rows, precision))
