"""What every statistic returns: an estimate with its interval, p-value, assumptions and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite, isnan
from types import MappingProxyType

from amrobust.stats.samples import CannotEstimate

INTERNAL = MappingProxyType({"internal": True})
"""Of a field that a message is made of and that no file has."""


@dataclass(frozen=True)
class Number:
    """A number in a message: as it is printed, and its value, by which the smallest and largest of several are found.

    Two that print alike are equal: so are the messages that they stand in.
    """

    text: str
    value: float = field(compare=False)

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str) -> str:
        return self.text


@dataclass(frozen=True)
class ResultWarning:
    """A warning as a value: what is the matter, and what the reader can do about it.

    ``kind`` is a stable, machine-readable name such as ``"few-seeds"``; ``message`` a full sentence for people;
    ``hint`` what would remove the warning. Terminal, JSON and PDF all show the same ones.
    """

    kind: str
    message: str
    hint: str
    pattern: str = field(default="", repr=False, metadata=INTERNAL)
    """The message with its fields by name in braces; empty where it has none."""
    fields: tuple[tuple[str, str | Number], ...] = field(default=(), repr=False, metadata=INTERNAL)
    """What the braces stand for: texts, of which ``method`` is the method that it is about, and numbers."""

    @classmethod
    def of(cls, kind: str, pattern: str, hint: str, **fields: str | Number) -> ResultWarning:
        """The warning with the message that ``pattern`` makes of the ``fields``."""
        return cls(kind, "", hint, pattern, tuple(fields.items())).worded(fields)

    def worded(self, fields: Mapping[str, str | Number]) -> ResultWarning:
        """It with other ``fields`` in its message: how several that differ in these alone become one."""
        return replace(self, message=self.pattern.format(**fields), fields=tuple(fields.items()))


@dataclass(frozen=True)
class Coverage:
    """How often an interval at a nominal 95 % held the truth, or a test at 5 % rejected it, in one measured condition."""

    condition: str
    n: int
    """Seeds (of each of two samples) that were measured: the nearest to those of the result that carries it."""
    value: float
    """In [0, 1]; ``low`` and ``high`` are its 99 % Monte Carlo interval."""
    low: float
    high: float
    replications: int


@dataclass(frozen=True)
class Bootstrap:
    """How an interval was resampled, and what such intervals are worth."""

    kind: str
    """"bootstrap-t", "bca" or "percentile"."""
    resamples: int
    unusable: int
    """Resamples left out because they have no spread."""
    seed: int
    coverage: tuple[Coverage, ...] = ()
    """Empty where nothing was measured."""


@dataclass(frozen=True)
class Result:
    """One estimate or test.

    ``estimate``, ``low`` and ``high`` are None where a test estimates nothing or has no matching interval, ``p`` is None
    where nothing is tested. ``p`` is two-sided unless ``test`` says otherwise. Ratios are of the first sample over the
    second, differences are first minus second. ``level`` is the coverage of [low, high].

    No result is NaN: raises CannotEstimate on such an estimate or end, and on a p that is not finite. Estimates and ends may be
    infinite: of a tail in which runs diverged, of a ratio beyond all numbers.
    """

    quantity: str
    """What is estimated, in words: "ratio of STDs", "ratio of Avg. STDs", "difference of means", "STD", "Avg. STD"."""
    test: str
    """The construction by name: "jackknife of log STD", "Levene (median)", "Welch t"."""
    n: tuple[int, ...]
    """Seeds in each sample (one entry for a single sample or for pairs)."""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    p: float | None = None
    smallest_p: float = 0.0
    """The smallest p-value this test can give on samples of this size; 0 for continuous null distributions."""
    paired: bool = False
    centre: str | None = None
    """What deviations are taken from, where the test has a choice: "median", "mean", "trimmed"."""
    assumption: str = ""
    """What has to hold for the interval and p-value to be right, in words."""
    se: float | None = None
    """Standard error on the scale of the interval's construction (log for ratios)."""
    df: float | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    """Further numbers worth showing, such as the correlation of pairs or the kurtosis of each sample."""
    unit: str = "seeds"
    """What ``n`` counts: "seeds", or "starting points" where seeds are nested in them."""
    warnings: tuple[ResultWarning, ...] = ()
    bootstrap: Bootstrap | None = None
    """Of an interval by the bootstrap."""

    def __post_init__(self) -> None:
        numbers = self.estimate, self.low, self.high
        if any(x is not None and isnan(x) for x in numbers) or not (self.p is None or isfinite(self.p)):
            raise CannotEstimate(
                f"{self.test} comes to no number on these values, which are too many orders of magnitude apart"
            )
