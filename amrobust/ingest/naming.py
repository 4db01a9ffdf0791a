"""Which method, seed and workload a logged run is, and which of its series are wanted under which names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.fields import Named, split_by_fields, with_parameters
from amrobust.ingest.folders import apart, folders_apart
from amrobust.ingest.logged import (
    CLOCKS,
    METHOD_KEYS,
    SEED_KEYS,
    STEP_KEYS,
    WORKLOAD_KEYS,
    LoggedRun,
    Series,
)
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.selectors import NUMBER, ROLES, known_fields, selectors, usual_field
from amrobust.runs.files import escape
from amrobust.runs.method import Method, from_name, value_of
from amrobust.runs.metric import is_parameter
from amrobust.runs.seeds import as_given, seed_of
from amrobust.runs.summaries import COUNTS, SUMMARIES

# The word seed has to be there: a bare number after a name may count anything, such as versions.
_METHOD_AND_SEED = re.compile(
    r"(?P<method>.*?[^\W\d_].*?)[-_ ./]*(?:seed|(?<=[-_ ./])s)[-_ =]?(?P<seed>\d+)", re.IGNORECASE
)
NO_SEED = ("", "none", "null", "nan", "na", "n/a")
"""What is written where a run has no seed: it is asked about, and no seed of that name."""
NAMELESS = frozenset({"", "nan"})
"""What stands in the column of methods where nobody filled it; pandas writes the second."""
_SUMS = frozenset((
    "all", "total", "sum", "min", "max", "best", "worst", "overall", "summary", "aggregate", "aggregated", "ensemble", "iqm",
)).union(*SUMMARIES.values())  # fmt: skip
"""What stands in the column of seeds in a row that sums the others up."""
_EVERY = re.compile(r"every:(\d+(?:\.\d+)?)", re.ASCII)
SEED_IN_PATH = re.compile(r"(?i)(?<![a-z])seed[-_= ]?(\d+)")


def name_runs(runs: Sequence[LoggedRun], mappings: Mappings, stem: str) -> tuple[list[Named], list[str]]:
    """Every run with its method, seed and workload, and what had to be guessed from names.

    Without a choice, a method is the run's parameter of a usual name (method, optimizer, ...), a seed likewise (seed, ...);
    else both are read from names such as ``adam-seed3``, where every run has one. ``stem`` names the workload of last resort.
    """
    numbered = mappings.seed_from == NUMBER
    chosen = selectors(mappings.sources)
    method_from, seed_from, workload_from = map(chosen.get, ROLES)
    guessed = {id(run): _from_name(run) for run in runs}
    by_name = all(guessed.values())
    notes: list[str] = []
    named = []
    for run in runs:
        guess = guessed[id(run)]
        if method_from is not None:
            identity = _method(method_from.of(run))
        elif (usual := usual_field(run, METHOD_KEYS)) is not None:
            identity = from_name(usual.strip())
        elif by_name and guess is not None:
            identity = from_name(guess[0])
            if not notes:
                notes.append(
                    f"methods and seeds are read from names: {escape(guess[2])!r} is {escape(guess[0])!r}"
                )
        else:
            # Where names tell it of the other runs, the one to be named is that whose name does not.
            lost = next((one for one in runs if guessed[id(one)] is None), run)
            example = _example(runs)
            raise UserError(
                f"which method {lost.where} is cannot be told: name it with --method-from, =NAME where all are of one; "
                + known_fields(lost)
                + (f". If the path says it{example}" if example else "")
            )
        if run.hyperparameters:
            identity = replace(identity, hyperparameters={**identity.hyperparameters, **run.hyperparameters})
        if identity.name.lower() in NAMELESS:
            raise UserError(
                f"{run.where}: the method has no name{f' ({identity.name})' * bool(identity.name)}"
            )
        seed: int | None = None
        if seed_from is not None:
            seed = _seed_of_all(list(seed_from.of(run).values()), run)
        elif not numbered:
            seed = _usual_seed(run, guess if by_name else None)
        workload = (
            "/".join(workload_from.of(run).values())
            if workload_from is not None
            else usual_field(run, WORKLOAD_KEYS) or stem
        )
        named.append(Named(run, identity.name, workload.strip() or stem, identity, seed))
    notes += _words_among_numbers(named)
    if mappings.folds is not None:
        notes.append(
            f"{escape(mappings.folds)}: folds share their training data and vary together, so that intervals and p-values may "
            "be too small"
        )
    nuisances = mappings.no_method
    named, told = split_by_fields(named, nuisances, chosen=method_from is not None)
    notes += told
    # A pattern or a constant has said which runs are one method; a field has said nothing of the folders.
    said = method_from is not None and (not method_from.keys or "path" in method_from.keys)
    notes += folders_apart(named, chosen=said or "path" in nuisances)
    return with_parameters(named, nuisances), notes


_PATTERNS = (
    r"(?P<method>[^/_]+)_(?P<workload>[^/]+)_(?P<seed>\d+)\.\w+$",
    r"(?P<method>[^/]+)_(?P<seed>\d+)\.\w+$",
    r"(?P<method>[^/]+)/(?P<workload>[^/]+)_(?P<seed>\d+)$",
    r"(?P<workload>[^/]+)/(?P<method>[^/]+)_(?P<seed>\d+)$",
    r"(?P<method>[^/]+)/(?P<workload>[^/]+)\.\w+$",
    r"(?P<method>.+)/[^/]+/[^/]+$",
    r"(?P<method>.+)/[^/]+$",
    r"/(?P<method>[^/]+)/[^/]+$",
)
"""How paths often say what a run is: ``TD3_Hopper-v1_0.npy``, ``adam_0.log``, ``ppo/Acrobot-v1_1``, ``Acrobot-v1/ppo_1``,
``sac/dog-run.csv``, ``adam-0.01/10/eval.csv``, ``adam-0.01/eval_3.csv``, ``seed3/adam/eval.csv``."""
_AN_ENVIRONMENT = re.compile(r".*-v\d+")
"""What no method is called: environments of Gymnasium have their version behind their names."""


def _example(runs: Sequence[LoggedRun]) -> str | None:
    """Options by a pattern that says of every path what no field does, and of no two runs the same; None where none of the
    usual does. Where no run has a seed, they number them.

    Nor is one proposed by which every run would be a method, seeds unsaid, or numbers or environments would be methods; nor one
    that would leave folders or settings unsaid in which runs of one method differ.
    """
    for text in _PATTERNS:
        found = [(run, match) for run in runs if (match := re.search(text, run.path))]
        if len(found) < len(runs):
            continue
        places: dict[tuple[str, str], list[Named]] = {}
        for run, match in found:
            said = match.groupdict()
            method, workload = said["method"], said.get("workload", "")
            seed = _seed(said["seed"], run) if "seed" in said else _usual_seed(run, None)
            one = Named(run, method, workload, from_name(method), seed)
            places.setdefault((method, workload), []).append(one)
        called = {method for method, _ in places}
        seeds = [one.seed for same in places.values() for one in same]
        counted = set(seeds) == {None} and min(map(len, places.values())) > 1
        each_once = all(len({one.seed for one in same}) == len(same) for same in places.values())
        sound = len(called) < len(runs) or len(runs) == 1 or "seed" in found[0][1].groupdict()
        no_name = all(map(str.isdigit, called)) or any(map(_AN_ENVIRONMENT.fullmatch, called))
        if sound and not no_name and not any(map(apart, places.values())):
            option = f": --method-from {shlex.quote(f're:{text}')}"
            if each_once and None not in seeds:
                return option
            if counted:
                return f", and every run is a seed{option} --missing-seeds number"
    return None


def _from_name(run: LoggedRun) -> tuple[str, int, str] | None:
    """Method and seed from the run's own name, or from the last part of its path that has both; and that text."""
    parts = [part for part in run.path.split("/")[::-1] if part]
    if parts and "." in parts[0]:
        parts[0] = parts[0].rpartition(".")[0]
    joined = ["/".join(parts[start : start + 2][::-1]) for start in range(len(parts) - 1)]
    for text in (run.fields.get("name", ""), *parts, *joined):
        match = _METHOD_AND_SEED.fullmatch(text)
        if match is not None:
            return match["method"], seed_of(match["seed"]), text
    return None


