"""A Lightning callback that records a training as one seed of a run.

``pip install amrobust[lightning]``; both ``lightning`` and ``pytorch_lightning`` are served.
"""

from __future__ import annotations

from os import PathLike
from typing import Any

from amrobust.ingest.callbacks.session import HookRecorder

try:
    from lightning.pytorch.callbacks import Callback
except ImportError:
    from pytorch_lightning.callbacks import Callback  # type: ignore[no-redef,unused-ignore]


class AmrobustCallback(Callback):  # type: ignore[misc,unused-ignore]
    """Records what the module logged, epoch by epoch, below ``directory``.

    ``metrics`` names what to record; without it, everything in ``trainer.callback_metrics`` but the values of single steps.
    With validation, epochs that end without one are passed over: what they show is the last validation's. The options are
    those of :func:`amrobust.record`. A fit that ends in an exception, or whose process is killed, is not done.

    >>> callback = AmrobustCallback("runs/", method="adam", seed=0, workload="mnist")    # doctest: +SKIP
    >>> Trainer(max_epochs=30, callbacks=[callback]).fit(model, train, val)              # doctest: +SKIP
    """

    def __init__(
        self, directory: str | PathLike[str], *, method: str, seed: int, workload: str, **options: Any
    ) -> None:
        super().__init__()
        self._hooks = HookRecorder(
            directory, {"method": method, "seed": seed, "workload": workload, **options}
        )
        self._validated = False

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to record, on the process that logs."""
        if trainer.is_global_zero:
            self._hooks.open()

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Remember that this epoch has numbers of its own."""
        self._validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record the epoch, counted from 1. Validation within it is over by now."""
        if trainer.enable_validation and not self._validated:
            return
        self._validated = False
        wanted = self._hooks.options.get("metrics") or [
            name for name in trainer.callback_metrics if not name.endswith("_step")
        ]
        self._hooks.log(
            trainer.current_epoch + 1,
            {name: value for name, value in trainer.callback_metrics.items() if name in wanted},
        )

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Commit the seed."""
        self._hooks.close()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Leave the seed not done."""
        self._hooks.close(exception)
