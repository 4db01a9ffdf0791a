"""The kinds of claims, one object each: a kind of one's own is a module here and a line below."""

from __future__ import annotations

from collections.abc import Mapping

from amrobust.judge.kinds.bound import WithinBound
from amrobust.judge.kinds.change import BetterAfter, WorseAfter
from amrobust.judge.kinds.composite import Composite
from amrobust.judge.kinds.cost import Cheaper
from amrobust.judge.kinds.distribution import LessSpreadOnDistribution
from amrobust.judge.kinds.divergence import DivergesLess
from amrobust.judge.kinds.kind import Kind
from amrobust.judge.kinds.mean import BetterMean, EquivalentMean, NoWorseThan
from amrobust.judge.kinds.rank import RanksBetter
from amrobust.judge.kinds.spread import LessAvgStd, LessSpread
from amrobust.judge.kinds.spread_margin import ComparableAvgStd, ComparableSpread, NoMoreAvgStd, NoMoreSpread
from amrobust.judge.kinds.sweep import StableOver, Trend

COMPOSITE = Composite()

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        LessSpread(), LessAvgStd(), BetterMean(), EquivalentMean(), NoWorseThan(), Cheaper(), Trend(), StableOver(),
        ComparableSpread(), ComparableAvgStd(), NoMoreSpread(), NoMoreAvgStd(), WithinBound(), BetterAfter(), WorseAfter(),
        DivergesLess(), RanksBetter(), LessSpreadOnDistribution(), COMPOSITE,
    )
}  # fmt: skip
"""By the name that claims, tables and files give them."""
