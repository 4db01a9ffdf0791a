"""kill -9: the same command afterwards completes, and gives what an undisturbed run gives, bit for bit."""

import itertools
import os
import random
import re
import signal
import time
from pathlib import Path

import pytest
from whole_runs import DIGITS, HERE, LOGISTIC, SHARED, numbers

from amrobust.runs.check import check_runs

RUNS = {
    "logistic": ("--opt", "am1", *LOGISTIC),
    "digits": ("--opt", "am1", *DIGITS, "--batching", "none"),
    "methods in one stack": ("--opt", "am1", "--opt", "msgd", "--opt", "am2", *SHARED),
}


def killed_at_random(server, whole, tmp_path, arguments, kills, rng):
    """Kill the run again and again, reading what it left each time; start another one whenever it gets to its end."""
    expected = whole(*arguments)
    started = time.monotonic()
    server.run("run", *arguments, *HERE, "--runs-dir", tmp_path / "timed")
    duration = time.monotonic() - started
    done = 0
    for turn in itertools.count():
        directory = tmp_path / str(turn)
        while done < kills:
            child = server.start(
                "run", *arguments, *HERE, "--runs-dir", directory, commit_interval=rng.choice([0.0, 0.1, 1.0])
            )
            time.sleep(rng.uniform(0, duration))
            child.kill()
            if child.wait() == 0:
                break
            done += 1
            if any(directory.glob("*/manifest.json")):
                assert numbers(directory).items() <= expected.items()
        status, output = server.run("run", *arguments, *HERE, "--runs-dir", directory)
        assert status == 0, output
        assert numbers(directory) == expected
        if done == kills:
            return


@pytest.mark.parametrize("name", RUNS)
def test_a_run_killed_at_random_moments(name, server, whole, tmp_path):
    killed_at_random(server, whole, tmp_path, RUNS[name], 4, random.Random(0))


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_a_run_killed_at_fifty_random_moments(name, server, whole, tmp_path):
    killed_at_random(server, whole, tmp_path, RUNS[name], 50, random.Random(1))


def killed_before_operations(server, whole, tmp_path, step):
    """Kill the run before its first operation on files, the ``step`` next one, and so on until it comes to its end."""
    arguments = ("--opt", "msgd", "--workload", "logistic", "--iterations", 20, "--seeds", 70)
    expected = whole(*arguments)
    for number in itertools.count(step=step):
        directory = tmp_path / str(number)
        command = ("run", *arguments, *HERE, "--runs-dir", directory)
        status, _ = server.run(*command, commit_interval=0.0, dies_at=number)
        if status == 0:
            assert number > 20
            return
        assert status == -9
        status, output = server.run(*command)
        assert status == 0, output
        assert numbers(directory) == expected
        (finding,) = check_runs([directory])
        left = sorted(path.name for path in finding.path.iterdir() if path.name != ".lock")
        # Killed after everything was committed but before the old curves were removed, a run has nothing left to do.
        assert len(left) == 2 or "left by a killed process" in finding.detail
        assert finding.state == "sound"


def test_a_run_killed_before_every_third_of_its_operations_on_files(server, whole, tmp_path):
    killed_before_operations(server, whole, tmp_path, 3)


@pytest.mark.slow
def test_a_run_killed_before_each_of_its_operations_on_files(server, whole, tmp_path):
    killed_before_operations(server, whole, tmp_path, 1)


def test_methods_in_one_stack_killed_before_every_fourth_operation_on_files(server, whole, tmp_path):
    """Between the commits of its runs too, when one of them is complete and the others are not."""
    arguments = ("--opt", "am1", "--opt", "msgd", *SHARED)
    expected = whole(*arguments)
    partly = 0
    for number in itertools.count(step=4):
        directory = tmp_path / str(number)
        command = ("run", *arguments, *HERE, "--runs-dir", directory)
        status, _ = server.run(*command, commit_interval=0.0, dies_at=number)
        if status == 0:
            break
        assert status == -9
        found = numbers(directory) if any(directory.glob("*/manifest.json")) else {}
        assert found.items() <= expected.items()
        partly += 0 < len(found) < len(expected)
        status, output = server.run(*command)
        assert status == 0, output
        assert numbers(directory) == expected
    assert partly, "never between the last commits of the two"


def workers_of(pid):
    """Process numbers of the workers of a pool of process ``pid``."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("processes cannot be listed here")
    found = []
    for child in children.read_text().split():
        if running(child):
            found.append(int(child))
    return found


def wait_until(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def seeds_done(child):
    """As its progress says."""
    return max((int(count) for count in re.findall(r"; (\d+)/\d+ seeds", child.output())), default=0)


def running(pid):
    """Whether there still is a process of this number, and it is a worker."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.slow
def test_killed_workers_and_then_their_parent(server, whole, tmp_path):
    arguments = ("--opt", "sgd", "--workload", "logistic", "--iterations", 400, "--seeds", 320)
    child = server.start("run", *arguments, "-j", 2, "--runs-dir", tmp_path, commit_interval=0.0)
    wait_until(lambda: seeds_done(child) > 0)
    first = workers_of(child.pid)
    assert len(first) == 2
    os.kill(first[0], signal.SIGKILL)
    wait_until(lambda: not any(map(running, first)))
    reached = seeds_done(child)
    wait_until(lambda: seeds_done(child) > reached)
    second = workers_of(child.pid)
    child.kill()
    assert child.wait() in (0, -9)
    wait_until(lambda: not any(map(running, second)))
    status, output = server.run("run", *arguments, *HERE, "--runs-dir", tmp_path)
    assert status == 0, output
    assert numbers(tmp_path) == whole(*arguments)
