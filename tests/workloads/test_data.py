"""The data directory: how it is chosen and what is found in it."""

import subprocess
import sys
from pathlib import Path

import pytest

from amrobust.workloads import data


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty data directory."""
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path))
    return tmp_path


def test_without_a_setting_it_is_in_the_platforms_cache(monkeypatch):
    monkeypatch.delenv(data.ENVIRONMENT, raising=False)
    assert data.directory().parts[-2:] == ("amrobust", "data")
    assert data.directory().is_absolute()


def test_the_environment_chooses_it_and_an_empty_value_does_not(root, monkeypatch):
    assert data.directory() == root
    monkeypatch.setenv(data.ENVIRONMENT, "")
    assert data.directory() != Path()


def test_a_chosen_directory_holds_for_child_processes_started_elsewhere(root, monkeypatch):
    monkeypatch.chdir(root)
    data.use_directory(Path("inner"))
    code = "from amrobust.workloads import data; print(data.directory())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path.home(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(root / "inner")


def test_a_sets_own_folder_comes_before_the_directory_itself(root):
    assert data.find("libsvm", "a5a") is None
    (root / "a5a").touch()
    assert data.find("libsvm", "a5a") == root / "a5a"
    (root / "libsvm").mkdir()
    (root / "libsvm" / "a5a.gz").touch()
    assert data.find("libsvm", "a5a", "a5a.gz") == root / "libsvm" / "a5a.gz"
