"""Several processes in one runs directory: every seed is trained once, and readers meet whole runs only."""

import itertools

import numpy as np
from whole_runs import HERE, SHARED, numbers

from amrobust.runs.store import open_runs

GRID = [
    ("--opt", opt, "--workload", "logistic", "--iterations", 100, "--seeds", seeds)
    for opt, seeds in (("sgd", 150), ("msgd", 140), ("am1", 200), ("am2", 130))
]


def test_four_processes_run_overlapping_grids_while_others_read(server, whole, tmp_path):
    orders = list(itertools.permutations(GRID))[::6][:4]
    writers = [
        server.start(
            *[["run", *arguments, *HERE, "--runs-dir", tmp_path] for arguments in order], commit_interval=0.0
        )
        for order in orders
    ]
    reads = 0
    while any(writer.running() for writer in writers):
        begun = any(tmp_path.glob("*/manifest.json"))
        if begun:
            problems = open_runs([tmp_path])[1]
            assert not problems
        reads += 1
        command = {1: "list", 6: "compare"}.get(reads % 10)
        if command is not None:
            status, output = server.run(command, tmp_path)
            for word in ("Traceback", "damaged", "missing", "cut off", "broken", "cannot be read"):
                assert word not in output
            # Before the first manifest there is nothing to list, and a comparison may still lack its second method.
            assert status == 0 or (status == 2 and not (begun and command == "list")), output
    for writer in writers:
        assert writer.wait() == 0, writer.output()
    assert reads > 2
    assert server.run("list", tmp_path)[0] == 0
    assert server.run("compare", tmp_path)[0] == 0
    expected = {}
    for arguments in GRID:
        expected |= whole(*arguments)
    assert numbers(tmp_path) == expected


def test_grids_that_share_stacks_and_overlap(server, whole, tmp_path):
    """Whoever comes first decides on a run's company: every seed is trained once, and is what it would be to rounding."""
    methods = ["am1", "am2", "msgd", "sgd"]
    writers = [
        server.start(
            "run", *(word for opt in (*methods[turn:], *methods[:turn])[:3] for word in ("--opt", opt)),
            *SHARED, *HERE, "--runs-dir", tmp_path, commit_interval=0.0,
        )
        for turn in range(4)
    ]  # fmt: skip
    for writer in writers:
        assert writer.wait() == 0, writer.output()
    found = numbers(tmp_path)
    expected = whole(*(word for opt in methods for word in ("--opt", opt)), *SHARED)
    assert found.keys() == expected.keys()
    for key, curve in expected.items():
        tolerance = 0.2 if key[3] == "test_accuracy" else 1e-4
        one, other = (np.frombuffer(curve) for curve in (curve, found[key]))
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=tolerance, err_msg=str(key))
