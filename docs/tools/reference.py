"""The pages of the reference that are made from the tree: every command's help, and every kind of claim."""

from __future__ import annotations

import inspect
import re
import tomllib
from dataclasses import replace

import click

from amrobust.cli import main
from amrobust.judge.declared import claims_of
from amrobust.judge.kinds import KINDS
from amrobust.judge.kinds.kind import Kind
from amrobust.judge.kinds.spread import AvgStd
from amrobust.runs.axis import epochs
from amrobust.runs.documents import Tables
from amrobust.runs.metric import Metric

WIDTH = 80
"""Characters of a line of help."""

ACCURACY = Metric("test_accuracy", "higher", "%")

FIELDS = {
    "margin": ("0.5", "a difference in the metric's unit", "1.5", "a ratio above 1"),
    "parts": ('[{ kind = "equivalent mean", margin = 0.5 }, { kind = "less Avg. STD" }]', "claims"),
    "methods": ('["am1[m=3]/II", "am1[m=5]/II", "am1[m=10]/II"]', "the sweep in its order, or `am1[m=*]/II` for all of a form"),
    "rising": ("", "`true` where the spread is said to rise"),
    "bound": ("[[85.0, 0.1]]", "`bounds`, pairs of a threshold and a probability"),
    "deviation": ("", "`deviations` in their place: the Λ of Theorem 1b"),
}  # fmt: skip
"""What a file of claims says of a field that a kind takes, "" where it is left out here, and what it is; then of ratios."""

CLAIMS = """# Claims

A claim is a sentence about methods that is fixed before the runs are read: its kind, its methods, and where the kind has one a
margin. `compare` makes the usual ones by itself (for each method a better mean, less final spread and less Avg. STD than the
baseline); a file declares others, as `[[claims]]` tables that `amrobust compare RUNS --claims FILE` and
[analyses](tutorial.md#declared-before-it-is-run) read. In Python they are `amrobust.Claim(kind, method, baseline, ...)`, and
`amrobust.compare(runs, claims=[...])` tests them.

Each ends as *supported*, *refuted*, *inconclusive* or *not assessable*, with its estimate and interval. All claims of a
comparison are one family (Holm). `phase = [0, 0.5]` or `epochs = [1, 10]` in a claim about two methods makes it one about that
part of the training; `at = 0.5` in one about a change is where that lies. `amrobust plan` says how many seeds a claim needs,
from a pilot (`amrobust plan RUNS --claims FILE`) or from what is assumed, margins and differences being in STDs of seeds then;
[calibration](calibration.md) has the error rates that were measured of the tests that decide.

The page is written from the classes of the kinds, which CONTRIBUTING.md tells how to add to.
"""


def command_line() -> str:
    """The page with the help of every command, as a terminal prints it."""
    lines = [
        "# Every command",
        "",
        "The help of each command. [The commands](commands.md) in a line each.",
        "",
    ]
    context = click.Context(
        main, info_name="amrobust", terminal_width=WIDTH, max_content_width=WIDTH, **main.context_settings
    )
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        own = click.Context(
            command, info_name=name, parent=context, terminal_width=WIDTH, max_content_width=WIDTH
        )
        shown = click.unstyle(command.get_help(own)).rstrip()
        lines += [
            f"## amrobust {name}",
            "",
            "```sh",
            f"amrobust {name} --help",
            "```",
            "",
            "```text",
            shown,
            "```",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def claim_kinds() -> str:
    """The page on the kinds of claims."""
    lines = [CLAIMS, "| kind | about | estimates |", "|---|---|---|"]
    lines += [
        f"| [`{kind.name}`](#{_anchor(kind.name)}) | {kind.about} | {kind.estimates} |"
        for kind in KINDS.values()
    ]
    for kind in KINDS.values():
        lines += ["", f"## {kind.name}", "", *_section(kind)]
    return "\n".join(lines) + "\n"


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z0-9-]", "", name.lower().replace(" ", "-"))


def _section(kind: Kind) -> list[str]:
    """What it says, as declared and in words, what it takes, and how it is planned."""
    declared = _declared(kind)
    (claim,) = claims_of(Tables("docs/claims.md"), tomllib.loads(declared)["claims"][0], "msgd")
    if kind.name == "trend":
        claim = replace(claim, over="m")
    if claim.phase is not None:
        claim = replace(claim, epochs=kind.epochs_of(claim.phase, 30), phase=None)
    said = " ".join((inspect.getdoc(type(kind)) or "").split())
    statement = kind.statement(claim, ACCURACY, epochs(30))
    taken = [f"`{field}`: {_field(kind, field)[1]}" for field in FIELDS if field in kind.takes]
    return [
        re.sub(r":\w+:`~?([\w.]+)`", r"`\1`", said).replace("``", "`"),
        "",
        f"In words: *{statement}.*",
        "",
        "```toml",
        declared.rstrip(),
        "```",
        "",
        *([f"It takes {'; '.join(taken)}.", ""] if taken else []),
        _planned(kind),
    ]


def _field(kind: Kind, name: str) -> tuple[str, ...]:
    """What a field is set to, and what it is."""
    found = FIELDS[name]
    return found[2:] if len(found) > 2 and kind.estimates == "ratio" else found[:2]


def _declared(kind: Kind) -> str:
    """A claim of the kind as a file has it."""
    lines = ["[[claims]]", f'kind = "{kind.name}"']
    if kind.about != "a sweep":
        lines.append('method = "am1[m=5]/II"')
    if kind.about == "two methods":
        lines.append('baseline = "msgd"')
    for name in FIELDS:
        value = _field(kind, name)[0]
        if name in kind.takes and value:
            lines.append(f"{'bounds' if name == 'bound' else name} = {value}")
    if "after" in kind.name:
        lines.append("at = 0.5")
    return "\n".join(lines) + "\n"


def _planned(kind: Kind) -> str:
    if not kind.can_be_simulated:
        return "It is not simulated; `amrobust compare` says how many seeds it needs."
    if not (kind.can_be_assumed and kind.can_be_a_part):
        return "Planned from a pilot: `amrobust plan RUNS --claims FILE`."
    margin = f" --margin {_field(kind, 'margin')[0]}" if "margin" in kind.takes else ""
    true = "--rates 0.02,0.3" if kind.estimates == "difference of rates" else "--ratio 1.5"
    if kind.estimates in ("difference", "probability of superiority"):
        true = "" if margin else "--difference 1"
    elif margin:
        true = "--ratio 1"
    if isinstance(kind, AvgStd):
        true += " --curves 30"
    return f"Planned without runs: `amrobust plan --claim '{kind.name}'{margin} {true}`.".replace(" `.", "`.")
