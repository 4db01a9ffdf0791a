"""The package works installed as a wheel and installed in place, with cli, analyses and reference_runs inside it."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECK = """
import importlib.resources, pathlib, sys
import amrobust, amrobust.cli, amrobust.analyses, amrobust.reference_runs, amrobust.report
print(pathlib.Path(amrobust.cli.__file__).resolve())
assert pathlib.Path(amrobust.__file__).with_name("py.typed").exists()
for package, name in (("analyses", "demo.toml"), ("reference_runs", "published/tables.toml")):
    text = importlib.resources.files(f"amrobust.{package}").joinpath(name).read_text(encoding="utf-8")
    assert text, name
assert list(importlib.resources.files("amrobust.report").joinpath("templates").iterdir())
import importlib.util
assert importlib.util.find_spec("cli") is None, "nothing generic may land in site-packages"
"""


def pip(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )


def run_outside(python, extra_path, code, cwd):
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PYTHONPATH": str(extra_path)}
    return subprocess.run(
        [str(python), "-c", code], cwd=cwd, env=env, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the sources, so that building leaves nothing in the tree."""
    import shutil

    copy = tmp_path_factory.mktemp("source") / "amrobust"
    shutil.copytree(
        ROOT,
        copy,
        ignore=shutil.ignore_patterns(
            ".git", ".venv*", "runs", "build", "*.egg-info", "__pycache__", ".*_cache"
        ),
    )
    # ignore_patterns drops amrobust/runs with the top-level runs directory of a user
    shutil.copytree(ROOT / "amrobust" / "runs", copy / "amrobust" / "runs", dirs_exist_ok=True)
    return copy


def test_wheel_holds_every_subpackage_and_its_data(source, tmp_path):
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(source))
    (wheel,) = tmp_path.glob("*.whl")
    contents = set(zipfile.ZipFile(wheel).namelist())
    in_tree = {
        f"amrobust/{path.relative_to(ROOT / 'amrobust').as_posix()}"
        for path in (ROOT / "amrobust").rglob("*.py")
    }
    in_tree |= {f"amrobust/cli/{path.name}" for path in (ROOT / "cli").glob("*.py")}
    in_tree |= {
        f"amrobust/{path.relative_to(top).as_posix()}"
        for top, data in (
            (ROOT, "reference_runs"),
            (ROOT / "amrobust", "report/templates"),
            (ROOT / "amrobust", "report/schemas"),
        )
        for path in (top / data).rglob("*")
        if path.suffix in {".toml", ".md", ".json", ".parquet", ".html", ".typ"}
    }
    assert in_tree <= contents
    target = tmp_path / "site"
    pip("install", "--no-deps", "--target", str(target), str(wheel))
    done = run_outside(sys.executable, target, CHECK, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(str(target.resolve()))


def test_editable_install_finds_the_same_packages_in_the_tree(source, tmp_path):
    built = subprocess.run(
        [
            sys.executable,
            "-c",
            "from setuptools.build_meta import build_editable as b; print(b(r'" + str(tmp_path) + "'))",
        ],
        cwd=source,
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    wheel = tmp_path / built.stdout.split()[-1]
    venv.create(tmp_path / "env", with_pip=False)
    python = next((tmp_path / "env").glob("[bS][ic][nr]*/python*"))
    pip("--python", str(python), "install", "--no-deps", str(wheel))
    # The dependencies come last on the path, so that nothing of this environment hides what was just installed.
    site = next((tmp_path / "env").glob("[lL]ib*/**/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    done = run_outside(python, "", CHECK, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str((source / "cli" / "__init__.py").resolve())
