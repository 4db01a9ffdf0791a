"""A workload is its name and parameters; labels are made of them, and told by grammar only where nothing else is known."""

import pytest

from amrobust.ingest.load import load_arms
from amrobust.runs.spec import Spec
from amrobust.runs.workload import Workload, from_label, of_run, told_apart
from amrobust.train.engine import execute
from amrobust.train.prepare import make_spec


def test_a_label_is_made_of_the_parts_and_tells_them():
    workload = Workload("logistic", (("V", "350.0"), ("sigma", "0.1")))
    assert workload.label == "logistic[V=350.0,sigma=0.1]"
    assert from_label(workload.label) == workload
    assert from_label("digits") == Workload("digits")


@pytest.mark.parametrize("value", ["a,b=c", "x]y", "1/3,2/3", "[1,2]"])
def test_a_run_s_workload_is_its_spec_s_whatever_the_values_look_like(value):
    spec = Spec("mine", {"epochs": 3, "path": value, "width": 8}, "sgd", {"lr": 0.1})
    found = of_run(spec, f"mine[path={value}]")
    assert found == Workload("mine", (("path", value),))
    assert found.label == f"mine[path={value}]"


def test_beside_others_a_default_is_told_too():
    specs = {
        label: make_spec("logistic", "sgd", {"sigma": sigma})
        for label, sigma in (("logistic", 1.0), ("logistic[sigma=2.0]", 2.0))
    }
    found = told_apart({label: of_run(spec, label) for label, spec in specs.items()}, specs)
    assert [workload.label for workload in found.values()] == ["logistic[sigma=1.0]", "logistic[sigma=2.0]"]


def test_arms_of_runs_carry_it(tmp_path):
    for sigma in (1.0, 2.0):
        spec = make_spec("logistic", "sgd", {"sigma": sigma, "iterations": 20, "record_every": 10})
        execute(spec, range(4), tmp_path, executor="local")
    arms, _ = load_arms([tmp_path])
    assert {arm.workload for arm in arms} == {arm.setting.label for arm in arms}
    assert {dict(arm.setting.params)["sigma"] for arm in arms} == {"1.0", "2.0"}
