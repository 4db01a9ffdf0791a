"""Whatever the bytes, a reader reads them or says in one clean error why not."""

import importlib.util
from random import Random

import pytest
from fuzz_targets import TARGETS, attempt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import mutated, mutated_json

EXAMPLES = 40
QUICK = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    made = {}

    def get(name):
        if name not in made:
            made[name] = TARGETS[name].samples(tmp_path_factory.mktemp(name.replace("/", "-")))
        return made[name]

    return get


@pytest.mark.parametrize("name", TARGETS)
def test_valid_inputs_are_read(name, scratch, samples):
    if name in ("detected", "idx", "cifar"):  # several forms in turn: each sample is one of them
        return
    read = [data for data in samples(name) if attempt(TARGETS[name], data, scratch)]
    assert read


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes(name, scratch):
    @QUICK
    @given(st.binary(max_size=300))
    def holds(data):
        attempt(TARGETS[name], data, scratch)

    holds()


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_of_valid_inputs(name, scratch, samples):
    target, valid = TARGETS[name], samples(name)

    @QUICK
    @given(st.integers(0, 2**32), st.sampled_from(range(len(valid))))
    def holds(seed, place):
        rng = Random(seed)
        if target.structured:
            attempt(target, mutated_json(valid[place], rng), scratch)
        attempt(target, mutated(valid[place], rng, target.tokens), scratch)

    holds()


@pytest.mark.slow
def test_deep_and_long_inputs(scratch):
    deep = [
        b"[" * 100_000,
        b"{" * 100_000,
        b'{"a":' * 50_000,
        b"a = " + b"[" * 50_000,
        b"- " * 50_000,
        b"a=" + b"{a=" * 9_000,
    ]
    long = [b"9" * 1_000_000, b"a" * 1_000_000, b"," * 1_000_000, b"\n" * 1_000_000, b"a = " + b"9" * 100_000]
    for target in TARGETS.values():
        for data in (*deep, *long):
            attempt(target, data, scratch)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_the_guided_fuzzer_runs(tmp_path):
    import subprocess
    import sys
    from pathlib import Path

    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("run_atheris.py"), "counts", "--seconds", "2"], cwd=tmp_path,
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "counts: " in done.stdout
    assert "no fault" in done.stdout
