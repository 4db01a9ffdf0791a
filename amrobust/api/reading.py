"""How what Python users hand over is read: the options of the command line as keywords."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args, get_origin, get_type_hints

from amrobust.errors import UserError

if TYPE_CHECKING:
    from amrobust.ingest.mappings import Mappings
    from amrobust.ingest.policies import Policies


class Reading(TypedDict, total=False):
    """How tables and logs are read: the options of the same names of ``amrobust compare``, ``report``, ``tails`` and
    ``import``.

    ``method_from``, ``seed_from`` and ``workload_from`` are ``"KEY"``, ``"KEY,KEY"``, ``"re:PATTERN"`` or ``"=TEXT"``, several
    keys also as a sequence; ``seed_from="number"`` counts runs. docs/formats.md has what each choice does.
    """

    method_from: str | Sequence[str]
    seed_from: str
    step_from: str
    workload_from: str | Sequence[str]
    nuisances: Collection[str]
    """Fields that tell no methods apart."""
    higher: Collection[str]
    """Metrics that are better high; ``lower`` those that are better low."""
    lower: Collection[str]
    duplicates: Literal["refuse", "first", "last", "mean"]
    missing_seeds: Literal["refuse", "number", "skip"]
    mixed_units: Literal["refuse", "keep", "percent"]
    first_step: float


class ReadingFiles(Reading, total=False):
    """What concerns logs and files of arrays alone, beside all of :class:`Reading`."""

    unfinished: Literal["skip", "keep"]
    seeds_first: bool
    pattern: str


def settled(reading: Mapping[str, Any], kind: type = Reading) -> tuple[Mappings, Policies]:
    """The options of ``kind`` as what importers take. Raises UserError on another option, and on a choice that is none."""
    from amrobust.ingest.mappings import Mappings
    from amrobust.ingest.policies import Policies

    known = get_type_hints(kind)
    for name, value in reading.items():
        if name not in known:
            raise UserError(f"{name!r} says nothing of how this is read: choose among {', '.join(known)}")
        choices = get_args(known[name]) if get_origin(known[name]) is Literal else ()
        if choices and value not in choices:
            raise UserError(f"{name} is {', '.join(map(repr, choices))}, not {value!r:.100}")
    said = dict(reading)
    for name in ("method_from", "workload_from"):
        if name in said and not isinstance(said[name], str):
            said[name] = ",".join(said[name])
    for name in ("nuisances", "higher", "lower"):
        if name in said:
            said[name] = frozenset([said[name]] if isinstance(said[name], str) else said[name])
    policies = {
        ("units" if name == "mixed_units" else name): said.pop(name) for name in _POLICIES & set(said)
    }
    return Mappings(**said), Policies(**policies)


_POLICIES = {"duplicates", "missing_seeds", "mixed_units", "unfinished", "first_step"}
