"""Where data sets lie: one directory, chosen by --data-dir, by AMROBUST_DATA, or else in the platform's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT = "AMROBUST_DATA"


def directory() -> Path:
    """The data directory: that of :func:`use_directory`, else AMROBUST_DATA, else the platform's cache folder."""
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("amrobust", appauthor=False) / "data"


def use_directory(path: Path) -> None:
    """Make ``path`` the data directory of this process and of the workers that it starts from now on."""
    os.environ[ENVIRONMENT] = str(path.absolute())


def find(folder: str, *names: str) -> Path | None:
    """The first of ``names`` that exists in ``folder`` of the data directory, or in the directory itself; None without one.

    A set's own folder comes first, so that ``libsvm/a5a`` is preferred to ``a5a``.
    """
    root = directory()
    for place in (root / folder, root):
        for name in names:
            path = place / name
            if path.exists():
                return path
    return None
