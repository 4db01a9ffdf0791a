"""amrobust: says, honestly, whether one optimizer is more robust than another.

>>> import amrobust
>>> runs = amrobust.load("runs/")                                      # doctest: +SKIP
>>> comparison = amrobust.compare(runs, metric="test_accuracy")        # doctest: +SKIP
>>> comparison.table()                                                 # doctest: +SKIP

:func:`run` trains methods over many seeds, :func:`exec` runs a function or a command over them, :func:`tune` chooses
hyperparameters on what is not compared, and :func:`record` records a loop of one's own; :func:`load` and :func:`compare` test
what is recorded or what other tools logged. They are imported when they are first used, so that ``import amrobust`` costs
nothing.

Two wings stand on one record, ``runs``: ``rules``, ``optim``, ``workloads`` and ``train`` make it; ``ingest``, ``stats``,
``judge`` and ``report`` read it. ``analysis``, ``api`` and ``cli`` see both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from amrobust.api import Comparison as Comparison
    from amrobust.api import Runs as Runs
    from amrobust.api import compare as compare
    from amrobust.api import load as load
    from amrobust.api.executing import exec as exec
    from amrobust.api.training import run as run
    from amrobust.api.tuning import Tuned as Tuned
    from amrobust.api.tuning import tune as tune
    from amrobust.ingest.recorder import record as record
    from amrobust.ingest.recorder import recorded as recorded
    from amrobust.judge.claim import Claim as Claim

_HOMES = {
    "Claim": "amrobust.judge.comparison",
    "Comparison": "amrobust.api",
    "Runs": "amrobust.api",
    "Tuned": "amrobust.api.tuning",
    "compare": "amrobust.api",
    "exec": "amrobust.api.executing",
    "load": "amrobust.api",
    "record": "amrobust.ingest.recorder",
    "recorded": "amrobust.ingest.recorder",
    "run": "amrobust.api.training",
    "tune": "amrobust.api.tuning",
}

__all__ = [
    "Claim",
    "Comparison",
    "Runs",
    "Tuned",
    "__version__",
    "compare",
    "exec",
    "load",
    "record",
    "recorded",
    "run",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'amrobust' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
