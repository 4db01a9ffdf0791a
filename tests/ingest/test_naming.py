"""Methods, seeds, workloads, steps and metrics by the names that tools give them."""

import numpy as np
import pytest

from amrobust.errors import UserError
from amrobust.ingest.assemble import gather
from amrobust.ingest.logged import LoggedRun
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Policies


def run(path="logs/x", fields=None, series=None, **changes):
    series = series or {"acc": (np.arange(1.0, 4), np.arange(3.0))}
    return LoggedRun(path, fields or {}, series, **changes)


def gathered(runs, **mappings):
    return gather(runs, Mappings(**mappings), Policies(), "log")


def names(runs, **mappings):
    return [(m.workload, m.method, m.seeds) for m in gathered(runs, **mappings).methods]


class TestMethods:
    def test_a_source_that_nothing_has_is_refused_whatever_its_name(self):
        for source in ("number", "column"):
            with pytest.raises(UserError, match=f"--method-from: .* has no '{source}'"):
                names([run(fields={"optimizer": "adam", "seed": "3"})], method_from=source)

    def test_one_pattern_says_several_roles(self):
        runs = [run(path=f"{m}/cifar_{s}", fields={"optimizer": "x"}) for m in ("a", "b") for s in (0, 1)]
        pattern = r"re:(?P<method>\w)/(?P<workload>\w+)_(?P<seed>\d+)$"
        assert names(runs, seed_from=pattern) == [("cifar", "a", (0, 1)), ("cifar", "b", (0, 1))]
        assert names(runs, seed_from=pattern, method_from="path") == [
            ("cifar", r.path, (s,)) for r, s in zip(runs, (0, 1, 0, 1), strict=True)
        ]

    @pytest.mark.parametrize(
        "key", ["method", "optimizer", "Optimizer", "args/optimizer", "config.opt", "solver"]
    )
    def test_usual_parameters(self, key):
        assert names([run(fields={key: "adam", "seed": "3"})]) == [("log", "adam", (3,))]

    def test_several_parameters_name_one_method(self):
        fields = {"optimizer": "adam", "lr": "0.1", "m": "5", "seed": "0"}
        (method,) = gathered([run(fields=fields)], method_from="optimizer,lr,m").methods
        assert method.method == "adam[lr=0.1,m=5]"
        assert method.identity.hyperparameters == {"lr": 0.1, "m": 5}
        assert method.identity.optimizer == "adam"

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("logs/adam-seed3", ("adam", 3)),
            ("adam_seed=12/metrics.csv", ("adam", 12)),
            ("adam w/seed_0/events", ("adam w", 0)),
            ("adam/s2", ("adam", 2)),
            ("AdamSeed7", ("Adam", 7)),
        ],
    )
    def test_names_that_say_seed(self, path, expected):
        found = gathered([run(path)])
        assert (found.methods[0].method, found.methods[0].seeds[0]) == expected
        assert "methods and seeds are read from names" in found.notes[0]

    @pytest.mark.parametrize("path", ["logs/version_0", "drawn-hill-12", "run1", "whxhvqq0"])
    def test_a_number_alone_is_no_seed(self, path):
        with pytest.raises(UserError, match="--method-from"):
            gathered([run(path)])

    def test_a_pattern_on_the_path(self):
        runs = [run(f"grid/adam_lr0.1/rep{k}", {}) for k in (4, 5)]
        chosen = {"method_from": r"re:grid/([a-z]+)", "seed_from": r"re:rep(\d+)", "workload_from": "=digits"}
        assert names(runs, **chosen) == [("digits", "adam", (4, 5))]

    def test_what_there_is_to_choose_from_is_listed(self):
        with pytest.raises(UserError, match=r"there are batch, lr, path"):
            gathered([run(fields={"batch": "3", "lr": "1"})])
        with pytest.raises(UserError, match=r"has no 'optimiser'; there are optimizer"):
            gathered([run(fields={"optimizer": "x"})], method_from="optimiser")

    @pytest.mark.parametrize(
        ("choice", "message"),
        [("re:(", "no regular expression"), (",", "names nothing"), ("re:zzz", "is not found")],
    )
    def test_choices_that_select_nothing(self, choice, message):
        with pytest.raises(UserError, match=message):
            gathered([run(fields={"seed": "0"})], method_from=choice)

    def test_parameters_in_a_methods_own_name(self):
        (method,) = gathered([run(fields={"method": "am1[m=5]/II", "seed": "0"})]).methods
        assert method.identity.hyperparameters == {"m": 5}
        assert method.identity.optimizer == "am1"


NAMED = {"method": "a", "seed": "0"}
SERIES = {
    "acc": (np.array([5.0, 10, 15]), np.arange(3.0)),
    "epoch": (np.array([5.0, 10, 10, 15]), np.array([1.0, 9, 2, 3])),
}


class TestSteps:
    def test_the_tools_own_unless_others_are_asked_for(self):
        assert gathered([run(fields=NAMED, series=SERIES)]).methods[0].steps == (5, 10, 15)

    def test_another_series_that_was_logged_beside(self):
        (method,) = gathered([run(fields=NAMED, series=SERIES)], step_from="epoch").methods
        assert method.steps == (1, 2, 3)
        assert list(method.curves) == ["acc"]

    def test_the_place_in_the_series(self):
        assert gathered([run(fields=NAMED, series=SERIES)], step_from="index").methods[0].steps == (
            1,
            2,
            3,
        )

    def test_points_without_a_step_beside_them(self):
        series = SERIES | {"epoch": (np.array([5.0]), np.array([1.0]))}
        with pytest.raises(UserError, match="2 points of 'acc' have no step beside them"):
            gathered([run(fields=NAMED, series=series)], step_from="epoch")

    def test_a_series_that_is_not_there(self):
        with pytest.raises(UserError, match="no series 'epochs'"):
            gathered([run(fields=NAMED, series=SERIES)], step_from="epochs")


class TestMetrics:
    def found(self, names, **mappings):
        series = {name: (np.arange(3.0), np.arange(3.0)) for name in names}
        (method,) = gathered([run(fields=NAMED, series=series)], **mappings).methods
        return {m.name: (m.better, m.unit) for m in method.metrics}

    def test_clocks_and_counters_are_no_metrics(self):
        assert list(self.found(["acc", "epoch", "_runtime", "_timestamp", "system/gpu", "time"])) == ["acc"]

    def test_renamed_in_the_order_wanted_with_direction_and_unit(self):
        chosen = {
            "metrics": ("test_loss=b", "score=a"),
            "lower": frozenset({"score"}),
            "units": {"score": "%"},
        }
        assert self.found(["a", "b", "c"], **chosen) == {"test_loss": ("lower", ""), "score": ("lower", "%")}
        assert list(self.found(["a", "b"], metrics=("b", "a"))) == ["b", "a"]
        assert self.found(["a_loss"], higher=frozenset({"a_loss"})) == {"a_loss": ("higher", "")}

    def test_a_metric_that_is_not_there(self):
        with pytest.raises(UserError, match=r"no run has logged 'acc': choose among a, b"):
            self.found(["a", "b"], metrics=("acc",))

    def test_clocks_and_counters_are_not_offered_either(self):
        with pytest.raises(UserError, match=r"choose among loss$"):
            self.found(["step", "epoch", "time", "_runtime", "loss"], metrics=("acc",))

    @pytest.mark.parametrize("metrics", [("a", "a"), ("a=",), ("=a",), ("x=a", "x=b")])
    def test_choices_that_are_none(self, metrics):
        with pytest.raises(UserError, match="--metric takes"):
            self.found(["a", "b"], metrics=metrics)
