"""From a path to methods with aligned seeds: the one call that comparing and importing share."""

from __future__ import annotations

import logging
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.assemble import Gathered, gather
from amrobust.ingest.imported import ImportedMethod
from amrobust.ingest.naming import Mappings
from amrobust.ingest.policies import Policies
from amrobust.ingest.registry import detect, get, names
from amrobust.ingest.text_logs import EXAMPLE
from amrobust.runs.arms import READ, Arm
from amrobust.runs.files import shown
from amrobust.runs.seeds import NUMBERED

_log = logging.getLogger("amrobust")

AUTO, TEXT = "auto", "text"


def read_path(
    path: Path, form: str = AUTO, mappings: Mappings | None = None, policies: Policies | None = None
) -> tuple[Gathered, str]:
    """The methods under ``path``, and the name of the format they were in.

    Raises UserError where the format is not recognised, its content cannot be read, or a policy refuses it.
    """
    if not path.exists():
        raise UserError(f"{shown(path)} does not exist")
    mappings = mappings or Mappings()
    if mappings.pattern is not None and form not in (AUTO, TEXT):
        raise UserError(
            f"--pattern reads text logs, and --from {form} reads something else: leave one of them out"
        )
    name = TEXT if mappings.pattern is not None else detect(path) if form == AUTO else form
    if name is None:
        raise UserError(
            f"{shown(path)} looks like none of the formats that are read; if it is one, name it with 'amrobust import --from': "
            f"{', '.join(names())}; lines of text are read with {EXAMPLE}"
        )
    logged = list(get(name).read(path, mappings.wanted))
    if not logged:
        raise UserError(f"{shown(path)} has no runs that logged anything ({name})")
    return gather(logged, mappings, policies or Policies(), stem=path.stem or path.resolve().name), name


def say_notes(gathered: Gathered, path: Path, form: str) -> None:
    """Log what was decided while ``path`` was read, but for what is left out, of which the caller has lines already."""
    for note in gathered.notes:
        if note not in gathered.left_out:
            said = note.removeprefix(f"{shown(path.name)}: ")
            _log.warning("%s, read as %s: %s", shown(path), form, said)


def arms_of(gathered: Gathered, path: Path) -> list[Arm]:
    """The methods as arms; nothing pairs them, and nothing says where they started."""
    return [_arm(method, path, gathered) for method in gathered.methods]


def _arm(method: ImportedMethod, path: Path, gathered: Gathered) -> Arm:
    averaging = method.identity.hyperparameters.get("m")
    return Arm(
        method=method.method,
        optimizer=method.identity.optimizer,
        workload=method.workload,
        seeds=method.seeds,
        curves=method.curves,
        metrics={metric.name: metric for metric in method.metrics},
        diverged=method.diverged,
        averaging=averaging if isinstance(averaging, int) else None,
        facts={"file": path.name, "steps": method.axis.words, READ: gathered.read}
        | ({"import": "; ".join(gathered.notes)} if gathered.notes else {})
        | ({NUMBERED: "in the order of their rows"} if method.numbered else {}),
        identity=method.identity,
        axis=method.axis,
    )
