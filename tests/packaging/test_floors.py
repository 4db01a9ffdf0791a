"""Imports point downwards only, and the quick commands never import torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ["rules", "optim", "workloads", "experiments", "runs", "stats", "claims", "report", "api", "cli"]
EVERYWHERE = {"errors", "plugins"}


def modules():
    folders = {floor: ROOT / "amrobust" / floor for floor in FLOORS[:-1]} | {"cli": ROOT / "cli"}
    for floor, folder in folders.items():
        found = sorted(folder.rglob("*.py"))
        assert found, f"no modules in {folder}"
        for path in found:
            yield floor, path


def imported_names(path, package):
    """Absolute names of everything that a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute in this project"
            if node.module == package:
                yield from (f"{package}.{alias.name}" for alias in node.names)
            elif node.module:
                yield node.module


@pytest.mark.parametrize(
    ("floor", "path"), list(modules()), ids=lambda v: v.name if isinstance(v, Path) else str(v)
)
def test_a_module_imports_only_from_its_own_floor_and_those_below(floor, path):
    for name in imported_names(path, "amrobust"):
        parts = name.split(".")
        if parts[0] != "amrobust" or len(parts) == 1 or parts[1] in EVERYWHERE:
            continue
        if parts[1] not in FLOORS:  # a data package (analyses, reference_runs) or a name in amrobust itself
            continue
        assert FLOORS.index(parts[1]) <= FLOORS.index(floor), f"{path.relative_to(ROOT)} imports {name}"


def test_stats_stands_on_numpy_and_scipy_alone():
    for path in sorted((ROOT / "amrobust" / "stats").rglob("*.py")):
        for name in imported_names(path, "amrobust"):
            top = name.split(".")[0]
            allowed = top in sys.stdlib_module_names or top in {"numpy", "scipy"}
            assert allowed or name.startswith("amrobust.stats"), f"{path.name} imports {name}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        *(
            [name, "--help"]
            for name in ("compare", "run", "tune", "report", "list", "theory", "import", "export")
        ),
    ],
)
def test_help_imports_neither_torch_nor_the_numeric_stack(arguments):
    code = (
        "import sys; from amrobust.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as stop: assert not stop.code\n"
        "heavy = {'torch', 'pandas', 'scipy', 'matplotlib', 'sklearn', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
