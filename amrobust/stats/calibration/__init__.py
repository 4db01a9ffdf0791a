"""Measured coverage, type I error and power of everything that decides, and of its alternatives.

>>> from amrobust.stats.calibration import Effort, cells, measure
>>> cell = next(cell for cell in cells() if cell.topic == "final spread")
>>> [figure.measure for figure in measure(cell, Effort(values=200, curves=50, slow=20))][:2]
['type I error', 'type I error']
"""

from amrobust.stats.calibration.figures import Cell, Effort, Figure
from amrobust.stats.calibration.study import cells, measure, measure_all

__all__ = ["Cell", "Effort", "Figure", "cells", "measure", "measure_all"]
