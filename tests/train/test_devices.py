"""A device is asked for once, reaches whatever trains there, and is recorded."""

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.ingest.load import load_arms
from amrobust.train import images, language, network
from amrobust.train.prepare import describe, make_spec
from amrobust.train.stacking import trainer
from amrobust.train.training import train_unit
from amrobust.train.unit import Place, SeedOutcome
from amrobust.workloads.devices import torch_device

THERE = Place(device="cuda")
SECOND = torch.device("cpu:0")
"""The CPU by its other name, which stands for the device: what stays on torch's default device does not have it."""
DIGITS = make_spec("digits", "am1", {"epochs": 2, "lr_drops": 1})


@pytest.fixture
def _cuda(monkeypatch):
    known = {"cpu": torch.device("cpu"), "cuda": SECOND}
    monkeypatch.setattr("amrobust.workloads.devices.torch_device", known.__getitem__)


@pytest.fixture
def devices(monkeypatch):
    """The devices that data of digits are loaded to."""
    seen, load = [], network.load
    for module in (network, trainer):
        monkeypatch.setattr(
            module, "load", lambda spec, device, dtype: seen.append(device) or load(spec, device, dtype)
        )
    return seen


@pytest.mark.usefixtures("_cuda")
@pytest.mark.parametrize("seeds", [[0], [0, 1]], ids=["alone", "stack"])
def test_networks_train_on_the_device_with_the_same_numbers(seeds, devices):
    here, there = train_unit(DIGITS, seeds), train_unit(DIGITS, seeds, THERE)
    assert (devices[0], devices[-1], devices.count(SECOND)) == (torch.device("cpu"), SECOND, 1)
    for one, other in zip(here, there, strict=True):
        assert one.error is None
        for output, metrics in one.curves.items():
            for name, curve in metrics.items():
                np.testing.assert_array_equal(curve, other.curves[output][name])


@pytest.mark.usefixtures("_cuda")
@pytest.mark.parametrize(
    ("workload", "module", "trains"),
    [("fashion-mnist", images, "train_image_seed"), ("ptb", language, "train_language_seed")],
)
def test_images_and_texts_train_on_the_device(workload, module, trains, monkeypatch):
    seen = []

    def train(spec, seed, *, device, checkpoint):
        seen.append(device)
        return SeedOutcome(seed, error="stopped here")

    monkeypatch.setattr(module, trains, train)
    train_unit(make_spec(workload, "am1"), [3], THERE)
    assert seen == [SECOND]


@pytest.mark.usefixtures("_cuda")
def test_the_device_is_recorded_and_no_part_of_what_a_run_is(tmp_path):
    assert describe(DIGITS, THERE).device == "cpu:0"
    words = f"run --opt am1 --epochs 2 --param lr_drops=1 --executor local --runs-dir {tmp_path}".split()
    for seeds, device in ((1, "cpu"), (2, "cuda")):
        done = CliRunner().invoke(main, [*words, "--seeds", str(seeds), "--device", device])
        assert done.exit_code == 0, done.output
    (path,) = (path for path in tmp_path.iterdir() if (path / "manifest.json").exists())
    arms, _ = load_arms([path], None)
    assert len(arms[0].seeds) == 2
    assert "cores, cpu:0" in CliRunner().invoke(main, ["show", str(path)]).output


@pytest.mark.parametrize("name", ["gpu", "cuda:97", "meta:a"])
def test_a_device_that_is_not_there(name):
    with pytest.raises(UserError, match=f"torch cannot use the device '{name}' here") as caught:
        torch_device(name)
    assert "\n" not in str(caught.value)


def test_an_analysis_goes_where_it_is_told(tmp_path):
    done = CliRunner().invoke(
        main,
        [
            "analyze",
            "demo",
            "--device",
            "cuda:97",
            "--runs-dir",
            str(tmp_path),
            "-o",
            str(tmp_path / "demo.pdf"),
        ],
    )
    assert done.exit_code == 2
    assert "torch cannot use the device 'cuda:97' here" in done.stderr
