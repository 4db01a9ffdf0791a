"""Two wings on one record: who may import whom, and what the quick commands never load."""

import subprocess
import sys

import pytest
from pages import ROOT
from rooms import BESIDE, BOTH_WINGS, ROOMS, imported_names, modules_of, rooms_imported_by

ABOVE = list(BOTH_WINGS)
ALLOWED = {room: below | {room, *BESIDE} for room, (_, below) in ROOMS.items()} | {
    name: {*ROOMS, *BESIDE, *ABOVE[: place + 1]} for place, name in enumerate(ABOVE)
}
TRAINING = ("torch", "amrobust.train", "amrobust.workloads", "amrobust.optim")


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_the_table_allows(room):
    assert modules_of(room), f"no modules in {room}"
    for path in modules_of(room):
        assert rooms_imported_by(path) <= ALLOWED[room], path


def test_stats_stands_on_numpy_and_scipy_alone():
    for path in modules_of("stats"):
        for name in imported_names(path):
            top = name.split(".")[0]
            allowed = top in sys.stdlib_module_names or top in {"numpy", "scipy"}
            assert allowed or name.startswith("amrobust.stats"), f"{path.name} imports {name}"


def loaded_by(code):
    """The names of all modules that are loaded when ``code`` has run in a Python of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split("\n")[-2].split())


def trains(loaded):
    """Those of the loaded modules that train."""
    return {name for name in loaded if f"{name}.".startswith(tuple(f"{module}." for module in TRAINING))}


@pytest.mark.parametrize("room", ["runs", "stats", "ingest", "judge", "report"])
def test_a_room_of_the_judging_wing_loads_neither_a_training_module_nor_torch(room):
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in modules_of(room)
        if path.parent.name != "callbacks"  # which are loaded inside a trainer
    ]
    assert not trains(loaded_by("\n".join(f"import {name.removesuffix('.__init__')}" for name in names)))


def test_a_comparison_of_a_table_loads_neither_a_training_module_nor_torch(tmp_path):
    table = tmp_path / "results.csv"
    rows = [f"{m},{s},{e},{90 + s * e % 7}" for m in ("sgd", "adam") for s in range(4) for e in range(1, 4)]
    table.write_text("\n".join(["method,seed,epoch,accuracy", *rows]))
    command = f"main(['-q', 'compare', {str(table)!r}], standalone_mode=False)"
    loaded = loaded_by(f"from amrobust.cli import main; {command}")
    assert not trains(loaded)
    assert not {"msgspec", "amrobust.runs.manifest"} & set(loaded), "what reads records alone"


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
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
