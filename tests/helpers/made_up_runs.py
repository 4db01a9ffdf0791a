"""A spec, its facts and a trainer that need no training: curves are a fixed function of the seed."""

import time

import numpy as np

from amrobust.runs.manifest import RunMetadata
from amrobust.runs.metric import Metric
from amrobust.runs.spec import Spec
from amrobust.train.unit import SeedOutcome

EPOCHS = 4
OUTPUTS = ("I", "II")
METRICS = tuple(
    Metric(name, better, unit, "workload", "workload")
    for name, better, unit in (("test_accuracy", "higher", "%"), ("test_loss", "lower", ""))
)


def spec(**changes):
    fields = {
        "workload": "digits",
        "workload_params": {"epochs": EPOCHS},
        "optimizer": "am1",
        "hyperparameters": {"lr": 0.1, "m": 5},
    }
    return Spec(**(fields | changes))


def describe(of):
    return RunMetadata(
        x0_digest="0" * 64,
        data_digest="d" * 64,
        outputs=OUTPUTS,
        methods={output: f"{of.optimizer}[m={of.hyperparameters['m']}]/{output}" for output in OUTPUTS},
        metrics=METRICS,
        epochs=EPOCHS,
        steps_per_epoch=75,
        first_output_epoch=dict.fromkeys(OUTPUTS, 1),
        workload_label="digits",
        versions={"numpy": "2"},
        device="cpu",
    )


def curve(seed, output, metric):
    rng = np.random.default_rng([seed, OUTPUTS.index(output), len(metric)])
    return rng.normal(90, 1, EPOCHS)


def outcome(seed, **changes):
    curves = {o: {m.name: curve(seed, o, m.name) for m in METRICS} for o in OUTPUTS}
    return SeedOutcome(**({"seed": seed, "curves": curves, "wall_seconds": 0.01} | changes))


class Trainer:
    """Gives the made-up outcomes, remembers which seeds it was asked for, and does ``special[seed]()`` for some."""

    def __init__(self, special=None, pause=0.0):
        self.asked = []
        self.special = special or {}
        self.pause = pause

    def __call__(self, spec, seeds, *, executor, jobs):
        for seed in seeds:
            self.asked.append(seed)
            time.sleep(self.pause)
            yield self.special.get(seed, outcome)(seed)
