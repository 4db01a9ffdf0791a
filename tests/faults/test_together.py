"""Several processes in one runs directory: every seed is trained once, and readers meet whole runs only."""

import itertools

from whole_runs import HERE, numbers

from amrobust.runs import open_runs

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
    seen = {"list": set(), "compare": set()}
    while any(writer.running() for writer in writers):
        if any(tmp_path.glob("*/manifest.json")):
            problems = open_runs([tmp_path])[1]
            assert not problems
            reads += 1
        command = "list" if reads % 10 == 0 else "compare" if reads % 10 == 5 else None
        if command is not None:
            status, output = server.run(command, tmp_path)
            for word in ("Traceback", "damaged", "missing", "cut off", "broken", "cannot be read"):
                assert word not in output
            assert status in (0, 2), output
            seen[command].add(status)
    for writer in writers:
        assert writer.wait() == 0, writer.output()
    assert reads > 2
    assert 0 in seen["list"]
    assert server.run("compare", tmp_path)[0] == 0
    expected = {}
    for arguments in GRID:
        expected |= whole(*arguments)
    assert numbers(tmp_path) == expected
