"""Fixtures used by the whole suite."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from shared_data import SHARED

# A first example pays for imports, and machines are busy: no test is about how long an example takes.
settings.register_profile("amrobust", deadline=None)
settings.load_profile("amrobust")


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """A file of the shared development data by its relative path; skips the test where it is absent."""

    def find(relative: str) -> Path:
        path = SHARED / relative
        if not path.exists():
            pytest.skip(f"{relative} is not in the shared data folder (set AMROBUST_SHARED)")
        return path

    return find
