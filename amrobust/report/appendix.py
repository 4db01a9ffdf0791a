"""How to make the runs and the report again: commands, what was chosen, versions, and the digests that tell it worked."""

from __future__ import annotations

import json
import platform
import re
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import GroupComparison
from amrobust.judge.rules import Rules, Selection
from amrobust.judge.words import listed
from amrobust.report.blocks import Block, Code, Commands, Fact, Facts, Heading, plain
from amrobust.report.layout import SECTIONS, Layout
from amrobust.report.text import breakable, escape_prose
from amrobust.report.view import spans

_DIGEST = re.compile(r"[0-9a-f]{32,64}")
_LINE = 72
_MADE_WITH = ("amrobust", "numpy", "scipy", "matplotlib", "typst")


def reproduce(compared: GroupComparison, layout: Layout, level: int) -> list[Block]:
    """Commands; facts that all methods share; facts of each method, once for methods that have the same.

    ``level`` is that of the section's heading.
    """
    facts = {arm.method: {**_own_facts(compared, arm.method), **arm.facts} for arm in compared.arms}
    commands = dict.fromkeys(values.pop("command") for values in facts.values() if "command" in values)
    keys = dict.fromkeys(key for values in facts.values() for key in values)
    common = {
        key: next(iter(facts.values()))[key]
        for key in keys
        if len(facts) > 1 and len({values.get(key) for values in facts.values()}) == 1
    }
    digests = {"data digest": compared.data_digest, "x0 digest": compared.x0_digest}
    shared = {key: value for key, value in digests.items() if value and key not in keys} | common
    own = {
        method: tuple(_fact(key, value) for key, value in values.items() if key not in common)
        for method, values in facts.items()
    }
    blocks: list[Block] = [
        Commands(tuple(_command(c) for c in (*commands, layout.command or report_command(compared, layout))))
    ]
    if not _usual(compared):
        blocks += [
            plain("The claims as declared:" if layout.command else "The claims, as declared in CLAIMS.toml:"),
            Code(tuple(_declared(compared))),
        ]
    together = tuple(_fact(key, value) for key, value in shared.items())
    if len(own) == 1:
        return [*blocks, Facts((("", (*together, *next(iter(own.values())))),))]
    if together:
        blocks += [Heading("Common to all methods", level + 1), Facts((("", together),))]
    if any(own.values()):
        sharing: dict[tuple[Fact, ...], list[str]] = {}
        for method, found in own.items():
            sharing.setdefault(found, []).append(breakable(compared.titles[method]))
        blocks += [
            Heading("Of each method", level + 1),
            Facts(tuple((listed(methods), found) for found, methods in sharing.items() if found)),
        ]
    return blocks


def _usual(compared: GroupComparison) -> bool:
    """Whether the claims are those that a comparison makes when none are declared: the same two or three of every pair."""
    methods = [arm.method for arm in compared.arms]
    pairs = (compared.selection or Selection()).pairs
    expected = {
        (method, baseline)
        for i, baseline in enumerate(methods[:1] if pairs == "baseline" else methods)
        for method in methods[i + 1 :]
    }
    found: dict[tuple[str, str], list[str]] = {}
    for verdict in compared.verdicts:
        claim = verdict.claim
        if claim.epochs is not None:
            return False
        found.setdefault((claim.method, claim.baseline), []).append(claim.kind)
    spreads = ["less spread"] + (["less Avg. STD"] if compared.epochs > 1 else [])
    return found.keys() == (expected if compared.verdicts else set()) and all(
        kinds[0] in ("better mean", "equivalent mean") and kinds[1:] == spreads for kinds in found.values()
    )


def _declared(compared: GroupComparison) -> list[str]:
    """The claims as the lines of a claims file, in its short form: a claim a line."""
    bounds: dict[str, list[list[float]]] = {}
    for verdict in compared.verdicts:
        if verdict.claim.bound is not None:
            bounds.setdefault(verdict.claim.method, []).append(list(verdict.claim.bound))
    claims = [
        _inline([("kind", "exceedance bound"), ("method", method), ("bounds", pairs)])
        for method, pairs in bounds.items()
    ]
    for claim in (v.claim for v in compared.verdicts if v.claim.bound is None):
        entries: list[tuple[str, Any]] = [("kind", claim.kind)]
        if claim.methods:
            entries.append(("methods", list(claim.methods)))
        else:
            entries.append(("method", claim.method))
            if claim.is_about_a_pair and claim.baseline != compared.baseline:
                entries.append(("baseline", claim.baseline))
        claims.append(_inline([*entries, *claim.form.details(claim)], claim.parts))
    lines = [f"baseline = {_toml(compared.baseline)}", "claims = [", *(f"  {each}," for each in claims), "]"]
    return [escape_prose(line) for line in lines]


