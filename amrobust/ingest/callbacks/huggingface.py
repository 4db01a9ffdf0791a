"""A Hugging Face ``TrainerCallback`` that records a training as one seed of a run: ``pip install amrobust[huggingface]``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from os import PathLike
from typing import Any, Literal

from transformers import TrainerCallback

from amrobust.errors import UserError
from amrobust.ingest.callbacks.session import HookRecorder
from amrobust.ingest.callbacks.weights import Measure, all_measures, output_point, undisturbed

CLOCKS = ("_runtime", "_per_second", "_preparation_time")
PREFIX = "eval_"
"""What the trainer puts before the names of what it evaluates."""


class AmrobustCallback(TrainerCallback):  # type: ignore[misc,unused-ignore]
    """Records every evaluation, below ``directory``: give the trainer an ``eval_strategy``.

    The axis is the trainer's own: ``axis="step"``, its ``global_step``, or ``axis="epoch"``. The seed is the trainer's own
    too (``TrainingArguments.seed``) unless one is given. A training that is resumed from a checkpoint goes on where its rows
    were; a second ``train()`` of a seed that is complete is another attempt, and said so. Of a training that ends in an
    exception, or whose process is killed, what was logged is kept, and the seed is not done. Nothing is raised into a
    training: what is wrong is a warning.

    Where the optimizer has an output point (:mod:`amrobust.optim`), each evaluation is made once more there, unseen by other
    callbacks, once :meth:`attach` was given the trainer, and both are recorded, as methods that are compared as pairs. The
    trainer itself evaluates an optimizer with ``eval()`` and ``train()`` at its evaluation point.
    ``measure(model)`` gives further numbers by name of the same weights, of each output; the model is in evaluation mode,
    and its gradients are put back. ``measurements={"recomputed": function}`` are functions of it too, each another measurement
    of the metrics that the trainer evaluates, under their names: outputs of one training, paired. ``metrics`` names what to
    record, such as ``eval_accuracy``; without it, all numbers of an evaluation but its clocks. The other options are those of
    :func:`amrobust.record`.

    >>> callback = AmrobustCallback("runs/", method="adamw", workload="sst2")            # doctest: +SKIP
    >>> trainer = Trainer(..., callbacks=[callback])                                     # doctest: +SKIP
    >>> trainer.train()                                                                  # doctest: +SKIP
    """

    def __init__(
        self,
        directory: str | PathLike[str],
        *,
        method: str,
        workload: str,
        axis: Literal["step", "epoch"] = "step",
        measure: Measure | None = None,
        measurements: Mapping[str, Measure] | None = None,
        **options: Any,
    ) -> None:
        if axis not in ("step", "epoch"):
            raise UserError(f"the axis is the trainer's: 'step' or 'epoch', not {axis!r:.100}")
        self._axis, self._measures = axis, all_measures(measure, measurements)
        self._hooks = HookRecorder(
            directory,
            {"method": method, "workload": workload, "axis": axis, **options},
            "give the trainer an eval_strategy",
        )
        self._trainer: Any = None
        self._measured: set[float] = set()

    def attach(self, trainer: Any) -> AmrobustCallback:
        """Evaluate with ``trainer`` at the output point too: callbacks are not told their trainer.

        >>> trainer.add_callback(AmrobustCallback("runs/", method="am1", workload="sst2").attach(trainer))  # doctest: +SKIP
        """
        self._trainer = trainer
        return self

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin to record, on the process that logs."""
        with self._hooks.quietly():
            self._measured = set()
            if state.is_world_process_zero:
                self._hooks.open(self._earlier(args, state), seed=args.seed)

    def _earlier(self, args: Any, state: Any) -> dict[float, dict[tuple[str, str], float]]:
        """The rows of the part of this training that came before its checkpoint, which has the trainer's own history."""
        found: dict[float, dict[tuple[str, str], float]] = {}
        if not state.global_step:
            return found
        for entry in state.log_history:
            at = entry.get(self._axis)
            if at is not None and any(name.startswith(PREFIX) for name in entry):
                row = found.setdefault(float(at), {})
                row |= {("I", name): value for name, value in self._hooks.flat(_measured(entry)).items()}
        # What the trainer knows nothing of, such as the output point, is in the file of the training that was stopped.
        stored = self._hooks.stored(seed=args.seed)
        return {at: {**stored.get(at, {}), **row} for at, row in found.items()}

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        """Record one evaluation; those of several sets at one step belong together."""
        with self._hooks.quietly():
            at = float(state.global_step if self._axis == "step" else state.epoch or 0)
            found = _measured(metrics or {})
            self._hooks.log(at, {"I": found})
            self._measure_weights(at, metrics or {}, kwargs)

    def _measure_weights(self, at: float, metrics: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """The same at the output point, and the other measurements of each output; on every process alike."""
        model, trainer = given.get("model"), self._trainer
        if model is None:
            return
        point = output_point([given.get("optimizer")], model)
        if point is not None and trainer is None and not self._measures:
            self._hooks.warned(
                "recording with amrobust: the optimizer has an output point, which is not measured: "
                "trainer.add_callback(AmrobustCallback(...).attach(trainer)) records both"
            )
        once = self._measures if at not in self._measured else {}
        self._measured.add(at)
        for output, context in (("I", nullcontext()), ("II", point)):
            if context is None:
                continue
            with context, undisturbed(model):
                if output == "II" and trainer is not None:
                    self._hooks.log(at, {output: _evaluated(trainer, metrics, given["eval_dataloader"])})
                self._hooks.measure(at, output, once, model)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Commit the seed."""
        self._hooks.close()


def _measured(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What of an evaluation, or of an entry of the trainer's history, was measured."""
    return {
        name: value
        for name, value in metrics.items()
        if name not in ("epoch", "step") and not name.endswith(CLOCKS)
    }


def _evaluated(trainer: Any, metrics: Mapping[str, Any], loader: Any) -> dict[str, Any]:
    """The evaluation that gave ``metrics``, of the weights as they are, unseen by callbacks and history."""
    prefix = next((name.removesuffix("_runtime") for name in metrics if name.endswith("_runtime")), "eval")
    callbacks, trainer.callback_handler.callbacks = trainer.callback_handler.callbacks, []
    try:
        found = trainer.evaluation_loop(
            loader,
            description="Evaluation at the output point",
            prediction_loss_only=True if trainer.compute_metrics is None else None,
            metric_key_prefix=prefix,
        )
        return _measured(found.metrics)
    finally:
        trainer.callback_handler.callbacks = callbacks
