"""The report of Table 1's runs (4 methods × 20 seeds × 90 epochs), PDF and page: python benchmarks/report.py --help

Every command runs in a fresh process, from runs on disk to the finished file. Rounds are interleaved; medians of wall times
are printed, and medians of the ratios to `amrobust compare` of the same runs and to `python -c "import scipy.stats"`.
"""

import argparse
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

TARGET = 5.0
METHODS = {"msgd": ({}, ("I",)), "sgd": ({}, ("I",)), "am1": ({"m": 5}, ("I", "II"))}
SPREAD = {("msgd", "I"): 1.0, ("sgd", "I"): 0.93, ("am1", "I"): 0.59, ("am1", "II"): 0.31}
PEERS = ("amrobust compare", "python -c 'import scipy.stats'")


def make_runs(directory, seeds, epochs):
    """The methods of the paper's Table 1 with its Avg. STDs, as noise around a rising accuracy."""

    def describe(spec):
        hyperparameters, outputs = METHODS[spec.optimizer]
        shown = "".join(f"[{name}={value}]" for name, value in hyperparameters.items())
        several = len(outputs) > 1
        return RunMetadata(
            x0_digest="0" * 64, data_digest="d" * 64, outputs=outputs,
            methods={o: f"{spec.optimizer}{shown}" + (f"/{o}" if several else "") for o in outputs},
            metrics=(Metric("test_accuracy", "higher", "%"),), epochs=epochs, steps_per_epoch=391,
            first_output_epoch=dict.fromkeys(outputs, 1), workload_label="cifar10", versions={}, device="cpu", code={},
        )  # fmt: skip

    def train(spec, wanted, **_):
        outputs = METHODS[spec.optimizer][1]
        for seed in wanted:
            noise = np.random.default_rng([len(spec.optimizer), ord(spec.optimizer[0]), seed]).normal(
                size=epochs
            )
            rise = 94.7 - 30 / np.arange(1, epochs + 1)
            yield SeedOutcome(
                seed, {o: {"test_accuracy": rise + SPREAD[spec.optimizer, o] * noise} for o in outputs}
            )

    for optimizer, (hyperparameters, _) in METHODS.items():
        spec = Spec("cifar10", {}, optimizer, {"lr": 0.1, **hyperparameters})
        execute(spec, range(seeds), directory, train=train, describe=describe)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        runs = Path(place) / "runs"
        make_runs(runs, arguments.seeds, arguments.epochs)
        command = [sys.executable, "-c", "from amrobust.cli import main; main()"]
        contests = {
            "amrobust report, PDF": [*command, "report", str(runs), "-o", f"{place}/report.pdf"],
            "amrobust report, HTML": [*command, "report", str(runs), "-o", f"{place}/report.html"],
            PEERS[0]: [*command, "compare", str(runs)],
            PEERS[1]: [sys.executable, "-c", "import scipy.stats"],
        }
        times = {name: [] for name in contests}
        for round_ in range(-1, arguments.rounds):
            for name, words in contests.items():
                start = time.perf_counter()
                subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
                if round_ >= 0:  # the first round fills the caches
                    times[name].append(time.perf_counter() - start)
        sizes = {path.name: path.stat().st_size for path in sorted(Path(place).glob("report.*"))}
    for name, found in times.items():
        ratios = [statistics.median(a / b for a, b in zip(found, times[peer], strict=True)) for peer in PEERS]
        target = f", target {TARGET:g} s" if name.startswith("amrobust report") else ""
        print(
            f"{name:32} {statistics.median(found):.2f} s (fastest {min(found):.2f}){target}; "
            + ", ".join(
                f"{ratio:.2f} x {peer}" for ratio, peer in zip(ratios, PEERS, strict=True) if peer != name
            )
        )
    print(", ".join(f"{name}: {size / 1024:.0f} KiB" for name, size in sizes.items()))


if __name__ == "__main__":
    main()
