"""Bootstrap and permutation of 20 × 90 curves, 10,000 resamples, against scipy: python benchmarks/resampling.py

Rounds are interleaved in one process; medians of per-round times and of their ratios are printed. One thread:
OMP_NUM_THREADS=1.
"""

import statistics
import time

import numpy as np
import scipy.stats
import threadpoolctl

from amrobust.stats.bootstrap import log_avg_std, resample_counts, resampled
from amrobust.stats.permutation import swaps_within_pairs

SEEDS, EPOCHS, RESAMPLES, ROUNDS = 20, 90, 10_000, 7


def main():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, SEEDS, EPOCHS))
    rows = np.arange(SEEDS)

    def by_rows(index, axis=-1):
        return a[index.astype(int)].std(axis=-2, ddof=1).mean(axis=-1)

    def difference(x, y, axis):
        return np.log(x.std(axis=axis, ddof=1).mean(axis=-1) / y.std(axis=axis, ddof=1).mean(axis=-1))

    contests = {
        "bootstrap of Avg. STD": (
            lambda: resampled(a, resample_counts(SEEDS, RESAMPLES, np.random.default_rng(0)), log_avg_std),
            lambda: scipy.stats.bootstrap(
                (rows,), by_rows, n_resamples=RESAMPLES, method="percentile", vectorized=True, batch=500, rng=rng
            ),
        ),
        "swaps of whole curves": (
            lambda: swaps_within_pairs(a, b, resamples=RESAMPLES),
            lambda: scipy.stats.permutation_test(
                (a, b), difference, n_resamples=RESAMPLES, vectorized=True, batch=500, permutation_type="samples",
                axis=0, rng=rng,
            ),
        ),
    }  # fmt: skip
    for name, forms in contests.items():
        times = []
        for _ in range(ROUNDS):
            row = []
            for form in forms:
                start = time.perf_counter()
                form()
                row.append(time.perf_counter() - start)
            times.append(row)
        ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(theirs / ours for ours, theirs in times)
        print(f"{name}: {1e3 * ours:.1f} ms, scipy {1e3 * theirs:.1f} ms, ratio {ratio:.1f}")


if __name__ == "__main__":
    # As comparisons compute: threads of BLAS cost these small products more than they bring.
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        main()