def _usual_seed(run: LoggedRun, guess: tuple[str, int, str] | None) -> int | None:
    usual = usual_field(run, SEED_KEYS)
    if usual is not None and (seed := _seed(usual, run)) is not None:
        return seed
    match = SEED_IN_PATH.search(run.fields.get("name", "")) or SEED_IN_PATH.search(run.path)
    if match is not None:
        return _seed(match[1], run)
    return guess[1] if guess is not None else None


def _words_among_numbers(named: Sequence[Named]) -> list[str]:
    """A note where some seeds are words and others numbers: one may be mistyped.

    Raises UserError where one is called by words for what sums the others up, as the last row of a table may have it.
    """
    seeds = [(one, as_given(one.seed)) for one in named if one.seed is not None]
    words = [(one, seed) for one, seed in seeds if isinstance(seed, str)]
    mixed = len(words) < len(seeds)
    sums = [(one, seed) for one, seed in words if _sums_up(seed)]
    for one, seed in sums:
        # Of min_0 and min_1 neither sums the other up, and n may be a letter among letters.
        alone = len(sums) == len(seeds) and re.search(r"\d", seed)
        if not alone and (mixed or seed.lower() not in COUNTS):
            why = "where others are numbers" if mixed else "for what sums others up"
            raise UserError(
                f"{one.run.where}: the seed {seed!r} of {escape(one.method)} is a word {why}: leave the row out where it sums "
                "up the others, or choose other seeds with --seed-from"
            )
    return [
        f"the seed {escape(seed)!r} of {escape(one.method)} is a word where others are numbers"
        for one, seed in words[:mixed]
    ]