def _inline(entries: list[tuple[str, Any]], parts: Sequence[Claim] = ()) -> str:
    written = [f"{name} = {_toml(value)}" for name, value in entries]
    if parts:
        inner = ", ".join(_inline([("kind", part.kind), *part.form.details(part)]) for part in parts)
        written.append(f"parts = [{inner}]")
    return f"{{ {', '.join(written)} }}"


def _toml(value: Any) -> str:
    """A value in TOML's notation, which for texts, lists, numbers and truth is that of JSON."""
    return json.dumps(value, ensure_ascii=False)


def made_with() -> Fact:
    """The versions that computed and set the report."""
    parts = [f"{name} {version(name)}" for name in _MADE_WITH]
    return Fact("report made with", f"Python {platform.python_version()}, {', '.join(parts)}")


def _command(command: str) -> tuple[tuple[str, ...], ...]:
    """A command in parts that stay whole: an option with its value; one too long for a line is cut."""
    parts = re.split(r" (?=-)", escape_prose(command))
    return tuple(
        tuple(part[i : i + _LINE] for i in range(0, len(part), _LINE)) if len(part) >= _LINE else (part,)
        for part in parts
    )


def _fact(key: str, value: str) -> Fact:
    digest = bool(_DIGEST.fullmatch(value))
    return Fact(breakable(key), value if digest else breakable(value), digest)


def _own_facts(compared: GroupComparison, method: str) -> dict[str, str]:
    arm = next(arm for arm in compared.arms if arm.method == method)
    facts = {"seeds": spans(tuple(sorted(arm.seeds)))}
    if arm.diverged:
        facts["diverged seeds"] = spans(tuple(sorted(arm.diverged)))
    return facts


def report_command(compared: GroupComparison, layout: Layout) -> str:
    """The command that makes this report from the runs, with every option that is not at its default."""
    selection, rules = compared.selection or Selection(), compared.rules or Rules()
    metric = selection.metric or compared.metric.name.removeprefix(f"{selection.scale}_")
    words = ["amrobust", "report", "RUNS", "-o", "report.pdf", "--metric", metric]
    if compared.verdicts:
        words += [
            "--baseline",
            compared.baseline,
            "--test",
            compared.test,
            "--alpha",
            f"{compared.alpha:g}",
        ]
    margins = {v.claim.margin for v in compared.verdicts if v.claim.margin is not None}
    values = {
        "--margin": f"{margins.pop():g}" if len(margins) == 1 and _usual(compared) else "",
        "--claims": "" if _usual(compared) else "CLAIMS.toml",
        "--final": compared.final if compared.final != "last" else "",
        "--center": rules.centre if rules.centre != Rules.centre else "",
        "--failure": "" if rules.failure is None else f"{rules.failure:g}",
        "--interval": rules.interval if rules.interval != Rules.interval else "",
        "--pairs": selection.pairs if selection.pairs != Selection.pairs else "",
        "--looks": ",".join(map(str, rules.looks)),
        "--scale": selection.scale if selection.scale != "none" else "",
        "--grid": selection.grid or "",
        "--lengths": selection.lengths if selection.lengths != Selection.lengths else "",
        "--measured": selection.measured if selection.measured != Selection.measured else "",
        "--tuning": selection.tuning or "",
        "--diverged": f"{selection.diverged:g}" if selection.diverged is not None else "",
        "--title": layout.title or "",
        "--paper": layout.paper if layout.paper != Layout.paper else "",
        "--sections": ",".join(layout.sections) if layout.sections != tuple(SECTIONS) else "",
        "--template": layout.template.name if layout.template is not None else "",
    }
    words += [word for option, value in values.items() if value for word in (option, value)]
    words += [word for author in layout.authors for word in ("--author", author)]
    labels = {arm.method: arm.identity.label for arm in compared.arms}
    words += [
        word
        for name, label in labels.items()
        if label not in (None, name)
        for word in ("--label", f"{name}={label}")
    ]
    flags = {
        "--complete-cases": selection.complete_cases,
        "--allow-different-x0": selection.allow_different_x0,
    }
    return shlex.join([*words, *(flag for flag, given in flags.items() if given)])
