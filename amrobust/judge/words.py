"""Counts, numbers and p-values as sentences, tables and captions have them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from amrobust.runs.metric import Metric

_EXPONENT = re.compile(r"(?<=\d)e([+-])0*(\d+)")
RAISED = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
"""The signs of an exponent."""

_LOWERED = "-0123456789"
_LONG = 7
"""From this order of magnitude on, and below 10⁻⁴, a number is written with a power of ten."""


def counted(n: int, noun: str) -> str:
    """``1 seed``, ``5 seeds``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def listed(names: Sequence[str], last: str = "") -> str:
    """``a, b, c``, with ``last`` = "and" ``a, b and c``; between names that have commas of their own stand semicolons."""
    between = "; " if any("," in name for name in names) else ", "
    if not last or len(names) < 2:
        return between.join(names)
    return f"{between.join(names[:-1])} {last} {names[-1]}"


def roughly(n: int) -> str:
    """A count that is an estimate, rounded up to two significant digits: ``53``, ``180``, ``28,000``."""
    unit = 10 ** max(0, len(str(n)) - 2)
    return f"{-(-n // unit) * unit:,}"


def powers_of_ten(text: str) -> str:
    """``text`` with the exponents of its numbers written out: ``1.2e-05`` as ``1.2 × 10⁻⁵``."""

    def power(match: re.Match[str]) -> str:
        sign = "-" if match[1] == "-" else ""
        return f" × 10{(sign + match[2]).translate(str.maketrans(_LOWERED, RAISED))}"

    return _EXPONENT.sub(power, text)


def lowered(text: str) -> str:
    """``text`` with its raised digits and minus signs on the line: ``⁻⁵`` as ``-5``."""
    return text.translate(str.maketrans(RAISED, _LOWERED))


def significant(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """An estimate to ``digits`` significant digits, zeros at its end included: ``3.40``, ``0.0712``, ``1.20 × 10⁻⁵``.

    The digits before the point are printed whole: ``1234``.
    """
    if value is None or math.isnan(value):
        return "–"
    plus = "+" if sign else ""
    if math.isinf(value):
        return "-∞" if value < 0 else f"{plus}∞"
    if value == 0:
        return "0"
    scientific = f"{value:{plus}.{digits - 1}e}"
    order = int(scientific.partition("e")[2])
    if not -4 <= order < _LONG:
        return powers_of_ten(scientific)
    return f"{value:{plus}.{max(0, digits - 1 - order)}f}"


def alike(*values: float | None) -> tuple[str, ...]:
    """Numbers that stand together, such as an interval and its estimate: no powers of ten where the largest has none.

    ``-0.0000956`` beside ``0.000247``; below 10⁻⁶ a number has its power nevertheless.
    """
    sizes = [abs(value) for value in values if value is not None and math.isfinite(value)]
    if not sizes or not 1e-4 <= max(sizes) < 10**_LONG:
        return tuple(significant(value) for value in values)
    found = []
    for value in values:
        if value is None or not 1e-6 <= abs(value) < 1e-4:
            found.append(significant(value))
        else:
            order = int(f"{value:.2e}".partition("e")[2])
            found.append(f"{value:.{2 - order}f}")
    return tuple(found)


def points(metric: Metric, *, short: bool = False) -> str:
    """The unit of a difference, with its leading space: percentage points for a percentage."""
    if metric.unit == "%":
        return " pp" if short else " percentage points"
    return f" {metric.unit}" if metric.unit else ""


def p_text(p: float | None) -> str:
    """A p-value as printed: three decimals, or an upper bound below 0.001."""
    if p is None:
        return "p not available"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
