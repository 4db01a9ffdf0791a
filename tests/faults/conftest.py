"""Undisturbed runs to compare with, and small disks."""

import os
import subprocess

import pytest
from whole_runs import HERE, numbers


@pytest.fixture(scope="session")
def whole(server, tmp_path_factory):
    """The numbers of a command that nothing disturbs, made once a session."""
    made = {}

    def get(*arguments):
        if arguments not in made:
            directory = tmp_path_factory.mktemp("whole")
            status, output = server.run("run", *arguments, *HERE, "--runs-dir", directory)
            assert status == 0, output
            made[arguments] = numbers(directory)
        return made[arguments]

    return get


def mount(*arguments):
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path):
    """Mounts a small file system of its own; skips where that is not permitted."""
    mounted = []

    def make(size):
        path = tmp_path / f"disk{len(mounted)}"
        path.mkdir()
        if os.geteuid() != 0 or not mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)):
            pytest.skip("mounting a file system is not permitted here")
        mounted.append(path)
        return path

    yield make
    for path in mounted:
        subprocess.run(["umount", "-l", str(path)], check=True)
