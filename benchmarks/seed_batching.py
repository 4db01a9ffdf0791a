"""Twenty seeds of a small network, one by one and together: python benchmarks/seed_batching.py

Seeds × epochs a second of four ways to train the same seeds on `digits`, or on a part of `fashion-mnist`: one by one in one
process (the peer), one by one in worker processes, as stacks in one process, and as stacks in worker processes, which is the
default of `amrobust run`. Every process has one thread. Rounds are interleaved, workers start before the first, and each way
is warmed up once; medians of the rates and of the ratios within a round are printed. An epoch is a pass over 1,201 images of
`digits` and an evaluation of all 1,797, or a pass over 1,920 images of `fashion-mnist` and an evaluation of those and of
2,000 test images.
"""

import argparse
import statistics
import time

from amrobust.train import pools
from amrobust.train.heartbeat import Board
from amrobust.train.layout import evenly
from amrobust.train.prepare import make_spec
from amrobust.train.stacking.cost import stack_size
from amrobust.train.training import one_thread, train_unit

PARAMS = {
    "digits": {"lr_drops": 0},
    "fashion-mnist": {"train_images": 1920, "test_images": 2000, "schedule": "constant"},
}
MODELS = {"digits": ["mlp", "cnn", "resnet8"], "fashion-mnist": ["small-cnn"]}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--workload", choices=PARAMS, default="digits")
    parser.add_argument(
        "--models", nargs="+", help="left out: mlp, cnn, resnet8 of digits, small-cnn of fashion-mnist"
    )
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[16, 128])
    parser.add_argument("--opt", default="msgd")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--stack", type=int, help="seeds in a stack, at most; left out: as `amrobust run` does"
    )
    return parser.parse_args()


def main():
    given = arguments()
    pool = pools.start_pool(given.workers, Board())
    try:
        print(f"{'model':9} {'batch':>5}  {'way':24} {'seeds x epochs/s':>16} {'ratio':>6}")
        for model in given.models or MODELS[given.workload]:
            for batch in given.batch_sizes:
                measure(given, pool, model, batch)
    finally:
        pools.stop_pool(pool)


def measure(given, pool, model, batch):
    params = {"epochs": given.epochs, "model": model, "batch_size": batch, **PARAMS[given.workload]}
    spec = make_spec(given.workload, given.opt, params)
    size = given.stack or stack_size(spec, given.workers, forced=True)[0]
    ways = {
        "one by one": (False, 1),
        f"{given.workers} processes": (True, 1),
        "stacks": (False, size),
        f"stacks in {given.workers} processes": (True, size),
    }

    def train(parallel, most, seeds):
        blocks = evenly(range(seeds), given.workers if parallel else 1, most)
        started = time.perf_counter()
        if parallel:
            outcomes = [
                future.result() for future in [pool.submit(train_unit, spec, block) for block in blocks]
            ]
        else:
            with one_thread():
                outcomes = [train_unit(spec, block) for block in blocks]
        seconds = time.perf_counter() - started
        assert not [outcome.error for block in outcomes for outcome in block if outcome.error]
        return seeds * given.epochs / seconds

    for parallel, most in ways.values():
        train(parallel, most, min(given.seeds, most * (given.workers if parallel else 1)))
    rates = {way: [] for way in ways}
    for _ in range(given.rounds):
        for way, (parallel, most) in ways.items():
            rates[way].append(train(parallel, most, given.seeds))
    for way, found in rates.items():
        ratio = statistics.median(one / peer for one, peer in zip(found, rates["one by one"], strict=True))
        print(f"{model:9} {batch:5}  {way:24} {statistics.median(found):16.1f} {ratio:6.2f}", flush=True)


if __name__ == "__main__":
    main()
