"""The rules as PyTorch optimizers, proven equal to :mod:`amrobust.rules` in float64 by the tests."""

from amrobust.optim.aggmo import AggMo
from amrobust.optim.am1 import AM1SGD
from amrobust.optim.am2 import AM2SGD
from amrobust.optim.amortized import AmortizedOptimizer
from amrobust.optim.base import RuleOptimizer
from amrobust.optim.hybrid import HybridSGD
from amrobust.optim.loops import batch_norm_statistics, evaluation_point, restart_on_drop
from amrobust.optim.msgd_tail import MSGDTail
from amrobust.optim.ntasgd import NTASGD
from amrobust.optim.qhm import QHM
from amrobust.optim.wrapped import CombinedOptimizer, WrappedOptimizer

__all__ = [
    "AM1SGD",
    "AM2SGD",
    "NTASGD",
    "QHM",
    "AggMo",
    "AmortizedOptimizer",
    "CombinedOptimizer",
    "HybridSGD",
    "MSGDTail",
    "RuleOptimizer",
    "WrappedOptimizer",
    "batch_norm_statistics",
    "evaluation_point",
    "restart_on_drop",
]
