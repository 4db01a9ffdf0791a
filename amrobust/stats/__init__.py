"""Statistics of spread and location over seeds: NumPy and SciPy in, dataclasses out; usable alone.

>>> import numpy as np
>>> from amrobust import stats
>>> rng = np.random.default_rng(0)
>>> steady, shaky = rng.normal(0, 1, (20, 30)), rng.normal(0, 3, (20, 30))
>>> result = stats.spread_ratio(steady, shaky)
>>> bool(result.high < 0.5)
True
"""

from amrobust.stats.bootstrap import bootstrap_interval
from amrobust.stats.levene import absolute_deviations, levene
from amrobust.stats.location import equivalence, mean_difference, mean_interval, non_inferiority
from amrobust.stats.permutation import permutation_spread, smallest_permutation_p
from amrobust.stats.planning import seeds_to_settle
from amrobust.stats.results import Caution, Result
from amrobust.stats.samples import CannotEstimate, avg_std, final_values, kurtosis, std
from amrobust.stats.spread import avg_std_interval, chi_square_interval, spread_interval, spread_ratio
from amrobust.stats.variance_tests import bartlett, f_test, fligner, pitman_morgan

__all__ = [
    "CannotEstimate",
    "Caution",
    "Result",
    "absolute_deviations",
    "avg_std",
    "avg_std_interval",
    "bartlett",
    "bootstrap_interval",
    "chi_square_interval",
    "equivalence",
    "f_test",
    "final_values",
    "fligner",
    "kurtosis",
    "levene",
    "mean_difference",
    "mean_interval",
    "non_inferiority",
    "permutation_spread",
    "pitman_morgan",
    "seeds_to_settle",
    "smallest_permutation_p",
    "spread_interval",
    "spread_ratio",
    "std",
]
