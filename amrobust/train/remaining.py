"""How long a batch of runs still takes: work that is left, at the pace of what was seen, on the workers that there are.

Everything is counted in pairs of a run and a seed. What a pair costs is the product of its epochs and a pace, which is that of
its method and workload as soon as any of it was seen, else that of what is most like it.
"""

from __future__ import annotations

import heapq
import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat

MOST_UNITS = 500
"""Blocks that are dealt out to the workers one by one; of more, what the last one does matters little."""

WINDOW = 50
"""Finished blocks whose times tell how much of the workers' time is spent beside training."""

ENOUGH = 10
"""So many finished blocks are needed to tell it."""

Pair = tuple[int, int]
"""The number of a run in its batch, and a seed."""


@dataclass(frozen=True)
class Work:
    """What one run of a batch asks for."""

    kinds: tuple[Hashable, ...]
    """What its cost may be known by, the narrowest first: method and workload, …, workload."""
    epochs: float
    """Of one seed, or another measure of its length that runs of a kind share."""
    pairs: int
    """Seeds that it lacks, as far as that is known before it begins."""


@dataclass(frozen=True)
class _Block:
    """Pairs that are being trained as one."""

    pairs: tuple[Pair, ...]
    share: float
    seconds: float
    heard: float


class Remaining:
    """Told what happens to the runs of ``works`` on so many ``workers``; knows what is done, and how long the rest takes."""

    def __init__(
        self, works: Sequence[Work], workers: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.works, self.workers, self.clock = works, workers, clock
        self.left = [work.pairs for work in works]
        self.finished = 0
        """Pairs that were trained, or have failed."""
        self._seen: defaultdict[Hashable, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._blocks: dict[Pair, _Block] = {}
        self._sizes = [0, 0]
        self._ends: deque[tuple[float, float]] = deque(maxlen=WINDOW)

    def started(self, run: int, missing: int) -> None:
        """The run begins, and lacks so many seeds."""
        self.left[run] = missing

    def advanced(self, pairs: Iterable[Pair], share: float, seconds: float) -> None:
        """Of the block of ``pairs`` a ``share`` is done, at a pace by which all of it takes ``seconds``; 0 if not known yet."""
        block = _Block(tuple(pairs), share, seconds, self.clock())
        for pair in block.pairs:
            # What was lost with its worker is tried again, in halves perhaps.
            for other in self._blocks[pair].pairs if pair in self._blocks else ():
                self._blocks.pop(other, None)
        self._blocks.update(zip(block.pairs, repeat(block)))

    def done(self, pair: Pair, seconds: float, stack: int = 1) -> None:
        """A pair was trained in ``seconds`` of its own, beside others in a ``stack``; 0 where it failed."""
        self.finished += 1
        self.left[pair[0]] -= 1
        self._blocks.pop(pair, None)
        if seconds <= 0:
            return
        self._sizes = [self._sizes[0] + 1, self._sizes[1] + stack]
        work = self.works[pair[0]]
        for kind in (*work.kinds, None):
            seen = self._seen[kind]
            seen[0] += seconds
            seen[1] += work.epochs
        now = self.clock()
        if self._ends and self._ends[-1][0] == now:
            seconds += self._ends.pop()[1]
        self._ends.append((now, seconds))

    def ended(self, run: int) -> None:
        """Nothing more comes of the run."""
        self.left[run] = 0
        self._blocks = {pair: block for pair, block in self._blocks.items() if pair[0] != run}

    @property
    def trained(self) -> float:
        """Pairs that are finished, and the shares of those under way."""
        return self.finished + sum(block.share for block in self._blocks.values())

    def seconds(self) -> float | None:
        """How long the rest takes; None as long as nothing is known of any pace."""
        paces = self._paces()
        if not paces:
            return None if any(self.left) else 0.0
        now = self.clock()
        under_way = {block.pairs: block for block in self._blocks.values()}.values()
        waiting = list(self.left)
        busy = []
        for block in under_way:
            present = [pair for pair in block.pairs if self._blocks.get(pair) is block]
            for run, _ in present:
                waiting[run] -= 1
            whole = block.seconds or sum(self._cost(run, paces) for run, _ in block.pairs)
            busy.append(max(0.0, whole * (1 - block.share) - (now - block.heard)))
        size = max(1, round(self._size(under_way)))
        costs = [(count, self._cost(run, paces)) for run, count in enumerate(waiting) if count > 0]
        total = sum(busy) + sum(count * cost for count, cost in costs)
        rest = max(max(busy, default=0.0), total / self.workers)
        if sum(count for count, _ in costs) <= MOST_UNITS * size:
            rest = self._dealt_out(busy, costs, size)
        pace = self._pace_of_all()
        return rest if pace is None or costs == [] else max(rest, total / pace)

    def _paces(self) -> dict[Hashable, float]:
        """Seconds of a pair's epoch by kind, and of any under None; of blocks under way by what of them is done."""
        seen = {kind: list(found) for kind, found in self._seen.items()}
        for pair, block in self._blocks.items():
            work = self.works[pair[0]]
            part = block.share / len(block.pairs)
            for kind in (*work.kinds, None) if block.seconds > 0 else ():
                found = seen.setdefault(kind, [0.0, 0.0])
                found[0] += part * block.seconds
                found[1] += block.share * work.epochs
        return {kind: seconds / epochs for kind, (seconds, epochs) in seen.items() if epochs > 0}

    def _cost(self, run: int, paces: dict[Hashable, float]) -> float:
        work = self.works[run]
        return work.epochs * next(paces[kind] for kind in (*work.kinds, None) if kind in paces)

    def _size(self, under_way: Iterable[_Block]) -> float:
        """How many pairs a block has."""
        sizes = [len(block.pairs) for block in under_way]
        if sizes:
            return max(sizes)
        count, pairs = self._sizes
        return pairs / count if count else 1.0

    def _dealt_out(self, busy: list[float], costs: Iterable[tuple[int, float]], size: int) -> float:
        """When the last worker is done, where each takes the next block as soon as it is free."""
        free = sorted(busy, reverse=True)[: self.workers]
        free += [0.0] * (self.workers - len(free))
        heapq.heapify(free)
        for count, cost in costs:
            for first in range(0, count, size):
                heapq.heapreplace(free, free[0] + cost * min(size, count - first))
        return max(free)

    def _pace_of_all(self) -> float | None:
        """Seconds of training that a second gives, where enough was finished and it is less than the number of workers."""
        if len(self._ends) <= ENOUGH:
            return None
        ends = list(self._ends)
        found = sum(seconds for _, seconds in ends[1:]) / (ends[-1][0] - ends[0][0])
        return found if found < self.workers else None
