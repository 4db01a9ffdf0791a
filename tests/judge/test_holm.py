"""Holm's adjustment against statsmodels', whose import would take longer than a comparison."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from amrobust.judge.evidence import holm

P = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 0.01, 0.05, 1.0]))
"""Some values often, so that there are ties."""


@given(st.lists(P, min_size=1, max_size=12))
def test_every_family_is_adjusted_as_by_statsmodels(p_values):
    expected = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == pytest.approx(expected.tolist(), rel=1e-12, abs=1e-15)


@given(st.lists(st.one_of(st.none(), P), min_size=1, max_size=12))
def test_a_refused_claim_counts_as_one_that_cannot_be_rejected(p_values):
    expected = multipletests([1.0 if p is None else p for p in p_values], method="holm")[1]
    adjusted = holm(p_values)
    assert [q is None for q in adjusted] == [p is None for p in p_values]
    known = np.array([p is not None for p in p_values])
    assert [q for q in adjusted if q is not None] == pytest.approx(
        expected[known].tolist(), rel=1e-12, abs=1e-15
    )
