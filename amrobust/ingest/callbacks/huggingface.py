"""A Hugging Face ``TrainerCallback`` that records a training as one seed of a run: ``pip install amrobust[huggingface]``."""

from __future__ import annotations

from os import PathLike
from typing import Any

from transformers import TrainerCallback

from amrobust.ingest.callbacks.session import HookRecorder


class AmrobustCallback(TrainerCallback):  # type: ignore[misc,unused-ignore]
    """Records every evaluation, in order, below ``directory``: give the trainer an ``eval_strategy``.

    The seed is the trainer's own (``TrainingArguments.seed``) unless one is given. ``metrics`` names what to record, such as
    ``eval_accuracy``; without it, all numbers of an evaluation but its clocks. The options are those of
    :func:`amrobust.record`. A training that ends in an exception never reaches its end, so that its seed is not done.

    >>> callback = AmrobustCallback("runs/", method="adamw", workload="sst2")            # doctest: +SKIP
    >>> Trainer(..., callbacks=[callback]).train()                                       # doctest: +SKIP
    """

    CLOCKS = ("_runtime", "_per_second")

    def __init__(self, directory: str | PathLike[str], *, method: str, workload: str, **options: Any) -> None:
        self._hooks = HookRecorder(directory, {"method": method, "workload": workload, **options})

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin to record, on the process that logs."""
        if state.is_world_process_zero:
            self._hooks.open(seed=args.seed, axis="step")

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        """Record one evaluation, at the trainer's step; those of several sets at one step belong together."""
        wanted = self._hooks.options.get("metrics")
        self._hooks.log(
            state.global_step,
            {
                name: value
                for name, value in (metrics or {}).items()
                if (name in wanted if wanted else name != "epoch" and not name.endswith(self.CLOCKS))
            },
        )

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Commit the seed."""
        self._hooks.close()
