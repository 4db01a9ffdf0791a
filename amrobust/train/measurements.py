"""What is measured of a training: each output, and with batch norm each once more with recomputed statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from amrobust import plugins, workloads
from amrobust.errors import UserError
from amrobust.runs.measurement import RECOMPUTED, Output
from amrobust.runs.spec import MEASURING, STATISTICS_EVERY, Spec, Value
from amrobust.runs.values import ABSENT
from amrobust.train.optimizers import find

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from amrobust.runs.manifest import Manifest

BATCHES = 10
"""Training batches that statistics are recomputed over; their mean is then as good as a running one's."""

_SEED = 0
"""Of what chooses these batches: the same ones for every method, seed and epoch, so that no stream of a training is used."""


def outputs_of(spec: Spec) -> tuple[Output, ...]:
    """The outputs of a training of ``spec``; where its network has batch norm, each with recomputed statistics too."""
    every = spec.workload_params.get(STATISTICS_EVERY, 1)
    usual = tuple(Output(name) for name in find(spec.optimizer).outputs)
    if not every or not has_batch_norm(spec):
        return usual
    return (*usual, *(Output(output.name, RECOMPUTED, int(every)) for output in usual))


def check(spec: Spec) -> None:
    """Raise UserError where the parameter ``statistics_every`` makes no sense."""
    every = spec.workload_params.get(STATISTICS_EVERY, 1)
    if isinstance(every, bool) or not isinstance(every, int) or every < 0:
        raise UserError(
            f"{spec.workload}: {STATISTICS_EVERY} = {every!r} is not a number of epochs, or 0 for never"
        )
    if STATISTICS_EVERY in spec.workload_params and not has_batch_norm(spec):
        raise UserError(
            f"{spec.workload}: {STATISTICS_EVERY} is about batch norm, which this network has not: leave it out"
        )


def as_recorded(asked: Manifest, recorded: Manifest) -> Spec:
    """What is ``asked`` for, measured as the run that it is was begun: all seeds of a run are measured in the same ways.

    Runs that were recorded before there was another measurement have the usual one alone.
    """
    if not (asked.facts.measured or recorded.facts.measured):
        return asked.spec
    params = {name: value for name, value in asked.spec.workload_params.items() if name not in MEASURING}
    if recorded.facts.measured:
        params |= {name: value for name, value in recorded.spec.workload_params.items() if name in MEASURING}
    else:
        params[STATISTICS_EVERY] = 0
    return replace(asked.spec, workload_params=params)


def has_batch_norm(spec: Spec) -> bool:
    """Whether the network of ``spec`` has batch norms that keep running statistics.

    False of a script's workload, of which nothing is known, and where there are no data yet that say how many classes a
    network has: nothing can be trained then.
    """
    try:
        workload = workloads.get(spec.workload)
        if workload.kind not in ("network", "image"):
            return False
        names = getattr(workload, "model_params", ())
        chosen = {name: value for name, value in spec.workload_params.items() if name in names}
        return _has_norms(spec.workload, tuple(chosen.items()))
    except UserError:
        return False


@plugins.forgettable
@lru_cache(maxsize=256)
def _has_norms(workload: str, chosen: tuple[tuple[str, Value], ...]) -> bool:
    """Building a network takes up to seconds."""
    import torch

    from amrobust.optim.loops import batch_norms

    made: Any = workloads.get(workload)
    return bool(batch_norms(made.model(torch.Generator().manual_seed(0), **dict(chosen))))


def blank(
    outputs: Sequence[Output], metrics: Sequence[str], epochs: int
) -> dict[str, dict[str, np.ndarray[Any, np.dtype[np.float64]]]]:
    """``[output's key][metric]`` of shape (epochs,): NaN where a value is to come, ABSENT where none is measured."""
    found = {}
    for output in outputs:
        due = np.array([output.due(epoch, epochs) for epoch in range(epochs)])
        found[output.key] = {name: np.where(due & output.measures(name), np.nan, ABSENT) for name in metrics}
    return found


def statistics_order() -> np.random.Generator:
    """The generator of the order of which the first batches are those that statistics are recomputed over."""
    return np.random.default_rng(_SEED)


def statistics_augmentation() -> torch.Generator:
    """The generator of what augmentation draws for these batches, which look as those of a training do."""
    import torch

    return torch.Generator().manual_seed(_SEED)


def statistics_batches(
    images: Tensor, params: Mapping[str, Any], outputs: Iterable[Output], augment: Any = None
) -> list[Tensor]:
    """The batches of training ``images`` that statistics are recomputed over, at most 10 and whole ones.

    None where no output is measured with recomputed ones.
    """
    import torch

    if not any(output.measurement for output in outputs):
        return []
    batch = int(params["batch_size"])
    whole = len(images) // batch * batch
    order = torch.from_numpy(statistics_order().permutation(len(images))[:whole]).to(images.device)
    generator = statistics_augmentation()

    def drawn() -> Iterator[Tensor]:
        for indices in torch.split(order, batch):
            yield images[indices] if augment is None else augment(images[indices], generator)

    return list(islice(drawn(), BATCHES))
