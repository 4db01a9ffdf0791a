"""Claims written down in a TOML file, read and checked before any run is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from amrobust.claims.judgement import CHANGES, SWEEPS, Claim, ClaimKind
from amrobust.experiments.documents import Tables, read_toml
from amrobust.rules.theory import deviation_probability

NOT_PARTS = ("composite", "within bound", *CHANGES, *SWEEPS)
"""A part of a composite claim has its whole's two methods: it can be neither composite, nor about one method or a sweep."""

NEED_MARGIN = ("equivalent mean", "no worse than", "stable over")


@dataclass(frozen=True)
class Declared:
    """Claims about runs that are there already, and what else their file fixes; None leaves it to the caller."""

    claims: tuple[Claim, ...]
    metric: str | None
    baseline: str | None
    question: str | None


def load_claims(path: Path) -> Declared:
    """Read ``[[claims]]`` and, where given, ``metric``, ``baseline`` and ``question``. Raises UserError on anything else."""
    data, tables = read_toml(path, "claims file"), Tables(str(path))
    if "methods" in data:
        raise tables.complain("is an analysis, which also says what to run: use 'amrobust analyze' with it")
    optional = {key: tables.take(data, key, str, "") or None for key in ("metric", "baseline", "question")}
    claims = claims_of(tables, tables.take(data, "claims", list), optional["baseline"])
    if not claims:
        raise tables.complain("needs at least one claim")
    if any(claim.deviation is not None for claim in claims):
        raise tables.complain(
            "deviations need the problem's constants: use 'amrobust analyze', or give bounds"
        )
    tables.nothing_left(data, "the file")
    return Declared(claims, **optional)


def claims_of(tables: Tables, listed: list[Any], baseline: str | None) -> tuple[Claim, ...]:
    """The claims of ``[[claims]]`` tables; ``baseline`` is what those are held against that name no other."""
    return tuple(claim for table in listed for claim in _claims(tables, table, baseline))


def _claims(tables: Tables, table: Any, baseline: str | None) -> list[Claim]:
    """One claim, or for ``within bound`` one for each of its ``bounds``, or of its ``deviations``."""
    if not isinstance(table, dict) or table.get("kind") != "within bound":
        return [_claim(tables, table, None, baseline)]
    table.pop("kind")
    method = tables.take(table, "method", str)
    if "deviations" in table:
        return [
            Claim("within bound", method, method, deviation=value) for value in _deviations(tables, table)
        ]
    bounds = tables.take(table, "bounds", list)
    for bound in bounds:
        numbers = isinstance(bound, list) and len(bound) == 2 and all(type(x) in (int, float) for x in bound)
        if not numbers or not 0 < bound[1] < 1:
            raise tables.complain(f"bounds are pairs [threshold, probability], and {bound!r} is none")
    tables.nothing_left(table, "a claim")
    return [Claim("within bound", method, method, bound=(float(t), float(q))) for t, q in bounds]


def _deviations(tables: Tables, table: dict[str, Any]) -> list[float]:
    """The Λ of Theorem 1b that a claim is to be made at."""
    values = tables.take(table, "deviations", list)
    for value in values:
        if type(value) not in (int, float) or not deviation_probability(max(value, 0)) < 1:
            raise tables.complain(
                f"deviations are numbers Λ at which exp(-Λ²/3) + exp(-Λ) is below 1, and {value!r} is none"
            )
    tables.nothing_left(table, "a claim")
    return [float(value) for value in values]


def _claim(tables: Tables, table: dict[str, Any], method: str | None, against: str | None) -> Claim:
    """A claim, or a part of a composite one, which has its method and baseline from the whole."""
    kind = tables.take(table, "kind", str)
    kinds = [known for known in get_args(ClaimKind) if method is None or known not in NOT_PARTS]
    if kind not in kinds:
        raise tables.complain(f"no claim is called {kind!r}: choose one of {', '.join(kinds)}")
    margin = tables.take(table, "margin", (int, float)) if kind in NEED_MARGIN else None
    if margin is not None and margin <= 0:
        raise tables.complain("a margin must be above 0")
    epochs, phase = _when(tables, table, kind)
    sweep = tuple(tables.take(table, "methods", list)) if kind in SWEEPS else ()
    if not all(isinstance(member, str) for member in sweep) or (
        kind in SWEEPS and len(sweep) < 3 and not any("*" in member for member in sweep)
    ):
        raise tables.complain(f"a claim of kind {kind!r} needs at least three methods")
    rising = table.pop("rising", False) if kind == "trend" else False
    if not isinstance(rising, bool):
        raise tables.complain(f"'rising' is true or false, not {rising!r}")
    if sweep:
        method, against = sweep[0], sweep[-1]
    elif kind in CHANGES:
        method = against = tables.take(table, "method", str)
    elif method is None:
        method, against = tables.take(table, "method", str), tables.take(table, "baseline", str, against)
    assert against is not None
    parts = tuple(
        _claim(tables, part, method, against)
        for part in (tables.take(table, "parts", list) if kind == "composite" else [])
    )
    if kind == "composite" and len(parts) < 2:
        raise tables.complain("a composite claim needs at least two parts")
    tables.nothing_left(table, "a claim")
    return Claim(
        kind,
        method,
        against,
        margin,
        parts,
        epochs,
        sweep,
        rising,
        phase=phase,
    )


def _when(
    tables: Tables, table: dict[str, Any], kind: str
) -> tuple[tuple[int, int] | None, tuple[float, float] | None]:
    """The epochs, or the share of the training, that a claim is about; neither where it is about all of it."""
    epochs, phase = tables.take(table, "epochs", list, []), tables.take(table, "phase", list, [])
    if epochs and (
        len(epochs) != 2
        or not all(type(epoch) is int and epoch > 0 for epoch in epochs)
        or epochs[0] > epochs[1]
    ):
        raise tables.complain(f"epochs = {epochs} is no phase: give [first, last]")
    if phase and (
        epochs
        or len(phase) != 2
        or not all(type(share) in (int, float) for share in phase)
        or not 0 <= phase[0] < phase[1] <= 1
    ):
        raise tables.complain(
            f"phase = {phase} is none: give two growing shares of the training, and no epochs"
        )
    if kind in CHANGES and not epochs:
        at = tables.take(table, "at", (int, float))
        if phase or not 0 < at < 1:
            raise tables.complain(
                f"at = {at:g} is no change: give one share of the training, between 0 and 1"
            )
        return None, (float(at), float(at))
    return (epochs[0], epochs[1]) if epochs else None, (float(phase[0]), float(phase[1])) if phase else None
