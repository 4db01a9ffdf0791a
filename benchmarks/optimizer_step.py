"""The time of an optimizer's step on ResNet-34's parameters, against torch's Nesterov: python benchmarks/optimizer_step.py

21,282,122 float32 parameters in 110 tensors. Every form has its own parameters and gradients; rounds are interleaved in
one process; medians of the times and of the per-round ratios are printed for each number of threads. Also printed: streams
a step (parameter-sized reads and writes), summed over the kernels that are called and as they must come from memory when
each kernel finds in the cache what another has touched; GB a step for the latter; and the time over that of an in-place
axpy that moves as much.
"""

import argparse
import math
import os
import statistics
import sys
import time
from dataclasses import dataclass

import torch

from amrobust.optim import AM1SGD, AM2SGD, QHM, AggMo, HybridSGD, compiled
from amrobust.optim.aggmo import aggmo
from amrobust.optim.am1 import Phase, am1
from amrobust.optim.am2 import am2
from amrobust.optim.forms import Loop
from amrobust.optim.hybrid import Phase as HybridPhase
from amrobust.optim.hybrid import hybrid
from amrobust.optim.qhm import qhm

LR, MOMENTUM, M, WEIGHT_DECAY = 0.1, 0.9, 5, 5e-4


def resnet34_shapes():
    """Parameter shapes of the CIFAR ResNet-34: a 3x3 stem of 64, blocks 3-4-6-3, 10 classes."""
    shapes, before = [(64, 3, 3, 3), (64,), (64,)], 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for _ in range(blocks):
            shapes += [(width, before, 3, 3), (width,), (width,), (width, width, 3, 3), (width,), (width,)]
            if width != before:
                shapes += [(width, before, 1, 1), (width,), (width,)]
            before = width
    return [*shapes, (10, 512), (10,)]


class Recorder(Loop):
    """What the kernels of an update read and write, by the names of the lists."""

    log: list

    @classmethod
    def copy(cls, ys, xs):
        cls.log.append(({xs}, {ys}))

    @classmethod
    def scale(cls, ys, factor):
        cls.log.append(({ys}, {ys}))

    @classmethod
    def add(cls, ys, xs, factor=1.0):
        cls.log.append(({ys, xs}, {ys}))


class FusedRecorder(Recorder):
    @classmethod
    def descend(cls, xs, gs, lr, decay):
        cls.log.append(({xs, gs}, {xs}))

    @classmethod
    def descend_and_sum(cls, totals, xs, gs, lr, decay):
        if decay:
            super().descend_and_sum(totals, xs, gs, lr, decay)
        else:
            cls.log.append(({totals, xs, gs}, {totals, xs}))

    @classmethod
    def pull(cls, xs, towards, from_, weight):
        cls.log.append(({xs, towards, from_}, {xs, from_}))


class CompiledRecorder(FusedRecorder):
    @classmethod
    def pull(cls, xs, towards, from_, weight):
        cls.log.append(({xs, towards, from_}, {xs}))


def streams(recorder, steps):
    """Per step, over ``steps`` of (update, phase, lists, scalars): streams of all kernels, and from memory."""
    kernels = memory = 0
    for update, phase, lists, scalars in steps:
        recorder.log = []
        update(recorder, phase, lists, scalars)
        kernels += sum(len(reads) + len(writes) for reads, writes in recorder.log)
        written, read = set(), set()
        for reads, writes in recorder.log:
            read |= reads - written
            written |= writes
        memory += len(read) + len(written)
    return kernels / len(steps), memory / len(steps)


def am1_steps(decay):
    return [(am1, Phase.at(k, M), ("x", "g", "sum", "output"), (LR, decay, MOMENTUM / M)) for k in range(M)]


def am2_steps(decay):
    # one of m steps writes and reads the same row
    lists = ("x", "g", "row", "spare", "next")
    return [(am2, k == 0, lists, (LR, decay, MOMENTUM)) for k in range(M)]


def hybrid_steps():
    lists, scalars = ("x", "g", "sum", "output", "ahead"), (LR, WEIGHT_DECAY, 0.45, 0.09)
    return [(hybrid, HybridPhase(k == 0, k + 1 == M), lists, scalars) for k in range(M)]


@dataclass
class Contender:
    name: str
    make: object
    streams: tuple
    reach: str = ""


