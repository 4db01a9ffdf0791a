"""Folders that may tell methods apart of which no field and no name does: runs in several of them are not pooled unasked."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Sequence

from amrobust.errors import UserError
from amrobust.ingest.fields import Named
from amrobust.runs.files import shown

_WHEN = re.compile(
    r"(?:19|20)\d\d[-_.]?\d\d[-_.]?\d\d(?:[-_T ]?[\d_:.-]+)?|\d\d[-_:]\d\d(?:[-_:]\d\d)?", re.ASCII
)
"""A date or a time, which says when a run was made."""
_SEED = re.compile(r"seed[-_= ]?\d+", re.IGNORECASE)
_PATTERNS = (
    r"(?P<method>.+?)[-_/. ]+(?:seed|s)[-_= ]?\d+(?:/[^/]*|\.\w+)?$",
    r"(?P<method>.+)/[^/]+$",
    r"(?P<method>.+)/[^/]+/[^/]+$",
)
"""How paths say the whole of a method: all that stands before the seed, or every folder but the last ones."""


def folders_apart(named: Sequence[Named], *, chosen: bool) -> list[str]:
    """A line for each method whose runs lie in several folders of several runs each: these may tell settings apart.

    Raises UserError, naming the folders, where all runs lie in some of which one holds several, and nothing says that they are
    one method: that their seeds happen to be distinct does not make them one sample. With ``chosen`` it has been said.
    """
    groups: dict[tuple[str, str], list[Named]] = defaultdict(list)
    for one in named:
        groups[one.workload, one.method].append(one)
    notes = []
    for (_, method), members in groups.items():
        at = None if chosen else _apart_at(members)
        if at is not None:
            raise UserError(_refusal(named, members, at))
        of = [one.run.path.rpartition("/")[0] or "." for one in members]
        if 1 < len(set(of)) < len(of):
            some = ", ".join(map(shown, sorted(set(of))[:4]))
            notes.append(
                f"{shown(method)} is one method, and its runs lie in several folders ({some}): where these tell "
                "methods apart, say so with --method-from 're:PATTERN'"
            )
    return notes


def _folders(one: Named) -> list[str]:
    """The folders that ``one`` lies in, from the outermost, without the seeds in their names."""
    return [_SEED.sub("seed", part) for part in one.run.path.split("/")[:-1]]


def _apart_at(members: Sequence[Named]) -> int | None:
    """Which folder of the path, counted from the outermost, parts ``members`` into groups; None where none does.

    A folder for every run names runs, a folder for every seed seeds, a date says when; and a number in a folder of a date
    counts the runs of one start. Runs that lie beside such a folder may be those that were there before.
    """
    folders = [_folders(one) for one in members]
    for at in range(min(map(len, folders))):
        of = {parts[at] for parts in folders}
        by_seed = {(one.seed, parts[at]) for one, parts in zip(members, folders, strict=True)}
        says_seed = len(by_seed) == len(of) == len({one.seed for one in members})
        says_when = all(
            _WHEN.fullmatch(parts[at]) or (at and parts[at].isdigit() and _WHEN.fullmatch(parts[at - 1]))
            for parts in folders
        )
        if 1 < len(of) < len(members) and not says_seed and not says_when:
            return at
    return None


def _refusal(named: Sequence[Named], members: Sequence[Named], at: int) -> str:
    found = list(dict.fromkeys(_folders(one)[at] for one in members))
    some = ", ".join(map(shown, found[:4])) + (", ..." if len(found) > 4 else "")
    pattern = next((text for text in _PATTERNS if _tells(text, named, members, at)), None)
    method = shlex.quote(f"re:{pattern}") if pattern else "'re:PATTERN'"
    workload = shlex.quote("re:^" + r"[^/]+/" * at + r"([^/]+)/")
    return (
        f"{shown(members[0].method)} would be one method, and its {len(members)} runs lie in several folders ({some}), which "
        f"may tell methods or workloads apart: say that they are methods with --method-from {method}, that they are "
        f"workloads with --workload-from {workload}, or that folders say nothing of the training with --nuisance path"
    )


def _tells(text: str, named: Sequence[Named], members: Sequence[Named], at: int) -> bool:
    """Whether the pattern is found in every path, and tells the folders of ``members`` apart and no more than whole methods."""
    if not all(re.search(text, one.run.path) for one in named):
        return False
    said = [match["method"] for one in members if (match := re.search(text, one.run.path))]
    pairs = {(method, _folders(one)[at]) for method, one in zip(said, members, strict=True)}
    return len(pairs) == len(set(said)) < len(members)
