"""Fixtures used by the whole suite."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from shared_data import SHARED
from warm import Server

# Read by torch and NumPy when they are first imported, here and in the processes that tests start. Networks and matrices are
# small: a second thread brings nothing, and on a busy machine the threads wait for each other many times as long as they work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A first example pays for imports, and machines are busy: no test is about how long an example takes.
settings.register_profile("amrobust", deadline=None)
settings.load_profile("amrobust")


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: no collection of garbage looks at it again, half a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """A file of the shared development data by its relative path; skips the test where it is absent."""

    def find(relative: str) -> Path:
        path = SHARED / relative
        if not path.exists():
            pytest.skip(f"{relative} is not in the shared data folder (set AMROBUST_SHARED)")
        return path

    return find


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Starts processes that can be killed, with everything imported already."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    server = Server(tmp_path_factory.mktemp("logs"))
    yield server
    server.close()
