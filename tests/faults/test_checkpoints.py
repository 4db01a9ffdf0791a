"""Trainings of many epochs: killed again and again they go on from their checkpoints, and end with the same bits."""

import random
import time

import pytest
import torch
from made_up_data import put_fashion
from whole_runs import HERE, numbers

from amrobust.train.checkpoint import Checkpoint

EPOCHS = 12
ON_FASHION = (
    "--workload", "fashion-mnist", "--epochs", EPOCHS, "--batch-size", 6, "--param", "augment=true",
    "--seeds", 2,
)  # fmt: skip
TRAINING = ("--opt", "am1", *ON_FASHION)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    put_fashion(root, train=30, test=20)
    return {"AMROBUST_DATA": str(root)}


ALONE = (*TRAINING, "--batching", "none")
TOGETHER = (*TRAINING, "--batching", "stack")
METHODS = ("--opt", "am1", "--opt", "am2", *ON_FASHION, "--batching", "stack")


@pytest.fixture(scope="module")
def expected(server, data, tmp_path_factory):
    """What each of the trainings gives when nothing disturbs it."""
    found = {}
    for training in (ALONE, TOGETHER, METHODS):
        directory = tmp_path_factory.mktemp("whole")
        status, output = server.run("run", *training, *HERE, "--runs-dir", directory, env=data)
        assert status == 0, output
        found[training] = numbers(directory)
    return found


def checkpoint_of(runs):
    """The checkpoint of the seeds that were being trained, once there is one."""
    end = time.monotonic() + 240
    while not (found := sorted(runs.glob("*/checkpoints/[!.]*.pt"))):
        assert time.monotonic() < end, "no checkpoint was written"
        time.sleep(0.005)
    return found[-1]


@pytest.mark.parametrize("training", [ALONE, TOGETHER, METHODS], ids=["alone", "together", "methods"])
def test_kills_at_random_moments_between_checkpoints(training, server, data, expected, tmp_path):
    rng = random.Random(0)
    for _ in range(6):
        child = server.start("run", *training, *HERE, "--runs-dir", tmp_path, env=data)
        if not numbers_of_seeds(tmp_path):
            checkpoint_of(tmp_path)
        time.sleep(rng.uniform(0, 0.2))
        child.kill()
        child.wait()
    status, output = server.run("run", *training, *HERE, "--runs-dir", tmp_path, env=data)
    assert status == 0, output
    assert numbers(tmp_path) == expected[training]
    assert not list(tmp_path.glob("*/checkpoints/*.pt"))


def numbers_of_seeds(runs):
    return {seed for _, seed, _, _ in numbers(runs)} if list(runs.glob("*/manifest.json")) else set()


def cut(path):
    path.write_bytes(path.read_bytes()[:-1000])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def of_another_form(path):
    """Sealed and with the right key, as an earlier version or a stranger could have left it."""
    key = torch.load(Checkpoint(path, "")._sound(), weights_only=True)["key"]
    Checkpoint(path, key).save({"training": {}, "epochs_done": 5, "wall_seconds": 1.0, "curves": {}})


@pytest.mark.parametrize("damage", [cut, flip, of_another_form])
def test_a_damaged_checkpoint_is_never_gone_on_from(damage, server, data, expected, tmp_path):
    child = server.start("run", *ALONE, *HERE, "--runs-dir", tmp_path, env=data)
    path = checkpoint_of(tmp_path)
    child.kill()
    child.wait()
    damage(path)
    status, output = server.run("run", *ALONE, *HERE, "--runs-dir", tmp_path, env=data)
    if damage is of_another_form:
        assert status == 1, output
        assert "its checkpoint could not be taken up and was removed" in output
        status, output = server.run("run", *ALONE, *HERE, "--runs-dir", tmp_path, env=data)
    assert status == 0, output
    assert numbers(tmp_path) == expected[ALONE]


def test_links_and_pipes_are_not_followed(tmp_path):
    import os

    secret = tmp_path / "secret"
    secret.write_text("mine")
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / ".tmp-seed-0.pt").symlink_to(secret)
    checkpoint = Checkpoint(folder / "seed-0.pt", "key")
    checkpoint.save({"x": 1})
    assert secret.read_text() == "mine"
    assert checkpoint.load() == {"x": 1}
    checkpoint.path.rename(tmp_path / "elsewhere.pt")
    checkpoint.path.symlink_to(tmp_path / "elsewhere.pt")
    assert checkpoint.load() is None
    checkpoint.remove()
    if hasattr(os, "mkfifo"):
        os.mkfifo(checkpoint.path)
        assert checkpoint.load() is None


def test_a_compressed_checkpoint_is_refused_before_it_is_unpacked(tmp_path):
    import hashlib
    import io
    import zipfile

    checkpoint = Checkpoint(tmp_path / "seed-0.pt", "key")
    checkpoint.save({"x": torch.zeros(1_000_000)})
    plain = checkpoint.path.read_bytes().partition(b"\n")[2]
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(plain)) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
    content = packed.getvalue()
    assert len(content) < 100_000
    checkpoint.path.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    assert checkpoint.load() is None
