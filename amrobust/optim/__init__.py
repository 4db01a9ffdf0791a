"""The rules as PyTorch optimizers, proven equal to :mod:`amrobust.rules` in float64 by the tests."""

from amrobust.optim.am1 import AM1SGD
from amrobust.optim.am2 import AM2SGD
from amrobust.optim.ntasgd import NTASGD

__all__ = ["AM1SGD", "AM2SGD", "NTASGD"]
