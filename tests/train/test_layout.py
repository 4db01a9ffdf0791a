"""Layouts: which seeds train together, and that a run goes on in the layout it began in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amrobust.errors import UserError
from amrobust.runs.manifest import Layout
from amrobust.train.layout import evenly, plan_groups, plan_layout
from amrobust.train.prepare import make_spec

DIGITS, CONVEX = make_spec("digits", "sgd"), make_spec("logistic", "sgd")


def sizes(layout):
    return [len(block) for block in layout.blocks]


def test_one_by_one_is_blocks_of_one():
    for spec in (DIGITS, CONVEX):
        assert plan_layout(spec, [3, 4], batching="none").blocks == ((3,), (4,))


def test_networks_are_split_evenly_over_the_workers():
    layout = plan_layout(DIGITS, range(20), workers=2)
    assert layout.batching == "stack"
    assert layout.blocks == (tuple(range(10)), tuple(range(10, 20)))
    assert sizes(plan_layout(DIGITS, range(20), workers=3)) == [6, 7, 7]
    assert sizes(plan_layout(DIGITS, range(2), workers=4)) == [1, 1]


def test_convex_seeds_go_in_blocks_whatever_the_workers():
    assert sizes(plan_layout(CONVEX, range(130), workers=7)) == [64, 64, 2]


@given(st.integers(1, 200), st.integers(1, 9), st.integers(1, 20))
def test_blocks_hold_every_seed_once_and_keep_the_workers_busy(count, workers, most):
    blocks = evenly(range(count), workers, most)
    assert [seed for block in blocks for seed in block] == list(range(count))
    assert max(map(len, blocks)) - min(map(len, blocks)) <= 1
    assert max(map(len, blocks)) <= most
    assert len(blocks) % workers == 0 or len(blocks) == count < workers * -(-count // (workers * most))


class TestOnARunThatExists:
    RECORDED = Layout("stack", ((0, 1, 2), (3, 4)))

    def test_what_is_left_of_a_block_is_trained_as_that_block(self):
        layout = plan_layout(DIGITS, [2, 4, 5, 6], workers=1, recorded=self.RECORDED)
        assert layout.blocks == ((0, 1, 2), (3, 4), (5, 6))

    def test_other_seeds_follow_the_method_of_the_run(self):
        one_by_one = Layout("none", ())
        assert plan_layout(DIGITS, [5, 6], recorded=one_by_one) == Layout("none", ((5,), (6,)))

    def test_a_run_older_than_layouts_was_made_one_by_one_or_in_convex_blocks(self):
        unknown = Layout(None, ())
        assert plan_layout(DIGITS, [5, 6], recorded=unknown).blocks == ((5,), (6,))
        assert sizes(plan_layout(CONVEX, range(65), recorded=unknown)) == [64, 1]

    def test_another_batching_than_that_of_the_run_wins(self):
        assert plan_layout(DIGITS, [2, 4], batching="none", recorded=self.RECORDED).blocks == ((2,), (4,))
        one_by_one = Layout("none", ())
        assert plan_layout(DIGITS, [2, 4], batching="stack", recorded=one_by_one).blocks == ((2, 4),)

    def test_the_batching_that_it_was_made_with_changes_nothing(self):
        layout = plan_layout(DIGITS, [2, 4], batching="stack", recorded=self.RECORDED)
        assert layout.blocks == self.RECORDED.blocks


def test_unknown_batching_names_the_known():
    with pytest.raises(UserError, match="auto, none, stack"):
        plan_layout(DIGITS, [0], batching="all")


class TestCompanies:
    """Which methods share stacks."""

    SPECS = tuple(make_spec("digits", "sgd", {}, {"lr": lr}) for lr in (0.1, 0.2, 0.3, 0.4))

    def test_as_few_stacks_as_keep_the_workers_busy(self):
        assert plan_groups(self.SPECS, 3, workers=1) == [(0, 1), (2, 3)], "ten seeds at most"
        assert plan_groups(self.SPECS, 2, workers=1) == [(0, 1, 2, 3)]
        assert plan_groups(self.SPECS, 2, workers=2) == [(0, 1), (2, 3)]
        assert plan_groups(self.SPECS, 2, workers=4) == [(0,), (1,), (2,), (3,)]

    def test_none_where_they_do_not_fit_or_workers_would_be_idle(self):
        assert plan_groups(self.SPECS, 6, workers=1) == []
        assert plan_groups(self.SPECS, 2, workers=5) == []
        assert plan_groups(self.SPECS[:1], 2, workers=1) == []
        assert plan_groups(self.SPECS, 2, batching="none") == []
        assert plan_groups([CONVEX, make_spec("logistic", "msgd")], 2) == []

    def test_other_workloads_are_other_stacks_and_have_their_share_of_the_workers(self):
        longer = tuple(
            make_spec("digits", spec.optimizer, {"epochs": 9}, spec.hyperparameters) for spec in self.SPECS
        )
        assert plan_groups((*self.SPECS, *longer, CONVEX), 2, workers=2) == [(0, 1, 2, 3), (4, 5, 6, 7)]

    def test_optimizers_that_cannot_be_stacked_stay_alone(self):
        mixing = make_spec("digits", "adafactor")
        assert plan_groups((self.SPECS[0], mixing, self.SPECS[1]), 2) == [(0, 2)]

    def test_another_batching_is_refused(self):
        with pytest.raises(UserError, match="auto, none, stack"):
            plan_groups(self.SPECS, 2, batching="all")
