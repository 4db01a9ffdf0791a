"""Commands for quick runs, and what a run must equal whatever happened to it."""

import numpy as np

from amrobust.runs.store import open_runs

LOGISTIC = ("--workload", "logistic", "--iterations", 100, "--seeds", 200)
DIGITS = ("--epochs", 1, "--batch-size", 128, "--param", "lr_drops=0", "--seeds", 6)
SHARED = (
    "--epochs", 1, "--batch-size", 128, "--param", "lr_drops=0", "--param", "model=mlp", "--seeds", 3,
)  # fmt: skip
"""So few seeds that several methods train as one stack."""
HERE = ("--executor", "local")


def numbers(directory):
    """Every curve of every run in ``directory``, which must all be sound, as bytes; and which seeds were trained how often."""
    runs, problems = open_runs([directory])
    assert not problems
    found = {}
    for run in runs:
        manifest = run.manifest
        assert sum(made.seeds for made in manifest.provenance) == len(manifest.complete), (
            "a seed was counted twice"
        )
        for output, metrics in run.curves().items():
            for metric, values in metrics.items():
                for row, seed in enumerate(manifest.complete):
                    found[run.path.name, seed, output, metric] = np.ascontiguousarray(values[row]).tobytes()
    return found
