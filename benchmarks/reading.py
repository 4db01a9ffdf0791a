"""Reading a large CSV table (a row per step, a column per metric): python benchmarks/reading.py --help

Every reading runs in a fresh process, which says how long it took once everything was imported, and the most memory that it
ever had. Rounds are interleaved; medians of wall times are printed, medians of the ratios to `pandas.read_csv` alone, which
gives a table and decides nothing about it, and memory as a multiple of the numbers in the table, 8 bytes each.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

METRICS = ("train_loss", "val_loss", "val_acc", "grad_norm", "reward")
MOST_MEMORY, MOST_TIME = 3.0, 2.0
PEER = "pandas.read_csv"
MEASURED = """
import resource, sys, time
{imports}
before = time.perf_counter()
{statement}
seconds = time.perf_counter() - before
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""
CONTESTS = {
    PEER: ("import pandas", "table = pandas.read_csv(sys.argv[1])"),
    "amrobust.load": (
        "from amrobust import load; import amrobust.ingest.load, amrobust.ingest.csv_blocks, pyarrow.csv",
        "runs = load(sys.argv[1])",
    ),
    "amrobust.compare": (
        "import amrobust; import pyarrow.csv, scipy.stats",
        "runs = amrobust.compare(sys.argv[1], metric='val_loss', baseline='m0')",
    ),
}


def make_table(path, megabytes, methods, seeds):
    """A table of about that size; gives how many of its cells are numbers."""
    width = len("m0,10,100000\n") + len(METRICS) * len(",0.123456789")
    steps = int(megabytes * 1e6 / width / methods / seeds)
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write(f"method,seed,step,{','.join(METRICS)}\n")
        for method in range(methods):
            for seed in range(seeds):
                for start in range(0, steps, 20_000):
                    values = rng.random((min(20_000, steps - start), len(METRICS))).tolist()
                    file.writelines(
                        f"m{method},{seed},{step}," + ",".join([f"{value:.9f}" for value in row]) + "\n"
                        for step, row in enumerate(values, start + 1)
                    )
    return methods * seeds * steps * (len(METRICS) + 2)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--methods", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compare", action="store_true", help="Measure a whole comparison too.")
    arguments = parser.parse_args()
    contests = {name: c for name, c in CONTESTS.items() if arguments.compare or name != "amrobust.compare"}
    found = {name: [] for name in contests}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        numbers = make_table(path, arguments.megabytes, arguments.methods, arguments.seeds)
        print(f"{path.stat().st_size / 1e6:.0f} MB, {numbers:,} numbers: {8 * numbers / 1e6:.0f} MB")
        for _ in range(arguments.rounds):
            for name, (imports, statement) in contests.items():
                code = MEASURED.format(imports=imports, statement=statement)
                command = [sys.executable, "-c", code, str(path)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found[name].append(tuple(map(float, done.stdout.split())))
    for name, measured in found.items():
        seconds = [time for time, _ in measured]
        ratio = statistics.median(t / peer for t, (peer, _) in zip(seconds, found[PEER], strict=True))
        memory = max(most for _, most in measured)
        aims = f" (aims: {MOST_TIME:g} and {MOST_MEMORY:g})" if name == "amrobust.load" else ""
        print(
            f"{name:18} {statistics.median(seconds):7.2f} s (fastest {min(seconds):.2f}), {ratio:.2f} x {PEER}; "
            f"{memory / 1e6:.0f} MB, {memory / 8 / numbers:.2f} x its numbers{aims}"
        )


if __name__ == "__main__":
    main()
