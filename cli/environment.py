"""What ``amrobust --version`` says: the version, and what it runs on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "numpy", "scipy", "pandas", "pyarrow", "matplotlib", "torch", "scikit-learn", "typst", "click", "rich",
)  # fmt: skip


def environment() -> str:
    """Versions by their metadata, so that nothing heavy is imported."""
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    system = " ".join(filter(None, (platform.system(), platform.release(), platform.machine())))
    return "\n".join(
        [
            f"amrobust, version {_version('amrobust')}",
            f"Python {platform.python_version()} ({platform.python_implementation()})",
            f"{system}, {os.cpu_count()} cores",
            packages,
        ]
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
