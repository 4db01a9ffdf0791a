"""Absolute paths, which hold names of people and machines, cut to the names of files before anything is given away."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath

from amrobust.judge.comparison import Comparison

_ABSOLUTE = re.compile(
    r"(?<![\w.:/\\~-])(?:/|[A-Za-z]:[/\\])(?:[^\s/\\'\":;,]+[/\\])*([^\s/\\'\":;,]+)[/\\]?"
)


def without_places(comparison: Comparison) -> Comparison:
    """The comparison as it is given away: its problems and its methods' facts name files, and not where they lay."""
    groups = tuple(
        replace(
            compared,
            arms=tuple(
                replace(arm, facts={key: _fact(key, value) for key, value in arm.facts.items()})
                for arm in compared.arms
            ),
        )
        for compared in comparison.groups
    )
    problems = tuple(map(names_of_files, comparison.problems))
    return replace(comparison, groups=groups, problems=problems)


def _fact(key: str, value: str) -> str:
    return command_without_places(value) if key in ("command", "tuning") else names_of_files(value)


def names_of_files(text: str) -> str:
    """``text`` with ``results.csv`` for ``/home/ann/results.csv``; relative paths stay."""
    return _ABSOLUTE.sub(r"\1", text)


def command_without_places(command: str) -> str:
    """As :func:`names_of_files`, word by word: quoted paths may have spaces in them."""
    words = []
    for word in shlex.split(command):
        option, equals, value = word.rpartition("=")
        absolute = PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()
        words.append(f"{option}{equals}{PureWindowsPath(value).name}" if absolute else word)
    return shlex.join(words)
