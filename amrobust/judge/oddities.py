"""What looks as if it were left out or misspelt: seeds, cells of a sweep, and names that differ in nothing that is seen.

Absence proves nothing, and neither does a name; a reader has to know of them all the same. Of runs that amrobust trained their
plan is on record, so that these checks are of others alone.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise, product
from math import prod

from amrobust.judge.words import counted, listed
from amrobust.runs.arms import Arm
from amrobust.runs.files import escape, spans
from amrobust.runs.method import number
from amrobust.runs.seeds import FOLDS, NUMBERED, NamedSeed
from amrobust.runs.spec import Value
from amrobust.stats.results import ResultWarning

MOST_NAMED = 5
_LATIN = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
    "ABESIJKMHOPCTYXaesijopcyxABEZHIKMNOPTYXo",
)
"""Letters of Cyrillic and Greek that are printed as those of Latin."""
FULL_ENOUGH = 3
"""A grid of settings has at most one absent cell to so many that are there: else methods have ranges of their own."""


def of_group(arms: Sequence[Arm]) -> tuple[ResultWarning, ...]:
    """What is odd about arms that are compared: the warnings on their seeds and their settings."""
    others = [arm for arm in arms if arm.x0_digest is None]
    named = [arm for arm in others if NUMBERED not in arm.facts]
    notes = (missing_seeds(named), missing_settings(others), folds_as_seeds(arms))
    return tuple(note for note in notes if note is not None)


def folds_as_seeds(arms: Sequence[Arm]) -> ResultWarning | None:
    """Folds of one cross-validation: any two training sets share all but two folds, so that their results are dependent.

    No estimate of the variance from one cross-validation is unbiased (Bengio and Grandvalet 2004, JMLR 5, 1089-1105).
    """
    field = next((arm.facts[FOLDS] for arm in arms if FOLDS in arm.facts), None)
    if field is None:
        return None
    return ResultWarning(
        "folds-as-seeds",
        f"The seeds are folds of a cross-validation ({escape(field)}), which share training data and vary together: intervals "
        "and p-values may be too small.",
        "repeat the training with several seeds on one split, and compare those",
    )


def missing_seeds(arms: Sequence[Arm]) -> ResultWarning | None:
    """Gaps in the numbers of an arm's seeds, and seeds that it lacks and another arm has.

    A gap is where most of the numbers between the first and the last are there; arms that share less than half of their seeds
    were seeded apart, and lack nothing.
    """
    said = []
    for arm in arms:
        own = set(arm.seeds)
        alike = [b for b in arms if 2 * len(own & set(b.seeds)) >= min(len(own), len(b.seeds))]
        lacking = sorted({seed for other in alike for seed in other.seeds} - own)
        if lacking:
            have = [other.title for other in alike if set(lacking) & set(other.seeds)]
            said.append(
                f"{arm.title} lacks {_named(lacking)}, which {listed(have, 'and')} {'has' if len(have) == 1 else 'have'}"
            )
        if gaps := [seed for seed in _gaps(arm.seeds) if seed not in lacking]:
            said.append(f"{arm.title} lacks {_named(gaps)} of {min(arm.seeds)} to {max(arm.seeds)}")
    if not said:
        return None
    return ResultWarning(
        "missing-seeds",
        f"Some seeds are missing ({_first(said)}): where they were left out after their results had been seen, every "
        "p-value and interval here is too good.",
        "add the runs of these seeds, diverged and stopped ones too, or say where the result is quoted why they are missing",
    )


def _gaps(seeds: Sequence[int]) -> list[int]:
    """The numbers that are missing in a row of evenly spaced ones of which most are there."""
    numbers = sorted(seed for seed in seeds if not isinstance(seed, NamedSeed))
    if len(numbers) < 3:
        return []
    step = min(b - a for a, b in pairwise(numbers))
    places = (numbers[-1] - numbers[0]) // step + 1
    if places >= 2 * len(numbers) or any((seed - numbers[0]) % step for seed in numbers):
        return []
    return sorted(set(range(numbers[0], numbers[-1] + 1, step)) - set(numbers))


def _named(seeds: Sequence[int]) -> str:
    """``seed 3``, ``seeds 3-5, 7``, and of very many the first."""
    most = [*seeds[: 4 * MOST_NAMED]]
    more = f", ... ({len(seeds)} of them)" if len(most) < len(seeds) else ""
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {escape(spans(most))}{more}"


def _first(said: Sequence[str]) -> str:
    more = f"; and {len(said) - MOST_NAMED} more" if len(said) > MOST_NAMED else ""
    return "; ".join(said[:MOST_NAMED]) + more


def missing_settings(arms: Sequence[Arm]) -> ResultWarning | None:
    """Cells that are absent in a grid of at least two settings of which nearly all others are there.

    The optimizer is a setting too, among methods with the same hyperparameters.
    """
    said = []
    sweeps: dict[tuple[str | None, tuple[str, ...]], list[Arm]] = defaultdict(list)
    for arm in arms:
        sweeps[arm.identity.output, tuple(sorted(arm.identity.hyperparameters))].append(arm)
    for (_, names), members in sweeps.items():
        cells = {
            (arm.identity.optimizer, *(arm.identity.hyperparameters[name] for name in names))
            for arm in members
        }
        columns = ("optimizer", *names)
        values = [list(dict.fromkeys(cell[place] for cell in cells)) for place in range(len(columns))]
        swept = [place for place, each in enumerate(values) if len(each) > 1]
        whole = prod(len(values[place]) for place in swept)
        if len(swept) < 2 or not 0 < FULL_ENOUGH * (whole - len(cells)) <= len(cells):
            continue
        there = {tuple(cell[place] for place in swept) for cell in cells}
        absent = [
            cell for cell in product(*(_ascending(values[place]) for place in swept)) if cell not in there
        ]
        each = [
            ", ".join(f"{columns[place]} = {value}" for place, value in zip(swept, cell, strict=True))
            for cell in absent[:MOST_NAMED]
        ]
        more = f" and {len(absent) - MOST_NAMED} more" if len(absent) > MOST_NAMED else ""
        said.append(f"{escape('; '.join(each))}{more}, of {counted(whole, 'combination')}")
    if not said:
        return None
    return ResultWarning(
        "missing-settings",
        f"A sweep is not complete ({_first(said)}): where a setting was left out after its results had been seen, what is "
        "said of the others is too good.",
        "add the runs of these settings, or say where the result is quoted why they are missing",
    )


def _ascending(values: Iterable[Value]) -> list[Value]:
    return sorted(values, key=lambda value: (number(value) is None, number(value) or 0.0, str(value)))


def look_alikes(arms: Sequence[Arm], group: Sequence[Arm]) -> tuple[ResultWarning, ...]:
    """Methods, workloads and metrics of ``arms`` whose names differ in case, spaces, look-alike letters or the form of their
    Unicode alone.

    Those alone of which one is in ``group``.
    """

    def names(of: Sequence[Arm]) -> dict[str, list[str]]:
        return {
            "methods": [arm.method for arm in of],
            "workloads": [arm.workload for arm in of],
            "metrics": [name for arm in of for name in arm.metrics],
        }

    own = names(group)
    return tuple(
        warning
        for kind, every in names(arms).items()
        for warning in alike_names(kind, every, frozenset(own[kind]))
    )


def alike_names(kind: str, names: Iterable[str], own: Collection[str]) -> tuple[ResultWarning, ...]:
    """A warning on all of ``names`` that look alike of which one is in ``own``; ``kind`` says what they name, as "methods"."""
    return tuple(
        ResultWarning(
            "look-alike-names",
            f"The {kind} {listed([_apart(name, alike) for name in alike], 'and')} differ in case, spaces, look-alike "
            "letters or the form of their Unicode alone: they are taken for different ones.",
            "give one name to what is one, in the files or with Runs.rename in Python, and tell others apart by more",
        )
        for alike in _alike(names)
        if set(alike) & set(own)
    )


def _alike(names: Iterable[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        groups["".join(_as_printed(unicodedata.normalize("NFKC", name)).casefold().split())].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _as_printed(name: str) -> str:
    """``name`` with Latin letters for those that look the same, and without signs that take no room."""
    seen = "".join(sign for sign in unicodedata.normalize("NFC", name) if unicodedata.category(sign) != "Cf")
    return seen.translate(_LATIN)


def _apart(name: str, names: Sequence[str]) -> str:
    """A name in quotes; with its code points where another of ``names`` is printed as it is."""
    same = [other for other in names if _as_printed(other) == _as_printed(name)]
    if len(same) == 1:
        return repr(escape(name))
    points = " ".join(f"U+{ord(sign):04X}" for sign in name if ord(sign) > 126)
    return f"{escape(name)!r} ({points})" if points else repr(escape(name))
