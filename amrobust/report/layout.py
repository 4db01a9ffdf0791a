"""How a report is laid out: title, authors, paper, which sections in which order, a template of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from amrobust.errors import UserError

Paper = Literal["a4", "letter"]
Provenance = Literal["names", "full"]
PAPERS: tuple[Paper, ...] = get_args(Paper)
SECTIONS: dict[str, str] = {
    "answer": "the question, the verdicts and the figure that shows them",
    "verdicts": "every verdict in a sentence, where the first page has a table of them",
    "results": "the methods' numbers, and every seed's final value",
    "training": "mean curves, and the STD over seeds with its descriptive band",
    "sweep": "accuracy and spread against a swept hyperparameter",
    "tests": "the tests behind the verdicts, and what describes the pairs",
    "equivalence": "differences of means against their margin",
    "tails": "quantiles, exceedance and bounds",
    "power": "what the study could have found",
    "tuning": "how each method's hyperparameters were chosen: budget, grid, choice",
    "warnings": "warnings with their hints",
    "methods": "definitions and formulas of everything that was computed",
    "reproduce": "commands, versions and digests",
}
"""The sections by name, in the order of a whole report."""


@dataclass(frozen=True)
class Layout:
    """The options of a report that its numbers do not depend on."""

    title: str | None = None
    """None: made from the workload."""
    authors: tuple[str, ...] = ()
    paper: Paper = "a4"
    sections: tuple[str, ...] = tuple(SECTIONS)
    template: Path | None = None
    """A Typst file in the place of the one that comes with amrobust for the format."""
    command: str | None = None
    """What the report was made with, where that was not ``amrobust report`` on runs."""
    provenance: Provenance = "names"
    """Whether absolute paths are printed whole (full), or as the names of their files."""


def parse_sections(text: str) -> tuple[str, ...]:
    """Names such as ``answer,results,-power``; names with a minus are left out of what the others give, or of the whole report.

    Raises UserError on an unknown or repeated name, and where nothing is left.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    wanted = [name for name in names if not name.startswith("-")]
    unwanted = {name[1:] for name in names if name.startswith("-")}
    for name in (*wanted, *unwanted):
        if name not in SECTIONS:
            raise UserError(f"a report has no section {name!r}: choose from {', '.join(SECTIONS)}")
    if len(set(wanted)) < len(wanted):
        raise UserError(f"a section is asked for twice in {text!r}")
    found = tuple(name for name in wanted or SECTIONS if name not in unwanted)
    if not found:
        raise UserError(f"{text!r} leaves no section of the report")
    return found
