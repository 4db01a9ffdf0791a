"""A Lightning callback that records a training as one seed of a run.

``pip install amrobust[lightning]``; both ``lightning`` and ``pytorch_lightning`` are served.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from os import PathLike
from typing import Any, Literal

from amrobust.errors import UserError
from amrobust.ingest.callbacks.session import HookRecorder
from amrobust.ingest.callbacks.weights import Measure, all_measures, output_point, undisturbed

try:
    from lightning.pytorch.callbacks import Callback
except ImportError:
    from pytorch_lightning.callbacks import Callback  # type: ignore[no-redef,unused-ignore]


class AmrobustCallback(Callback):  # type: ignore[misc,unused-ignore]
    """Records what the module logged, below ``directory``: each validation, and what is logged at the end of an epoch.

    The axis is the trainer's own: ``axis="epoch"``, in which a validation in the middle of the first epoch is at 0.5, or
    ``axis="step"``, its ``global_step``. Sanity checks and ``fast_dev_run`` are not recorded. A fit that is resumed from a
    checkpoint, or that goes on with ``fit`` again, goes on where its rows were; a fit of a seed that is complete is another
    attempt, and said so. Of a fit that ends in an exception, or whose process is killed, what was logged is kept, and the
    seed is not done. Nothing is raised into a fit: what is wrong is a warning.

    Where an optimizer has an output point (:mod:`amrobust.optim`, or ``eval()`` and ``train()``), each validation is run once
    more there, unseen by other callbacks and loggers, and both are recorded, as methods that are compared as pairs.
    ``measure(pl_module)`` gives further numbers by name of the same weights, of each output; the module is in evaluation mode,
    and its gradients are put back. ``measurements={"recomputed": function}`` are functions of it too, each another measurement
    of the metrics that the trainer logs, under their names: outputs of one training, paired. ``metrics`` names what to record;
    without it everything in ``trainer.callback_metrics`` but the values of single steps. The other options are those of
    :func:`amrobust.record`.

    >>> callback = AmrobustCallback("runs/", method="adam", seed=0, workload="mnist")    # doctest: +SKIP
    >>> Trainer(max_epochs=30, callbacks=[callback]).fit(model, train, val)              # doctest: +SKIP
    """

    def __init__(
        self,
        directory: str | PathLike[str],
        *,
        method: str,
        seed: int | str,
        workload: str,
        axis: Literal["epoch", "step"] = "epoch",
        measure: Measure | None = None,
        measurements: Mapping[str, Measure] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if axis not in ("epoch", "step"):
            raise UserError(f"the axis is the trainer's: 'epoch' or 'step', not {axis!r:.100}")
        self._axis, self._measures = axis, all_measures(measure, measurements)
        self._hooks = HookRecorder(
            directory,
            {"method": method, "seed": seed, "workload": workload, "axis": axis, **options},
            "log in training_step or validation_step, and see that one of them is called",
        )
        self._known: dict[str, Any] = {}
        self._at = math.nan
        self._due: float | None = None
        self._loaded = self._fitting = False

    @property
    def state_key(self) -> str:
        """What was recorded travels in checkpoints, of this seed of this method alone."""
        named = {name: self._hooks.options[name] for name in ("method", "workload", "seed")}
        return str(self._generate_state_key(**named))

    def state_dict(self) -> dict[str, Any]:
        """The rows up to now, and where the output point is still to be measured."""
        rows = [[at, *key, value] for at, row in self._hooks.rows.items() for key, value in row.items()]
        return {"rows": rows, "due": self._due}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The rows of the part of this training that came before the checkpoint."""
        with self._hooks.quietly():
            earlier: dict[float, dict[tuple[str, str], float]] = {}
            for at, output, name, value in state_dict.get("rows", ()):
                earlier.setdefault(at, {})[output, name] = value
            self._earlier, self._due, self._loaded = earlier, state_dict.get("due"), True

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to record, on the process that logs."""
        with self._hooks.quietly():
            if not self._loaded:
                # The same trainer, which goes on where its last fit ended; or it begins anew.
                self._earlier = self._hooks.rows if trainer.current_epoch or trainer.global_step else {}
                self._due = None
            self._loaded, self._fitting = False, True
            self._known = dict(trainer.callback_metrics)
            if trainer.is_global_zero and not trainer.fast_dev_run:
                self._hooks.open(self._earlier)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Remember what was logged before."""
        with self._hooks.quietly():
            self._fresh(trainer)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Record a validation; before other callbacks save a checkpoint of it."""
        with self._hooks.quietly():
            found = self._fresh(trainer)
            if trainer.sanity_checking or trainer.fast_dev_run or not self._fitting:
                return
            self._at = self._place(trainer)
            if math.isnan(self._at):
                self._hooks.warned(
                    "recording with amrobust: which part of an epoch is over is not known of this training data: validations "
                    "within epochs are recorded with AmrobustCallback(..., axis='step')"
                )
                return
            self._log("I", found)
            self._due = self._at

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """The weights are still those of the last validation."""
        self._measure_weights(trainer, pl_module)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Record what the module logged when its last epoch had ended."""
        with self._hooks.quietly():
            self._log("I", self._of_epochs(trainer))

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record what was logged over the epoch. Validation within it is over by now."""
        with self._hooks.quietly():
            if trainer.fast_dev_run:
                return
            found, place = self._of_epochs(trainer), self._place(trainer)
            self._at = trainer.current_epoch + 1 if math.isnan(place) else place
            self._log("I", found)
            if not trainer.enable_validation:
                self._due = self._at
        self._measure_weights(trainer, pl_module)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Record what came last."""
        with self._hooks.quietly():
            self._log("I", self._of_epochs(trainer))
        self._measure_weights(trainer, pl_module)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Commit the seed."""
        self._fitting = False
        self._hooks.close()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Keep what was logged; the seed is not done."""
        self._fitting = False
        self._hooks.close(exception)

    def _fresh(self, trainer: Any) -> dict[str, Any]:
        """What was logged since the last call: Lightning keeps old values, and makes new objects for new ones."""
        now = dict(trainer.callback_metrics)
        found = {
            name: value
            for name, value in now.items()
            if name not in self._known or self._known[name] is not value
        }
        self._known = now
        return found

    def _of_epochs(self, trainer: Any) -> dict[str, Any]:
        """The same without the values of single steps, unless they are asked for."""
        wanted = self._hooks.options.get("metrics") or ()
        return {
            name: value
            for name, value in self._fresh(trainer).items()
            if not name.endswith("_step") or name in wanted
        }

    def _place(self, trainer: Any) -> float:
        """How far the training is, by the trainer's own count; NaN where that is not known."""
        if self._axis == "step":
            return float(trainer.global_step)
        progress = trainer.fit_loop.epoch_loop.batch_progress
        if progress.is_last_batch:
            return float(trainer.current_epoch + 1)
        total = trainer.num_training_batches
        return trainer.current_epoch + progress.current.ready / total if math.isfinite(total) else math.nan

    def _log(self, output: str, found: Mapping[str, Any]) -> None:
        if not math.isnan(self._at) and found:
            self._hooks.log(self._at, {output: found})

    def _measure_weights(self, trainer: Any, pl_module: Any) -> None:
        """Where the last row has only what the trainer measured itself: the other measurements, of each output.

        On every process alike: what is measured may need them all.
        """
        at, self._due = self._due, None
        if at is None:
            return
        with self._hooks.quietly():
            point = output_point(trainer.optimizers, pl_module)
            if point is None and not self._measures:
                return
            self._at = at
            for output, context in (("I", nullcontext()), ("II", point)):
                if context is None:
                    continue
                with context, undisturbed(pl_module):
                    if output == "II" and trainer.enable_validation:
                        self._log(output, _validated(trainer))
                    if not math.isnan(at):
                        self._hooks.measure(at, output, self._measures, pl_module)


def _validated(trainer: Any) -> dict[str, Any]:
    """What a validation gives of the weights as they are, unseen by other callbacks, loggers and the trainer's progress."""
    loop, connector = trainer.fit_loop.epoch_loop.val_loop, trainer._logger_connector
    stage, progress = trainer.state.stage, loop.batch_progress.state_dict()
    kept = {
        name: dict(value) if isinstance(value, dict) else value for name, value in vars(connector).items()
    }
    last = getattr(trainer, "_last_val_time", None)
    callbacks, loggers, restarting = trainer.callbacks, trainer._loggers, loop.restarting
    trainer.callbacks, trainer._loggers, loop.restarting = [], [], False
    trainer.validating = True
    try:
        found: dict[str, Any] = {}
        for each in loop.run():
            found |= each
        return found
    finally:
        trainer.callbacks, trainer._loggers, loop.restarting = callbacks, loggers, restarting
        trainer.state.stage = stage
        vars(connector).update(kept)
        trainer._last_val_time = last
        loop.batch_progress.load_state_dict(progress)
