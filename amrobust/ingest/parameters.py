"""Parameters that tools write beside their logs, flattened to text: YAML and JSON, and nothing in them is ever built."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_SMALL, text_of
from amrobust.runs.files import is_plain_file, shown

MAX_NESTING = 6
MAX_PARAMETERS = 10_000
"""Entries of one configuration."""
BESIDE = (
    "hparams.yaml", "config.json", "params.json", "args.json", "hparams.json", "config.yaml", "args.yaml", ".hydra/config.yaml",
)  # fmt: skip
"""Files in which tools write a run's configuration, beside its log."""


def flat(value: Any, path: Path) -> dict[str, str]:
    """``{"a": {"b": 1}}`` as ``{"a.b": "1"}``; lists and what is nested deeper than 6 are left out.

    Raises UserError, naming ``path``, past 10,000 entries: references to one part of a document may unpack to more than any
    memory holds.
    """
    found: dict[str, str] = {}
    left: list[tuple[str, Any, int]] = [("", value, 0)]
    seen = 0
    while left:
        prefix, item, depth = left.pop()
        seen += 1
        if seen > MAX_PARAMETERS:
            raise UserError(f"{shown(path)}: a configuration has more than {MAX_PARAMETERS:,} entries")
        if isinstance(item, Mapping) and depth < MAX_NESTING:
            below = [
                (f"{prefix}.{key}" if prefix else str(key), each, depth + 1) for key, each in item.items()
            ]
            left += reversed(below)
        elif isinstance(item, (str, int, float, bool)):
            found[prefix] = str(item)
    return found


def configuration_beside(log: Path) -> tuple[dict[str, str], tuple[Path, ...]]:
    """The configuration in the files of :data:`BESIDE` in the folder of ``log``, and these files; of a key twice the first."""
    found: dict[str, str] = {}
    files = []
    for name in BESIDE:
        file = log.parent / name
        if file != log and is_plain_file(file):
            read = read_json if name.endswith(".json") else read_yaml
            found = flat(read(file), file) | found
            files.append(file)
    return found, tuple(files)


def flat_numbers(value: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, float]:
    """The numbers of a row of a log, nested ones under ``a.b``; NaN and infinities may be written as words."""
    found: dict[str, float] = {}
    for key, item in value.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(item, Mapping) and depth < MAX_NESTING:
            found |= flat_numbers(item, name, depth + 1)
        elif isinstance(item, str):
            if item in ("NaN", "Infinity", "-Infinity"):
                found[name] = float(item)
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            try:
                found[name] = float(item)
            except OverflowError:  # A whole number beyond all floats.
                found[name] = math.inf if item > 0 else -math.inf
    return found


def read_json(path: Path, most: int = MAX_SMALL) -> Any:
    """A JSON document. Raises UserError."""
    try:
        return json.loads(text_of(path, most))
    except (ValueError, RecursionError) as error:
        raise UserError(f"cannot read {shown(path)} as JSON ({shown(error)})") from None


def read_yaml(path: Path, most: int = 500_000) -> Any:
    """A YAML document, in which tags of any language stand for nothing. Raises UserError."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Plain data alone: an object of a program becomes None instead of an error or an object."""

    def nothing(loader: Any, suffix: str, node: Any) -> None:
        return None

    Loader.add_multi_constructor("", nothing)
    text = text_of(path, most)
    try:
        return yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UserError(f"cannot read {shown(path)} as YAML ({shown(error).splitlines()[0]})") from None
