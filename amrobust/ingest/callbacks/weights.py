"""Measuring the weights of a training without disturbing it: at the iterate, and at the output point of its optimizer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import numpy as np
import torch

from amrobust.errors import UserError
from amrobust.runs.documents import mapping_given

Measure = Callable[[Any], Mapping[str, Any]]
"""Of a model in evaluation mode any numbers by name: sharpness, robustness to noise, calibration, ..."""


def all_measures(
    measure: Measure | None, measurements: Mapping[str, Measure] | None
) -> dict[str | None, Measure]:
    """By measurement what measures it; further numbers of the usual one are under None. Raises UserError on no functions."""
    given = mapping_given("measurements", measurements, "{'recomputed': function}")
    found: dict[str | None, Measure] = {} if measure is None else {None: measure}
    found.update(given.items())
    if wrong := [name for name, each in found.items() if not callable(each)]:
        raise UserError(f"what measures {wrong[0] or 'the weights'} is a function of the model")
    return found


def output_point(optimizers: Iterable[Any], model: Any) -> AbstractContextManager[None] | None:
    """A context in which ``model`` holds its optimizers' output point (option II); None where none of them has one.

    That is ``output_point()`` of :mod:`amrobust.optim`, or between ``eval()`` and ``train()`` of an optimizer with two points,
    as the schedule-free ones have; wrappers that keep the optimizer as ``optimizer`` are looked through. One that is at its
    evaluation point already has no other to be measured at.
    """
    having = []
    for optimizer in optimizers:
        while not hasattr(optimizer, "output_point") and hasattr(optimizer, "optimizer"):
            optimizer = optimizer.optimizer
        if hasattr(optimizer, "output_point"):
            having.append(optimizer.output_point(model))
        elif (
            callable(getattr(optimizer, "eval", None))
            and callable(getattr(optimizer, "train", None))
            and all(group.get("train_mode", True) for group in optimizer.param_groups)
        ):
            having.append(_evaluated(optimizer))
    return _together(having) if having else None


@contextmanager
def _together(contexts: Iterable[AbstractContextManager[None]]) -> Iterator[None]:
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


@contextmanager
def _evaluated(optimizer: Any) -> Iterator[None]:
    """At the evaluation point; afterwards the parameters are as before, bit for bit, which ``train()`` does not promise."""
    kept = [(p, p.detach().clone()) for group in optimizer.param_groups for p in group["params"]]
    optimizer.eval()
    try:
        yield
    finally:
        optimizer.train()
        with torch.no_grad():
            for p, value in kept:
                p.copy_(value)


@contextmanager
def undisturbed(model: torch.nn.Module) -> Iterator[None]:
    """Afterwards every generator of random numbers, the modes of all modules and all gradients are what they were.

    Within the context the model is in evaluation mode and has no gradients.
    """
    modes = [(module, module.training) for module in model.modules()]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the one that others draw from
    devices = {parameter.device.index for parameter, _ in gradients if parameter.is_cuda}
    try:
        with torch.random.fork_rng([index for index in devices if index is not None]):
            model.eval()
            for parameter, _ in gradients:
                parameter.grad = None
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for module, training in modes:
            module.training = training
        for parameter, gradient in gradients:
            parameter.grad = gradient
