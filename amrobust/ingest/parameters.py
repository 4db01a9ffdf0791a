"""Parameters that tools write beside their logs, flattened to text: YAML and JSON, and nothing in them is ever built."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_SMALL, text_of
from amrobust.runs.files import escape, is_plain_file
from amrobust.runs.metric import direction_by_name

MAX_NESTING = 6
MAX_PARAMETERS = 10_000
"""Entries of one configuration, those within lists aside."""
MAX_LISTED = 100_000
"""Entries of all lists of one configuration that are looked at; what comes behind them is not told apart."""
LONGEST = 80
"""Characters of a list that stand for it; of a longer one its beginning and a digest do."""
_NAMES = ("hparams", "config", "params", "args", "hyperparameters", "parameters")
_ENDS = (".yaml", ".yml", ".json", ".toml")
BESIDE = (*(f"{name}{end}" for name in _NAMES for end in _ENDS), ".hydra/config.yaml")
"""Files in which tools write a run's configuration, beside its log; of a setting that is in several the first counts."""


def flat(value: Any, path: Path) -> dict[str, str]:
    """``{"a": {"b": 1}}`` as ``{"a.b": "1"}``; a list, and what is nested deeper than 6, as text: ``[0.9, 0.999]``.

    Raises UserError, naming ``path``, past 10,000 entries: references to one part of a document may unpack to more than any
    memory holds.
    """
    found: dict[str, str] = {}
    left: list[tuple[str, Any, int]] = [("", value, 0)]
    seen, budget = 0, [MAX_LISTED]
    while left:
        prefix, item, depth = left.pop()
        seen += 1
        if seen > MAX_PARAMETERS:
            raise UserError(f"{escape(path)}: a configuration has more than {MAX_PARAMETERS:,} entries")
        if isinstance(item, Mapping) and depth < MAX_NESTING:
            below = [
                (f"{prefix}.{key}" if prefix else str(key), each, depth + 1) for key, each in item.items()
            ]
            left += reversed(below)
        elif prefix and item is not None:
            found[prefix] = _short(_text(item, budget))
    return found


def _text(value: Any, budget: list[int], depth: int = 0) -> str:
    """A value as a line; past the ``budget`` of entries, and where lists lie deeper in lists than one writes them, ``...``."""
    budget[0] -= 1
    if budget[0] < 0 or depth > 2 * MAX_NESTING:
        return "..."
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_text(each, budget, depth + 1)}' for key, each in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_text(each, budget, depth + 1) for each in value)}]"
    return str(value)


def _short(text: str) -> str:
    """``text``, of a long list its beginning and what tells it from others that begin so."""
    if len(text) <= LONGEST or text[:1] not in "[{":
        return text
    return f"{text[: LONGEST // 2]}... ({sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:6]})"


class Configurations:
    """What lies beside the logs under ``root``, each file read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._found: dict[Path, tuple[dict[str, str], tuple[Path, ...]]] = {}

    def of(self, log: Path) -> tuple[dict[str, str], tuple[Path, ...]]:
        """The settings of ``log`` and the files that they are in: one of its own name but for the ending, those of
        :data:`BESIDE` in its folder, then in the folders above, up to the one whose runs are read; the nearest counts."""
        fields, files = self._read([log.with_suffix(end) for end in _ENDS], but=log)
        # A table may have its summary beside it, and results tell no methods apart.
        fields = {name: value for name, value in fields.items() if direction_by_name(name) is None}
        above = [folder for folder in log.parents if self.root in folder.parents]
        for folder in dict.fromkeys((log.parent, *above)):
            if folder not in self._found:
                self._found[folder] = self._read([folder / name for name in BESIDE])
            own, read = self._found[folder]
            fields = own | fields
            files += tuple(file for file in read if file not in (log, *files))
        return fields, files

    def _read(
        self, candidates: Sequence[Path], but: Path | None = None
    ) -> tuple[dict[str, str], tuple[Path, ...]]:
        fields: dict[str, str] = {}
        files = []
        for file in candidates:
            if file != but and is_plain_file(file):
                fields = flat(_document(file), file) | fields
                files.append(file)
        return fields, tuple(files)


def _document(path: Path) -> Any:
    """A configuration as plain data. Raises UserError."""
    if path.suffix == ".json":
        return read_json(path)
    if path.suffix != ".toml":
        return read_yaml(path)
    try:
        return tomllib.loads(text_of(path, MAX_SMALL))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"cannot read {escape(path)} as TOML ({escape(error)})") from None


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
        raise UserError(f"cannot read {escape(path)} as JSON ({escape(error)})") from None


def read_yaml(path: Path, most: int = 500_000) -> Any:
    """A YAML document, in which of tags of any language lists alone (tuples) stand for something. Raises UserError."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Plain data alone: an object of a program becomes None instead of an error or an object."""

    def plain(loader: Any, suffix: str, node: Any) -> Any:
        return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else None

    Loader.add_multi_constructor("", plain)
    text = text_of(path, most)
    try:
        return yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UserError(f"cannot read {escape(path)} as YAML ({escape(error).splitlines()[0]})") from None
