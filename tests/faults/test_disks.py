"""Disks that are full, read-only or gone: one clear line, status 1, and everything recorded earlier is intact."""

import os
import shutil
import signal
import subprocess
import time

import pytest
from whole_runs import HERE, numbers

SMALL = ("--opt", "sgd", "--workload", "logistic", "--iterations", 100, "--seeds", 10)
LARGE = ("--opt", "am1", "--workload", "logistic", "--iterations", 1000, "--seeds", 130)


def wait_for(child, text):
    end = time.monotonic() + 240
    while text not in child.output():
        assert time.monotonic() < end, child.output()
        time.sleep(0.01)


def run(server, arguments, directory, **settings):
    return server.run("run", *arguments, *HERE, "--runs-dir", directory, **settings)


def assert_one_clear_line(status, output, *texts):
    assert status == 1
    assert "Traceback" not in output
    (line,) = [line for line in output.splitlines() if line.startswith("Error:")]
    for text in texts:
        assert text in line


def assert_earlier_runs_are_intact(server, whole, directory):
    status, output = server.run("list", directory)
    assert status == 0, output
    assert "10/10" in output
    small = whole(*SMALL)
    assert small.items() <= numbers(directory).items()
    assert server.run("check", directory)[0] == 0


def test_a_full_disk(server, whole, disk):
    directory = disk("64k")
    assert run(server, SMALL, directory)[0] == 0
    status, output = run(server, LARGE, directory, commit_interval=0.0)
    assert_one_clear_line(status, output, "No space left on device", "free some space", "is kept")
    assert_earlier_runs_are_intact(server, whole, directory)
    subprocess.run(["mount", "-o", "remount,size=10m", directory], check=True)
    assert run(server, LARGE, directory)[0] == 0
    assert numbers(directory) == whole(*SMALL) | whole(*LARGE)


def test_files_that_may_not_grow(server, whole, tmp_path):
    assert run(server, SMALL, tmp_path)[0] == 0
    status, output = run(server, LARGE, tmp_path, commit_interval=0.0, most_bytes=40_000)
    assert_one_clear_line(status, output, "File too large")
    assert_earlier_runs_are_intact(server, whole, tmp_path)
    assert run(server, LARGE, tmp_path)[0] == 0
    assert numbers(tmp_path) == whole(*SMALL) | whole(*LARGE)


@pytest.fixture
def read_only(request, tmp_path):
    """Makes a directory read-only: by its file system for root, whom permissions do not stop, else by its permissions."""
    if os.geteuid() == 0:
        directory = request.getfixturevalue("disk")("1m")
        yield directory, lambda: subprocess.run(["mount", "-o", "remount,ro", directory], check=True)
    else:
        directory = tmp_path / "runs"
        directory.mkdir()
        yield directory, lambda: [path.chmod(0o555) for path in (directory, *directory.iterdir())]
        for path in (directory, *directory.iterdir()):
            path.chmod(0o755)


def test_a_read_only_directory(server, whole, read_only):
    directory, protect = read_only
    assert run(server, SMALL, directory)[0] == 0
    protect()
    assert_one_clear_line(*run(server, LARGE, directory), "cannot write to", "--runs-dir")
    assert_one_clear_line(*run(server, (*SMALL[:-1], 11), directory), "cannot write to", "--runs-dir")
    assert_earlier_runs_are_intact(server, whole, directory)
    assert server.run("compare", directory)[0] == 0, "it was read"
    status, output = run(server, SMALL, directory)
    assert status == 0, "what is finished needs no writing"
    assert "nothing left to train" in output


def test_a_directory_that_vanishes(server, whole, tmp_path):
    kept, gone = tmp_path / "kept", tmp_path / "gone"
    assert run(server, SMALL, kept)[0] == 0
    child = server.start("run", *LARGE, *HERE, "--runs-dir", gone, commit_interval=0.0)
    wait_for(child, "64/130 seeds")
    child.send(signal.SIGSTOP)
    shutil.rmtree(gone)
    child.send(signal.SIGCONT)
    assert_one_clear_line(child.wait(), child.output(), "moved or deleted", "starts again")
    assert not gone.exists()
    assert_earlier_runs_are_intact(server, whole, kept)
    assert run(server, LARGE, gone)[0] == 0
    assert numbers(gone) == whole(*LARGE)


def test_a_directory_that_another_process_makes_again_is_left_to_it(server, whole, tmp_path):
    command = ("run", *LARGE, *HERE, "--runs-dir", tmp_path / "runs")
    first = server.start(*command, commit_interval=0.0)
    wait_for(first, "64/130 seeds")
    (tmp_path / "runs").rename(tmp_path / "moved")
    second = server.start(*command, commit_interval=0.0)
    assert_one_clear_line(first.wait(), first.output(), "moved or deleted")
    assert second.wait() == 0
    assert numbers(tmp_path / "runs") == whole(*LARGE)
    assert numbers(tmp_path / "moved").items() < whole(*LARGE).items()
