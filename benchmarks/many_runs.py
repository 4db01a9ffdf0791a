"""A directory of 10,000 runs x 20 seeds x 30 epochs: listing it, checking it, and comparing a few of them.

    python benchmarks/many_runs.py --help

Every command runs in a fresh process. Rounds are interleaved; medians of wall times and the most memory that a process had are
printed, and medians of the ratios to a peer that reads and parses every manifest with json.loads and does nothing with it.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from amrobust.runs.curves import describe_bytes, encode
from amrobust.runs.manifest import Manifest, Plan, RunMetadata, SeedRecord, identity
from amrobust.runs.metric import Metric
from amrobust.runs.provenance import session
from amrobust.runs.spec import Spec
from amrobust.runs.store import directory_name
from amrobust.runs.summary import INDEX

TARGETS = {"list, with an index": 2.0, "compare of a selection": 5.0}
PEER = "json.loads of every manifest"
PEER_CODE = (
    "import json, sys; from pathlib import Path\n"
    "for path in Path(sys.argv[1]).glob('*/manifest.json'): json.loads(path.read_bytes())"
)
DIFFERENT = 20
"""So many curves are made; the runs share them in turn."""


def make_runs(directory, runs, seeds=20, epochs=30):
    """Finished runs of one optimizer that differ in their learning rate, written without waiting for the disk."""
    facts = RunMetadata(
        x0_digest="0" * 64, data_digest="d" * 64, outputs=("I",), methods={"I": "msgd"},
        metrics=(Metric("test_accuracy", "higher", "%"), Metric("test_loss", "lower", "")), epochs=epochs, steps_per_epoch=75,
        first_output_epoch={"I": 1}, workload_label="digits", versions={}, device="cpu", code={},
    )  # fmt: skip
    made = replace(session(facts, "processes", None), seeds=seeds, wall_seconds=1.25 * seeds)
    plan = Plan(tuple(range(seeds)), made.when, 0, extends=False)
    records = {seed: SeedRecord("complete", wall_seconds=1.25) for seed in range(seeds)}
    bodies = []
    for place in range(DIFFERENT):
        noise = np.random.default_rng(place).normal(90, 1 + place % 3, size=(seeds, 2, epochs))
        curves = {s: {"I": {"test_accuracy": noise[s, 0], "test_loss": noise[s, 1]}} for s in range(seeds)}
        bodies.append(encode(curves, facts))
    files = [describe_bytes(data) for data in bodies]
    for place in range(runs):
        lr = round(1e-4 * (place + 1), 8)
        spec = Spec("digits", {"epochs": epochs}, "msgd", {"lr": lr})
        of_run = replace(facts, methods={"I": f"msgd[lr={lr:g}]"})
        key = identity(spec, of_run)
        entry = files[place % DIFFERENT]
        made_of = Manifest(key, spec, of_run, records, (plan,), (made,), entry)
        path = directory / directory_name(made_of)
        path.mkdir(parents=True)
        (path / entry.file).write_bytes(bodies[place % DIFFERENT])
        (path / "manifest.json").write_bytes(made_of.to_json())


def measured(command):
    """Wall time in seconds and the most memory in MB of a process that must end well."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, command[:4]
    return time.perf_counter() - started, used.ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--selected", type=int, default=50, help="runs that are compared [default: 50]")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        started = time.perf_counter()
        make_runs(directory, arguments.runs)
        print(f"{arguments.runs:,} runs made in {time.perf_counter() - started:.1f} s")
        selection = [str(path) for path in sorted(directory.iterdir())[: arguments.selected]]
        amrobust = [sys.executable, "-c", "from amrobust.cli import main; main()"]
        commands = {
            PEER: [sys.executable, "-c", PEER_CODE, name],
            "list, without an index": [*amrobust, "list", name],
            "list, with an index": [*amrobust, "list", name],
            "show by the beginning of a name": [
                *amrobust,
                "show",
                Path(selection[0]).name[:-2],
                "--runs-dir",
                name,
            ],
            "check": [*amrobust, "check", name],
            "compare of a selection": [*amrobust, "compare", *selection],
        }
        rounds = []
        for _ in range(arguments.rounds):
            (directory / INDEX).unlink(missing_ok=True)
            rounds.append({what: measured(command) for what, command in commands.items()})
    for what in commands:
        seconds = statistics.median(found[what][0] for found in rounds)
        memory = max(found[what][1] for found in rounds)
        ratio = statistics.median(found[what][0] / found[PEER][0] for found in rounds)
        target = f", target {TARGETS[what]:g} s" if what in TARGETS else ""
        print(f"{what:<32} {seconds:6.2f} s{target}; {memory:4.0f} MB; {ratio:5.2f} x {PEER}")


if __name__ == "__main__":
    main()
