"""What export writes reads back to the same runs."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from amrobust.cli import main
from amrobust.cli.export import COLUMNS, _rows
from amrobust.cli.tables import as_csv, as_json, as_parquet
from amrobust.errors import UserError
from amrobust.ingest.load import load_arms
from amrobust.runs.arms import Arm
from amrobust.runs.axis import Axis
from amrobust.runs.method import Method, from_name
from amrobust.runs.metric import Metric

AXES = st.sampled_from(["epoch", "step", "_step", "tokens", "time (s)", "seconds"])
STEPS = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=6, unique=True).map(sorted).map(tuple)
VALUES = st.floats(-1e300, 1e300) | st.sampled_from([np.nan, np.inf, -np.inf, 5e-324, 0.1 + 0.2])
SETTINGS = st.dictionaries(
    st.sampled_from(["lr", "beta", "schedule", "nesterov", "weight_decay"]),
    st.integers(-9, 9) | st.floats(-1e9, 1e9) | st.booleans() | st.sampled_from(["cosine", "0.1", "a, b", '"'])
)  # fmt: skip
METRICS = st.builds(
    Metric,
    st.sampled_from(["val_loss", "value", "cost (s)", "μ/σ"]),
    st.sampled_from(["lower", "higher"]),
    st.sampled_from(["", "s", "nats"]),
)
NAMES = st.sampled_from(["sgd", "Å", "adam, tuned", '"q"', "=cmd()", "7", "NA", "a[b"])


@st.composite
def methods(draw):
    """What the name tells, and hyperparameters that it does not."""
    own = draw(SETTINGS)
    if draw(st.booleans()):
        return Method("adam", {"m": 5, **own}, ("m",), draw(st.sampled_from([None, "II"])))
    method = from_name(draw(NAMES))
    return Method(method.optimizer, own, (), written=method.name)


@st.composite
def runs(draw):
    found = []
    workload = draw(st.sampled_from(["w", "digits[batch_size=32]", "'x'"]))
    for method in draw(st.lists(methods(), min_size=1, max_size=3, unique_by=lambda method: method.name)):
        steps = tuple(step + 0.0 for step in draw(STEPS))  # -0.0 is 0.0
        seeds = tuple(sorted(draw(st.sets(st.integers(0, 999_999), min_size=1, max_size=3))))
        metrics = draw(st.lists(METRICS, min_size=1, max_size=2, unique_by=lambda metric: metric.name))
        curves = {
            metric.name: np.array(
                [draw(st.lists(VALUES, min_size=len(steps), max_size=len(steps))) for _ in seeds]
            )
            for metric in metrics
        }
        axis = Axis.called(draw(AXES), steps)
        known = {metric.name: metric for metric in metrics}
        found.append(
            Arm(method.name, method.optimizer, workload, seeds, curves, known, axis=axis, identity=method)
        )
    return found


def written(arms, form, folder):
    rows, path = list(_rows(arms, None)), Path(folder) / f"curves.{form}"
    if form == "parquet":
        path.write_bytes(as_parquet(COLUMNS, rows))
    else:
        path.write_text((as_json if form == "json" else as_csv)(COLUMNS, rows))
    return path


@settings(max_examples=150, deadline=None)
@given(runs(), st.sampled_from(["csv", "json", "parquet"]))
def test_what_export_writes_reads_back_to_the_same_runs(arms, form):
    with tempfile.TemporaryDirectory() as folder:
        back, problems = load_arms([written(arms, form, folder)])
    assert not problems
    assert len(arms) == len(back)
    for one, other in zip(arms, back, strict=True):
        assert (one.method, one.workload, one.seeds, one.axis) == (
            other.method,
            other.workload,
            other.seeds,
            other.axis,
        )
        assert one.identity.hyperparameters == other.identity.hyperparameters
        assert {k: type(v) for k, v in one.identity.hyperparameters.items()} == {
            k: type(v) for k, v in other.identity.hyperparameters.items()
        }
        assert one.identity.optimizer == other.identity.optimizer
        assert list(one.curves) == list(other.curves)
        for name, curves in one.curves.items():
            assert (one.metrics[name].better, one.metrics[name].unit) == (
                other.metrics[name].better,
                other.metrics[name].unit,
            )
            np.testing.assert_array_equal(curves, other.curves[name])


def test_the_direction_that_is_declared_is_exported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{m},{s},{t},{s + t}\n" for m in ("a", "b") for s in range(5) for t in (1, 2))
    Path("x.csv").write_text("method,seed,step,value\n" + rows)
    CliRunner().invoke(main, ["import", "x.csv"], catch_exceptions=False)
    for source in ("x.csv", "runs"):
        CliRunner().invoke(
            main, ["export", source, "--metric", "value:lower", "-o", "out.csv"], catch_exceptions=False
        )
        done = CliRunner().invoke(main, ["compare", "out.csv", "--format", "json"], catch_exceptions=False)
        assert json.loads(done.stdout)["groups"][0]["metric"]["better"] == "lower"


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("better", "up", "line 2: better is 'higher' or 'lower', not 'up'"),
        ("hyperparameters", "lr=0.1", "line 2: hyperparameters 'lr=0.1' are no object"),
        ("hyperparameters", '"{""lr"": [1, 2]}"', "are no object of numbers and texts in JSON"),
    ],
)
def test_what_is_said_wrongly_of_a_metric_or_method_is_refused_with_its_line(tmp_path, column, cell, message):
    path = tmp_path / "x.csv"
    path.write_text(f"method,seed,step,value,{column}\na,0,1,2,{cell}\n")
    with pytest.raises(UserError, match=message):
        load_arms([path])
