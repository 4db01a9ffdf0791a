"""The language workload on a made-up text, and on the real one where it is."""

import numpy as np
import pytest
import torch
from made_up_data import put_ptb
from torch.nn.functional import cross_entropy

from amrobust.errors import UserError
from amrobust.train.prepare import make_spec
from amrobust.workloads import data
from amrobust.workloads.ptb import WORKLOAD

PARAMS = {**WORKLOAD.defaults, "batch_size": 4, "evaluation_batch": 2}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A data directory with a text of 200 lines of ten words, the end-of-sentence word included."""
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path))
    return put_ptb(tmp_path)


def test_the_texts_lie_side_by_side(root):
    texts = WORKLOAD.texts(PARAMS)
    assert texts.train.shape == (500, 4)
    assert texts.validation.shape == (150, 2)
    assert texts.test.shape == (200, 2)
    assert WORKLOAD.texts({**PARAMS, "train_tokens": 80}).train.shape == (20, 4)
    whole, few = (
        WORKLOAD.texts({**PARAMS, "evaluation_batch": 1, "evaluation_tokens": count}) for count in (None, 100)
    )
    assert few.train.shape == (500, 4)
    assert few.validation.equal(whole.validation[:100])
    assert few.test.equal(whole.test[:100])
    assert "not the publisher's bytes" in WORKLOAD.data_note(PARAMS)
    assert len(WORKLOAD.data_digest(PARAMS)) == 64


def test_the_test_text_may_have_columns_of_its_own(root):
    texts = WORKLOAD.texts({**PARAMS, "test_columns": 1})
    assert texts.validation.shape == (150, 2)
    assert texts.test.shape == (400, 1)
    usual = WORKLOAD.texts(PARAMS).test
    assert texts.test[:, 0].equal(usual.T.flatten())
    with pytest.raises(UserError, match="test_columns"):
        WORKLOAD.texts({**PARAMS, "test_columns": 201})
    assert "test_columns" not in make_spec("ptb", "am1").workload_params


def test_windows_cover_the_training_text_and_are_the_streams(root):
    one = WORKLOAD.windows(PARAMS, np.random.default_rng(0))
    assert (one[0][0], one[-1][1]) == (0, 499)
    assert one == WORKLOAD.windows(PARAMS, np.random.default_rng(0))
    assert WORKLOAD.steps_per_epoch(PARAMS) == pytest.approx(len(one), abs=2)


def test_the_rate_halves_after_fifteen_epochs_without_a_better_loss():
    plateau = WORKLOAD.plateau(dict(WORKLOAD.defaults), "am1")
    state = plateau.observe(plateau.start(2.5), 5.0)
    rates = []
    for _ in range(30):
        state = plateau.observe(state, 5.0)
        rates.append(state.lr)
    assert rates == [2.5] * 14 + [1.25] * 15 + [0.625]
    assert WORKLOAD.plateau({**PARAMS, "schedule": "constant"}, "am1") is None


def test_sgd_with_averaging_keeps_its_rate_in_the_papers_setup():
    assert WORKLOAD.plateau(PARAMS, "ntasgd") is None
    assert WORKLOAD.plateau({**PARAMS, "schedule": "plateau"}, "ntasgd") is not None
    assert WORKLOAD.optimizer_defaults("ntasgd")["lr"] == 30


@pytest.mark.parametrize("model", ["lstm", "small-lstm"])
def test_a_step_of_training_by_hand(root, model):
    params = {**PARAMS, "model": model}
    chosen = {name: params[name] for name in WORKLOAD.model_params}
    net = WORKLOAD.model(torch.Generator().manual_seed(0), **chosen).train()
    assert len(net.embedding) == 21
    assert net.dropouts.input == 0.65
    texts = WORKLOAD.texts(params)
    start, end = WORKLOAD.windows(params, np.random.default_rng(0))[0]
    output = net(texts.train[start:end], net.initial_state(4), torch.Generator().manual_seed(1))
    loss = cross_entropy(output.logits.flatten(0, 1), texts.train[start + 1 : end + 1].flatten())
    penalty = WORKLOAD.penalty(params, output)
    assert loss.item() == pytest.approx(np.log(21), rel=0.05)
    expected = 2 * output.dropped.square().mean() + (output.raw[1:] - output.raw[:-1]).square().mean()
    assert penalty.item() == pytest.approx(expected.item())
    (loss + penalty).backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch_size": True},
        {"model": "gru"},
        {"schedule": "step"},
        {"patience": 0},
        {"drop_factor": 1.0},
        {"clip": 0.0},
        {"ar": -1.0},
        {"dropout_weight": 1.0},
        {"train_tokens": 7},
        {"evaluation_tokens": 3},
        {"evaluation_tokens": 40.0},
        {"evaluation_batch": 1.5},
        {"test_columns": 0},
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_refused(change):
    with pytest.raises(UserError, match=next(iter(change))):
        WORKLOAD.check({**PARAMS, **change})


def test_texts_too_short_for_the_columns_are_refused(root):
    with pytest.raises(UserError, match="evaluation_batch"):
        WORKLOAD.texts({**PARAMS, "evaluation_batch": 151})
    with pytest.raises(UserError, match="at most 2,000"):
        WORKLOAD.texts({**PARAMS, "train_tokens": 2001})
    with pytest.raises(UserError, match="evaluation_tokens = 301 is not at most 300"):
        WORKLOAD.texts({**PARAMS, "evaluation_tokens": 301})


def test_the_evaluated_words_belong_to_a_spec_only_where_they_are_bounded():
    usual = make_spec("ptb", "am1", {"evaluation_tokens": None})
    assert usual == make_spec("ptb", "am1")
    assert "evaluation_tokens" not in usual.workload_params
    assert make_spec("ptb", "am1", {"evaluation_tokens": 300}).workload_params["evaluation_tokens"] == 300


def test_the_real_text_has_its_published_size(shared, monkeypatch):
    monkeypatch.setenv(data.ENVIRONMENT, str(shared("data/ptb").parent))
    params = dict(WORKLOAD.defaults)
    WORKLOAD.check(params)
    assert WORKLOAD.data_note(params) is None
    assert WORKLOAD.texts(params).train.shape == (929_589 // 80, 80)
    assert WORKLOAD.texts({**params, "evaluation_batch": 1}).validation.shape == (73_760, 1)
    assert WORKLOAD.texts({**params, "evaluation_batch": 1}).test.shape == (82_430, 1)
    assert WORKLOAD.steps_per_epoch(params) == 171
    chosen = {name: params[name] for name in WORKLOAD.model_params}
    net = WORKLOAD.model(torch.Generator().manual_seed(0), **chosen)
    assert sum(p.numel() for p in net.parameters()) == 24_221_600
