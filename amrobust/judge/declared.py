"""Claims written down in a TOML file, read and checked before any run is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.judge.claim import Claim
from amrobust.judge.kinds import KINDS
from amrobust.judge.kinds.kind import Kind
from amrobust.judge.usage import meant
from amrobust.rules.theory import deviation_probability
from amrobust.runs.documents import Tables, read_toml
from amrobust.stats.limits import LEAST_TAIL, is_number


@dataclass(frozen=True)
class Declared:
    """Claims about runs that are there already, and what else their file fixes; None leaves it to the caller."""

    claims: tuple[Claim, ...]
    metric: str | None
    baseline: str | None
    question: str | None


def load_claims(path: Path, baseline: str | None = None) -> Declared:
    """Read ``[[claims]]`` and, where given, ``metric``, ``baseline`` and ``question``; ``baseline`` is for a file without one.

    Raises UserError on anything else, and where the two name different baselines.
    """
    data, tables = read_toml(path, "claims file"), Tables(str(path))
    if "methods" in data:
        raise tables.complain("is an analysis, which also says what to run: use 'amrobust analyze' with it")
    optional = {key: tables.take(data, key, str, "") or None for key in ("metric", "baseline", "question")}
    if baseline and optional["baseline"] and baseline != optional["baseline"]:
        raise tables.complain(
            f"its claims are against {optional['baseline']!r}: leave out --baseline {baseline!r}, or change the file"
        )
    optional["baseline"] = optional["baseline"] or baseline
    claims = tuple(
        claim
        for number, table in enumerate(tables.take(data, "claims", list), 1)
        for claim in claims_of(tables.within(f"claim {number}"), table, optional["baseline"])
    )
    if not claims:
        raise tables.complain("needs at least one claim")
    if any(claim.deviation is not None for claim in claims):
        raise tables.complain(
            "deviations need the problem's constants: use 'amrobust analyze', or give bounds"
        )
    tables.nothing_left(data, "the file")
    return Declared(claims, **optional)


def claims_of(tables: Tables, table: Any, baseline: str | None) -> list[Claim]:
    """The claim of a ``[[claims]]`` table, or for ``exceedance bound`` one for each of its ``bounds`` or ``deviations``.

    ``baseline`` is what it is held against where it names no other.
    """
    if not isinstance(table, dict) or table.get("kind") != "exceedance bound":
        return [_claim(tables, table, None, baseline)]
    table.pop("kind")
    method = tables.take(table, "method", str)
    if "deviations" in table:
        return [
            _made(tables, "exceedance bound", method, method, deviation=value)
            for value in _deviations(tables, table)
        ]
    bounds = tables.take(table, "bounds", list)
    for bound in bounds:
        if not (isinstance(bound, list) and len(bound) == 2 and all(map(is_number, bound))):
            raise tables.complain(f"bounds are pairs [threshold, probability], and {bound!r} is none")
    tables.nothing_left(table, "a claim")
    return [_made(tables, "exceedance bound", method, method, bound=(float(t), float(q))) for t, q in bounds]


def _made(tables: Tables, *args: Any, **fields: Any) -> Claim:
    """The claim; what it refuses is said with the file's name."""
    try:
        return Claim(*args, **fields)
    except UserError as error:
        raise tables.complain(str(error)) from None


def _deviations(tables: Tables, table: dict[str, Any]) -> list[float]:
    """The Λ of Theorem 1b that a claim is to be made at."""
    values = tables.take(table, "deviations", list)
    for value in values:
        if not (is_number(value) and LEAST_TAIL <= deviation_probability(max(value, 0)) < 1):
            raise tables.complain(
                f"deviations are numbers Λ at which exp(-Λ²/3) + exp(-Λ) is at least {LEAST_TAIL:g} and below 1, and "
                f"{value!r} is none"
            )
    tables.nothing_left(table, "a claim")
    return [float(value) for value in values]


def _claim(tables: Tables, table: dict[str, Any], method: str | None, against: str | None) -> Claim:
    """A claim, or a part of a composite one, which has its method and baseline from the whole."""
    name = tables.take(table, "kind", str)
    kinds = {known: kind for known, kind in KINDS.items() if method is None or kind.can_be_a_part}
    if name not in kinds:
        raise tables.complain(f"no claim is called {name!r}: {meant(name, kinds)}")
    kind = kinds[name]
    margin = tables.take(table, "margin", (int, float)) if "margin" in kind.takes else None
    epochs, phase = _when(tables, table, kind)
    sweep = tuple(tables.take(table, "methods", list)) if "methods" in kind.takes else ()
    if not all(isinstance(member, str) for member in sweep):
        raise tables.complain(f"methods are names, and {list(sweep)} are not all")
    rising = table.pop("rising", False) if "rising" in kind.takes else False
    if not isinstance(rising, bool):
        raise tables.complain(f"'rising' is true or false, not {rising!r}")
    if kind.about == "a sweep":
        method, against = (sweep[0], sweep[-1]) if sweep else ("", "")
    elif kind.about == "one method":
        method = against = tables.take(table, "method", str)
    elif method is None:
        method, against = tables.take(table, "method", str), tables.take(table, "baseline", str, against)
    assert against is not None
    parts = tuple(
        _claim(tables.within(f"part {number}"), part, method, against)
        for number, part in enumerate(tables.take(table, "parts", list) if "parts" in kind.takes else [], 1)
    )
    tables.nothing_left(table, "a claim")
    return _made(tables, name, method, against, margin, parts, epochs, sweep, rising, phase=phase)


def _when(
    tables: Tables, table: dict[str, Any], kind: Kind
) -> tuple[tuple[int, int] | None, tuple[float, float] | None]:
    """The epochs, or the share of the training, that a claim is about; neither where it is about all of it."""
    epochs = tuple(tables.take(table, "epochs", list, [])) or None
    phase = tuple(tables.take(table, "phase", list, [])) or None
    if kind.about == "one method" and epochs is None:
        at = tables.take(table, "at", (int, float))
        if phase is not None:
            raise tables.complain("a change is 'at' one share of the training: give no phase")
        phase = at, at
    return epochs, phase
