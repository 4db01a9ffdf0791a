"""The importers by name, and the one that a path looks made for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from amrobust import plugins
from amrobust.errors import UserError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from amrobust.ingest.logged import Importer

GROUP = "amrobust.importers"
"""Entry points of this group are importers too; a built-in name cannot be taken."""

MODULES = {
    "csv": "csv_tables",
    "parquet": "parquet_tables",
    "npz": "npz",
    "json": "json_records",
    "json-objects": "json_objects",
    "mlflow": "mlflow",
    "tensorboard": "tensorboard",
    "tensorboard-charts": "tensorboard_charts",
    "wandb": "wandb",
    "sacred": "sacred",
    "huggingface": "huggingface_state",
    "sb3": "stable_baselines",
    "lightning": "lightning",
    "benchopt": "benchopt",
    "metric-lines": "metric_lines",
    "text": "text_logs",
}
"""By the name of the format, the module of this room that reads it; of two that a path looks like, the first is taken."""
GENERAL = ("npz", "parquet", "json", "csv", "json-objects", "metric-lines")
"""Recognised last, in this order: a folder of TensorBoard or W&B logs may hold tables too, a Lightning log is itself a CSV."""


def names() -> list[str]:
    """All formats: built in, then from installed packages."""
    return [*MODULES, *(name for name in sorted(_announced()) if name not in MODULES)]


def get(name: str) -> Importer:
    """The importer called ``name``. Raises UserError where there is none, or it cannot be loaded."""
    if name in MODULES:
        return cast("Importer", import_module(f"amrobust.ingest.{MODULES[name]}"))
    announced = _announced()
    if name not in announced:
        raise UserError(f"there is no format {name!r}: choose one of {', '.join(names())}")
    found = plugins.load(announced[name])
    missing = [needed for needed in ("TITLE", "recognises", "read") if not hasattr(found, needed)]
    if missing:
        raise UserError(f"the importer {name!r} ({announced[name].value}) has no {missing[0]!r}")
    return cast("Importer", found)


def detect(path: Path) -> str | None:
    """The first format that ``path`` looks like, from the most special to the least; None where there is none."""
    special = (name for name in MODULES if name not in GENERAL)
    own = next((name for name in (*special, *GENERAL) if get(name).recognises(path)), None)
    return own or next((name for name in names() if name not in MODULES and get(name).recognises(path)), None)


@cache
def _announced() -> dict[str, EntryPoint]:
    return plugins.announced(GROUP)
