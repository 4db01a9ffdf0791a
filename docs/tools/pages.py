"""The blocks of a Markdown page: what is run, what is shown as its output, what is a file, and what says why it is not run.

A fenced block is run when its language is ``sh`` or ``python``, unless the comment ``<!-- not run: reason -->`` stands right
above it. ``title="name"`` after any language makes it a file of that name instead. A ``text`` block is what the block before
it prints; ``...`` in it stands for anything, and under ``<!-- output: words -->`` every number stands for any number. In the
README, ``<!-- ci: name -->`` marks the commands that ``.ci/run`` runs by themselves.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = ("sh", "python")
DATA = ("text", "csv", "toml", "json", "yaml", "bibtex", "diff", "mermaid")
"""Languages of blocks that are files, outputs or excerpts, never run by themselves."""

FENCE = re.compile(
    r"(?P<comments>(?:^[ ]*<!--[^\n]*-->[ ]*\n\s*)*)"
    r"^(?P<indent>[ ]*)```(?P<language>\w*)(?P<attributes>[^\n]*)\n(?P<body>.*?)^(?P=indent)```[ ]*$",
    re.DOTALL | re.MULTILINE,
)
COMMENT = re.compile(r"<!-- (?P<key>not run|output|ci): (?P<value>.*?) -->")
TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """One fenced block; ``line`` counts from 1, and ``title`` is the file that it is, if it is one."""

    page: str
    line: int
    language: str
    text: str
    title: str | None = None
    not_run: str | None = None
    output: str | None = None
    ci: str | None = None

    @property
    def runs(self) -> bool:
        """Whether it is code that the tests run."""
        return self.language in RUN and self.title is None and self.not_run is None and self.ci is None

    @property
    def first_line(self) -> str:
        """Its first line of code."""
        return next(line for line in self.text.splitlines() if line.strip())


def pages() -> list[Path]:
    """The README, CONTRIBUTING, the skill for agents and every page of the documentation."""
    single = ("README.md", "CONTRIBUTING.md", "SKILL.md")
    return [*(ROOT / name for name in single), *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of ``page`` in their order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        said = {m["key"]: m["value"] for m in COMMENT.finditer(match["comments"])}
        title = TITLE.search(match["attributes"])
        found.append(
            Block(
                page=page.relative_to(ROOT).as_posix(),
                line=text.count("\n", 0, match.start("language")) + 1,
                language=match["language"],
                text=textwrap.dedent(match["body"]),
                title=title.group(1) if title else None,
                not_run=said.get("not run"),
                output=said.get("output"),
                ci=said.get("ci"),
            )
        )
    return found
