"""What each source of randomness makes of a method's spread."""

import dataclasses

import numpy as np
import pytest
from made_up import arm

from amrobust import stats
from amrobust.judge.compare import compare
from amrobust.report.remarks import source_sentence


@pytest.fixture
def groups():
    rng = np.random.default_rng(3)

    def of(name, vary, scale):
        values = 90 + scale * rng.normal(size=(12, 6))
        made = arm(name, values, vary=vary)
        return dataclasses.replace(made, workload=f"w[vary={vary}]" if vary else "w")

    return [of(name, vary, scale) for vary, scale in ((None, 1.0), ("order", 0.5)) for name in ("a", "b")]


def test_the_shares_are_ratios_to_the_runs_in_which_all_streams_vary(groups):
    whole, single = compare(groups).groups
    assert whole.sources == ()
    assert [(share.method, share.stream) for share in single.sources] == [("a", "order"), ("b", "order")]
    metric = single.metric.name
    x, y = (groups[place].curves[metric] for place in (2, 0))
    share = single.sources[0]
    assert share.final == stats.spread_ratio(x[:, -1], y[:, -1])
    assert share.avg_std == stats.spread_ratio(x, y)
    assert share.avg_std.estimate == pytest.approx(0.5, rel=0.3)


def test_there_are_none_without_runs_in_which_all_vary(groups):
    (compared,) = compare(groups[2:]).groups
    assert compared.sources == ()


def test_the_sentence_gives_variance_and_spread_with_intervals(groups):
    share = compare(groups).groups[1].sources[0]
    sentence = source_sentence(share)
    assert sentence.startswith("a: the order of the data alone makes ")
    assert (
        f"{share.final.estimate**2:.0%} of the variance of final values [{share.final.low**2:.0%}, "
        in sentence
    )
    assert f"an Avg. STD of {share.avg_std.estimate:.2f} times that of all together" in sentence


def test_a_source_that_diverges_has_no_share(groups):
    metric = next(iter(groups[2].curves))
    broken = groups[2].curves[metric].copy()
    broken[0, 3:] = np.nan
    groups[2] = dataclasses.replace(groups[2], curves={metric: broken}, diverged=(0,))
    share = compare(groups).groups[1].sources[0]
    assert (share.final, share.avg_std) == (None, None)
    assert "cannot be estimated" in source_sentence(share)


def test_the_reader_is_told_which_source_it_is(groups):
    _, single = compare(groups).groups
    assert any(
        c.kind == "one-stream-varies" and "the order of the data" in c.message for c in single.warnings
    )
