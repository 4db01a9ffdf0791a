"""The oldest versions that install are past what is known against them, and those that the suite was run with are admitted."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEPENDENCIES = {found.name: found.specifier for found in map(Requirement, PROJECT["dependencies"])}
CONSTRAINTS = {
    found.name: next(iter(found.specifier)).version
    for found in map(
        Requirement,
        (
            line
            for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")
        ),
    )
}


@pytest.mark.parametrize(
    ("name", "last_with_the_fault", "first_without"),
    [
        ("pyarrow", "14.0.0", "14.0.1"),  # CVE-2023-47248: a Parquet file executes a command
        (
            "filelock",
            "4.2.0",
            "4.2.1",
        ),  # CVE-2026-112909, and before it CVE-2025-68146 and CVE-2026-22701: links
    ],
)
def test_versions_with_a_fault_that_files_of_others_reach_do_not_install(
    name, last_with_the_fault, first_without
):
    assert not DEPENDENCIES[name].contains(last_with_the_fault)
    assert DEPENDENCIES[name].contains(first_without)


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_the_version_that_the_suite_was_run_with_is_admitted(name):
    assert DEPENDENCIES[name].contains(CONSTRAINTS[name])
