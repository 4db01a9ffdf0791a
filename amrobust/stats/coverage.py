"""What intervals and tests are worth at few seeds, from the figures of ``amrobust calibrate`` that the package has."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from amrobust.stats.results import Coverage, Number, Result, ResultWarning

NOMINAL, KEPT = 0.95, 0.93
"""What is promised, and below which a reader is warned."""

BAND = "band of the STD"
TOPICS = {"mean": "one mean", "STD": "one spread", "Avg. STD": "one Avg. STD", BAND: BAND}
"""Of one sample; what is estimated from two has a topic of its name (:func:`topic_of`)."""


def topic_of(quantity: str, *, paired: bool = False) -> str:
    """The topic of the calibration study that has the intervals of ``quantity``."""
    return TOPICS.get(quantity) or f"{quantity} by bootstrap" + (", pairs" if paired else "")


def measured_coverage(
    quantity: str, construction: str, n: Sequence[int], *, paired: bool = False
) -> tuple[Coverage, ...]:
    """The coverage of ``construction`` in every condition measured, at the number of seeds nearest to the smaller of ``n``."""
    return _nearest(_shipped("coverage").get((topic_of(quantity, paired=paired), construction), []), min(n))


def measured_error(topic: str, construction: str, condition: str, n: int) -> Coverage:
    """How often ``construction`` rejected a true null at 5 % in a ``condition``, at the number of seeds nearest to ``n``."""
    measured = _shipped("type I error")[topic, construction]
    (found,) = _nearest([each for each in measured if each.condition == condition], n)
    return found


def _nearest(figures: Sequence[Coverage], n: int) -> tuple[Coverage, ...]:
    nearest = min({each.n for each in figures}, key=lambda size: (abs(size - n), size), default=None)
    return tuple(each for each in figures if each.n == nearest)


def band_sentence(n: int) -> str:
    """What a simultaneous band of the STD at a nominal 95 % is worth at the number of seeds nearest to ``n``, in words."""
    found = measured_coverage(BAND, f"simultaneous {BAND}", (n,))
    shares = ", ".join(f"{100 * each.value:.0f} % ({each.condition})" for each in found)
    return f"at a nominal {100 * NOMINAL:.0f} % and n = {found[0].n} they held everywhere for {shares} of simulated methods"


def coverage_sentence(result: Result) -> str:
    """What a bootstrap interval is worth, in words.

    ``Avg. STD by bootstrap (percentile): coverage of a nominal 95 % at n = 5: 40 % (AR(0.8) curves), 36 % (t5 curves).``
    """
    found = _coverage(result)
    if not found:
        return f"{_named(result)}: coverage not measured."
    own = " and ".join(map(str, dict.fromkeys(result.n)))
    shares = ", ".join(f"{100 * each.value:.0f} % ({each.condition})" for each in found)
    missing = f"not measured at n = {own}; " if set(result.n) != {found[0].n} else ""
    return f"{_named(result)}: coverage of a nominal {100 * NOMINAL:.0f} % {missing}at n = {found[0].n}: {shares}."


def shortfall(result: Result) -> tuple[ResultWarning, ...]:
    """A warning where the measured coverage is below 93 %, or not known."""
    found = _coverage(result)
    low, high = (pick((each.value for each in found), default=0.0) for pick in (min, max))
    if low >= KEPT:
        return ()
    hint = "leave --interval at 'test' for the interval of the deciding test, or train more seeds"
    if not found:
        return (ResultWarning("bootstrap-coverage", coverage_sentence(result), hint),)
    shares = {name: Number(f"{100 * share:.0f}", share) for name, share in (("low", low), ("high", high))}
    both = "{low}" if shares["low"].text == shares["high"].text else "{low} to {high}"
    return (
        ResultWarning.of(
            "bootstrap-coverage",
            f"{{named}}: at n = {{n}}, {both} % of the intervals at a nominal {100 * NOMINAL:.0f} % held the truth, by the "
            "shape of the seeds.",
            hint,
            named=_named(result),
            n=Number(f"{found[0].n}", found[0].n),
            **shares,
        ),
    )


def _coverage(result: Result) -> tuple[Coverage, ...]:
    assert result.bootstrap is not None
    return result.bootstrap.coverage


def _named(result: Result) -> str:
    """``Ratio of STDs of pairs by bootstrap-t``."""
    text = f"{result.quantity}{' of pairs' if result.paired else ''} by {result.test}"
    return text[:1].upper() + text[1:]


@cache
def _shipped(measure: str) -> dict[tuple[str, str], list[Coverage]]:
    """All shares that were measured of one kind, by topic and construction."""
    table = (
        files("amrobust.reference_runs").joinpath("calibration", "figures.csv").read_text(encoding="utf-8")
    )
    found: dict[tuple[str, str], list[Coverage]] = {}
    for row in csv.DictReader(table.splitlines()):
        if row["measure"] == measure:
            value, low, high = (float(row[name]) for name in ("value", "low", "high"))
            share = Coverage(row["condition"], int(row["n"]), value, low, high, int(row["replications"]))
            found.setdefault((row["topic"], row["construction"]), []).append(share)
    return found
