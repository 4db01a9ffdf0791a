"""Many seeds of the convex problem at once: python benchmarks/convex_seeds.py a5a --help

Iterations of M-SGD on a LIBSVM file with noise on the gradient, one thread, as `amrobust run` trains them. Rounds are
interleaved in one process; medians of times and of per-round ratios are printed, against two peers:

  products  the two bare matrix products of the gradient, X @ A.T and W @ A in float64, for all seeds together, by BLAS
  loop      the same training one seed after the other (at most --loop-seeds of them are run, and scaled up)
"""

import argparse
import resource
import statistics
import time

import numpy as np
import threadpoolctl

from amrobust.train.convex import _noise, train_block
from amrobust.train.convex_rules import workload_of
from amrobust.train.layout import plan_layout
from amrobust.train.prepare import make_spec

TARGETS = {20: {"loop": 6.0, "products": 1.8}, 1000: {"products": 1.3}}


def products(rows, seeds, iterations):
    x = np.random.default_rng(0).normal(size=(seeds, rows.shape[1]))
    for _ in range(iterations):
        (x @ rows.T) @ rows


def plain_loop(rows, seeds, iterations, sigma):
    """One seed after the other as a script would: dense products of a vector, temporaries, Nesterov's momentum."""
    for seed in range(seeds):
        generator = np.random.default_rng(seed)
        x = np.zeros(rows.shape[1])
        buffer = np.zeros_like(x)
        for _ in range(iterations):
            noise = generator.standard_normal(len(x))
            noise *= sigma / np.linalg.norm(noise)
            gradient = -(1 / (1 + np.exp(rows @ x))) @ rows / len(rows) + noise
            buffer = 0.9 * buffer + gradient
            x = x - 0.1 * (gradient + 0.9 * buffer)


def trained(spec, seeds):
    for block in plan_layout(spec, range(seeds)).blocks:
        train_block(spec, block)


def timed(function):
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def drawn(spec, seeds, dimension):
    for block in plan_layout(spec, range(seeds)).blocks:
        for _ in _noise(spec, block, int(spec.workload_params["iterations"]), dimension):
            pass


def contestants(arguments, seeds):
    """What is timed, as functions without arguments, and how much each time is to be scaled up."""

    def spec(**params):
        wanted = {
            "data": arguments.data,
            "iterations": arguments.iterations,
            "record_every": arguments.iterations,
        }
        return make_spec("logistic", "msgd", wanted | params)

    double, single = spec(), spec(dtype="float32")
    rows = workload_of(double).problem(double.workload_params).signed_rows
    alone = min(seeds, arguments.loop_seeds)
    iterations = arguments.iterations
    return rows.shape, {
        "together": (lambda: trained(double, seeds), 1),
        "float32": (lambda: trained(single, seeds), 1),
        "noise": (lambda: drawn(double, seeds, rows.shape[1]), 1),
        "products": (lambda: products(rows, seeds, iterations), 1),
        "trainer loop": (lambda: [train_block(double, [seed]) for seed in range(alone)], seeds / alone),
        "script loop": (lambda: plain_loop(rows, alone, iterations, 1.0), seeds / alone),
    }


def compare(arguments, seeds):
    shape, parts = contestants(arguments, seeds)
    times = {name: [] for name in parts}
    for _ in range(arguments.rounds):
        for name, (function, scale) in parts.items():
            times[name].append(scale * timed(function))
    goals = TARGETS.get(seeds, {})

    def line(text, name, above, below, goal=None):
        ratio = statistics.median(one / other for one, other in zip(times[above], times[below], strict=True))
        wanted = f"  (to reach: {goal:g})" if goal else ""
        print(f"  {text:<52}{statistics.median(times[name]):9.3f} s {ratio:7.2f}{wanted}", flush=True)

    print(
        f"{seeds} seeds x {arguments.iterations} iterations, {shape[0]} x {shape[1]}, {arguments.rounds} rounds"
    )
    line("together", "together", "together", "together")
    line("bare products: together / products", "products", "together", "products", goals.get("products"))
    line(
        "loop as a script would: loop / together", "script loop", "script loop", "together", goals.get("loop")
    )
    line(
        "loop over this trainer: loop / together",
        "trainer loop",
        "trainer loop",
        "together",
        goals.get("loop"),
    )
    line("float32: float32 / together", "float32", "float32", "together")
    line("loop in float64: loop / float32", "script loop", "script loop", "float32", goals.get("loop"))
    line("noise: its share of together", "noise", "noise", "together")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="a LIBSVM file, such as a5a")
    parser.add_argument("--seeds", type=int, nargs="+", default=[20, 1000])
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loop-seeds", type=int, default=5)
    arguments = parser.parse_args()
    with threadpoolctl.threadpool_limits(1):
        for seeds in arguments.seeds:
            compare(arguments, seeds)


if __name__ == "__main__":
    main()
