"""Fixtures of the claims tests."""

import numpy as np
import pytest
from made_up import arm, curves


@pytest.fixture
def rng():
    return np.random.default_rng(2026)


@pytest.fixture
def wide(rng):
    return arm("msgd", curves(rng, 20, 30, std=1.0))


@pytest.fixture
def narrow(rng):
    return arm("am1[m=5]/II", curves(rng, 20, 30, std=0.3))
