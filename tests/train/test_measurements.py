"""Batch norm measured with running and with recomputed statistics: the same weights, against a plain loop of PyTorch."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from small_networks import Convolutional, Small, images, register, small_spec
from torch.nn.functional import cross_entropy

from amrobust.errors import UserError
from amrobust.ingest.load import load_arms
from amrobust.optim import AM1SGD
from amrobust.runs.spec import STATISTICS_EVERY
from amrobust.runs.store import read_run
from amrobust.runs.values import absent
from amrobust.train.engine import execute
from amrobust.train.measurements import BATCHES, outputs_of
from amrobust.train.network import load, network_at_x0, order_generator, train_seed
from amrobust.train.prepare import describe, make_spec
from amrobust.train.progress import progress_of
from amrobust.train.stacking.trainer import train_stack
from amrobust.workloads.digits import WORKLOAD

SHORT = {"epochs": 1, "lr_drops": 0, "batch_size": 64}
TESTED = ("test_accuracy", "test_loss")


def recomputed_by_hand(optimizer_of, swap=False):
    """Test accuracy and loss after one epoch, statistics as the mean over ten batches, in a plain loop."""
    spec = make_spec("digits", "am1", SHORT)
    data = load(spec, torch.device("cpu"), torch.float64)
    model = network_at_x0(spec).double().train()
    optimizer = optimizer_of(model.parameters())
    count, batch = len(data.train_labels), 64
    order = torch.from_numpy(order_generator(spec, 3).permutation(count)[: count // batch * batch])
    for chosen in order.split(batch):
        optimizer.zero_grad()
        cross_entropy(model(data.train_images[chosen]), data.train_labels[chosen]).backward()
        optimizer.step()
    if swap:
        with optimizer.output_point():
            model = copy.deepcopy(model)
    for norm in (model.norm1, model.norm2):
        norm.reset_running_stats()
        norm.momentum = None
    fixed = torch.from_numpy(np.random.default_rng(0).permutation(count))
    with torch.no_grad():
        for chosen in fixed.split(batch)[:10]:
            model(data.train_images[chosen])
        model.eval()
        logits = model(data.test_images)
    right = logits.argmax(1) == data.test_labels
    return 100 * right.double().mean().item(), cross_entropy(logits, data.test_labels).item(), right


@pytest.mark.parametrize(("output", "swap"), [("I", False), ("II", True)])
@pytest.mark.parametrize("stacked", [False, True])
def test_recomputed_statistics_are_those_of_a_plain_loop(output, swap, stacked):
    def am1(params):
        return AM1SGD(params, 0.1, m=5, momentum=0.9, weight_decay=5e-4)

    accuracy, loss, right = recomputed_by_hand(am1, swap)
    spec = make_spec("digits", "am1", SHORT)
    found = (
        train_stack([(spec, 0), (spec, 3)], dtype=torch.float64)[1]
        if stacked
        else train_seed(spec, 3, dtype=torch.float64)
    )
    curves = found.curves[f"{output}@recomputed"]
    assert curves["test_accuracy"][0] == pytest.approx(accuracy, rel=1e-12)
    assert curves["test_loss"][0] == pytest.approx(loss, rel=1e-9)
    assert curves["test_loss"][0] != pytest.approx(found.curves[output]["test_loss"][0], rel=1e-3)
    assert found.correct.known[f"{output}@recomputed"].all()
    bits = found.correct.bits[f"{output}@recomputed"][0]
    assert (np.unpackbits(bits, count=len(right)) == right.numpy()).all()


def test_there_are_ten_batches_at_most():
    assert BATCHES == 10


@pytest.mark.parametrize("stacked", [False, True])
def test_measuring_changes_nothing_of_a_training_not_even_dropout(monkeypatch, stacked):
    register(monkeypatch, "dropped", Small(Convolutional, *images(count=60)))
    with_both, without = small_spec("dropped"), small_spec("dropped", **{STATISTICS_EVERY: 0})
    assert [output.key for output in outputs_of(with_both)] == ["I", "I@recomputed"]

    def trained(spec):
        return train_stack([(spec, 0), (spec, 1)])[1] if stacked else train_seed(spec, 1)

    one, other = trained(with_both), trained(without)
    assert list(other.curves) == ["I"]
    for name, curve in one.curves["I"].items():
        assert np.array_equal(curve, other.curves["I"][name])


def test_statistics_every_measures_at_those_epochs_and_the_last():
    params = {"epochs": 5, "lr_drops": 0, "batch_size": 128}
    whole = train_seed(make_spec("digits", "msgd", params), 0)
    some = train_seed(make_spec("digits", "msgd", params | {STATISTICS_EVERY: 2}), 0)
    measured = [False, True, False, True, True]
    for name in TESTED:
        seen, every = some.curves["I@recomputed"][name], whole.curves["I@recomputed"][name]
        assert (~absent(seen)).tolist() == measured
        assert np.array_equal(seen[measured], every[measured])
    assert some.correct.known["I@recomputed"].tolist() == measured
    assert absent(some.curves["I@recomputed"]["train_loss"]).all()


def test_what_is_measured_is_no_part_of_a_runs_identity():
    usual, rarely = (make_spec("digits", "msgd", params) for params in ({}, {STATISTICS_EVERY: 3}))
    assert STATISTICS_EVERY not in usual.workload_params
    assert usual.identity() == rarely.identity()
    assert usual.key == rarely.key != make_spec("digits", "msgd", {"epochs": 3}).key
    assert describe(usual).workload_label == describe(rarely).workload_label == "digits"


def test_a_run_is_found_by_what_was_trained_however_it_is_measured(tmp_path):
    often, rarely = (
        make_spec("digits", "msgd", SHORT | params)
        for params in ({STATISTICS_EVERY: 1}, {STATISTICS_EVERY: 7})
    )
    result = execute(often, range(2), tmp_path)
    (row,), _ = progress_of([rarely], 2, tmp_path)
    assert (row.path, row.state) == (result.path, "finished")


@pytest.mark.parametrize("every", [-1, 1.5, "often"])
def test_a_wrong_number_of_epochs_is_refused(every):
    with pytest.raises(UserError, match="statistics_every"):
        make_spec("digits", "msgd", {STATISTICS_EVERY: every})


def test_a_network_without_batch_norm_is_measured_once_and_has_no_such_parameter():
    assert [output.key for output in outputs_of(make_spec("digits", "am1", {"model": "mlp"}))] == ["I", "II"]
    with pytest.raises(UserError, match="about batch norm, which this network has not"):
        make_spec("digits", "am1", {"model": "mlp", STATISTICS_EVERY: 2})


def test_seeds_that_are_added_are_measured_as_those_that_are_there(tmp_path):
    """A run of a version that knew one measurement goes on with it, whatever is asked for now."""
    asked = make_spec("digits", "msgd", {"epochs": 1, "batch_size": 128, "lr_drops": 0})
    old = dataclasses.replace(asked, workload_params={**asked.workload_params, STATISTICS_EVERY: 0})
    before = execute(old, range(4), tmp_path, executor="local")
    run = execute(asked, range(5), tmp_path, executor="local")
    assert run.path == before.path
    assert run.manifest.facts.outputs == ("I",)
    assert run.manifest.complete == (0, 1, 2, 3, 4)
    assert read_run(run.path).manifest.identity == before.manifest.identity


def test_each_measurement_is_an_arm_of_the_same_training(tmp_path):
    execute(
        make_spec("digits", "am1", {"epochs": 3, STATISTICS_EVERY: 2}),
        range(2),
        tmp_path,
        executor="local",
    )
    arms, _ = load_arms([tmp_path])
    assert [(arm.workload, arm.measurement, arm.output) for arm in arms] == [
        ("digits", None, "I"),
        ("digits", None, "II"),
        ("digits[measured=recomputed]", "recomputed", "I"),
        ("digits[measured=recomputed]", "recomputed", "II"),
    ]
    assert len({arm.training for arm in arms}) == 1
    assert arms[0].method == arms[2].method == "am1[m=5]/I"
    assert arms[2].axis.values == (2.0, 3.0)
    assert set(arms[2].metrics) == set(TESTED)
    assert all(np.isfinite(arms[2].curves[name]).all() for name in TESTED)


def test_time_that_measuring_took_is_recorded_and_no_cost_of_the_method(tmp_path):
    run = execute(
        make_spec("digits", "msgd", {"epochs": 1, "batch_size": 128, "lr_drops": 0}),
        range(2),
        tmp_path,
        executor="local",
        batching="none",
    )
    (usual, _), _ = load_arms([tmp_path])
    for seed, seconds in zip((0, 1), usual.seconds, strict=True):
        record = run.manifest.seeds[seed]
        assert 0 < record.measuring_seconds < record.wall_seconds
        assert seconds == record.wall_seconds - record.measuring_seconds


def test_digits_has_the_parameter():
    assert WORKLOAD.optional[STATISTICS_EVERY] == 1
