"""The rooms of the house: each one's subject, and what it may import. ``architecture.md`` and a test are made from it."""

from __future__ import annotations

import ast
from pathlib import Path

from pages import ROOT

ROOMS: dict[str, tuple[str, set[str]]] = {
    "runs": ("the record that training and comparing share: specs, metrics, runs on disk", set()),
    "rules": ("update rules as pure functions over arrays, prox setups, schedules, theory", set()),
    "stats": ("estimates, intervals and tests on arrays; imports NumPy and SciPy alone", set()),
    "optim": ("torch optimizers", {"rules"}),
    "workloads": ("problems, data sets and networks", {"rules", "runs"}),
    "train": (
        "training: streams, stacks, processes, grids, tuning",
        {"optim", "workloads", "rules", "runs"},
    ),
    "ingest": ("tables, logs of other tools, the recorder and callbacks", {"runs"}),
    "judge": ("claims, evidence, verdicts, warnings", {"runs", "stats", "rules"}),
    "report": ("tables, figures, PDF, HTML and the other ways out", {"judge", "stats", "runs", "rules"}),
}
"""From the ground floor up: the wing that trains (rules to train) and the one that judges (stats to report) share ``runs``."""

BOTH_WINGS = {
    "analysis": "declared analyses: what to train and what is claimed of it",
    "api": "the Python interface",
    "cli": "the command line",
}
"""What sees both wings: it may import every room, and those of this list that stand before it."""

BESIDE = {"errors", "plugins"}
"""Modules that every room but ``rules`` and ``stats`` may import: the two kinds of error, and what packages announce."""


def modules_of(room: str) -> list[Path]:
    """A room's modules."""
    folder = ROOT / "cli" if room == "cli" else ROOT / "amrobust" / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def imported_names(path: Path) -> list[str]:
    """Absolute names of everything that a module imports, wherever in it the import stands."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute in this project"
            parts = [f"amrobust.{alias.name}" for alias in node.names]
            found += parts if node.module == "amrobust" else [node.module or ""]
    return found


def rooms_imported_by(path: Path) -> set[str]:
    """The rooms that a module imports from, without data packages and names of ``amrobust`` itself."""
    parts = [name.split(".") for name in imported_names(path)]
    return {p[1] for p in parts if p[0] == "amrobust" and len(p) > 1} & {*ROOMS, *BOTH_WINGS, *BESIDE}
