"""Records of tunings that were never made."""

from itertools import product

from amrobust.runs.tuning import Trial, Tuning, best_trial, tuning_seeds


def tuning(means=(90.0, 95.0, 93.0), *, searched=None, seeds=3, **changes):
    """Over three learning rates, the middle one best, unless said otherwise."""
    searched = {"lr": (0.01, 0.1, 1.0)} if searched is None else searched
    points = [dict(zip(searched, point, strict=True)) for point in product(*searched.values())]
    trials = tuple(
        Trial(point, mean, None if mean is None else 0.5, diverged=int(mean is None))
        for point, mean in zip(points, means, strict=True)
    )
    better = changes.get("better", "higher")
    fields = {
        "searched": searched,
        "trials": trials,
        "chosen": best_trial("it", trials, better),
        "seeds": tuning_seeds(seeds),
        "epochs": 4,
        "metric": "validation_accuracy",
        "better": better,
        "unit": "%",
        "output": "I",
        "validation": 0.1,
    }
    return Tuning(**(fields | changes))
