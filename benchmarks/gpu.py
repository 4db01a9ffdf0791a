"""What a GPU gives, part by part until the time is over: bash benchmarks/gpu.sh FOLDER

1. steps: an optimizer's step on ResNet-34's parameters against torch's fused Nesterov (optimizer_step.py).
2. seeds: 1, 4, 16 and 64 seeds of `digits` and of its ResNet-8 as one stack, against the same one by one in several processes,
   and against a loop of one's own whose step is a CUDA graph. Seeds x epochs a second, evaluation after each epoch included.
3. images: images a second of ResNet-34 at CIFAR-10's shape, batch 128, random images, and the share of the rate that a matrix
   product reaches on the same device in the same type.
4. table1: as many seeds x epochs of Table 1 (CIFAR-10, ResNet-34, M-SGD and AM1-SGD) as fit into what is left, with both
   batch-norm statistics, and what `amrobust compare` says of them. Skipped where CIFAR-10 is not at hand.

Each part is a process of its own with a deadline; what it measured before is kept. FOLDER gets gpu.json, gpu.txt and, of part
4, table1.csv. `--toy` does all of it at a size that a CPU takes less than a minute for, on `digits` in part 4.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

SHARES = {"steps": 0.2, "seeds": 0.4, "images": 0.25, "table1": 1.0}
"""Of the time that is left when a part begins, the share that it may take."""
LEAST = 5.0
"""Seconds under which no part begins."""
CLI = [sys.executable, "-c", "from amrobust.cli import main; main()"]


def say(**found):
    """A measurement: a line for the process that collects them."""
    print(json.dumps(found), flush=True)


def waiting(device):
    return torch.cuda.synchronize if device == "cuda" else lambda: None


def steps(device, toy, deadline):
    import optimizer_step

    # What compiles for minutes comes last.
    forms = ["AM1", "AM2", "AggMo", "QHM", "hybrid", "AM1 compiled", "AM2 compiled"]
    for only in ["AM1 fused"] if toy else forms:
        given = argparse.Namespace(
            device=device,
            only=only,
            compile="compiled" in only,
            rounds=1 if toy else 15,
            steps=optimizer_step.M,
            tensors=9 if toy else None,
        )
        try:
            for form, numbers in optimizer_step.measure(
                given, torch.get_num_threads(), out=sys.stderr
            ).items():
                say(form=form, **numbers)
        except (RuntimeError, ValueError) as error:
            say(form=only, failed=str(error).splitlines()[0][:200])
        if time.monotonic() > deadline:
            return


def seeds(device, toy, deadline):
    from seed_batching import PARAMS

    from amrobust.train import pools
    from amrobust.train.heartbeat import Board
    from amrobust.train.prepare import make_spec
    from amrobust.train.training import train_unit
    from amrobust.train.unit import Place

    workers = min(8, pools.usable_cores())
    place = Place(device=device)
    pool = pools.start_pool(workers, Board())

    def trained(blocks, spec, count, apart):
        started = time.perf_counter()
        if apart:
            outcomes = [
                each.result() for each in [pool.submit(train_unit, spec, block, place) for block in blocks]
            ]
        else:
            outcomes = [train_unit(spec, block, place) for block in blocks]
        seconds = time.perf_counter() - started
        if errors := [seed.error for block in outcomes for seed in block if seed.error]:
            raise RuntimeError(errors[0])
        return count * spec.workload_params["epochs"] / seconds

    try:
        for count in (1, 4) if toy else (1, 4, 16, 64):
            for model in ("mlp",) if toy else ("cnn", "resnet8"):
                params = {"epochs": 1 if toy else 2, "model": model, **PARAMS["digits"]}
                spec = make_spec("digits", "msgd", params)
                ways = {
                    "one stack": ([range(count)], False),
                    f"{workers} processes": ([range(seed, seed + 1) for seed in range(count)], True),
                }
                for way, (blocks, apart) in ways.items():
                    rates = [trained(blocks, spec, count, apart) for _ in range(2)]
                    say(model=model, seeds=count, way=way, rate=max(rates))
                    if time.monotonic() > deadline:
                        return
                if count == 1:
                    graph = device == "cuda"
                    way = "CUDA graph, one by one" if graph else "plain loop, one by one"
                    say(model=model, seeds=1, way=way, rate=own_loop(spec, device, graph))
    finally:
        pools.stop_pool(pool)


def own_loop(spec, device, graph):
    """Epochs a second of one seed by torch alone, its step a CUDA graph where ``graph`` is set; evaluated as the others are."""
    from amrobust.train.network import load, network_at_x0

    data = load(spec, torch.device(device), torch.float32)
    network = network_at_x0(spec).to(device)
    # The learning rate is part of the graph, as a number: it does not change in these epochs.
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    batch = int(spec.workload_params["batch_size"])
    images, labels = data.train_images[:batch].clone(), data.train_labels[:batch].clone()

    def step():
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()

    network.train()
    replay = step
    if graph:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(captured):
            step()
        replay = captured.replay

    def epoch():
        network.train()
        order = torch.randperm(len(data.train_images), device=device)
        for chosen in order[: len(order) // batch * batch].split(batch):
            images.copy_(data.train_images[chosen])
            labels.copy_(data.train_labels[chosen])
            replay()
        network.eval()
        with torch.inference_mode():
            right = [
                (network(part).argmax(1) == truth).sum()
                for every, of in (
                    (data.train_images, data.train_labels),
                    (data.test_images, data.test_labels),
                )
                for part, truth in zip(every.split(1000), of.split(1000), strict=True)
            ]
        return float(sum(right))

    epoch()
    started = time.perf_counter()
    for _ in range(2):
        epoch()
    return 2 / (time.perf_counter() - started)


def images(device, toy, deadline):
    from torch.utils.flop_counter import FlopCounterMode

    from amrobust.optim import AM1SGD
    from amrobust.workloads.models.resnet import resnet8, resnet34

    wait, batch, rounds = waiting(device), 8 if toy else 128, 2 if toy else 20
    x = torch.randn(batch, 3, 32, 32, device=device).to(memory_format=torch.channels_last)
    y = torch.randint(10, (batch,), device=device)
    kinds = {"float32": (False, None), "tf32": (True, None), "bfloat16": (True, torch.bfloat16)}
    for kind in ("float32",) if device == "cpu" else kinds:
        tf32, autocast = kinds[kind]
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        peak = matrix_rate(device, 256 if toy else 8192, autocast or torch.float32)
        for name, make in (
            (
                "torch Nesterov fused",
                lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, fused=True),
            ),
            ("AM1 m = 5 fused", lambda p: AM1SGD(p, 0.1, m=5, fused=True)),
        ):
            network = (resnet8() if toy else resnet34()).to(device, memory_format=torch.channels_last)
            optimizer = make(list(network.parameters()))

            def step(network=network, optimizer=optimizer, autocast=autocast):
                optimizer.zero_grad(set_to_none=True)
                with torch.autocast(device, autocast or torch.bfloat16, enabled=autocast is not None):
                    loss = torch.nn.functional.cross_entropy(network(x), y)
                loss.backward()
                optimizer.step()

            with FlopCounterMode(display=False) as counter:
                step()
            for _ in range(3):
                step()
            wait()
            started = time.perf_counter()
            for _ in range(rounds):
                step()
            wait()
            seconds = (time.perf_counter() - started) / rounds
            share = counter.get_total_flops() / seconds / peak
            say(type=kind, optimizer=name, images_per_second=batch / seconds, share_of_matrix_rate=share)
            if time.monotonic() > deadline:
                return


def matrix_rate(device, n, dtype):
    """Floating-point operations a second of a square matrix product."""
    wait = waiting(device)
    a = torch.randn(n, n, device=device, dtype=dtype)
    for _ in range(3):
        a @ a
    wait()
    started = time.perf_counter()
    for _ in range(10):
        a @ a
    wait()
    return 10 * 2 * n**3 / (time.perf_counter() - started)


def table1(device, toy, deadline, folder):
    from amrobust import workloads
    from amrobust.errors import UserError

    workload, settings = ("digits", ["--param", "lr_drops=0"]) if toy else ("cifar10", [])
    try:
        workloads.get(workload).data_digest({})
    except UserError as error:
        say(skipped=str(error))
        return
    with tempfile.TemporaryDirectory() as runs:

        def run(where, seeds, epochs):
            started = time.monotonic()
            command = [*CLI, "run", "--opt", "msgd", "--opt", "am1", "--m", "5", "--workload", workload]
            command += [
                *settings,
                "--param",
                f"epochs={epochs}",
                "--seeds",
                str(seeds),
                "--runs-dir",
                f"{runs}/{where}",
            ]
            left = max(1.0, deadline - 20 - time.monotonic())
            # Interrupted as by a user, it keeps the seeds that it has finished.
            process = subprocess.Popen([*command, "--device", device], stdout=sys.stderr)
            if ended(process, left) and process.returncode:
                raise RuntimeError(f"amrobust run ended with {process.returncode}")
            return time.monotonic() - started

        first, second = (run(f"trial{epochs}", 1, epochs) for epochs in (1, 2))
        # Of the difference, so that the start is not counted; of both methods.
        an_epoch = max(second - first, 1e-3)
        fit = int(0.8 * (deadline - 20 - time.monotonic()) / an_epoch)
        seeds = 4 if toy else max(4, min(20, fit // 90))
        epochs = min(2 if toy else 90, fit // seeds)
        if epochs < 1:
            say(
                skipped=f"4 seeds of one epoch do not fit: one epoch of one seed of each method takes {an_epoch:.1f} s"
            )
            return
        seconds = run("table1", seeds, epochs)
        say(
            workload=workload,
            seeds=seeds,
            epochs=epochs,
            seconds=seconds,
            seconds_of_an_epoch_of_both=an_epoch,
        )
        for arguments in (
            ["compare", f"{runs}/table1", "--margin", "0.5"],
            ["export", f"{runs}/table1", "--format", "csv", "-o", str(folder / "table1.csv")],
        ):
            done = subprocess.run([*CLI, *arguments], capture_output=True, text=True, check=False)
            say(command=" ".join(arguments[:1]), text=done.stdout or done.stderr)


PARTS = {"steps": steps, "seeds": seeds, "images": images, "table1": table1}


def ended(process, seconds):
    """Wait for a process of this program and interrupt it, then kill it, where it takes longer; whether it ended by itself."""
    for number in (None, signal.SIGINT, signal.SIGKILL):
        if number is not None:
            process.send_signal(number)
        try:
            process.wait(seconds if number is None else 10)
            return number is None
        except subprocess.TimeoutExpired:
            continue
    return False


def collect(given, folder):
    """Every part in a process of its own, for the time that is left; what is measured is written after each."""
    end = time.monotonic() + given.seconds
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not given.toy:
        sys.exit("there is no CUDA device here: --toy runs every part on the CPU at a small size")
    about = {
        "device": torch.cuda.get_device_name() if device == "cuda" else platform.processor() or "cpu",
        "torch": torch.__version__, "cores": os.cpu_count(), "toy": given.toy, "seconds": given.seconds,
    }  # fmt: skip
    found = {"about": about, "parts": {}}
    for name in PARTS:
        left = end - time.monotonic()
        allowed = (0.5 if given.toy and name != "table1" else SHARES[name]) * left
        if allowed < LEAST:
            found["parts"][name] = {"state": f"skipped: {left:.0f} s are left", "measured": []}
            continue
        command = [sys.executable, __file__, str(folder), "--part", name, "--device", device]
        command += ["--seconds", f"{allowed:.1f}", *(["--toy"] if given.toy else [])]
        with (folder / f"{name}.lines").open("w+") as lines:
            one_thread = {"OMP_NUM_THREADS": "1"} if given.toy else {}
            process = subprocess.Popen(command, stdout=lines, env=os.environ | one_thread)
            in_time = ended(process, allowed)
            lines.seek(0)
            measured = [json.loads(line) for line in lines if line.endswith("}\n")]
        (folder / f"{name}.lines").unlink()
        state = "done" if in_time and process.returncode == 0 else "failed" if in_time else "out of time"
        found["parts"][name] = {"state": state, "measured": measured}
        write(folder, found)
    write(folder, found)
    print((folder / "gpu.txt").read_text())


def write(folder, found):
    (folder / "gpu.json").write_text(json.dumps(found, indent=2) + "\n")
    lines = [", ".join(f"{key} {value}" for key, value in found["about"].items())]
    for name, part in found["parts"].items():
        lines += ["", f"{name}: {part['state']}"]
        for row in part["measured"]:
            text = row.pop("text", None)
            shown = [f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()]
            lines.append("  " + "  ".join(f"{key} {value}" for key, value in zip(row, shown, strict=True)))
            if text is not None:
                row["text"] = text
                lines += ["", *text.splitlines(), ""]
    (folder / "gpu.txt").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=530.0, help="for all parts together")
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--device", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.part is None:
        collect(given, given.folder)
        return
    deadline = time.monotonic() + 0.9 * given.seconds
    more = (given.folder,) if given.part == "table1" else ()
    PARTS[given.part](given.device, given.toy, deadline, *more)


if __name__ == "__main__":
    main()
