"""What the columns of a table of means are called: whoever reads tables knows them by these names, and no others."""

from __future__ import annotations

import re

METHOD_KEYS = (
    "method", "optimizer", "optimiser", "optimizer_name", "optimiser_name", "opt", "optim", "solver", "algorithm", "algo",
)  # fmt: skip
WORKLOAD_KEYS = (
    "workload", "dataset", "dataset_name", "task", "env", "env_id", "env_name", "environment", "game", "problem", "experiment",
)  # fmt: skip
MEANS = ("mean", "avg", "average")
STDS = ("std", "sd", "stdev", "stddev", "std_dev")
COUNTS = ("n", "count", "seeds", "n_seeds", "num_seeds", "runs", "n_runs", "num_runs")
SUMMARIES = {
    "mean": (*MEANS, "median"),
    "spread": (*STDS, "stderr", "se", "sem", "var", "ci", "ci95"),
    "count": COUNTS,
}
"""Names of columns that summarise seeds, and so are none."""


def summary_of(name: str) -> tuple[str, str]:
    """Which of the :data:`SUMMARIES` the first or last word of a name is, and the rest: what it is of. Neither: nothing.

    >>> summary_of("acc_mean"), summary_of("STD acc"), summary_of("ci95"), summary_of("acc")
    (('mean', 'acc'), ('spread', 'acc'), ('spread', ''), ('', 'acc'))
    """
    low = name.strip().lower()
    parts = re.split(r"[\W_]+", low)
    for kind in ("mean", "spread"):
        if low in SUMMARIES[kind]:
            return kind, ""
        if parts[-1] in SUMMARIES[kind]:
            return kind, "_".join(parts[:-1])
        if parts[0] in SUMMARIES[kind]:
            return kind, "_".join(parts[1:])
    return ("count", "") if low in COUNTS else ("", "_".join(parts))
