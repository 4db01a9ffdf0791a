"""The four states of a value survive every way that curves take: memory, pickles, frames, files."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import amrobust
from amrobust.ingest.landing import foreign_facts
from amrobust.runs.axis import Axis, epochs
from amrobust.runs.curves import decode, encode
from amrobust.runs.metric import Metric
from amrobust.runs.values import ABSENT, absent, ends, not_finite, place, unmeasured_before_the_first

CELLS = st.floats(width=64) | st.sampled_from([ABSENT, np.nan, np.inf, -np.inf])
SEEDS = st.sets(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 20), min_size=1, max_size=4).map(sorted)


def same(one, other):
    return np.array_equal(one, other, equal_nan=True) and (absent(one) == absent(other)).all()


@settings(max_examples=100, deadline=None)
@given(st.data(), SEEDS, st.integers(1, 6))
def test_a_curves_file_has_them_to_the_bit_under_any_seed_of_64_bits(data, seeds, steps):
    row = st.lists(CELLS, min_size=steps, max_size=steps).map(np.array)
    curves = {seed: {"I": {name: data.draw(row) for name in ("acc", "loss")}} for seed in seeds}
    facts = foreign_facts("a", "w", [Metric("acc", "higher"), Metric("loss", "lower")], epochs(steps))
    back = decode(encode(curves, facts), seeds, facts)
    for name in ("acc", "loss"):
        assert same(back["I"][name], np.array([curves[seed]["I"][name] for seed in seeds]))
    assert encode(curves, facts) == encode(curves, facts)


def test_whoever_reads_the_file_sees_null_where_nothing_was_measured(tmp_path):
    import pyarrow.parquet

    facts = foreign_facts("a", "w", [Metric("acc", "higher")], epochs(3))
    path = tmp_path / "curves.parquet"
    path.write_bytes(encode({0: {"I": {"acc": np.array([1, np.nan, ABSENT])}}}, facts))
    cells = pyarrow.parquet.read_table(path)["acc"].to_pylist()
    assert cells[0] == 1
    assert np.isnan(cells[1])
    assert cells[2] is None


def test_copies_slices_pickles_and_frames_keep_it():
    curves = np.array([[1, ABSENT, np.nan], [ABSENT, 2, np.inf]])
    expected = [[False, True, False], [True, False, False]]
    for kept in (
        curves.copy(),
        pickle.loads(pickle.dumps(curves)),
        np.concatenate([curves[:1], curves[1:]]),
        np.array(curves.tolist()),
        np.where(curves > 0, curves, curves),
        np.asfortranarray(curves),
        pd.DataFrame(curves).to_numpy(),
    ):
        assert absent(kept).tolist() == expected
    assert absent(curves[:, ::-1]).tolist() == [row[::-1] for row in expected]
    assert not absent(np.nan)
    # R's own, as its arrays have it.
    assert absent(np.array([0x7FF00000000007A2], np.uint64).view(np.float64)).all()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([np.nan, np.nan, 1, np.nan], [True, True, False, False]),
        ([np.nan, np.inf, 1, np.nan], [True, False, False, False]),
        ([np.nan] * 4, [False] * 4),
        ([1, 2, 3, 4], [False] * 4),
    ],
)
def test_nan_before_the_first_value_was_not_measured(row, expected):
    assert absent(unmeasured_before_the_first([row])).tolist() == [expected]


def test_where_seeds_end_and_which_diverged():
    curves = np.array([[1, ABSENT, 3, ABSENT], [1, np.nan, ABSENT, ABSENT], [ABSENT] * 4, [1, 2, 3, -np.inf]])
    assert ends(curves).tolist() == [3, 2, 0, 4]
    assert not_finite(curves).tolist() == [False, True, False, True]
    assert same(
        place(np.array([2.0, 5]), np.array([7.0, 8]), np.array([1.0, 2, 5])), np.array([ABSENT, 7, 8])
    )


def test_a_masked_array_was_not_measured_under_its_mask_and_frames_have_no_row_for_it():
    given = np.ma.masked_array([[1.0, 2, 3], [4, 5, 6]], mask=[[0, 0, 1], [0, 0, 0]])
    runs = amrobust.Runs.from_arrays({"a": given}, metric="acc")
    assert absent(runs.arms[0].curves["acc"]).tolist() == [[False, False, True], [False] * 3]
    assert runs.arms[0].diverged == ()
    frame = runs.to_frame()
    assert list(zip(frame.seed, frame.epoch, frame.value, strict=True)) == [
        (0, 1, 1), (0, 2, 2), (1, 1, 4), (1, 2, 5), (1, 3, 6)
    ]  # fmt: skip
    assert runs.table()["acc_mean"].tolist() == [4]
    assert Axis.called("epoch", (1, 2, 3)) == runs.arms[0].axis
