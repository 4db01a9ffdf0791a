"""Where a run's method, seed and workload are read from: --method-from, --seed-from, --workload-from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from amrobust.errors import UserError
from amrobust.ingest.logged import LoggedRun
from amrobust.runs.files import escape

ROLES = ("method", "seed", "workload")
"""What an option can say of a run; a pattern may say several at once, each with a group of its name."""

NUMBER = "number"
"""As a seed's source: number the runs of each method in the order in which they started."""


@dataclass(frozen=True)
class Selector:
    """One choice: fields by name, a pattern on the path, or a constant."""

    option: str
    keys: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    constant: str | None = None
    group: str | None = None
    """The named group of the pattern that is meant."""

    @classmethod
    def parse(cls, text: str, option: str) -> Selector:
        """``KEY``, ``KEY,KEY``, ``re:PATTERN`` or ``=TEXT``. Raises UserError on an empty one or a broken pattern."""
        if text.startswith("="):
            return cls(option, constant=text[1:])
        if text.startswith("re:"):
            try:
                return cls(option, pattern=re.compile(text[3:]))
            except re.error as error:
                raise UserError(f"{option} {text!r} is no regular expression: {error}") from None
        keys = tuple(key.strip() for key in text.split(","))
        if not all(keys):
            raise UserError(f"{option} {text!r} names nothing: give KEY, KEY,KEY, re:PATTERN or =TEXT")
        return cls(option, keys)

    def of(self, run: LoggedRun) -> dict[str, str]:
        """What it selects of ``run``: a value for each key. Raises UserError where the run lacks one."""
        if self.constant is not None:
            return {"": self.constant}
        if self.pattern is not None:
            for text in (run.path, run.fields.get("name", "")):
                match = self.pattern.search(text)
                if match is not None:
                    first = next((group for group in match.groups() if group is not None), match[0])
                    return {"": first if self.group is None else match[self.group] or ""}
            raise UserError(f"{self.option}: {self.pattern.pattern!r} is not found in {escape(run.path)!r}")
        return {key: self._field(run, key) for key in self.keys}

    def _field(self, run: LoggedRun, key: str) -> str:
        if key == "path":
            return run.path
        for name, value in run.fields.items():
            if name == key:
                return value
        alike = [value for name, value in run.fields.items() if name.lower() == key.lower()]
        if len(alike) == 1:
            return alike[0]
        raise UserError(f"{self.option}: {escape(run.path)} has no {key!r}; {known_fields(run)}")


def selectors(sources: Mapping[str, str | None]) -> dict[str, Selector]:
    """Of the texts of --method-from, --seed-from and --workload-from, by role, what selects each role.

    A pattern with groups of the roles' names, ``re:(?P<method>[^/]+)/(?P<workload>[^/]+)_(?P<seed>\\d+)``, selects all of them
    wherever it stands, but for those that have an option of their own.
    """
    found = {
        role: Selector.parse(text, f"--{role}-from")
        for role, text in sources.items()
        if text and (role, text) != ("seed", NUMBER)
    }
    for selector in list(found.values()):
        for role in selector.pattern.groupindex if selector.pattern is not None else ():
            if role in ROLES and found.get(role, selector) is selector and sources.get(role) != NUMBER:
                found[role] = replace(selector, group=role)
    return found


def known_fields(run: LoggedRun) -> str:
    """The names that a run could be named by, as a clause."""
    names = [escape(name) for name in run.fields]
    return (
        f"there are {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}, path"
        if names
        else "there is only path"
    )


def usual_field(run: LoggedRun, keys: Sequence[str]) -> str | None:
    """The value of the first of ``keys`` that the run has, by its whole name or the last part of one (``args/seed``), or the
    name in a configuration of its own (``optimizer.name``, ``optimizer._target_``).

    None where it has none, or several parts of that name that disagree.
    """
    for key in keys:
        if key in run.fields:
            return run.fields[key]
        found = {value for name, value in run.fields.items() if _last_part(name) == key}
        if len(found) == 1:
            return found.pop()
        for inner in ("name", "type", "_target_", "class"):
            nested = {
                value for name, value in run.fields.items() if f".{name.lower()}".endswith(f".{key}.{inner}")
            }
            if len(nested) == 1:
                return nested.pop().rpartition(".")[2]
    return None


@lru_cache(maxsize=4096)
def _last_part(name: str) -> str:
    """The last part of a name, which thousands of runs have in common."""
    return re.split(r"[/.:]", name.lower())[-1]
