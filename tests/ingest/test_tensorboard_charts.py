"""Charts downloaded from TensorBoard, as its page writes them."""

import numpy as np
import pytest

import amrobust
from amrobust.errors import UserError


def chart(path, values):
    path.parent.mkdir(exist_ok=True)
    rows = [f"{1.6e9 + step},{10 * step},{value}" for step, value in enumerate(values)]
    path.write_text("\n".join(["Wall time,Step,Value", *rows]) + "\n")


@pytest.fixture
def folder(tmp_path):
    for method, gain in (("adam", 3.0), ("sgd", 0.0)):
        for seed in range(4):
            for tag, sign in (("val_acc", 1), ("val_loss", -1)):
                name = f"run-{method}_seed{seed}-tag-{tag}.csv"
                chart(tmp_path / "charts" / name, [70 + sign * (gain + seed / 7 + step) for step in range(3)])
    return tmp_path / "charts"


def test_runs_tags_and_steps_are_those_of_the_page(folder):
    runs = amrobust.load(folder)
    assert {arm.method: tuple(arm.seeds) for arm in runs.arms} == {"adam": (0, 1, 2, 3), "sgd": (0, 1, 2, 3)}
    (adam,) = (arm for arm in runs.arms if arm.method == "adam")
    assert set(adam.curves) == {"val_acc", "val_loss"}
    np.testing.assert_allclose(adam.curves["val_acc"][2], [73 + 2 / 7, 74 + 2 / 7, 75 + 2 / 7])
    assert (adam.axis.label, adam.axis.values) == ("step", (0, 10, 20))


def test_a_file_of_another_name_is_a_run_of_one_metric(tmp_path):
    for method in ("adam", "sgd"):
        for seed in range(3):
            chart(tmp_path / "charts" / f"{method}-seed{seed}.csv", [seed / 7, 1 + seed / 7 + len(method)])
    runs = amrobust.load(tmp_path / "charts", metric="value:higher")
    assert {arm.method: len(arm.seeds) for arm in runs.arms} == {"adam": 3, "sgd": 3}


def test_a_cell_that_is_no_number_is_named(folder):
    path = folder / "run-adam_seed0-tag-val_acc.csv"
    path.write_text(path.read_text().replace("73.0", "x"))
    with pytest.raises(UserError, match="line 2"):
        amrobust.load(folder)
