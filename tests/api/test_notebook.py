"""Notebooks: progress in the cell, classes that cells define, and objects that show themselves."""

import json
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

import amrobust
from amrobust.api.methods import named
from amrobust.api.notebook import in_notebook
from amrobust.errors import UserError

CELLS = '''
import linecache, sys
import amrobust

FIRST = """
import torch
from torch import nn
from amrobust.workloads import Classification

class Signs(torch.optim.Optimizer):
    def __init__(self, params, lr=0.001):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad.sign(), alpha=group["lr"])

class Spirals(Classification):
    defaults = {"epochs": 2, "batch_size": 20, "lr_drops": 0}

    def network(self):
        return nn.Linear(2, 2)

    def data(self):
        x = torch.randn(120, 2, generator=torch.Generator().manual_seed(0))
        y = (x[:, 0] > 0).long()
        return x[:80], y[:80], x[80:], y[80:]
"""

def cell(number, source):
    """What a notebook does with a cell: its text is kept where tracebacks look for it."""
    linecache.cache[f"<cell {number}>"] = len(source), None, source.splitlines(keepends=True), f"<cell {number}>"
    exec(compile(source, f"<cell {number}>", "exec"), globals())

def train():
    return amrobust.run({Signs: {"lr": 0.02}}, workload=Spirals, seeds=2, runs_dir="runs")

cell(1, FIRST)
assert train().methods == ("Signs[lr=0.02]",)
first = train().arms[0]
cell(2, FIRST.replace("p.grad.sign()", "-p.grad.sign()"))
second = train().arms[0]
assert first.training != second.training
assert (first.curves["train_loss"][:, -1] < second.curves["train_loss"][:, -1]).all()
cell(3, FIRST)
assert train().arms[0].training == first.training
assert amrobust.tune({Signs: {"lr": [0.01, 0.02]}}, workload=Spirals, seeds=2, runs_dir="runs").chosen
'''


def test_classes_of_cells_are_optimizers_and_workloads_and_an_edited_cell_is_a_new_run(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CELLS], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "code not recorded" not in done.stderr
    folders = [path for path in (tmp_path / "runs").iterdir() if path.name != "tuning"]
    codes = [json.loads((path / "manifest.json").read_text())["facts"]["code"] for path in folders]
    assert len(codes) == 2
    assert codes[0].keys() == codes[1].keys() == {"__main__:Signs", "__main__:Spirals"}
    assert codes[0]["__main__:Spirals"] == codes[1]["__main__:Spirals"]
    assert codes[0]["__main__:Signs"] != codes[1]["__main__:Signs"]


def test_a_class_goes_by_its_path_and_known_ones_by_their_names():
    from amrobust.optim import AM1SGD

    assert named("am1") == "am1"
    assert named(torch.optim.AdamW) == "adamw"
    assert named(AM1SGD) == "am1"

    class Inner(torch.optim.SGD):
        pass

    with pytest.raises(UserError, match="Inner is defined within a function"):
        named(Inner)
    with pytest.raises(UserError, match="3 is no name, class or function"):
        amrobust.run({"sgd": {}}, workload=3)


class Displayed(list):
    """What a notebook's front end shows: a display that is updated in its place."""

    def __call__(self, shown, display_id):
        assert display_id is True
        self.append([repr(shown), shown._repr_html_()])
        last = self[-1]
        return SimpleNamespace(
            update=lambda now: last.__setitem__(slice(None), [repr(now), now._repr_html_()])
        )


@pytest.fixture
def notebook(monkeypatch):
    """IPython as in a kernel; tests of a real kernel are below."""
    displayed = Displayed()
    for name in ("IPython", "IPython.display"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["IPython"].get_ipython = lambda: SimpleNamespace(kernel=object())
    sys.modules["IPython.display"].display = displayed
    return displayed


def test_training_shows_how_far_it_is_in_the_cell(notebook, tmp_path, capsys):
    assert in_notebook()
    options = {
        "workload": "logistic",
        "params": {"iterations": 40},
        "runs_dir": tmp_path,
        "executor": "local",
    }
    amrobust.run({"msgd": {}, "sgd": {}}, seeds=3, **options)
    amrobust.tune({"msgd": {"lr": [0.1, 0.2]}}, seeds=2, **options)
    assert [text for text, _ in notebook] == [
        "2/2 runs on this process; 6/6 seeds",
        "2/2 runs on this process; 4/4 seeds",
    ]
    assert '<progress value="6.00" max="6">' in notebook[0][1]
    assert capsys.readouterr() == ("", "")


def test_elsewhere_nothing_is_shown(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not in_notebook()
    amrobust.run(
        {"sgd": {}},
        workload="logistic",
        params={"iterations": 40},
        seeds=2,
        runs_dir=tmp_path,
        executor="local",
    )
    assert capsys.readouterr() == ("", "")


def test_runs_tunings_and_comparisons_are_shown_so_that_a_person_can_read_them(tmp_path):
    rng = np.random.default_rng(0)
    runs = amrobust.Runs.from_arrays(
        {"sgd": rng.normal(90, 2, (8, 3)), "<b>": rng.normal(91, 1, (8, 3))}, metric="accuracy", unit="%"
    )
    assert repr(runs).splitlines()[0] == "2 methods on arrays"
    assert "accuracy_mean" in repr(runs)
    assert len(repr(runs)) < 600
    assert "&lt;b&gt;" in runs._repr_html_()
    assert "<b>" not in runs._repr_html_()
    comparison = amrobust.compare(runs, baseline="sgd")
    assert repr(comparison) == str(comparison)
    page = comparison._repr_html_()
    assert page.index("less Avg. STD") < page.index("<img") < page.index("Final mean")
    assert page.count("<img") == 1
    tuned = amrobust.tune(
        {"msgd": {"lr": [0.03, 0.1]}}, workload="logistic", params={"iterations": 40}, seeds=2, runs_dir=tmp_path,
        executor="local",
    )  # fmt: skip
    assert repr(tuned).startswith(
        "Tuned on logistic, with seeds that are never judged; chosen: msgd with lr = "
    )
    assert "at the edge" in repr(tuned)
    assert "<table>" in tuned._repr_html_()


def test_a_real_kernel(tmp_path):
    pytest.importorskip("ipykernel")
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    first = CELLS.partition('FIRST = """')[2].partition('"""')[0]
    cells = [
        "import amrobust\n" + first,
        "runs = amrobust.run({'sgd': {}, Signs: {'lr': 0.02}}, workload=Spirals, seeds=4, runs_dir='runs'); runs",
        "amrobust.compare(runs, baseline='sgd')",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(
        book, timeout=200, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    progress, runs = book.cells[1].outputs
    assert "2/2 runs on this process; 8/8 seeds" in progress.data["text/plain"]
    assert "<progress" in progress.data["text/html"]
    assert runs.data["text/plain"].startswith("2 methods on Spirals")
    (shown,) = book.cells[2].outputs
    assert shown.data["text/html"].startswith('<div class="amrobust">')
