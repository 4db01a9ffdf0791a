"""Jupyter, Colab and their like: progress in a cell, and training of classes that only the notebook's own process knows."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from amrobust import plugins
from amrobust.train.composed import parts
from amrobust.train.counting import Counting
from amrobust.train.executors import Executor, make_executor
from amrobust.train.reporter import Reporter, Silent

if TYPE_CHECKING:
    from amrobust.runs.spec import Spec

INTERVAL = 0.3
"""Seconds between two looks of the display at most."""


def prepared(specs: Iterable[Spec], executor: str, jobs: int | None) -> tuple[Executor, Reporter]:
    """What trains ``specs``, and what shows how far it is.

    A class of a notebook (or of a Python prompt) is trained in this process where worker processes are meant: they could not
    import it.
    """
    reporter: Reporter = _Cell() if in_notebook() else Silent()
    own = [
        name
        for spec in specs
        for name in (*parts(spec.optimizer), spec.workload)
        if name.startswith("__main__:")
    ]
    if own and executor == "processes" and _is_typed():
        executor = "local"
        what = own[0].partition(":")[2]
        reporter.note(what, "defined here, so that it is trained in this process and not in workers")
    return make_executor(executor, jobs), reporter


def look_again() -> None:
    """What names stand for may have changed since the last call, where cells are edited and run again."""
    if _is_typed():
        plugins.forget()


def _is_typed() -> bool:
    """Whether the main module is a notebook's or a prompt's, and no file."""
    return not hasattr(sys.modules["__main__"], "__file__")


def in_notebook() -> bool:
    """Whether this is a cell of a notebook, in which things are displayed; IPython on a terminal is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class _Cell(Counting):
    """A bar in the output of a cell, with a line above it for whatever went wrong."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._handle: Any = None
        self._shown = 0.0

    def planned(self, runs: int, seeds: int, where: str) -> None:
        super().planned(runs, seeds, where)
        self.show(always=True)

    def say(self, text: str) -> None:
        self._lines.append(text)
        if self.seeds:
            self.show(always=True)

    def show(self, *, always: bool = False) -> None:
        from IPython.display import display

        now = time.monotonic()
        if not always and now - self._shown < INTERVAL:
            return
        self._shown = now
        if self._handle is None:
            self._handle = display(self, display_id=True)
        else:
            self._handle.update(self)

    @property
    def _last(self) -> str:
        over = self.runs_done == self.runs
        return f"{self.title}; {self.counts}{'' if over else self.remaining}"

    def __repr__(self) -> str:
        return "\n".join([*self._lines, self._last])

    def _repr_html_(self) -> str:
        done = self.kept + max(self.tried, self.trained)
        lines = "".join(f"<div>{escape(line)}</div>" for line in self._lines)
        bar = f'<progress value="{done:.2f}" max="{self.seeds}"></progress>'
        return f"{lines}<div>{bar} {escape(self._last)}</div>"
