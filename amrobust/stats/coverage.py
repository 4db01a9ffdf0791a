"""What intervals are worth at few seeds, from the figures that ``amrobust calibrate`` measured and the package ships."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files

from amrobust.stats.results import Caution, Coverage

NOMINAL, KEPT = 0.95, 0.93
"""What is promised, and below which a reader is warned."""

TOPICS = {"mean": "one mean", "STD": "one spread", "Avg. STD": "one Avg. STD"}
"""Of one sample; what is estimated from two has a topic of its name (:func:`topic_of`)."""


def topic_of(quantity: str, *, paired: bool = False) -> str:
    """The topic of the calibration study that has the intervals of ``quantity``."""
    return TOPICS.get(quantity) or f"{quantity} by bootstrap" + (", pairs" if paired else "")


def measured_coverage(
    quantity: str, construction: str, n: Sequence[int], *, paired: bool = False
) -> tuple[Coverage, ...]:
    """The coverage of ``construction`` in every condition measured, at the number of seeds nearest to the smaller of ``n``."""
    found = _shipped().get((topic_of(quantity, paired=paired), construction), [])
    nearest = min({each.n for each in found}, key=lambda size: (abs(size - min(n)), size), default=None)
    return tuple(each for each in found if each.n == nearest)


def coverage_sentence(quantity: str, construction: str, n: Sequence[int], found: Sequence[Coverage]) -> str:
    """In words: ``Avg. STD by bootstrap (percentile): measured coverage of a nominal 95 % at n = 5: 40 % (AR(0.8) curves).``"""
    start = f"{quantity[:1].upper()}{quantity[1:]} by {construction}"
    own = " and ".join(map(str, dict.fromkeys(n)))
    if not found:
        return f"{start}: coverage not measured."
    shares = ", ".join(f"{100 * each.value:.0f} % ({each.condition})" for each in found)
    missing = f"not measured at n = {own}; " if set(n) != {found[0].n} else ""
    return f"{start}: coverage of a nominal {100 * NOMINAL:.0f} % {missing}at n = {found[0].n}: {shares}."


def shortfall(
    quantity: str, construction: str, n: Sequence[int], found: Sequence[Coverage]
) -> tuple[Caution, ...]:
    """A caution where the measured coverage is below 93 %, or not known."""
    low, high = (pick((each.value for each in found), default=0.0) for pick in (min, max))
    if low >= KEPT:
        return ()
    shares = " to ".join(dict.fromkeys(f"{100 * share:.0f}" for share in (low, high)))
    message = (
        f"{quantity[:1].upper()}{quantity[1:]} by {construction}: at n = {found[0].n}, {shares} % of the intervals at a "
        f"nominal {100 * NOMINAL:.0f} % held the truth, by the shape of the seeds."
        if found
        else coverage_sentence(quantity, construction, n, found)
    )
    return (
        Caution(
            "bootstrap-coverage",
            message,
            "leave --interval at 'test' for the interval of the deciding test, or train more seeds",
        ),
    )


@cache
def _shipped() -> dict[tuple[str, str], list[Coverage]]:
    """All measured coverages, by topic and construction; only an interval that asks for one pays for the reader."""
    import pyarrow.parquet as pq

    columns = ["topic", "construction", "condition", "n", "value", "low", "high", "replications"]
    with as_file(files("amrobust.reference_runs") / "calibration" / "figures.parquet") as path:
        rows = pq.read_table(path, columns=columns, filters=[("measure", "==", "coverage")]).to_pylist()
    found: dict[tuple[str, str], list[Coverage]] = {}
    for row in rows:
        found.setdefault((row.pop("topic"), row.pop("construction")), []).append(Coverage(**row))
    return found