def _sums_up(seed: str) -> bool:
    """Whether all words of a seed's name are those of what sums others up: ``mean``, ``seed_avg``, ``Mean ± STD``."""
    found = set(filter(None, re.split(r"[\W\d_]+", seed.lower())))
    return bool(found & _SUMS) and found <= _SUMS | {
        "of",
        "over",
        "and",
        "seed",
        "run",
        "fold",
        "folds",
        "trial",
        "trials",
    }


def _seed(text: str, run: LoggedRun) -> int | None:
    """The seed that ``text`` is; None where it says that there is none, as the cell of a row without one does."""
    if text.strip().lower() in NO_SEED:
        return None
    try:
        return seed_of(text)
    except UserError as error:
        raise UserError(f"{run.where}: {error}: choose another with --seed-from") from None


def _seed_of_all(texts: Sequence[str], run: LoggedRun) -> int | None:
    """The seed of one text; of several, ``0/3`` for a repeat and its fold. None where one of them says that there is none."""
    if any(text.strip().lower() in NO_SEED for text in texts):
        return None
    return _seed("/".join(text.strip() for text in texts) if len(texts) > 1 else texts[0], run)


def _method(selected: dict[str, str]) -> Method:
    """``adam`` from one key; ``adam[lr=0.1,m=5]`` from several, the first being the name."""
    (_, name), *others = selected.items()
    name = name.strip()
    if not others:
        return from_name(name)
    values = {key: value.strip() for key, value in others}
    text = ",".join(f"{key}={value}" for key, value in values.items())
    parameters = {key: value_of(value) for key, value in values.items()}
    return Method(from_name(name).optimizer, parameters, tuple(parameters), written=f"{name}[{text}]")


def _step(run: LoggedRun, mappings: Mappings) -> str | None:
    """The series that holds the steps of the others, or ``index``; None where they have their own."""
    step = mappings.step_from or run.steps_in
    if step is not None and _EVERY.fullmatch(step) and step not in run.series:
        return step
    return None if step in (None, "step", run.own_steps) and step not in run.series else step


def axis_label(run: LoggedRun, mappings: Mappings) -> str:
    """What the steps that :func:`chosen_series` takes are called."""
    step = _step(run, mappings)
    if step is not None and step not in run.series and _EVERY.fullmatch(step):
        return "step"
    return step or run.own_steps or "step"


def chosen_series(run: LoggedRun, mappings: Mappings, known: frozenset[str]) -> dict[str, Series]:
    """The wanted series by the metrics they become, with the steps that were asked for.

    Without a choice of metrics, all but clocks and counters of steps. ``known`` are the names that any run has: a metric that
    none has is an error, one that this run lacks is not.
    """
    renamed = mappings.renamed
    step = _step(run, mappings)
    for old in renamed:
        if old not in known:
            names = sorted(name for name in known if _is_metric(name, step)) or sorted(known)
            raise UserError(
                f"no run has logged {escape(old)!r}: choose among {', '.join(map(escape, names[:20]))}"
            )
    if not renamed:
        renamed = {name: name for name in run.series if _is_metric(name, step)}
    chosen = {new: run.series[old] for old, new in renamed.items() if old in run.series}
    if step is None:
        return chosen
    if step == "index":
        return {name: (np.arange(1.0, len(values) + 1), values) for name, (_, values) in chosen.items()}
    if step not in run.series and (every := _EVERY.fullmatch(step)):
        return {
            name: (np.arange(0.0, len(values)) * float(every[1]), values)
            for name, (_, values) in chosen.items()
        }
    if step not in run.series:
        raise UserError(f"{escape(run.path)} has no series {escape(step)!r} to take steps from")
    return {name: _with_steps(run, name, series, run.series[step]) for name, series in chosen.items()}


def _is_metric(name: str, step: str | None) -> bool:
    """Whether a series of this name is no clock, no counter of steps, no parameter, and nothing a tool logs about itself."""
    return (
        name not in (*CLOCKS, *STEP_KEYS, step)
        and not name.startswith(("_", "system/", "system."))
        and not is_parameter(name)
    )


def _with_steps(run: LoggedRun, name: str, series: Series, counter: Series) -> Series:
    """``series`` with its steps translated by the ``counter`` that was logged beside it."""
    steps, values = series
    at, counts = counter
    if steps is at and (np.diff(at) > 0).all() and np.isfinite(counts).all():
        return counts, values
    order = np.argsort(at, kind="stable")
    at, counts = at[order], counts[order]
    # Where the counter was logged twice at one place, its last value counts.
    place = np.searchsorted(at, steps, side="right") - 1
    beside = (place >= 0) & (at[np.maximum(place, 0)] == steps)
    found = np.where(beside, counts[np.maximum(place, 0)], np.nan)
    if not np.isfinite(found).all():
        lost = int((~np.isfinite(found)).sum())
        raise UserError(
            f"{escape(run.path)}: {lost} points of {escape(name)!r} have no step beside them: choose other steps with "
            "--step-from "
            "(index counts the points)"
        )
    return found, values
