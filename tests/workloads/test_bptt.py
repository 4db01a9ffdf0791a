"""Windows over a text: they cover it once, their lengths have the stated law, and the rate follows the length."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amrobust.workloads import ptb


def test_columns_are_read_downwards():
    assert ptb.columns(np.arange(11), 3).tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    with pytest.raises(ValueError, match="3 tokens"):
        ptb.columns(np.arange(3), 2)


def check_cover(windows, steps):
    assert windows[0][0] == 0
    assert windows[-1][1] == steps - 1
    assert all(before[1] == after[0] for before, after in pairwise(windows))
    assert all(start < end for start, end in windows)


@given(st.integers(2, 3000), st.integers(1, 100), st.integers(0, 2**32))
def test_windows_cover_every_input_once(steps, length, seed):
    check_cover(ptb.fixed_windows(steps, length), steps)
    check_cover(ptb.random_windows(steps, length, np.random.default_rng(seed)), steps)


def test_lengths_have_their_law():
    windows = ptb.random_windows(1_000_000, 70, np.random.default_rng(0))[:-1]
    lengths = np.array([end - start for start, end in windows])
    usual = lengths > 52
    assert abs(usual.mean() - 0.95) < 0.01
    assert abs(lengths[usual].mean() - 69.5) < 0.2
    assert abs(lengths[~usual].mean() - 34.5) < 0.8
    assert abs(lengths[usual].std() - 5) < 0.15
    assert ptb.expected_windows(1_000_000, 70) == pytest.approx(len(windows), rel=0.01)


def test_no_window_but_the_last_is_shorter_than_five():
    windows = ptb.random_windows(2000, 6, np.random.default_rng(0))
    lengths = [end - start for start, end in windows]
    assert min(lengths[:-1]) == 5


def test_the_generator_alone_decides():
    one, same, other = (ptb.random_windows(5000, 70, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_the_rate_follows_the_length():
    assert ptb.rescaled_rate(30.0, (100, 135), 70) == pytest.approx(15.0)
    assert ptb.rescaled_rate(2.5, (0, 70), 70) == 2.5
