"""How many seeds go into one stack: what pays, and what fits."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from amrobust import plugins
from amrobust.runs.spec import Spec
from amrobust.train.network import CPU, Data, load, network_at_x0
from amrobust.train.stacking.check import EXAMPLES
from amrobust.train.stacking.layers import CannotStack
from amrobust.train.stacking.model import StackedModel, losses
from amrobust.train.stacking.trainer import arrangement_of

Params = tuple[tuple[str, str | float | None], ...]
"""Names and values of a workload's parameters, which results are cached by."""

MOST_SEEDS = 10
"""More seeds than this in a stack gain nothing on a CPU: their activations leave the cache."""
MOST_ACTIVATIONS = 160e6
"""Bytes kept by all seeds for the backward pass, beyond which a step per seed becomes dearer; no reason to stack fewer than
two. 5 seeds of SmallCNN on images of 28 × 28 pixels in batches of 32."""
WORTHWHILE = 5e8
"""Floating-point operations of one seed's forward pass above which the CPU, not torch's overhead, is what a step waits for."""
SHARE = 0.5
"""Of the memory that is free, the share that all stacks together may take."""
ASSUMED_MEMORY = 4 << 30
"""Where the system does not say how much is free."""


def stack_size(spec: Spec, workers: int, *, forced: bool) -> tuple[int, str | None]:
    """How many seeds of ``spec`` each of ``workers`` stacks together at most, and what there is to say about it.

    1 where the model or the optimizer cannot be stacked, or does not fit twice, or, unless ``forced``, would not be faster.
    """
    params = tuple(sorted((name, value) for name, value in spec.workload_params.items() if name != "epochs"))
    if not forced and _operations(spec.workload, params) > WORTHWHILE:
        return 1, None
    try:
        arrangement_of(spec)
    except CannotStack as reason:
        return 1, f"seeds are trained one by one: {reason}"
    numbers, activations = _memory(spec.workload, params)
    copies = 4 + int(
        spec.hyperparameters.get("m") or 0
    )  # parameters, gradient, an optimizer's state and a temporary
    each = 4 * numbers * copies + 2 * activations
    fit = int(SHARE * available_memory() / workers / each)
    if fit < 2:
        return 1, f"seeds are trained one by one: a stack of two takes about {2 * each / 2**20:,.0f} MiB"
    return min(fit, MOST_SEEDS, max(2, int(MOST_ACTIVATIONS / activations))), None


def _share(spec: Spec, data: Data) -> tuple[int, float]:
    """How many examples are computed with, and how many times as many a batch has."""
    batch = int(spec.workload_params["batch_size"])  # type: ignore[arg-type]
    examples = min(batch, EXAMPLES, len(data.train_labels))
    return examples, batch / examples


@plugins.forgettable
@cache
def _operations(workload: str, params: Params) -> float:
    """Floating-point operations of one seed's forward pass of a batch."""
    spec = Spec(workload, dict(params) | {"epochs": 1}, "sgd", {})
    data = load(spec, CPU, torch.float32)
    examples, times = _share(spec, data)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network_at_x0(spec).eval()(data.train_images[:examples])
    return times * float(counter.get_total_flops())


@plugins.forgettable
@cache
def _memory(workload: str, params: Params) -> tuple[int, float]:
    """Numbers in one seed's model, and bytes kept for the backward pass of a batch."""
    spec = Spec(workload, dict(params) | {"epochs": 1}, "sgd", {})
    data = load(spec, CPU, torch.float32)
    examples, times = _share(spec, data)
    template = network_at_x0(spec)
    generators = [torch.Generator()]
    model = StackedModel(template, arrangement_of(spec), generators)
    model.bind(model.row(template)[None], model.buffers([template]), differentiable=True)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        losses(model(data.train_images[None, :examples]), data.train_labels[None, :examples])
    return model.size, times * sum(kept.values())


def available_memory() -> int:
    """Bytes that this machine, or the container around this process, has free."""
    found = []
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(1024 * int(line.split()[1]))
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            found.append(int(limit) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        pass
    if not found and hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return max(0, min(found, default=ASSUMED_MEMORY))
