"""The real tools, each in an environment of its own, so that none of them is a dependency of anything here."""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest
from filelock import FileLock

KEPT = Path(os.environ.get("AMROBUST_TOOL_ENVIRONMENTS", Path(tempfile.gettempdir()) / "amrobust-tools"))
"""Where the environments are kept from one test run to the next."""

HERE = "import site, sys; print('\\n'.join(p for p in sys.path if p.endswith('site-packages')))"


def python_with(name, *packages, torch=False):
    """The interpreter of an environment with ``packages``; skips the test where they cannot be installed.

    With ``torch`` the packages of this environment are importable there as well, behind its own.
    """
    folder = KEPT / name
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / "complete"
    KEPT.mkdir(parents=True, exist_ok=True)
    with FileLock(KEPT / f"{name}.lock"):
        if not done.exists() or done.read_text() != " ".join(packages):
            _install(name, folder, interpreter, packages, torch)
            done.write_text(" ".join(packages))
    return interpreter


def _install(name, folder, interpreter, packages, torch):
    venv.create(folder, with_pip=True, clear=True)
    if torch:
        where = [str(interpreter), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        site = Path(subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip())
        mine = subprocess.run([sys.executable, "-c", HERE], capture_output=True, text=True, check=True).stdout
        (site / "behind.pth").write_text(mine)
    installed = subprocess.run(
        [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages],
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    if installed.returncode:
        pytest.skip(f"{name} cannot be installed: {installed.stderr.strip().splitlines()[-1:]}")


def run_in(interpreter, code, cwd, *arguments, **environment):
    """Run ``code`` with ``interpreter`` in ``cwd``; fails the test with its stderr."""
    done = subprocess.run(
        [str(interpreter), "-c", code, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
