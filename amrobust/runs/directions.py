"""Which way a metric is better, guessed from its name."""

from __future__ import annotations

from amrobust.runs.arms import Direction

LOWER_IS_BETTER = ("loss", "error", "perplexity", "ppl", "nll", "rmse", "mse", "mae", "gap", "norm")


def direction_of(metric: str) -> Direction:
    """Which way a metric of this name is better: losses, errors, perplexities, gaps and norms are better low."""
    return "lower" if any(word in metric.lower() for word in LOWER_IS_BETTER) else "higher"
