"""Statistics of spread and location over seeds: NumPy and SciPy in, dataclasses out; usable alone.

>>> import numpy as np
>>> from amrobust import stats
>>> rng = np.random.default_rng(0)
>>> steady, shaky = rng.normal(0, 1, (20, 30)), rng.normal(0, 3, (20, 30))
>>> result = stats.spread_ratio(steady, shaky)
>>> bool(result.high < 0.5)
True
"""

from amrobust.stats.bonett import mad_ratio, pooled_kurtosis_ratio
from amrobust.stats.bootstrap import bootstrap_contrast, bootstrap_difference, bootstrap_interval
from amrobust.stats.curves import (
    EpochwiseDifference,
    simultaneous_std_band,
    std_band,
    when_spreads_differ,
)
from amrobust.stats.distribution import ratio_on_distribution, spread_on_distribution
from amrobust.stats.levels import MatchedLevel, spread_at_matched_level, to_scale
from amrobust.stats.levene import absolute_deviations, levene
from amrobust.stats.location import (
    equivalence,
    equivalence_of,
    mean_difference,
    mean_interval,
    non_inferiority,
    non_inferiority_of,
    ratio_of_costs,
)
from amrobust.stats.nested import (
    VarianceComponents,
    avg_std_over_x0s,
    mean_difference_over_x0s,
    mean_over_x0s,
    spread_ratio_over_x0s,
    variance_components,
)
from amrobust.stats.permutation import smallest_permutation_p, swaps_within_pairs
from amrobust.stats.planning import power_at_seeds, required_seeds, seeds_to_bound
from amrobust.stats.ranks import chance_of_winning, mann_whitney
from amrobust.stats.rates import divergence_difference
from amrobust.stats.results import Result, ResultWarning
from amrobust.stats.samples import CannotEstimate, avg_std, final_values, kurtosis, std
from amrobust.stats.sequential import Look, obrien_fleming_looks
from amrobust.stats.spread import (
    avg_std_interval,
    chi_square_interval,
    construction_for,
    spread_interval,
    spread_ratio,
)
from amrobust.stats.tails import (
    cvar,
    distribution_band,
    divergence_rate,
    exceedance,
    exceedance_curve,
    generalised_pareto,
    seeds_for_quantile_bound,
    tail_quantile,
)
from amrobust.stats.trend import TurningPoint, jonckheere, permutation_trend, spread_trend, turning_point
from amrobust.stats.variance_tests import bartlett, f_test, fligner, pitman_morgan

__all__ = [
    "CannotEstimate",
    "EpochwiseDifference",
    "Look",
    "MatchedLevel",
    "Result",
    "ResultWarning",
    "TurningPoint",
    "VarianceComponents",
    "absolute_deviations",
    "avg_std",
    "avg_std_interval",
    "avg_std_over_x0s",
    "bartlett",
    "bootstrap_contrast",
    "bootstrap_difference",
    "bootstrap_interval",
    "chance_of_winning",
    "chi_square_interval",
    "construction_for",
    "cvar",
    "distribution_band",
    "divergence_difference",
    "divergence_rate",
    "equivalence",
    "equivalence_of",
    "exceedance",
    "exceedance_curve",
    "f_test",
    "final_values",
    "fligner",
    "generalised_pareto",
    "jonckheere",
    "kurtosis",
    "levene",
    "mad_ratio",
    "mann_whitney",
    "mean_difference",
    "mean_difference_over_x0s",
    "mean_interval",
    "mean_over_x0s",
    "non_inferiority",
    "non_inferiority_of",
    "obrien_fleming_looks",
    "permutation_trend",
    "pitman_morgan",
    "pooled_kurtosis_ratio",
    "power_at_seeds",
    "ratio_of_costs",
    "ratio_on_distribution",
    "required_seeds",
    "seeds_for_quantile_bound",
    "seeds_to_bound",
    "simultaneous_std_band",
    "smallest_permutation_p",
    "spread_at_matched_level",
    "spread_interval",
    "spread_on_distribution",
    "spread_ratio",
    "spread_ratio_over_x0s",
    "spread_trend",
    "std",
    "std_band",
    "swaps_within_pairs",
    "tail_quantile",
    "to_scale",
    "turning_point",
    "variance_components",
    "when_spreads_differ",
]