def contenders(arguments):
    decay = {"weight_decay": WEIGHT_DECAY}
    nesterov = {"momentum": MOMENTUM, "nesterov": True} | decay

    def sgd(**options):
        return lambda params: torch.optim.SGD(params, LR, **nesterov, **options)

    def ours(make, **options):
        return lambda params: make(params, LR, **(options or {"foreach": True}), **decay)

    def undecayed(**options):
        return lambda params: AM1SGD(params, LR, m=M, **options)

    found = [
        Contender("torch Nesterov fused", sgd(fused=True), (5, 5)),
        Contender("torch Nesterov foreach", sgd(foreach=True), (14, 14)),
        Contender("torch Nesterov loop", sgd(foreach=False), (14, 14)),
        Contender("axpy in place", None, (3, 3)),
        Contender("AM1 loop", ours(AM1SGD, foreach=False), streams(Recorder, am1_steps(WEIGHT_DECAY))),
        Contender("AM1 foreach", ours(AM1SGD), streams(Recorder, am1_steps(WEIGHT_DECAY)), "0.65 of foreach"),
        Contender("AM1 foreach, no decay", undecayed(foreach=True), streams(Recorder, am1_steps(0))),
        Contender(
            "AM1 fused", ours(AM1SGD, fused=True), streams(FusedRecorder, am1_steps(WEIGHT_DECAY)), "1.6"
        ),
        Contender("AM1 fused, no decay", undecayed(fused=True), streams(FusedRecorder, am1_steps(0)), "1.3"),
        Contender("AM2 foreach", ours(AM2SGD), streams(Recorder, am2_steps(WEIGHT_DECAY))),
        Contender(
            "AM2 fused", ours(AM2SGD, fused=True), streams(FusedRecorder, am2_steps(WEIGHT_DECAY)), "2.3"
        ),
        Contender(
            "AggMo foreach",
            ours(AggMo),
            streams(Recorder, [(aggmo, 1, ("x", "g", "v"), (LR, WEIGHT_DECAY, 1, 0.5, 0.9))]),
        ),
        Contender(
            "QHM foreach",
            ours(QHM),
            streams(Recorder, [(qhm, None, ("x", "g", "v"), (LR, WEIGHT_DECAY, 0.9, 0.7))]),
        ),
        Contender("hybrid foreach", ours(HybridSGD), streams(Recorder, hybrid_steps())),
    ]
    if arguments.compile:
        in_memory = streams(CompiledRecorder, am1_steps(WEIGHT_DECAY))[1]
        # x, g, row and next read, x and row written; next is the row itself in one of m steps
        table = 6 - 1 / M
        found += [
            Contender("AM1 compiled", ours(AM1SGD, compile=True), (in_memory, in_memory), "1.00"),
            Contender("AM2 compiled", ours(AM2SGD, compile=True), (table, table), "1.20"),
        ]
    return [
        one for one in found if arguments.only in one.name or one.make is None or "Nesterov f" in one.name
    ]


def stepper(contender, arguments):
    shapes = resnet34_shapes()[: arguments.tensors]
    params = [torch.nn.Parameter(torch.randn(shape, device=arguments.device)) for shape in shapes]
    for p in params:
        p.grad = 1e-3 * torch.randn_like(p)
    if contender.make is not None:
        return contender.make(params).step
    tensors = [p.detach() for p in params]
    gradients = [p.grad for p in params]
    return lambda: torch._foreach_add_(tensors, gradients, alpha=1e-9)


def measure(arguments, threads, out=sys.stdout):
    """Print the table to ``out``; by form the ms of a step, and its time over those of torch's fused and foreach Nesterov."""
    torch.set_num_threads(threads)
    waits = torch.cuda.synchronize if arguments.device == "cuda" else lambda: None
    forms = {one.name: (one, stepper(one, arguments)) for one in contenders(arguments)}
    for name, (_, step) in forms.items():
        start = time.perf_counter()
        for _ in range(2 * M):  # the first cycle compiles every phase; AM2 meets both of its phases by chance
            step()
        waits()
        if "compiled" in name:
            print(f"# {name}: {time.perf_counter() - start:.0f} s for the first {2 * M} steps", file=out)
    if arguments.compile and None in compiled._functions.values():
        print("# no compiler: the compiled forms are foreach here", file=out)
    times = {name: [] for name in forms}
    for _ in range(arguments.rounds):
        for name, (_, step) in forms.items():
            waits()
            start = time.perf_counter()
            for _ in range(arguments.steps):
                step()
            waits()
            times[name].append((time.perf_counter() - start) / arguments.steps)
    return report(arguments, threads, {name: one for name, (one, _) in forms.items()}, times, out)


def report(arguments, threads, forms, times, out):
    def ratio(name, peer):
        return statistics.median(a / b for a, b in zip(times[name], times[peer], strict=True))

    size = 4e-9 * sum(map(math.prod, resnet34_shapes()[: arguments.tensors]))
    print(
        f"{arguments.device}, {threads} threads, torch {torch.__version__}, {arguments.rounds} rounds",
        file=out,
    )
    print(
        f"{'form':24}{'ms':>8}{'/ fused':>9}{'/ foreach':>11}  {'reach':16}{'kernels':>8}{'memory':>8}{'GB':>7}{'/ axpy':>8}",
        file=out,
    )
    numbers = {}
    for name, one in forms.items():
        kernels, memory = one.streams
        distance = ratio(name, "axpy in place") / (memory / 3)
        ms, fused, foreach = (
            1e3 * statistics.median(times[name]), ratio(name, "torch Nesterov fused"), ratio(name, "torch Nesterov foreach"),
        )  # fmt: skip
        numbers[name] = {"ms": ms, "over_fused": fused, "over_foreach": foreach, "over_axpy": distance}
        print(
            f"{name:24}{ms:8.2f}{fused:9.2f}{foreach:11.2f}  {one.reach:16}{kernels:8.1f}{memory:8.1f}"
            f"{memory * size:7.2f}{distance:8.2f}",
            file=out,
        )
    print(file=out, flush=True)
    return numbers


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, min(2, os.cpu_count() or 1)])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=2 * M, help="steps a round; whole cycles of 5")
    parser.add_argument("--tensors", type=int, help="only the first so many of the 110")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--compile", action="store_true", help="also the compiled forms: minutes for the first time"
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only forms whose name has TEXT, and the peers"
    )
    arguments = parser.parse_args()
    for threads in arguments.threads if arguments.device == "cpu" else arguments.threads[-1:]:
        measure(arguments, threads)


if __name__ == "__main__":
    main()
