"""Numbers as they are printed: decimals that the uncertainty supports, the same ones down a column."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from amrobust.judge.words import powers_of_ten, significant
from amrobust.stats.results import Result

ABSENT = "–"
_MOST_DECIMALS = 6
_TOO_LONG = 1e7


@dataclass(frozen=True)
class Precision:
    """Prints numbers so that ``digits`` significant digits of a quantity of size ``scale`` are shown."""

    scale: float
    digits: int

    @classmethod
    def of(cls, sizes: Iterable[float | None], digits: int) -> Precision:
        """The precision that suits a column whose uncertainties have these ``sizes``: that of the smallest.

        One far below the median, by more than ten times, does not lengthen the others further, and none makes a column need
        powers of ten that would not need them by its median.
        """
        usable = [size for size in sizes if size is not None and math.isfinite(size) and size > 0]
        if not usable:
            return cls(1.0, digits)
        usual = cls(median(usable), digits)
        finer = cls(max(min(usable), usual.scale / 10), digits)
        return usual if usual.decimals <= _MOST_DECIMALS < finer.decimals else finer

    def for_row(self, size: float | None) -> Precision:
        """What suits a row whose own uncertainty is ``size``: the column's, unless that would hide it.

        It would where not one digit of ``size`` is among those shown, or beside a method that blew up or does not move, whose
        own numbers would have all digits down to those of the others.
        """
        if size is None or not 0 < size < math.inf:
            return self
        own = Precision(size, self.digits)
        if self.decimals > _MOST_DECIMALS:
            return self if own.decimals > _MOST_DECIMALS else own
        if max(size, self.scale) >= _TOO_LONG or own.decimals - self.decimals >= self.digits:
            finest = 10.0 ** (self.digits - 1 - _MOST_DECIMALS)
            return Precision(max(size, finest), self.digits)
        return self

    @property
    def decimals(self) -> int:
        """Digits after the point."""
        return max(0, self.digits - 1 - math.floor(math.log10(self.scale)))

    def __call__(self, value: float | None, *, sign: bool = False) -> str:
        """``value`` in fixed point, or with a power of ten where that would be long; a dash where there is no number."""
        if value is None or math.isnan(value):
            return ABSENT
        plus = "+" if sign else ""
        if math.isinf(value):
            return "-∞" if value < 0 else f"{plus}∞"
        if self.decimals <= _MOST_DECIMALS and abs(value) < _TOO_LONG:
            text = f"{value:{plus}.{self.decimals}f}"
            return text.replace("-", plus) if float(text) == 0 else text
        if value == 0:
            return "0"
        order = math.floor(math.log10(abs(value))) - math.floor(math.log10(self.scale))
        # A number has no more than 16 digits.
        return powers_of_ten(f"{value:{plus}.{min(max(0, order + self.digits - 1), 15)}e}")

    def interval(self, result: Result | None) -> str:
        """``[low, high]`` of a result, or a dash where it has none.

        An end that needs a power of ten, and is that far from the estimate, says how far and has no digits beside it.
        """
        if result is None or result.low is None or result.high is None:
            return ABSENT
        far = _TOO_LONG * max(self.scale, abs(result.estimate or 0.0))
        ends = (
            significant(end, self.digits) if abs(end) > far else self(end)
            for end in (result.low, result.high)
        )
        return f"[{', '.join(ends)}]"


def ratio(value: float | None) -> str:
    """A ratio of spreads: two decimals, and three significant digits where these would hide it."""
    if value is None or math.isnan(value):
        return ABSENT
    if math.isinf(value):
        return "∞"
    return f"{value:.2f}" if 0.1 <= value < 100 or value == 0 else significant(value)


def ratio_interval(result: Result | None) -> str:
    """``[low, high]`` of a ratio."""
    if result is None or result.low is None or result.high is None:
        return ABSENT
    return f"[{ratio(result.low)}, {ratio(result.high)}]"


def p_value(p: float | None) -> str:
    """A p-value to three decimals, or its upper bound below 0.001."""
    if p is None or math.isnan(p):
        return ABSENT
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def percent(level: float) -> str:
    """A coverage such as 0.95 as ``95 %``, to two decimals where it needs them."""
    return f"{round(100 * level, 2):g} %"


def levels_of(results: Iterable[Result | None]) -> str:
    """The levels of intervals: ``95 %``, or where they differ ``95 % to 98.33 %``; empty without any."""
    levels = [r.level for r in results if r is not None and r.low is not None and r.level is not None]
    return " to ".join(dict.fromkeys(map(percent, (min(levels), max(levels))))) if levels else ""


def interval_heading(results: Iterable[Result | None]) -> str:
    """The heading of a column of intervals: their level where they share one."""
    levels = levels_of(results)
    return f"{levels} interval" if levels and " to " not in levels else "Interval"
