"""What the paper prints about the methods of an analysis, to be set beside what was measured."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from amrobust.errors import UserError
from amrobust.judge.words import counted

OPTIMIZERS = {
    "SGD": "sgd",
    "M-SGD": "msgd",
    "OM-SGD": "am1",
    "AM1-SGD": "am1",
    "AM2-SGD": "am2",
    "SGD+ASGD": "ntasgd",
}
"""Our names of the methods that the tables print; OM-SGD is printed with AM1-SGD's option and m."""


@dataclass(frozen=True)
class PrintedRow:
    """One printed row and the method that was measured for it; None where a number is not printed."""

    measured: str
    mean: float | None
    std: float | None
    avg_std: float | None


@dataclass(frozen=True)
class Printed:
    """The rows of one published table whose methods were measured."""

    table: str
    setup: str
    """What the paper measured them on: data set, model, epochs, seeds."""
    decimals: int
    """With which means and STDs are printed."""
    avg_decimals: int
    rows: tuple[PrintedRow, ...]


def printed_beside(name: str, methods: Collection[str], model: str | None = None) -> Printed | None:
    """The rows of the published table ``name`` for ``methods``; None where it prints none of them.

    Where the table is of several models, its rows are those of ``model``, by its name in workloads. Raises UserError on an
    unknown table.
    """
    text = files("amrobust.reference_runs").joinpath("published/tables.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    if name not in tables:
        raise UserError(f"no published table is called {name!r}: choose one of {', '.join(tables)}")
    table = tables[name]
    found = [
        (row, measured)
        for row in table["rows"]
        if (measured := _measured(row)) in methods and ("model" not in row or row["model"].lower() == model)
    ]
    if not found:
        return None
    models = {row["model"] for row, _ in found if "model" in row} or {table.get("model", "")}
    counts = [counted(table["epochs"], "epoch"), counted(table["seeds"], "seed")]
    parts = [table["dataset"], *sorted(models), *counts]
    rows = tuple(
        PrintedRow(measured, row.get("final_mean"), row.get("final_std"), row.get("avg_std"))
        for row, measured in found
    )
    return Printed(
        name,
        ", ".join(part for part in parts if part),
        _decimals(value for row in rows for value in (row.mean, row.std)),
        _decimals(row.avg_std for row in rows),
        rows,
    )


def _measured(row: Mapping[str, Any]) -> str:
    """Our name of a printed method; empty where there is none."""
    name = OPTIMIZERS.get(row["method"], "")
    if "m" in row:
        name += f"[m={row['m']}]"
    elif row["method"] == "OM-SGD":
        return "am1[m=1]/II"
    return f"{name}/{row['option']}" if "option" in row else name


def _decimals(values: Any) -> int:
    """The most decimals among numbers as printed: a number's own last zeros are not known."""
    return max(
        (
            len(repr(float(value)).partition(".")[2].removesuffix("0"))
            for value in values
            if value is not None
        ),
        default=0,
    )
