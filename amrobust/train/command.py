"""Somebody's own command with placeholders, such as ``python train.py --seed {seed} --lr {lr}``: the runs that it asks for.

The method is what all placeholders but the seed say, and the command itself; a placeholder that is usually called so names the
method (``{opt}``, ``{optimizer}``) or tells workloads apart (``{dataset}``, ``{env}``). ``{{name}}`` is no placeholder, nor is
``${name}``, which is the shell's.
"""

from __future__ import annotations

import difflib
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from amrobust.errors import UserError
from amrobust.runs.documents import MAX_COMBINATIONS
from amrobust.runs.files import escape
from amrobust.runs.method import value_of
from amrobust.runs.spec import MAX_TEXT, Spec, can_be_recorded
from amrobust.runs.summaries import METHOD_KEYS, WORKLOAD_KEYS
from amrobust.runs.workload import Workload
from amrobust.train.script_code import is_script

SEED = "seed"
PORT = "port"
"""A free TCP port of the task's own, for what trains in several processes."""
PYTHON = "python"
"""The Python that amrobust runs on."""
RESERVED = (SEED, PORT, PYTHON)
COMMAND, READING = "command", "reading"
"""What is recorded among a method's settings beside the values of its placeholders, which have other names."""
_PLACEHOLDER = re.compile(r"\{\{([A-Za-z_]\w*)\}\}|(?<!\$)\{([A-Za-z_]\w*)\}", re.ASCII)

Point = Mapping[str, str]
"""A value of every placeholder but the reserved ones, as it stands in the command."""


def placeholders(text: str) -> list[str]:
    """The names in braces, in their order."""
    return [match[2] for match in _PLACEHOLDER.finditer(text) if match[2] is not None]


def filled(text: str, values: Mapping[str, object]) -> str:
    """``text`` with the placeholders' values; ``{{name}}`` becomes ``{name}``."""
    return _PLACEHOLDER.sub(lambda m: f"{{{m[1]}}}" if m[2] is None else str(values[m[2]]), text)


