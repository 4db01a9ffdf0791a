"""The announced rest of a batch of runs: after its first tenth it is within a factor of two of the true one."""

import heapq
from collections import deque
from itertools import count

import pytest

from amrobust.train.remaining import Remaining, Work

BEAT = 0.5


class Simulated:
    """Workers that train ``blocks`` of pairs one after another, and a clock.

    ``pace`` has the seconds of a pair's epoch in each run; ``startup`` is how long a worker takes to begin its first block, and
    ``beside`` what goes by between two blocks.
    """

    def __init__(self, works, pace, blocks, workers, startup=0.0, beside=0.0, beats=True, known=None):
        self.now = 0.0
        self.works, self.pace, self.blocks = works, pace, blocks
        self.workers, self.startup, self.beside, self.beats = workers, startup, beside, beats
        self.remaining = Remaining(known or works, workers, lambda: self.now)

    def said(self):
        """The true end, and what was announced when."""
        order, waiting, events, said = count(), deque(self.blocks), [], []

        def begin(at):
            if not waiting:
                return
            block = waiting.popleft()
            whole = sum(self.pace[run] * self.works[run].epochs for run, _ in block)
            when = BEAT
            while self.beats and when < whole:
                heapq.heappush(events, (at + when, next(order), block, when / whole, whole))
                when += BEAT
            heapq.heappush(events, (at + whole, next(order), block, 1.0, whole))

        for _ in range(self.workers):
            begin(self.startup)
        while events:
            self.now, _, block, share, whole = heapq.heappop(events)
            if share < 1:
                self.remaining.advanced(block, share, whole)
            else:
                for run, seed in block:
                    own = whole / len(block)
                    self.remaining.done((run, seed), own, len(block))
                begin(self.now + self.beside)
            said.append((self.now, self.remaining.seconds()))
        return self.now, said


def kinds(method, workload="digits"):
    return ((workload, method), workload)


def in_blocks(run, seeds, size):
    return [
        [(run, seed) for seed in range(first, min(first + size, seeds))] for first in range(0, seeds, size)
    ]


def interleaved(*each):
    return [block for row in zip(*each, strict=True) for block in row]


ONE = [Work(kinds("am1"), 30, 20)]
TWO = [Work(kinds("am1"), 30, 10), Work(kinds("am2"), 30, 10)]
SIZES = [Work(kinds("am1"), epochs, 6) for epochs in (10, 20, 80)]
TINY = [Work(kinds(f"msgd {run}"), 20, 2) for run in range(300)]

CASES = {
    "one by one": Simulated(ONE, [0.3], in_blocks(0, 20, 1), 1),
    "one stack": Simulated(ONE, [0.3], in_blocks(0, 20, 20), 1, startup=6),
    "two stacks": Simulated(ONE, [0.3], in_blocks(0, 20, 10), 2, startup=6),
    "two stacks, one after the other": Simulated(ONE, [0.3], in_blocks(0, 20, 10), 1),
    "three stacks on two workers": Simulated(ONE, [0.3], in_blocks(0, 21, 7), 2, startup=3),
    "as many workers as seeds": Simulated(ONE, [0.3], in_blocks(0, 20, 1), 20, startup=0.8),
    "two workers": Simulated(ONE, [0.3], in_blocks(0, 20, 1), 2, startup=4),
    "mixed costs": Simulated(TWO, [0.1, 0.9], interleaved(in_blocks(0, 10, 1), in_blocks(1, 10, 1)), 2),
    "mixed costs, the dear ones last": Simulated(
        TWO, [0.2, 0.6], [[(0, 0)], [(1, 0)], *in_blocks(0, 10, 1)[1:], *in_blocks(1, 10, 1)[1:]], 2
    ),
    "methods in one stack": Simulated(TWO, [0.1, 0.3], [[*in_blocks(0, 10, 10)[0], *in_blocks(1, 10, 10)[0]]], 2),
    "runs of several sizes": Simulated(
        SIZES, [0.1] * 3, [block for run in range(3) for block in in_blocks(run, 6, 1)], 2, startup=2
    ),
    "without a word before a seed is done": Simulated(ONE, [0.3], in_blocks(0, 20, 1), 2, beats=False),
    "runs that are over before they are heard of": Simulated(
        TINY, [0.0005] * 300, [block for run in range(300) for block in in_blocks(run, 2, 2)], 1, beside=0.06
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_after_a_tenth_of_the_time_the_rest_is_known_within_a_factor_of_two(case):
    end, said = case.said()
    told = [(at, seconds) for at, seconds in dict(said).items() if 0.1 * end <= at <= 0.95 * end]
    assert told[0][0] < 0.2 * end
    for at, seconds in told:
        assert seconds is not None, f"nothing is known after {at:.1f} s of {end:.1f}"
        assert 0.5 < seconds / (end - at) < 2, f"after {at:.1f} s of {end:.1f}: {seconds:.1f} s left"
    assert said[-1][1] == 0.0


def test_seeds_that_were_there_do_not_count():
    """Of 20 seeds 15 are found when the run begins: the announced rest is that of five."""
    case = Simulated(ONE, [0.3], [[(0, seed)] for seed in range(15, 20)], 1)
    case.remaining.started(0, 5)
    end, said = case.said()
    assert all(0.5 < seconds / (end - at) < 2 for at, seconds in said if 0.1 * end < at < 0.95 * end)


def test_the_time_left_follows_the_pace_of_what_was_trained():
    remaining = Remaining([Work(("m",), 1, 10)] * 3, 1, lambda: 0.0)
    assert remaining.seconds() is None
    for seed in range(5):
        remaining.done((0, seed), 2.0)
    assert remaining.seconds() == pytest.approx(25 * 2)
    assert remaining.trained == 5


def test_what_was_lost_with_its_worker_is_to_do_again_in_halves():
    now = [0.0]
    remaining = Remaining([Work(("m",), 1, 4)], 1, lambda: now[0])
    block = [(0, seed) for seed in range(4)]
    remaining.advanced(block, 0.75, 40.0)
    assert remaining.seconds() == pytest.approx(10)
    assert remaining.trained == pytest.approx(3)
    remaining.advanced(block[:2], 0.0, 0.0)
    remaining.advanced(block[:2], 0.5, 20.0)
    assert remaining.seconds() == pytest.approx(10 + 20)
    now[0] = 4.0
    assert remaining.seconds() == pytest.approx(6 + 20), "time goes by between two messages"


def test_failed_seeds_and_runs_that_ended_are_not_waited_for_and_tell_no_pace():
    remaining = Remaining([Work(("m",), 1, 2), Work(("n",), 1, 2)], 1, lambda: 0.0)
    remaining.done((0, 0), 0.0)
    assert remaining.seconds() is None
    remaining.ended(0)
    remaining.done((1, 0), 3.0)
    assert remaining.seconds() == pytest.approx(3)
    remaining.ended(1)
    assert remaining.seconds() == 0.0
