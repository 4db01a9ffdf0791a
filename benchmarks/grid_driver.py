"""How many runs a second the driver of a grid sustains: planned, deduplicated, dispatched and committed, with free training.

    python benchmarks/grid_driver.py --runs 10000

A grid of tiny runs of M-SGD on `logistic` that differ in their learning rate, every tenth asked for twice. Its executor returns
prepared outcomes at once, so that what is timed is everything but training. The phases are timed apart; the third contains
the second's work again. Memory is what the process had at most; time of the CPU is what is left of the wall time where the disk
answers at once and the machine does nothing else.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from amrobust.runs.curves import metric_names
from amrobust.runs.manifest import identity
from amrobust.train.engine import failures, train_runs
from amrobust.train.prepare import describe, make_spec
from amrobust.train.unit import SeedOutcome


class Free:
    """An executor whose outcomes were there before."""

    name, jobs, where = "free", None, "no worker at all"

    def __init__(self, count, facts):
        self.count = count
        metrics = {name: np.linspace(1, 0, facts.epochs) for name in metric_names(facts)}
        self.curves = dict.fromkeys(facts.outputs, metrics)

    def train(self, spec, blocks, place):
        for block in blocks:
            for seed in block:
                yield SeedOutcome(seed, self.curves)

    def stop(self):
        pass


def spec_of(number):
    return make_spec("logistic", "msgd", {"iterations": 20}, {"lr": 1e-6 * (number + 1)})


def most_memory():
    """In MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1_000_000 if sys.platform == "darwin" else 1000)


def timed(what, runs, work):
    started, computed = time.perf_counter(), time.process_time()
    made = work()
    seconds, cpu = time.perf_counter() - started, time.process_time() - computed
    each = f"{1000 * seconds / runs:6.2f} ms a run, {1000 * cpu / runs:5.2f} of the CPU"
    print(
        f"{what:<34} {seconds:6.1f} s, {each}, {runs / seconds:6,.0f} runs/s, {most_memory():4.0f} MB",
        flush=True,
    )
    return made


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2, help="blocks at a time; 1 dispatches in one thread")
    parser.add_argument(
        "--directory", type=Path, help="where runs are written [default: the system's temporary one]"
    )
    arguments = parser.parse_args()
    runs, seeds = arguments.runs, range(arguments.seeds)
    facts = describe(spec_of(0))  # reads the data, imports what is needed
    print(f"{runs:,} runs of {len(seeds)} seeds; {most_memory():.0f} MB before")
    specs = timed("specs", runs, lambda: [spec_of(number) for number in range(runs)])
    keys = timed("facts and identities", runs, lambda: {identity(spec, describe(spec)) for spec in specs})
    assert len(keys) == runs
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        executor = Free(arguments.workers, facts)
        rows = timed(
            "planned, dispatched and committed", runs,
            lambda: train_runs([*specs, *specs[::10]], seeds, Path(name), executor),
        )  # fmt: skip
        assert failures(rows) is None
        assert sum(row.trained for row in rows) == runs * len(seeds), "equal specs were trained once"
        again = timed(
            "the same again: nothing to train", runs, lambda: train_runs(specs, seeds, Path(name), executor)
        )
        assert sum(row.trained for row in again) == 0


if __name__ == "__main__":
    main()
