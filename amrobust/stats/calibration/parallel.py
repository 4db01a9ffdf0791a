"""Measuring many cells on several cores; the figures do not depend on how many."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from amrobust.stats.calibration.figures import Cell, Effort, Figure
from amrobust.stats.calibration.study import measure


def measure_all(
    cells: Sequence[Cell], effort: Effort, *, root: int = 0, jobs: int = 1
) -> Iterator[tuple[int, list[Figure]]]:
    """Yield (index of the cell, its figures) as cells finish, on ``jobs`` processes; in this one where that is 1."""
    if jobs == 1:
        for index, cell in enumerate(cells):
            yield index, measure(cell, effort, root=root)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(measure, cell, effort, root=root): i for i, cell in enumerate(cells)}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
