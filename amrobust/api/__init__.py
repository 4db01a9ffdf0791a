"""The library as Python users meet it: what the commands do, with DataFrames and matplotlib axes."""

from amrobust.api.comparison import Comparison, compare
from amrobust.api.runs import Runs, load

__all__ = ["Comparison", "Runs", "compare", "load"]
