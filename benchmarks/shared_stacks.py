"""Several methods with few seeds, in stacks of their own and in one: python benchmarks/shared_stacks.py

Four learning rates of M-SGD on `digits`. Time of the CPU for one epoch of all seeds, on one thread: in stacks of half the seeds
of a method, of all of them, of those of two methods and of those of all four. Rounds are interleaved, and each way is warmed up
once; medians of the times, and of the ratios to the first way within a round, are printed.
"""

import argparse
import statistics
import time

from amrobust.train.prepare import make_spec
from amrobust.train.stacking.trainer import train_stack
from amrobust.train.training import one_thread

LEARNING_RATES = (0.1, 0.05, 0.03, 0.01)
MOST = 12
"""Seeds in a stack that is tried."""


def ways(specs, seeds):
    half = seeds // 2
    found = {
        "half a method": [
            [(spec, seed) for seed in part]
            for spec in specs
            for part in (range(half), range(half, seeds))
            if part
        ]
    }
    for methods, name in ((1, "a method"), (2, "two methods"), (4, "four methods")):
        if methods * seeds <= MOST:
            found[name] = [
                [(spec, seed) for spec in specs[first : first + methods] for seed in range(seeds)]
                for first in range(0, len(specs), methods)
            ]
    return found


def cpu_seconds(stacks):
    started = time.process_time()
    for entries in stacks:
        train_stack(entries)
    return time.process_time() - started


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=["mlp", "cnn"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[3, 5])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    for model in given.models:
        params = {"epochs": 1, "lr_drops": 0, "model": model, "batch_size": given.batch_size}
        specs = [make_spec("digits", "msgd", params, {"lr": lr}) for lr in LEARNING_RATES]
        for seeds in given.seeds:
            tried = ways(specs, seeds)
            times = {way: [] for way in tried}
            with one_thread():
                for stacks in tried.values():
                    train_stack(stacks[0])
                for _ in range(given.rounds):
                    for way, stacks in tried.items():
                        times[way].append(cpu_seconds(stacks))
            for way, found in times.items():
                ratio = statistics.median(a / b for a, b in zip(times["half a method"], found, strict=True))
                print(
                    f"{model:8} {seeds} seeds  {way:14} {statistics.median(found):6.2f} s {ratio:6.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
