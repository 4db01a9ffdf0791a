"""Tipping points: how many failing seeds would undo a verdict on spreads, checked by letting them fail."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import amrobust
from amrobust.errors import UserError
from amrobust.judge.claim import Claim
from amrobust.judge.compare import compare
from amrobust.judge.rules import Rules, Selection
from amrobust.judge.tipping import _fewest, tipping_words
from amrobust.runs.arms import Arm
from amrobust.runs.metric import Metric


def arm(name, curves, way="higher", **fields):
    curves = np.atleast_2d(np.asarray(curves, float).T).T
    return Arm(
        name,
        name,
        "w",
        tuple(range(len(curves))),
        {"value": curves},
        {"value": Metric("value", way)},
        **fields,
    )


def verdict(arms, kind, rules=None, **claim):
    claims = [Claim(kind, "a", "b", **claim)]
    (compared,) = compare(arms, Selection(baseline="b"), rules, claims=claims).groups
    return compared.verdicts[0]


@pytest.mark.parametrize("way", ["higher", "lower"])
@pytest.mark.parametrize("epochs", [1, 6])
@pytest.mark.parametrize("paired", [False, True])
def test_the_fewest_failing_seeds_undo_the_verdict_and_one_fewer_does_not(way, epochs, paired, rng):
    fields = {"pairing": "shared"} if paired else {}
    a, b = 0.15 * rng.normal(size=(12, epochs)), rng.normal(size=(12, epochs))
    kind = "less spread" if epochs == 1 else "less Avg. STD"
    arms = [arm("b", b, way, **fields), arm("a", a, way, **fields)]
    size = 0.6 if epochs == 1 else 1.2
    rules = Rules(failure=size)
    found = verdict(arms, kind, rules)
    assert found.outcome == "supported"
    point = found.tipping
    assert (point.method, point.of, point.like, point.size) == ("a", 12, None, size)
    assert point.missed == pytest.approx(1 - 0.05 ** (1 / 12))
    assert point.seeds is not None
    centre = np.median(a, axis=0)
    number = np.abs((a - centre).mean(axis=1))
    for seeds, outcome in ((point.seeds - 1, True), (point.seeds, False)):
        failed = a.copy()
        failed[np.argsort(number, kind="stable")[:seeds]] = centre + (-size if way == "higher" else size)
        again = verdict([arm("b", b, way, **fields), arm("a", failed, way, **fields)], kind)
        assert (again.outcome == "supported") == outcome


def test_without_a_declared_size_seeds_fail_like_the_worst_seen_of_either_method(rng):
    a, b = 0.2 * rng.normal(size=10), rng.normal(size=10)
    b[4] = np.median(b) - 5.0
    found = verdict([arm("b", b), arm("a", a)], "less spread")
    assert found.tipping.like == ("b", 4)
    assert found.tipping.size == pytest.approx(np.median(b) - b[4])
    assert found.tipping.seeds == 1
    words = tipping_words(found, Metric("value", "higher"), {"a": "Ours", "b": "Theirs"})
    assert "1 of 10 seeds of Ours" in words
    assert "seed 4 of Theirs" in words
    assert "a failure of 26 % of runs" in words


def test_a_refuted_claim_is_undone_by_the_baselines_failures(rng):
    a, b = rng.normal(size=12), 0.1 * rng.normal(size=12)
    found = verdict([arm("b", b), arm("a", a)], "less spread")
    assert (found.outcome, found.tipping.method) == ("refuted", "b")


def test_failures_too_small_to_matter_undo_nothing(rng):
    found = verdict(
        [arm("b", rng.normal(size=12)), arm("a", 0.1 * rng.normal(size=12))],
        "less spread",
        Rules(failure=1e-6),
    )
    assert found.tipping.seeds is None
    assert "not even half of the 12 seeds" in tipping_words(found, Metric("value", "higher"), {})


@pytest.mark.parametrize(
    ("kind", "scale", "outcome", "methods"),
    [
        ("comparable spread", 1.0, "supported", {"a", "b"}),
        ("comparable spread", 0.05, "refuted", {"a"}),
        ("comparable spread", 20.0, "refuted", {"b"}),
        ("no more spread", 0.5, "supported", {"a"}),
        ("no more spread", 20.0, "refuted", {"b"}),
    ],
)
def test_claims_with_a_margin_are_undone_by_the_side_that_could(kind, scale, outcome, methods):
    rng = np.random.default_rng(3)
    found = verdict(
        [arm("b", rng.normal(size=30)), arm("a", scale * rng.normal(size=30))],
        kind,
        Rules(failure=9.0),
        margin=2.5,
    )
    assert found.outcome == outcome
    assert found.tipping.method in methods


@pytest.mark.parametrize(("factor", "shift"), [(2.0**10, 0.0), (2.0**-20, 0.0), (1.0, 64.0)])
def test_a_change_of_unit_changes_no_tipping_point(factor, shift, rng):
    a, b = 0.3 * rng.normal(size=(10, 5)), rng.normal(size=(10, 5))
    one, other = (
        verdict([arm("b", f * b + s), arm("a", f * a + s)], "less Avg. STD").tipping
        for f, s in ((1, 0), (factor, shift))
    )
    assert other.seeds == one.seeds
    assert other.size == pytest.approx(factor * one.size)
    order = rng.permutation(10)
    moved = verdict([arm("b", b), arm("a", a[order])], "less Avg. STD").tipping
    assert replace(moved, like=None) == replace(one, like=None)


def test_only_decided_claims_on_spreads_have_one_and_parts_do(rng):
    a, b = 0.2 * rng.normal(size=10), rng.normal(size=10)
    parts = Claim("equivalent mean", "a", "b", margin=3.0), Claim("less spread", "a", "b")
    found = verdict([arm("b", b), arm("a", a)], "composite", parts=parts)
    assert [part.tipping is not None for part in found.parts] == [False, True]
    assert found.tipping is None
    assert verdict([arm("b", b), arm("a", rng.normal(size=10))], "less spread").tipping is None


def test_every_format_says_it(rng):
    from amrobust.report import FORMATS, render

    runs = {"sgd": rng.normal(90, 2, 10), "adam": rng.normal(90, 0.2, 10)}
    found = amrobust.compare(runs, metric="accuracy:higher", baseline="sgd", failure=4.0)
    for form in set(FORMATS) - {"csv", "json", "junit"}:
        assert "that failed (4.00 worse than its method's median) would undo this" in " ".join(
            render(found.data, form).replace("&#x27;", "'").replace("’", "'").split()
        ), form
    frame = found.table()
    assert frame.loc[frame.claim == "less spread", "tipping_seeds"].notna().all()
    with pytest.raises(UserError, match="failure"):
        amrobust.compare(runs, metric="accuracy:higher", failure=-1.0)


def test_failures_of_one_seed_are_tried_once_where_no_more_are_asked_for():
    asked = []

    def undone(seeds):
        asked.append(seeds)
        return False

    assert _fewest(undone, 1) is None
    assert asked == [1]


def test_tipping_points_are_found_on_one_thread_of_blas(monkeypatch):
    """As all other tests of a comparison are."""
    threads = []

    def seen(verdict, *_):
        threads.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return verdict

    monkeypatch.setattr("amrobust.judge.compare.with_tipping_points", seen)
    values = np.random.default_rng(1).normal(size=(2, 6))
    with threadpool_limits(2, user_api="blas"):
        compare([arm("b", values[0]), arm("a", values[1])], claims=[Claim("less spread", "a", "b")])
    assert set(threads) == {1}
