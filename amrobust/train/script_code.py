"""The code of somebody's own command: the script files that it names, and of Python's the modules beside them.

A file counts by its name and its bytes. A module counts where it lies in the script's folder or in the current one, whatever
imports it; what is installed does not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from amrobust.errors import UserError
from amrobust.runs.code import Files
from amrobust.runs.files import escape, reason
from amrobust.train.code import imports

SCRIPTS = frozenset((
    ".py", ".sh", ".bash", ".zsh", ".ps1", ".bat", ".r", ".jl", ".lua", ".pl", ".rb", ".js", ".mjs", ".ts", ".m", ".awk",
))  # fmt: skip
CONFIGURATIONS = frozenset((".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".json", ".gin"))
"""Ends of the names of scripts, and of what they are configured by."""

INTERPRETER = re.compile(r"(?:python|pypy)[\d.]*(?:\.exe)?")
"""What a program is called that counts as an installed one, wherever it lies: that of a virtual environment."""

MOST = 50_000_000
"""Bytes of a file that counts as code."""


def is_script(path: Path) -> bool:
    """Whether ``path`` is a script, by its name's end or its first line, ``#!``."""
    if not _is_file(path):
        return False
    with suppress(OSError), path.open("rb") as file:
        return path.suffix.lower() in SCRIPTS or file.read(2) == b"#!"
    return False


def _is_file(path: Path) -> bool:
    """Whether there is such a file; a word of a command may be no path at all."""
    with suppress(OSError, ValueError):
        return path.is_file()
    return False


def _counts(place: int, word: str) -> bool:
    """Whether a word of a command, in this place, is a file of its code."""
    path = Path(word)
    if place == 0 and path.suffix.lower() not in SCRIPTS:
        # A compiled program of one's own; what lies elsewhere is installed, as an interpreter or a launcher is.
        return (
            "/" in word and not path.is_absolute() and not INTERPRETER.fullmatch(path.name) and _is_file(path)
        )
    return is_script(path) or (path.suffix.lower() in CONFIGURATIONS and _is_file(path))


def files_of(words: Sequence[str]) -> Files:
    """SHA-256 by name of the code that a command of these ``words`` runs.

    Those are scripts and configurations among the words, also behind an equals sign; the program where it is given by a
    relative path; the module behind ``-m``. Raises UserError where one of them cannot be read.
    """
    files: dict[str, str] = {}
    for place, word in enumerate(words):
        for text in (word, word.partition("=")[2]):
            path = Path(text)
            if text and _counts(place, text):
                files[text] = _digest(path)
                if path.suffix == ".py":
                    files |= _imported_by("__main__", path, [path.parent, Path()])
        if place and words[place - 1] == "-m":
            for path in _located(word, Path()):
                files[path.as_posix()] = _digest(path)
                files |= _imported_by(_name(path), path, [Path()])
    return dict(sorted(files.items()))


def _imported_by(name: str, path: Path, roots: Sequence[Path]) -> Files:
    """The local modules that the module ``name`` in ``path``, and they themselves, import, by their paths below their root."""
    files: dict[str, str] = {}
    waiting = [(name, path)]
    seen = {path.resolve()}
    while waiting:
        name, path = waiting.pop()
        for imported in imports(name, path.read_bytes(), is_package=path.name == "__init__.py"):
            for root in roots:
                for found in _located(imported, root):
                    if found.resolve() not in seen:
                        seen.add(found.resolve())
                        below = found.relative_to(root)
                        files[below.as_posix()] = _digest(found)
                        waiting.append((_name(below), found))
    return files


def _name(below: Path) -> str:
    """``package.module`` of ``package/module.py``."""
    parts = below.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _located(name: str, root: Path) -> Iterator[Path]:
    """The files of the module ``name`` and of the packages that it is in, below ``root``."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:count])
        for path in (place.with_name(f"{place.name}.py"), place / "__init__.py", place / "__main__.py"):
            if parts[count - 1] and path.is_file():
                yield path


def _digest(path: Path) -> str:
    try:
        if path.stat().st_size > MOST:
            raise UserError(f"{escape(path)}, part of the command's code, has more than {MOST:,} bytes")
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(
            f"{escape(path)}, part of the command's code, cannot be read: {reason(error)}"
        ) from None
