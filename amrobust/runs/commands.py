"""The commands that make a recorded run, and the tuning of its method, again."""

from __future__ import annotations

import shlex

from amrobust.runs.manifest import Manifest
from amrobust.runs.spec import VALIDATION, Spec
from amrobust.runs.tuning import Tuning


def command_of(manifest: Manifest) -> str:
    """The command that makes the run again; of a recorded run there is none."""
    sources = [made.source for made in manifest.provenance if made.source is not None]
    if sources:
        return sources[-1].command
    spec = manifest.spec
    words = ["amrobust", "run", "--opt", spec.optimizer, "--workload", spec.workload]
    for name, value in (*spec.hyperparameters.items(), *spec.workload_params.items()):
        if value is not None:
            words += ["--param", f"{name}={value}"]
    words += ["--seeds", str(len(manifest.seeds)), *_stream_words(spec)]
    if spec.vary is not None:
        words += ["--vary", spec.vary]
    return shlex.join(words)


def tuning_command_of(manifest: Manifest) -> str:
    """The command that tunes the run's method again as it was tuned; empty where that is not recorded."""
    tuning, spec = manifest.tuning, manifest.spec
    if tuning is None:
        return ""
    words = ["amrobust", "tune", "--opt", spec.optimizer, "--workload", spec.workload]
    for name, value in spec.hyperparameters.items():
        given = ",".join(map(str, tuning.searched.get(name, (value,))))
        words += ["--param", f"{name}={given}"] if value is not None else []
    own = {VALIDATION: tuning.validation} | (
        {"epochs": tuning.epochs} if "epochs" in spec.workload_params else {}
    )
    for name, value in {**spec.workload_params, **own}.items():
        words += ["--param", f"{name}={value}"] if value is not None else []
    words += ["--seeds", str(len(tuning.seeds))]
    if len(manifest.facts.outputs) > 1:
        words += ["--by", tuning.output]
    return shlex.join([*words, *_stream_words(tuning)])


def _stream_words(of: Spec | Tuning) -> list[str]:
    """The options that say which random streams, where they are not the usual ones."""
    words = ["--root-seed", str(of.root_seed)] if of.root_seed else []
    words += ["--x0", str(of.x0_index)] if of.x0_index else []
    return words + (["--paired"] if of.paired else [])
