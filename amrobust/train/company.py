"""Methods in company: seeds of several specs that train as one stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amrobust.runs.spec import Spec, Value


@dataclass(frozen=True)
class Company:
    """Seeds of several methods on one workload, as one piece of work.

    To an executor it is what a spec is, and the numbers of its "seeds" are places in ``entries``.
    """

    entries: tuple[tuple[Spec, int], ...]

    @property
    def workload(self) -> str:
        """That of every method."""
        return self.entries[0][0].workload

    @property
    def workload_params(self) -> dict[str, Value]:
        """Those of every method."""
        return dict(self.entries[0][0].workload_params)

    def identity(self) -> dict[str, Any]:
        """What the work depends on, as plain JSON data."""
        return {"company": [[spec.identity(), seed] for spec, seed in self.entries]}


Work = Spec | Company
"""What an executor trains."""


def entries_of(work: Work, seeds: Sequence[int]) -> list[tuple[Spec, int]]:
    """The method and the seed that each of ``seeds`` stands for."""
    if isinstance(work, Company):
        return [work.entries[place] for place in seeds]
    return [(work, seed) for seed in seeds]
