"""What a seed has logged so far, in a file beside its run: a training that is killed loses nothing that it logged."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amrobust.ingest.limits import text_of
from amrobust.runs.journals import journal_of
from amrobust.runs.seeds import as_given

Row = dict[tuple[str, str], float]
"""Of one place along the training, by output and metric what was measured there."""
Rows = dict[float, Row]
OUTPUT_COLUMN = "output"


class Journal:
    """``seed-3.jsonl``: an object a line; gone once the seed is part of its run.

    A file that is there already is of a training that was stopped: it is gone on with (:meth:`take_up`), or it stays beside
    the new one as ``seed-3.attempt-1.jsonl``.
    """

    def __init__(self, folder: Path, method: str, workload: str, seed: int, label: str) -> None:
        self.path = journal_of(folder, seed)
        self._named = {"method": method, "workload": workload, "seed": as_given(seed)}
        self._label = label
        self._file: Any = None

    @property
    def columns(self) -> tuple[str, ...]:
        """What stands beside metrics in a line, and is no name of one."""
        return (*self._named, OUTPUT_COLUMN, self._label)

    def stopped(self) -> Rows:
        """What a training that was stopped left behind; nothing where there is none, and up to a line that was cut off."""
        rows: Rows = {}
        if not self.path.exists():
            return rows
        for line in text_of(self.path, errors="replace").splitlines():
            try:
                found = json.loads(line)
                at, output = float(found[self._label]), str(found.get(OUTPUT_COLUMN, "I"))
            except (ValueError, KeyError, TypeError, AttributeError):
                break
            row = rows.setdefault(at, {})
            for name, value in found.items():
                if name not in self.columns and isinstance(value, (int, float)):
                    row.setdefault((output, name), float(value))
        return rows

    def take_up(self, rows: Rows) -> None:
        """Begin with the ``rows`` of an earlier part of this training, in the place of a file that has them."""
        self._file = self.path.open("w", encoding="utf-8")
        for at, row in rows.items():
            self.add(at, row)

    def begin(self) -> None:
        """Begin anew; what a training that was stopped left behind is an attempt of its own."""
        if self.path.exists():
            self.set_aside()
        self._file = self.path.open("w", encoding="utf-8")

    def add(self, at: float, row: Mapping[tuple[str, str], float]) -> None:
        """One more row, or more of it: in the file when this returns; nothing where the file could not be begun."""
        if self._file is None:
            return
        for output in dict.fromkeys(output for output, _ in row):
            which = {} if output == "I" else {OUTPUT_COLUMN: output}
            values = {name: value for (of, name), value in row.items() if of == output}
            place = int(at) if at == math.floor(at) and abs(at) < 1e15 else at
            self._file.write(json.dumps({**self._named, self._label: place, **which, **values}) + "\n")
        self._file.flush()

    def set_aside(self) -> Path:
        """Close the file and keep it as an attempt, numbered from 1."""
        self.close()
        number = 1
        while (kept := self.path.with_suffix(f".attempt-{number}.jsonl")).exists():
            number += 1
        return self.path.rename(kept)

    def close(self) -> None:
        """Write no more; the file stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """The seed is part of its run."""
        self.close()
        self.path.unlink(missing_ok=True)
