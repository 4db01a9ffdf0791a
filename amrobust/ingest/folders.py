"""Paths that may tell methods apart of which no field and no name does: runs of other settings are not pooled unasked."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from amrobust.errors import UserError
from amrobust.ingest.fields import WORDS, Named, is_chosen
from amrobust.runs.files import escape

_WHEN = re.compile(
    r"(?:19|20)\d\d[-_.]?\d\d[-_.]?\d\d(?:[-_T ]?[\d_:.-]+)?|\d\d[-_:]\d\d(?:[-_:]\d\d)?", re.ASCII
)
"""A date or a time, which says when a run was made."""
_SEED = re.compile(r"seed[-_= ]?\d+", re.IGNORECASE)
_SETTING = re.compile(
    r"(?<![^\W_])(?P<words>[a-z]+(?:[-_][a-z]+)*)[-_= ]?(?P<value>\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?![^\W_])",
    re.ASCII | re.IGNORECASE,
)
_PATTERNS = (
    r"(?P<method>[^/]*\d)[-_. ]+(?:seed|s)[-_= ]?\d+\.\w+$",
    r"(?P<method>.+?)[-_/. ]+(?:seed|s)[-_= ]?\d+(?:/[^/]*|\.\w+)?$",
    r"(?P<method>.+)/[^/]+$",
    r"(?P<method>.+)/[^/]+/[^/]+$",
)
"""How paths say the whole of a method: all that stands before the seed, or every folder but the last ones."""


def folders_apart(named: Sequence[Named], *, chosen: bool) -> list[str]:
    """A line for each method whose runs lie in several folders of several runs each: these may tell settings apart.

    Raises UserError, naming what the paths say, where runs of one method lie in folders of which one holds several, each in one
    that is called by words, or under names of other settings (``lr0.1``, ``lr0.2``), and nothing says that they are one method:
    that their seeds happen to be distinct does not make them one sample. With ``chosen`` it has been said.
    """
    groups: dict[tuple[str, str], list[Named]] = defaultdict(list)
    for one in named:
        groups[one.workload, one.method].append(one)
    notes = []
    for (_, method), members in groups.items():
        said = None if chosen else apart(members)
        if said is not None:
            raise UserError(_refusal(named, members, said))
        of = [one.run.path.rpartition("/")[0] or "." for one in members]
        if 1 < len(set(of)) < len(of):
            some = ", ".join(map(escape, sorted(set(of))[:4]))
            notes.append(
                f"{escape(method)} is one method, and its runs lie in several folders ({some}): where these tell "
                "methods apart, say so with --method-from 're:PATTERN'"
            )
    return notes


@dataclass(frozen=True)
class Apart:
    """What paths say of runs that would be one method: a text for each run, and where it stands in the path."""

    texts: tuple[str, ...]
    folder: int | None = None
    """Which folder says it, counted from the outermost; None for a setting, wherever it stands, or the file's own name."""


def apart(members: Sequence[Named]) -> Apart | None:
    """What the paths of runs that would be one method say that may tell them apart; None where nothing does."""
    return None if len(members) == 1 else _settings_apart(members) or _folders_apart(members)


def _folders(one: Named) -> list[str]:
    """The folders that ``one`` lies in, from the outermost, without the seeds in their names."""
    return [_SEED.sub("seed", part) for part in one.run.path.split("/")[:-1]]


def _settings_apart(members: Sequence[Named]) -> Apart | None:
    """The settings in the paths of ``members``, with which value each, where these differ: ``lr0.1``, ``bs=64``."""
    found = [_settings(one.run.path) for one in members]
    differ = [
        name
        for name in dict.fromkeys(name for each in found for name in each)
        if len({each.get(name) for each in found}) > 1
    ]
    if not differ:
        return None
    return Apart(tuple(", ".join(each[name] for name in differ if name in each) for each in found))


def _settings(path: str) -> dict[str, str]:
    """The settings that the path of a file names, as it writes them: ``runs/adam_lr0.1_s3.csv`` names lr, as ``lr0.1``."""
    found = {}
    for match in _SETTING.finditer(_SEED.sub("seed", path.partition(": ")[0])):
        words = re.split("[-_]", match["words"].lower())
        names = ("_".join(words[start:]) for start in reversed(range(len(words))))
        name = next(filter(is_chosen, names), None)
        if name is not None:
            found[name] = match[0][len(match["words"]) - len(name) :]
    return found


def _folders_apart(members: Sequence[Named]) -> Apart | None:
    """The names of files before their seeds, or the outermost folders, that part ``members`` into groups; None where none do.

    A folder for every run names runs, unless words do it alone; a folder for every seed names seeds, a date says when; and a
    number in a folder of a date counts the runs of one start. Runs that lie beside such a folder may be those that were there
    before.
    """
    folders = [_folders(one) for one in members]
    if all(map(_SEED.search, (PurePosixPath(one.run.path).name for one in members))):
        stems = tuple(_SEED.sub("", PurePosixPath(one.run.path).stem).strip("-_. ") for one in members)
        if len(set(stems)) > 1 and all(map(WORDS.fullmatch, stems)):
            return Apart(stems)
    for at in range(min(map(len, folders))):
        texts = tuple(parts[at] for parts in folders)
        of = set(texts)
        by_seed = {(one.seed, text) for one, text in zip(members, texts, strict=True)}
        says_seed = len(by_seed) == len(of) == len({one.seed for one in members})
        says_when = all(
            _WHEN.fullmatch(parts[at]) or (at and parts[at].isdigit() and _WHEN.fullmatch(parts[at - 1]))
            for parts in folders
        )
        words = len(of) == len(members) and all(map(WORDS.fullmatch, of))
        if words or (1 < len(of) < len(members) and not says_seed and not says_when):
            return Apart(texts, at)
    return None


def _refusal(named: Sequence[Named], members: Sequence[Named], said: Apart) -> str:
    found = list(dict.fromkeys(filter(None, said.texts)))
    some = ", ".join(map(escape, found[:4])) + (", ..." if len(found) > 4 else "")
    pattern = next((text for text in _PATTERNS if _tells(text, named, members, said)), None)
    method = shlex.quote(f"re:{pattern}") if pattern else "'re:PATTERN'"
    if said.folder is None:
        what, may, workloads = (
            f"the paths of its {len(members)} runs say other things of them ({some})",
            "",
            "",
        )
    else:
        workload = shlex.quote("re:^" + r"[^/]+/" * said.folder + r"([^/]+)/")
        what = f"its {len(members)} runs lie in several folders ({some})"
        may = ", which may tell methods or workloads apart"
        workloads = f"that they are workloads with --workload-from {workload}, "
    return (
        f"{escape(members[0].method)} would be one method, and {what}{may}: say that they are methods with --method-from "
        f"{method}, {workloads}or that paths say nothing of the training with --nuisance path"
    )


def _tells(text: str, named: Sequence[Named], members: Sequence[Named], said: Apart) -> bool:
    """Whether the pattern is found in every path, and tells ``members`` apart as they are said to be, and no finer, nor every
    run from every other."""
    every = [match["method"] for one in named if (match := re.search(text, one.run.path))]
    if len(every) < len(named) or (len(members) < len(named) == len(set(every))):
        return False
    called = [match["method"] for one in members if (match := re.search(text, one.run.path))]
    pairs = set(zip(called, said.texts, strict=True))
    each_apart = len(set(said.texts)) == len(members)
    return len(pairs) == len(set(called)) > 1 and (each_apart or len(set(called)) < len(members))
