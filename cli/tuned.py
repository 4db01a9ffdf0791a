"""What ``--tuned FILE`` asks for: methods with the hyperparameters that ``amrobust tune`` chose, on the full training set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from amrobust.cli.parameters import parse_selection
from amrobust.errors import UserError

if TYPE_CHECKING:
    from amrobust.runs.tuning_record import TunedMethod, TuningFile
    from amrobust.train.requests import Request

BESIDE = ("tuned_file", "allow_code", "opts", "epochs", "data", "root_seed", "x0", "x0s", "paired", "vary")
"""Options that may stand beside --tuned; what all others say is in its file."""


def tuned_request(asked: Mapping[str, Any], seeds: int, given: Callable[[str], bool]) -> Request:
    """The methods of the file, those of --opt alone where it is given; ``given`` says which options stand on the command line.

    Raises UserError where the file cannot be read, or has no such method.
    """
    from amrobust.plugins import refuse_code
    from amrobust.runs.tuning_record import read_tuning
    from amrobust.train.requests import from_tuning

    found = read_tuning(asked["tuned_file"])
    if not asked["allow_code"]:
        typed = {parse_selection(opt)[0] for opt in asked["opts"] if given("opts")}
        optimizers = {method.optimizer for method in found.methods} - typed
        refuse_code(str(asked["tuned_file"]), (found.workload, *sorted(optimizers)))
    return from_tuning(
        found,
        seeds,
        methods=_wanted(found, asked["opts"]),
        params={name: asked[name] for name in ("epochs", "data") if asked[name] is not None},
        root_seed=asked["root_seed"] if given("root_seed") else None,
        x0=asked["x0"] if given("x0") else None,
        x0s=asked["x0s"],
        paired=asked["paired"],
        vary=asked["vary"],
    )


def _wanted(found: TuningFile, opts: Sequence[str]) -> list[TunedMethod]:
    chosen: list[TunedMethod] = []
    for opt in opts:
        optimizer, own = parse_selection(opt)
        fitting = [
            method
            for method in found.methods
            if method.optimizer == optimizer
            and all(name in method.hyperparameters for name in own)
            and all(method.hyperparameters[name] in values for name, values in own.items())
        ]
        if not fitting:
            known = ", ".join(dict.fromkeys(method.optimizer for method in found.methods))
            raise UserError(
                f"{opt} is not among the methods that were tuned: choose from {known}, or tune it"
            )
        chosen += [method for method in fitting if method not in chosen]
    return chosen or list(found.methods)
