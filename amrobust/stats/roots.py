"""Roots of functions of one variable, by Brent's method."""

from __future__ import annotations

from collections.abc import Callable

MOST_STEPS = 100


def brent(f: Callable[[float], float], a: float, b: float, *, xtol: float, rtol: float) -> float:
    """A root of ``f`` between ``a`` and ``b``, where it has different signs, to xtol + rtol·|x|.

    Step for step :func:`scipy.optimize.brentq`, to the last bit: importing scipy.optimize takes as long as the intervals of a
    hundred pairs. Source: R. P. Brent, Algorithms for Minimization Without Derivatives (1973), chapter 4.

    Raises ValueError where the signs are equal or a value is NaN, RuntimeError after 100 steps.
    """
    before, now = float(a), float(b)
    f_before, f_now = f(before), f(now)
    if f_before == 0 or f_now == 0:
        return before if f_before == 0 else now
    if not (f_before < 0 < f_now or f_now < 0 < f_before):
        raise ValueError(f"f({a}) = {f_before} and f({b}) = {f_now} do not have different signs")
    other = f_other = step = last_step = 0.0
    for _ in range(MOST_STEPS):
        if f_before != 0 and f_now != 0 and (f_before < 0) != (f_now < 0):
            other, f_other = before, f_before
            last_step = step = now - before
        if abs(f_other) < abs(f_now):
            before, now, other = now, other, now
            f_before, f_now, f_other = f_now, f_other, f_now
        tolerance = (xtol + rtol * abs(now)) / 2
        half = (other - now) / 2
        if f_now == 0 or abs(half) < tolerance:
            return now
        if abs(last_step) > tolerance and abs(f_now) < abs(f_before):
            if before == other:
                tried = -f_now * (now - before) / (f_now - f_before)
            else:
                slope = (f_before - f_now) / (before - now)
                slope_other = (f_other - f_now) / (other - now)
                tried = (
                    -f_now
                    * (f_other * slope_other - f_before * slope)
                    / (slope_other * slope * (f_other - f_before))
                )
            short = 2 * abs(tried) < min(abs(last_step), 3 * abs(half) - tolerance)
            last_step, step = (step, tried) if short else (half, half)
        else:
            last_step = step = half
        before, f_before = now, f_now
        now += step if abs(step) > tolerance else (tolerance if half > 0 else -tolerance)
        f_now = f(now)
        if f_now != f_now:
            raise ValueError(f"f({now}) is NaN")
    raise RuntimeError(f"no root to this tolerance after {MOST_STEPS} steps")
