"""Optimizers by name: hyperparameters resolved or refused, methods named."""

import pytest

from amrobust.errors import UserError
from amrobust.train.optimizers import OPTIMIZERS, find
from amrobust.train.prepare import describe, make_spec

DEFAULTS = {"lr": 0.1, "momentum": 0.9, "m": 5, "weight_decay": 0.0}


def test_defaults_are_filled_in_and_what_is_given_wins():
    assert find("am1").resolve({"m": 3}, DEFAULTS) == {
        "lr": 0.1,
        "momentum": 0.9,
        "m": 3,
        "weight_decay": 0.0,
    }
    assert find("sgd").resolve({}, DEFAULTS) == {"lr": 0.1, "weight_decay": 0.0}


@pytest.mark.parametrize(
    ("optimizer", "given", "message"),
    [
        ("amm1", {}, "did you mean 'am1'"),
        ("xyzzy", {}, "choose one of sgd"),
        ("sgd", {"momentum": 0.9}, "sgd has no 'momentum'"),
        ("msgd", {"m": 5}, "msgd has no 'm'"),
        ("am1", {"m": 0}, "m = 0"),
        ("am1", {"m": 2.5}, "m = 2.5"),
        ("am1", {"lr": 0.0}, "lr = 0.0"),
        ("am1", {"lr": float("nan")}, "lr = nan"),
        ("am1", {"lr": float("inf")}, "infinite"),
        ("am1", {"lr": "fast"}, "lr = 'fast'"),
        ("am1", {"momentum": 1.0}, "momentum = 1.0"),
        ("am1", {"weight_decay": -1}, "weight_decay = -1"),
        ("am1", {"m": True}, "m = True"),
        ("aggmo", {"a": 1.0}, "a = 1.0"),
        ("aggmo", {"terms": 0}, "terms = 0"),
        ("aggmo", {"terms": 2.5}, "terms = 2.5"),
        ("aggmo", {"a": 0.01, "terms": 20}, "the last damping factor 1"),
        ("aggmo", {"momentum": 0.9}, "it takes lr, a, terms, weight_decay"),
        ("qhm", {"nu": 1.5}, "nu = 1.5"),
        ("hybrid", {"nesterov": 1.0}, "nesterov = 1.0"),
        ("hybrid", {"nesterov": 0.5, "amortized": 0.5}, "less than 1"),
    ],
)
def test_mistakes_are_named(optimizer, given, message):
    with pytest.raises(UserError, match=message):
        find(optimizer).resolve(given, {**DEFAULTS, **(OPTIMIZERS[optimizer].usual or {})})


def test_some_optimizers_have_defaults_of_their_own_on_every_workload():
    assert make_spec("digits", "aggmo").hyperparameters == {
        "lr": 0.1, "a": 0.1, "terms": 2, "weight_decay": 5e-4,
    }  # fmt: skip
    for workload in ("digits", "logistic"):
        qhm = make_spec(workload, "qhm").hyperparameters
        assert (qhm["lr"], qhm["momentum"], qhm["nu"]) == (1.0, 0.999, 0.7)
    assert describe(make_spec("digits", "qhm")).methods == {"I": "qhm", "I@recomputed": "qhm"}
    hybrid = describe(make_spec("digits", "hybrid", {}, {"nesterov": 0.3, "m": 100}))
    for measured in ("", "@recomputed"):
        assert hybrid.methods[f"I{measured}"] == "hybrid[m=100,nesterov=0.3]/I"
        assert hybrid.methods[f"II{measured}"] == "hybrid[m=100,nesterov=0.3]/II"
        assert (hybrid.first_output_epoch[f"I{measured}"], hybrid.first_output_epoch[f"II{measured}"]) == (
            1,
            2,
        )


@pytest.mark.parametrize(
    ("optimizer", "given", "output", "name"),
    [
        ("msgd", {}, "I", "msgd"),
        ("msgd", {"lr": 0.05}, "I", "msgd[lr=0.05]"),
        ("am1", {}, "II", "am1[m=5]/II"),
        ("am2", {"m": 3, "momentum": 0.95}, "I", "am2[m=3,momentum=0.95]/I"),
    ],
)
def test_names_show_m_what_differs_and_the_output_where_there_are_two(optimizer, given, output, name):
    found = find(optimizer)
    assert found.method(found.resolve(given, DEFAULTS), DEFAULTS, output).name == name


CONVEX_ONLY = [name for name, own in OPTIMIZERS.items() if own.torch_class is None]
ONLY_ON = {"ntasgd": ("ptb",)} | dict.fromkeys(CONVEX_ONLY, ("logistic", "hinge-box"))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_has_a_complete_spec_on_every_workload_that_it_is_for(optimizer):
    for workload in ONLY_ON.get(optimizer, ("digits", "logistic")):
        spec = make_spec(workload, optimizer)
        assert set(spec.hyperparameters) == set(OPTIMIZERS[optimizer].hyperparameters)


def test_unknown_workload_parameters_name_the_known_ones():
    with pytest.raises(UserError, match="it has epochs"):
        make_spec("digits", "sgd", {"sigma": 1.0})


def test_the_place_of_the_data_is_no_part_of_the_identity():
    here, there = (make_spec("logistic", "sgd", {"data": path}) for path in ("a", "b"))
    assert here.identity() == there.identity()
    assert here.to_dict() != there.to_dict()
