"""Start-up: `amrobust --help`, and `compare` of 100 runs × 20 seeds × 90 epochs: python benchmarks/startup.py --help

Every command runs in a fresh process, its bytecode cached as that of an installed package is. Rounds are interleaved; medians
of wall times are printed, and medians of the ratios to two peers: `python -c pass`, and
`python -c "import torch"`, which neither command may do.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from amrobust.runs.manifest import RunMetadata
from amrobust.runs.metric import Metric
from amrobust.runs.spec import Spec
from amrobust.train.engine import execute
from amrobust.train.unit import SeedOutcome

TARGETS = {"amrobust --help": 0.25, "amrobust compare": 2.0}
PEERS = ("python -c pass", "python -c 'import torch'")


def make_runs(directory, runs, seeds, epochs):
    """Runs of noise around a rising accuracy; every third method has half the spread."""

    def describe(spec):
        return RunMetadata(
            x0_digest="0" * 64, data_digest="d" * 64, outputs=("I",), methods={"I": spec.optimizer},
            metrics=(Metric("test_accuracy", "higher", "%"), Metric("test_loss", "lower")), epochs=epochs, steps_per_epoch=75,
            first_output_epoch={"I": 1}, workload_label="digits", versions={}, device="cpu", code={},
        )  # fmt: skip

    def train(spec, wanted, **_):
        place = int(spec.optimizer[1:])
        for seed in wanted:
            noise = np.random.default_rng([place, seed]).normal(size=(2, epochs)) / (2 if place % 3 else 1)
            rise = 5 / np.arange(1, epochs + 1)
            yield SeedOutcome(
                seed, {"I": {"test_accuracy": 90 - rise + noise[0], "test_loss": rise + noise[1]}}
            )

    for place in range(runs):
        spec = Spec("digits", {}, f"o{place:03d}", {"lr": 0.1})
        execute(spec, range(seeds), directory, train=train, describe=describe)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        directory = Path(root) / "runs"
        make_runs(directory, arguments.runs, arguments.seeds, arguments.epochs)
        main_of = [sys.executable, "-c", "from amrobust.cli import main; main()"]
        contests = {
            "amrobust --help": [*main_of, "--help"],
            "amrobust compare": [*main_of, "compare", str(directory)],
            PEERS[0]: [sys.executable, "-c", "pass"],
            PEERS[1]: [sys.executable, "-c", "import torch"],
        }
        cached = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        cached["PYTHONPYCACHEPREFIX"] = str(Path(root) / "bytecode")
        times = {name: [] for name in contests}
        for round_ in range(-1, arguments.rounds):
            for name, command in contests.items():
                start = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=cached)
                if round_ >= 0:  # the first round fills the caches
                    times[name].append(time.perf_counter() - start)
    for name, found in times.items():
        ratios = [statistics.median(a / b for a, b in zip(found, times[peer], strict=True)) for peer in PEERS]
        target = f", target {TARGETS[name]:g} s" if name in TARGETS else ""
        print(
            f"{name:26} {statistics.median(found):.3f} s (fastest {min(found):.3f}){target}; "
            + ", ".join(
                f"{ratio:.2f} x {peer}" for ratio, peer in zip(ratios, PEERS, strict=True) if peer != name
            )
        )


if __name__ == "__main__":
    main()
