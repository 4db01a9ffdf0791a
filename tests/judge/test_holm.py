"""Holm's adjustment against statsmodels', whose import would take longer than a comparison."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from amrobust.judge.claim import Claim
from amrobust.judge.family import holm, judged_together
from amrobust.judge.rules import Evidence
from amrobust.judge.samples import Refused

P = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 0.01, 0.05, 1.0]))
"""Some values often, so that there are ties."""


def by_statsmodels(p_values):
    # It collects garbage on every call, which takes long in a process as large as a whole suite's.
    with mock.patch("gc.collect"):
        return multipletests(p_values, method="holm")[1]


@given(st.lists(P, min_size=1, max_size=12))
def test_every_family_is_adjusted_as_by_statsmodels(p_values):
    expected = by_statsmodels(p_values)
    assert holm(p_values) == pytest.approx(expected.tolist(), rel=1e-12, abs=1e-15)


@given(st.lists(st.one_of(st.none(), P), min_size=1, max_size=12))
def test_a_refused_claim_counts_as_one_that_cannot_be_rejected(p_values):
    expected = by_statsmodels([1.0 if p is None else p for p in p_values])
    adjusted = holm(p_values)
    assert [q is None for q in adjusted] == [p is None for p in p_values]
    known = np.array([p is not None for p in p_values])
    assert [q for q in adjusted if q is not None] == pytest.approx(
        expected[known].tolist(), rel=1e-12, abs=1e-15
    )


def test_a_refused_claim_is_computed_once_and_the_others_at_the_rate_of_their_step():
    claim = Claim("better mean", "a", "b")
    calls = []

    def evidence(place, rate):
        calls.append((place, rate))
        if place == 1:
            return Evidence(claim, refusal=Refused("no seeds"))
        return Evidence(claim, p=(0.001, None, 0.9)[place], rate=rate)

    judged = judged_together(3, 0.06, evidence)
    assert [p for _, p in judged] == [pytest.approx(0.003), None, 1.0]
    assert [place for place, _ in calls].count(1) == 1
    assert [(place, rate.alpha) for place, rate in calls[3:]] == [
        (0, pytest.approx(0.02)),
        (2, pytest.approx(0.03)),
    ]
    assert judged[0][0].rate.claims(0.06) == 3