@dataclass(frozen=True)
class Command:
    """A command with placeholders, the values of these, and where its curves are."""

    words: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    read: str | None = None
    """The file, or the folder, that a task writes, with placeholders; None: what it prints is read."""
    reading: str = ""
    """The options that say how, for the record; empty where lines METRIC name=value are read."""
    name: str | None = None
    """What the method is called where no placeholder says it; None: as the script."""
    workload: str | None = None
    """None: as the script."""
    script: str = ""
    """What the script is called; by default as the first file of code behind the program, the module behind -m, the program."""
    paired: bool = False
    metrics: tuple[str, ...] = ()
    """What ``--metric`` says."""

    def __post_init__(self) -> None:
        """Raises UserError on whatever can be known to be wrong before anything is started."""
        if not self.words:
            raise UserError("no command is given: write it behind --, as in -- python train.py --seed {seed}")
        used = [name for word in self.words for name in placeholders(word)]
        known = [*dict.fromkeys(name for name in used if name not in RESERVED)]
        if SEED not in used:
            raise UserError(
                "the command has no {seed}: say where each task's seed goes, as in -- python train.py --seed {seed}"
            )
        for name in (*self.values, *known):
            if name in (*RESERVED, COMMAND, READING):
                hint = (
                    "--seeds says how many there are"
                    if name == SEED
                    else "call the placeholder something else"
                )
                raise UserError(f"--{name}: {{{name}}} is amrobust's own; {hint}")
        for name, values in self.values.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = (
                    f"did you mean --{near[0]}?"
                    if near
                    else f"write {{{name}}} where its value goes, or leave it out"
                )
                raise UserError(
                    f"--{escape(name)}: the command has no placeholder {{{escape(name)}}}; {hint}"
                )
            recorded = [value_of(value) for value in values]
            if len(set(recorded)) < len(recorded) or not values:
                raise UserError(f"--{name} {','.join(values)}: a value is there twice, or none is")
            if bad := next((value for value in recorded if not can_be_recorded(value)), None):
                raise UserError(
                    f"--{name}: {escape(str(bad)[:60])} is too long, or too large, to be recorded"
                )
        if without := [name for name in known if name not in self.values]:
            name = without[0]
            raise UserError(
                f"the command has {{{name}}}, and no values for it: give them, as in --{name} a,b (where the braces are the "
                f"command's own, double them: {{{{{name}}}}})"
            )
        self._check_read([*known, SEED])
        if len(shlex.join(self.words)) > MAX_TEXT:
            raise UserError(f"the command is longer than {MAX_TEXT:,} characters: put it into a script")
        for first in dict.fromkeys(self.filled(point)[0] for point in self.points):
            if shutil.which(first) is None:
                found = Path(first).is_file()
                hint = (
                    f"make it executable, or name what runs it, as in -- python {escape(first)}"
                    if found
                    else "write its arguments as words of their own, without quotes round them all; a pipeline goes into sh -c "
                    "'...'"
                )
                raise UserError(
                    f"{escape(first)!r} is {'not executable' if found else 'no program that is found'}: {hint}"
                )

    def _check_read(self, known: Sequence[str]) -> None:
        if self.read is None:
            return
        used = placeholders(self.read)
        for name in used:
            if name not in known:
                raise UserError(f"--read {escape(self.read)}: the command has no placeholder {{{name}}}")
        several = [SEED, *(name for name, values in self.values.items() if len(values) > 1)]
        if shared := [name for name in several if name not in used]:
            raise UserError(
                f"--read {escape(self.read)} is one file for every {shared[0]}: tasks would overwrite each other's; have the "
                f"script write one of its own each, and put {{{shared[0]}}} into --read"
            )

    def filled(self, point: Point, seed: int = 0, port: int = 0) -> list[str]:
        """The words of one task."""
        values = {**point, SEED: seed, PORT: port, PYTHON: sys.executable}
        return [filled(word, values) for word in self.words]

    @property
    def points(self) -> list[Point]:
        """Every combination of the values."""
        number = 1
        for values in self.values.values():
            number *= len(values)
        if number > MAX_COMBINATIONS:
            raise UserError(f"the values have {number:,} combinations, more than {MAX_COMBINATIONS:,}")
        return [dict(zip(self.values, chosen, strict=True)) for chosen in product(*self.values.values())]

    def again(self, point: Point, seeds: int) -> str:
        """The command line of amrobust that makes so many seeds of one run again."""
        options = ["amrobust", "exec", "--seeds", str(seeds)]
        name = self.name or ("" if set(METHOD_KEYS) & set(point) else self.script)
        for option, given in (("--name", name), ("--workload", self.workload)):
            options += [option, given] if given else []
        options += ["--paired"] if self.paired else []
        for name, value in point.items():
            options += ["--param", f"{name}={value}"]
        options += shlex.split(self.reading)
        for metric in self.metrics:
            options += ["--metric", metric]
        return shlex.join([*options, "--", *self.words])

    @property
    def _script(self) -> str:
        program, *others = self.words
        for before, word in zip(self.words, others, strict=False):
            if not placeholders(word) and (before == "-m" or is_script(Path(word))):
                return word if before == "-m" else Path(word).name
        return Path(program).name

    def specs(self) -> dict[str, tuple[Spec, Point]]:
        """By its digest each run that is asked for, with the values that it stands for."""
        found = {}
        for point in self.points:
            spec = self._spec(point)
            found[spec.key] = spec, point
        return found

    def _spec(self, point: Point) -> Spec:
        naming = None if self.name else next((key for key in METHOD_KEYS if key in point), None)
        place = next((key for key in WORKLOAD_KEYS if key in point), None)
        script = self.script or self._script
        own = self.name or (point[naming] if naming else script.removesuffix(".py"))
        settings = {key: value for key, value in point.items() if key not in (naming, place)}
        told = ",".join(f"{key}={value}" for key, value in settings.items())
        method = f"{own}[{told}]" if told else own
        workload = Workload(self.workload or script, ((place, point[place]),) if place else ())
        return Spec(
            workload=workload.label,
            workload_params={},
            optimizer=own,
            hyperparameters={
                **{key: value_of(value) for key, value in point.items() if key != place},
                **({"method": method} if method != own else {}),
                COMMAND: shlex.join(self.words),
                **({READING: self.reading} if self.reading else {}),
            },
            paired=self.paired,
        )


def method_name(spec: Spec) -> str:
    """What the method of a command's ``spec`` is called."""
    return str(spec.hyperparameters.get("method", spec.optimizer))
