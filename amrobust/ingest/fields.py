"""Which recorded fields tell methods apart: a method is every field but the seed and what says nothing of the training."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.columns import Column, Rows
from amrobust.ingest.logged import CLOCKS, SEED_KEYS, STEP_KEYS, LoggedRun, last_part
from amrobust.runs.files import escape, quoted
from amrobust.runs.method import Method, value_of
from amrobust.runs.metric import is_parameter

SETTINGS = frozenset({
    "base_lr", "max_lr", "min_lr", "lrate", "eta", "alpha", "train_batch_size", "nesterov", "beta", "gamma", "l1", "l2",
    "clip", "grad_clip", "max_grad_norm", "warmup_epochs", "m", "k", "tau", "width", "depth", "layers", "n_layers",
    "hidden", "hidden_dim", "dim", "embed_dim", "heads", "n_heads", "max_epochs", "train_size", "n_train", "temperature",
    "label_smoothing", "mixup", "cutmix", "drop_path", "droprate", "lora_rank", "lora_alpha", "lora_r", "num_experts",
    "n_experts", "n_clients", "num_clients", "prompt_len", "n_params", "num_params", "params_m", "augment", "augmentation",
    "shots", "n_shots", "num_shots", "sparsity",
})  # fmt: skip
"""Names of numbers that are chosen before a training, beside those that are never a metric: these may be one."""

NUISANCES = frozenset({
    "path", "file", "host", "hostname", "node", "machine", "user", "username", "author", "id", "run_id", "run_uuid", "uuid",
    "run", "experiment_id", "artifact_uri", "created", "updated", "started", "start_time", "end_time", "finished", "time",
    "timestamp", "date", "datetime", "elapsed", "duration", "runtime", "walltime", "wall_time", "state", "status",
    "lifecycle_stage", "sweep", "dir", "output", "output_dir", "out_dir", "log_dir", "logdir", "log_path", "save_dir",
    "save_path", "checkpoint_dir", "ckpt_dir", "commit", "git_commit", "git_hash", "sha", "revision", "branch", "dirty",
    "device", "devices", "gpu", "gpus", "n_gpus", "num_gpus", "gpu_id", "cuda", "cuda_device", "accelerator", "num_workers",
    "n_workers", "workers", "n_jobs", "jobs", "port", "local_rank", "world_size", "pid", "job_id", "slurm_job_id",
    "log_every", "log_interval", "eval_every", "verbose", "debug", "wandb", "resume", "node_ip", "experiment_tag", "trial_name",
})  # fmt: skip
"""Fields that say where, when and by whom a run was made; any other can be declared one by --nuisance."""
LABELS = frozenset({
    "tag", "tags", "group", "job_type", "exp_name", "experiment_name", "version", "name", "run_name", "experiment",
    "notes", "note", "description", "label", "title", "alias", "checkpoint", "ckpt",
})  # fmt: skip
"""Fields by which people sort runs: several runs of one value are a method of their own; another value in every run is no more
than a name, be it a number."""
WORDS = re.compile(r"[^\W\d_]+(?:[-_ ][^\W\d_]+)*")
"""A value of words alone, such as ``cosine``: it says what was chosen, where one with digits may number runs."""
_BOOKKEEPING = re.compile(r"(?:mlflow|slurm|git|wandb)[._/].*|system[./].*|_.*(?<!_)")
"""Fields that tools keep for themselves: ``mlflow.user``, ``system/cpu``, ``_timestamp``; ``_target_`` of Hydra is none."""
_SEEDS = re.compile(
    r"(?:.* )?(?:seeds?|random state)(?: .*)?|(?:.* )?(?:rep|repeat|replicate|trial)(?: (?:id|index|idx|no|number))?"
)
"""Names, in words, of what randomness was; the penalty of repetitions and the length of a trial are none."""


@dataclass(frozen=True)
class Named:
    """A logged run with its place in a comparison; ``seed`` is None where it has none."""

    run: LoggedRun
    method: str
    workload: str
    identity: Method
    seed: int | None


def is_chosen(name: str) -> bool:
    """Whether numbers of this name are chosen before a training."""
    return is_parameter(name) or last_part(name) in SETTINGS


def tells_methods(field: str, declared: frozenset[str]) -> bool:
    """Whether a field may tell methods apart: neither is it ``declared`` none of them, nor do its names say so."""
    part = last_part(field)
    return (
        field not in declared
        and part not in declared
        and part not in NUISANCES
        and not _BOOKKEEPING.fullmatch(field.lower())
        and not _SEEDS.fullmatch(part.replace("_", " "))
    )


def _is_passed_over(field: str) -> bool:
    """Whether a field is taken for none of the method unasked, and is not what the seed is read from."""
    return not tells_methods(field, frozenset()) and last_part(field) not in (*SEED_KEYS, "path")


def clashing(same: Sequence[Named], nuisances: frozenset[str]) -> list[str]:
    """The fields in which runs of one method and seed differ that may tell methods, workloads or seeds apart."""
    return [
        field
        for field in dict.fromkeys(field for one in same for field in one.run.fields)
        if tells_methods(field, nuisances)
        and len({_value(field, one.run.fields.get(field, "").strip()) for one in same}) > 1
    ]


def split_by_fields(
    named: Sequence[Named], nuisances: frozenset[str], *, chosen: bool
) -> tuple[list[Named], list[str]]:
    """``named`` with methods whose runs differ in a recorded field told apart by it, and a note on each that was split.

    ``sgd`` with runs at two learning rates becomes ``sgd[lr=0.01]`` and ``sgd[lr=0.1]``: that their seeds happen to be distinct
    does not make them one sample. A text with digits that is another in every run names runs, not methods. Raises UserError,
    naming the field, where a number or a word is another in every run: methods of one seed each, or a field that means nothing.

    Where the user has ``chosen`` what names methods and seeds clash, nothing is told apart: the clash is asked about instead.
    """
    groups: dict[tuple[str, str], list[Named]] = defaultdict(list)
    for one in named:
        groups[one.workload, one.method].append(one)
    told: dict[int, dict[str, str]] = {}
    notes: dict[str, None] = {}
    for (_, method), members in groups.items():
        for field in dict.fromkeys(field for one in members for field in one.run.fields):
            if _is_passed_over(field) and not nuisances & {field, last_part(field)}:
                values = [one.run.fields.get(field, "").strip() for one in members]
                if is_sorting(values):
                    notes[left_out(field, values)] = None
        if chosen and any(clashing(same, nuisances) for same in _of_one_seed(members)):
            continue
        seeded = all(one.seed is not None for one in members)
        fields = _telling([one.run for one in members], method, nuisances, chosen=chosen, seeded=seeded)
        if fields:
            ends = Counter(map(last_part, fields))
            names = {field: field if ends[last_part(field)] > 1 else last_part(field) for field in fields}
            # A value that is written in several ways, 0.1 and 1e-1, is called as it was written first.
            first: dict[tuple[str, int | float | str], str] = {}
            for one in members:
                texts = {field: one.run.fields.get(field, "").strip() for field in fields}
                told[id(one)] = {
                    names[field]: first.setdefault((field, _value(field, text)), text)
                    for field, text in texts.items()
                }
            by = ", ".join(map(escape, fields))
            said = f"{escape(method)} is several methods, told apart by {by}: "
            said += "choose with --method-from, or " * (not chosen)
            notes[f"{said}call a field none of the method with --nuisance"] = None
    return [_told_apart(one, told[id(one)]) if id(one) in told else one for one in named], list(notes)


def is_sorting(values: Sequence[str]) -> bool:
    """Whether a field sorts the runs of a method: it has several values, and each of them several times."""
    counts = Counter(values)
    return len(counts) > 1 and min(counts.values()) > 1


def left_out(field: str, values: Iterable[str]) -> str:
    """What is said of a field that sorts runs and is none of the method."""
    some = list(dict.fromkeys(values))
    listed = ", ".join(map(escape, some[:4])) + (", ..." if len(some) > 4 else "")
    return (
        f"{escape(field)} ({listed}) is taken for where, when or how runs were made: if it tells methods apart, name it in "
        "--method-from"
    )


def is_balanced(column: Column, groups: Sequence[Rows]) -> bool:
    """Whether the rows of every group have the same numbers, or none, about equally often, as in a grid of what was chosen.

    About equally is at most twice as often, and at least twice where any is there twice.
    """
    codes, cells = column.distinct()
    if len(cells) < 2 or column.wrong().any():
        return False
    counts = np.array([np.bincount(codes[rows], minlength=len(cells)) for rows in groups])
    once = bool((counts == 1).all()) and len(groups) > 1 and len(cells) > 2
    return once or bool(counts.min() > 1 and counts.max() <= 2 * counts.min())


def _of_one_seed(members: Sequence[Named]) -> list[list[Named]]:
    found: dict[int, list[Named]] = defaultdict(list)
    for one in members:
        if one.seed is not None:
            found[one.seed].append(one)
    return list(found.values())


def _telling(
    runs: Sequence[LoggedRun], method: str, nuisances: frozenset[str], *, chosen: bool, seeded: bool
) -> list[str]:
    """The fields that tell ``runs`` apart, parameters first; those that tell nothing more than the ones before are left out."""
    fields = dict.fromkeys(field for run in runs for field in run.fields)
    found: list[str] = []
    parts: list[tuple[int | float | str, ...]] = [()] * len(runs)
    for field in sorted(fields, key=lambda field: not is_chosen(field)):
        values = [_value(field, run.fields.get(field, "").strip()) for run in runs]
        if len(set(values)) == 1 or not tells_methods(field, nuisances):
            continue
        if field == "name" and all(map(_named_by_its_file, runs)):
            continue
        if len(set(values)) == len(runs):
            if last_part(field) not in LABELS and all(map(_says_what_was_chosen, values)):
                some = ", ".join(map(str, values[:4])) + (", ..." if len(values) > 4 else "")
                raise UserError(
                    f"the {len(runs)} runs of {escape(method)} differ in {escape(field)}, another in every run ({some}): "
                    + "say what a method is with --method-from, or " * (not chosen)
                    + f"say that it is the seed with --seed-from {quoted(field)}, or " * (not seeded)
                    + f"call it none of the method with --nuisance {quoted(field)}"
                )
            continue
        finer = [(*part, value) for part, value in zip(parts, values, strict=True)]
        if len(set(finer)) > len(set(parts)):
            parts, found = finer, [*found, field]
    return found


def _says_what_was_chosen(value: int | float | str) -> bool:
    return not isinstance(value, str) or WORDS.fullmatch(value) is not None


def _named_by_its_file(run: LoggedRun) -> bool:
    """Whether nobody named ``run``: more seeds of one method may be in a second file."""
    path = PurePosixPath(run.path.partition(": ")[0])
    return run.fields.get("name", "") in (path.stem, *path.parts)


def _value(field: str, text: str) -> int | float | str:
    """What a field says: 0.1 and 1e-1 are one learning rate, 1.1 and 1.10 two versions."""
    return text if last_part(field) in LABELS or "_" in text else value_of(text)


def _told_apart(one: Named, values: Mapping[str, str]) -> Named:
    """``one`` with the fields that tell its method apart behind what its name has already: ``adam[beta=0.9,lr=0.1]/II``."""
    inner = ",".join(f"{name}={value}" for name, value in values.items())
    head, bracket, output = one.method.rpartition("]")
    if bracket:
        name = f"{head},{inner}]{output}"
    else:
        head, slash, output = one.method.partition("/")
        name = f"{head}[{inner}]{slash}{output}"
    own = {key: _value(key, value) for key, value in values.items()}
    identity = replace(
        one.identity,
        hyperparameters={**one.identity.hyperparameters, **own},
        named=(*one.identity.named, *own),
        written=name,
    )
    return replace(one, method=name, identity=identity)


def with_parameters(named: Sequence[Named], nuisances: frozenset[str]) -> list[Named]:
    """``named`` with the parameters in which no run of a method differs among its hyperparameters; its name does not tell them.

    Parameters are recorded fields that are chosen before a training by their names, such as ``lr``, in a configuration too
    (``optimizer.lr``); of two of one last part that differ neither counts.
    """
    groups: dict[tuple[str, str], list[Named]] = defaultdict(list)
    for one in named:
        groups[one.workload, one.method].append(one)
    found: dict[tuple[str, str], dict[str, set[int | float | str]]] = {}
    for key, members in groups.items():
        values = found.setdefault(key, {})
        for field in dict.fromkeys(field for one in members for field in one.run.fields):
            if is_chosen(field) and tells_methods(field, nuisances):
                values.setdefault(last_part(field), set()).update(
                    _value(field, one.run.fields.get(field, "").strip()) for one in members
                )
    known = {
        key: {name: next(iter(each)) for name, each in values.items() if len(each) == 1 and each != {""}}
        for key, values in found.items()
    }
    return [
        replace(
            one,
            identity=replace(
                one.identity,
                hyperparameters={**known[one.workload, one.method], **one.identity.hyperparameters},
            ),
        )
        for one in named
    ]


def is_setting(column: Column, steps: Column, runs: Sequence[Rows], name: str) -> bool:
    """Whether a column of numbers was chosen before the training, given the ``steps`` and the rows of each run.

    It is where it is constant within every run and has a parameter's name, or is not the same in all runs of several rows; and
    where a parameter's name stands on what alone tells apart rows of one step: a run for each of its values. A second count of
    steps does so too, and is none.
    """
    if all(column.is_constant(rows) for rows in runs):
        firsts = {column[rows.start if isinstance(rows, slice) else int(rows[0])] for rows in runs}
        return is_chosen(name) or (len(firsts) > 1 and len(runs) < len(column))
    counts = last_part(name) in (*STEP_KEYS, *CLOCKS, "epochs", "iterations", "iters")
    if not is_chosen(name) or counts:
        return False
    values, at = column.distinct()[0], steps.distinct()[0]
    places = sum(len(np.unique(at[rows])) for rows in runs)
    apart = sum(len(np.unique(np.stack([at[rows], values[rows]]), axis=1).T) for rows in runs)
    return places < len(column) == apart
