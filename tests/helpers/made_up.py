"""Made-up arms with known spread."""

import numpy as np

from amrobust.runs.arms import Arm
from amrobust.runs.method import from_name
from amrobust.runs.metric import Metric

ACCURACY = Metric("test_accuracy", "higher", "%", "workload", "workload")


def curves(rng, seeds, epochs, *, mean=90.0, std=1.0, correlation=0.8):
    """AR(1) curves with marginal standard deviation ``std`` around a rising mean."""
    noise = rng.standard_normal((seeds, epochs))
    for epoch in range(1, epochs):
        noise[:, epoch] = correlation * noise[:, epoch - 1] + np.sqrt(1 - correlation**2) * noise[:, epoch]
    return mean - 5.0 / np.arange(1, epochs + 1) + std * noise


def arm(method="msgd", values=None, **changes):
    values = np.asarray(values, float)
    fields = {
        "method": method,
        "optimizer": method.partition("[")[0].partition("/")[0],
        "workload": "digits",
        "seeds": tuple(range(len(values))),
        "curves": {"test_accuracy": values},
        "metrics": {"test_accuracy": ACCURACY},
        "training": f"run-{method}",
        "data_digest": "d" * 64,
        "x0_digest": "0" * 64,
    }
    return Arm(**(fields | changes))


def told(names):
    """The methods that ``names`` tell, by their names."""
    return {name: from_name(name) for name in names}
