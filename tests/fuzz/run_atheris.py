"""Fuzz a reader guided by the code that its inputs reach: python tests/fuzz/run_atheris.py TARGET --seconds 600

It ends after so long, after a million inputs (--inputs), or at the first fault, and leaves the input that caused it in a
file, which

    python tests/fuzz/run_atheris.py TARGET --input FILE

reads again. 'list' names the targets, 'all' fuzzes one after the other. Needs 'pip install amrobust[fuzz]'.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HELPERS = Path(__file__).resolve().parents[1] / "helpers"
sys.path.insert(0, str(HELPERS))

MOST_MEMORY = 2048
"""MB that reading one input may take: more is a fault."""
MOST_BYTES = 20_000


def fuzz(name, corpus, arguments):
    """Never returns: libFuzzer ends the process."""
    import atheris

    scratch = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    with atheris.instrument_imports(include=["amrobust"]):
        from fuzz_targets import TARGETS, attempt
        from mutations import mutated, mutated_json

        target = TARGETS[name]
        for sample in corpus.iterdir():  # imports what is imported only when it is needed
            attempt(target, sample.read_bytes(), scratch)

    def one(data):
        attempt(target, data, scratch)

    def mutator(data, most, seed):
        rng = random.Random(seed)
        if target.structured and rng.random() < 0.6:
            made = mutated_json(bytes(data), rng)
        elif rng.random() < 0.5:
            made = mutated(bytes(data), rng, target.tokens)
        else:
            return atheris.Mutate(data, most)
        return made[:most]

    atheris.Setup([sys.argv[0], *arguments, str(corpus)], one, custom_mutator=mutator)
    atheris.Fuzz()


def report(name, seconds, inputs, left):
    """Run ``fuzz`` in a process of its own and say in one line how it went."""
    from fuzz_targets import TARGETS

    corpus = Path(tempfile.mkdtemp(prefix=f"corpus-{name}-"))
    for place, sample in enumerate(TARGETS[name].samples(Path(tempfile.mkdtemp()))):
        (corpus / f"valid-{place}").write_bytes(sample)
    command = [
        sys.executable,
        __file__,
        name,
        "--seconds",
        str(seconds),
        "--inputs",
        str(inputs),
        "--inside",
        str(corpus),
    ]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False, cwd=left,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    counts = [int(count) for count in re.findall(r"^#(\d+)\t|stat::number_of_executed_units: (\d+)", done.stdout, re.M)
              for count in count if count]  # fmt: skip
    covered = re.findall(r"ft: (\d+)", done.stdout)
    print(
        f"{name}: {max(counts, default=0):,} inputs, {covered[-1] if covered else 0} features, "
        f"{'no fault' if done.returncode == 0 else 'A FAULT'}",
        flush=True,
    )
    if done.returncode:
        kept = [line for line in done.stdout.splitlines() if not re.match(r"#\d+\t|INFO:|WARNING:", line)]
        print("\n".join(kept[-60:]), flush=True)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", help="a reader, 'all', or 'list'")
    parser.add_argument("--seconds", type=int, default=600, help="for each target [default: 600]")
    parser.add_argument(
        "--inputs", type=int, default=1_000_000, help="for each target, at most [default: 1000000]"
    )
    parser.add_argument("--input", type=Path, help="read this file once instead")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inside is not None:
        limits = (f"-max_total_time={chosen.seconds}", f"-runs={chosen.inputs}", f"-rss_limit_mb={MOST_MEMORY}",
                  f"-max_len={MOST_BYTES}", "-timeout=60", "-print_final_stats=1")  # fmt: skip
        fuzz(chosen.target, chosen.inside, limits)
    from fuzz_targets import TARGETS, attempt

    if chosen.target == "list":
        print("\n".join(TARGETS))
        return 0
    names = list(TARGETS) if chosen.target == "all" else [chosen.target]
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"no target is called {unknown[0]!r}: choose one of {', '.join(TARGETS)}")
    if chosen.input is not None:
        read = attempt(TARGETS[names[0]], chosen.input.read_bytes(), Path(tempfile.mkdtemp()))
        print("was read" if read else "a clean error")
        return 0
    faults = [name for name in names if not report(name, chosen.seconds, chosen.inputs, Path.cwd())]
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
