"""Edited code is another run, or goes on with the old one on purpose, which is said wherever results are."""

import json
import sys
from importlib import invalidate_caches

import numpy as np
import pytest
from click.testing import CliRunner
from made_up_data import put_fashion

import amrobust
from amrobust import workloads
from amrobust.cli import main
from amrobust.ingest.load import load_arms
from amrobust.runs.spec import content_digest
from amrobust.runs.store import read_run
from amrobust.train import code, foreign, foreign_rules, optimizers

RULE = """
from typing import NamedTuple
from amrobust.rules import Rule
{imports}
class Iterate(NamedTuple):
    x: object

def slow(scale=0.5):
    return Rule("slow", Iterate, lambda s, g, lr: Iterate(s.x - lr * scale * g), lambda s: {{"I": s.x}})
"""
WORKLOAD = """
import torch
from torch import nn
from amrobust.workloads import Classification

class Blobs(Classification):
    defaults = {"epochs": 2, "batch_size": 20, "lr_drops": 0}

    def network(self):
        return nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))

    def data(self):
        points = torch.randn(80, 2, generator=torch.Generator().manual_seed(0))
        labels = (points[:, 0] > 0).long()
        return points[:60], labels[:60], points[60:], labels[60:]
"""
OPTIMIZER = """
import torch

class Signs(torch.optim.Optimizer):
    def __init__(self, params, lr=0.001):
        super().__init__(params, {"lr": lr})
        self.calls = 0

    @torch.no_grad()
    def step(self, closure=None):
        from steps import direction
        self.calls += 1
        for group in self.param_groups:
            for param in group["params"]:
                param.sub_(direction(param.grad, self.calls), alpha=group["lr"])
"""
CONVEX = ["--workload", "logistic", "--iterations", "20", "--executor", "local", "-q"]
NETWORKS = ["--executor", "local", "-q"]


CACHES = (
    code._code_of, code._owners, code._recorded_by, foreign.optimizer_class, optimizers.find,
    foreign_rules.maker, foreign_rules._arguments, workloads._external,
)  # fmt: skip


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Runs amrobust in a folder of its own, each time as if in a new process, and checks the exit status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the folder is added to it

    def forget():
        for cached in CACHES:
            cached.cache_clear()
        for name, module in list(sys.modules.items()):
            if str(tmp_path) in str(getattr(module, "__file__", "")):
                del sys.modules[name]
        invalidate_caches()

    def run(*arguments, status=0, found_in=()):
        forget()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "path", [*map(str, found_in), *sys.path])
            done = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
        assert done.exit_code == status, done.output
        return done

    yield run
    forget()


@pytest.fixture
def script(server, tmp_path):
    """Runs Python in a process of its own, and returns what it printed."""

    def run(source):
        (tmp_path / "script.py").write_text(source)
        done = server.script(tmp_path / "script.py", env={"PYTHONDONTWRITEBYTECODE": "1"})
        assert done.wait() == 0, done.errors()
        return done.output()

    return run


def edit(path, old, new):
    source = path.read_text()
    assert old in source
    path.write_text(source.replace(old, new))


def manifest(folder, optimizer):
    (path,) = folder.glob(f"*-{optimizer}-*/manifest.json")
    return path, json.loads(path.read_text())


def notes(done, kind):
    (compared,) = json.loads(done.stdout)["groups"]
    return [note["message"] for note in compared["notes"] if note["kind"] == kind]


def test_an_edited_workload_begins_a_run_of_its_own_and_both_are_versions_of_one_method(command, tmp_path):
    (tmp_path / "blobs.py").write_text(WORKLOAD)
    ask = ["run", "--opt", "msgd", "--workload", "blobs:Blobs", *NETWORKS, "--seeds"]
    assert "Note" not in command(*ask, 4).stderr
    path, before = manifest(tmp_path / "runs", "msgd")
    edit(tmp_path / "blobs.py", "nn.ReLU()", "nn.Sigmoid()")
    (line,) = [line for line in command(*ask, 5).stderr.splitlines() if "Note" in line]
    assert f"a new run, because blobs.py changed since seeds 0-3 of {path.parent.name} were made" in line
    assert "--accept-new-code" in line
    assert json.loads(path.read_text()) == before
    (new,) = {*tmp_path.glob("runs/*-msgd-*")} - {path.parent}
    assert len(json.loads((new / "manifest.json").read_text())["seeds"]) == 5
    marks = [found.name[-8:-2] for found in (path.parent, new)]
    done = command("compare", "runs", "--format", "json")
    assert "told apart as msgd (code " in done.stderr
    (compared,) = json.loads(done.stdout)["groups"]
    assert {arm["method"] for arm in compared["arms"]} == {f"msgd (code {mark})" for mark in marks}
    assert sorted(len(arm["seeds"]) for arm in compared["arms"]) == [4, 5]
    (note,) = notes(done, "code-differs")
    assert "made by different versions of blobs.py" in note
    done = command("compare", "runs", "--baseline", f"msgd (code {marks[1]})")
    assert f"msgd (code {marks[0]}) against msgd (code {marks[1]})" in done.stdout
    edit(tmp_path / "blobs.py", "nn.Sigmoid()", "nn.ReLU()")
    assert "nothing left" in command(*[word for word in ask if word != "-q"], 4).stderr


def test_an_edit_goes_on_with_the_old_run_with_the_flag_which_every_report_says(command, tmp_path):
    (tmp_path / "blobs.py").write_text(WORKLOAD)
    ask = ["run", "--opt", "msgd", "--workload", "blobs:Blobs", *NETWORKS, "--seeds"]
    command(*ask, 3)
    path, _ = manifest(tmp_path / "runs", "msgd")
    edit(tmp_path / "blobs.py", "nn.ReLU()", "nn.Sigmoid()")
    done = command(*ask, 6, "--accept-new-code")
    assert f"{path.parent.name}: goes on with another version of the code than made seeds 0-2" in done.stderr
    same, after = manifest(tmp_path / "runs", "msgd")
    assert same == path
    old, new = (content_digest(session["code"]) for session in after["provenance"])
    assert old != new
    assert [after["seeds"][str(seed)]["code"] for seed in range(6)] == [old] * 3 + [new] * 3
    said = "seeds 0-2 were made by another version of the code than the others (blobs.py changed)"
    assert said in command("show", "blobs").stdout
    command(*ask, 6)
    command("run", "--opt", "sgd", "--workload", "blobs:Blobs", *NETWORKS, "--seeds", 6)
    (note,) = notes(command("compare", "runs", "--format", "json"), "code-changed")
    assert note == f"M-SGD: {said}: these may be two methods in one sample."
    command("report", "runs", "-o", "report.html")
    assert said in " ".join((tmp_path / "report.html").read_text().split())


def test_methods_that_different_versions_of_a_workload_made_are_compared_with_a_warning(command, tmp_path):
    (tmp_path / "blobs.py").write_text(WORKLOAD)
    ask = ["run", "--workload", "blobs:Blobs", *NETWORKS, "--seeds", 4, "--opt"]
    command(*ask, "msgd")
    edit(tmp_path / "blobs.py", "nn.ReLU()", "nn.Sigmoid()")
    command(*ask, "sgd")
    done = command("compare", "runs", "--format", "json")
    assert notes(done, "code-changed") == []
    (note,) = notes(done, "code-differs")
    assert "made by different versions of blobs.py" in note


def test_a_module_that_an_optimizer_imports_counts_as_the_optimizer_does(command, tmp_path):
    (tmp_path / "mysigns.py").write_text(OPTIMIZER)
    (tmp_path / "steps.py").write_text("def direction(gradient, calls):\n    return gradient.sign()\n")
    ask = [
        "run",
        "--opt",
        "mysigns:Signs",
        "--param",
        "model=mlp",
        "--param",
        "lr_drops=0",
        "--epochs",
        1,
        *NETWORKS,
        "--seeds",
    ]
    command(*ask, 1)
    edit(tmp_path / "steps.py", "gradient.sign()", "gradient.tanh()")
    assert "a new run, because steps.py changed" in command(*ask, 2, "--runs-dir", "runs").stderr
    (new,) = [path for path in tmp_path.glob("runs/*") if len(read_run(path).manifest.complete) == 2]
    new.rename(tmp_path / "moved")
    edit(tmp_path / "steps.py", "gradient.tanh()", "gradient.sign()")
    command(*ask, 2)
    assert manifest(tmp_path / "runs", "mysigns_Signs")[1]["provenance"][0]["code"].keys() == {
        "mysigns.py",
        "steps.py",
    }


def test_a_checkpoint_that_other_code_made_is_never_gone_on_from(command, tmp_path):
    put_fashion(tmp_path / "data", train=40, test=20)
    (tmp_path / "mysigns.py").write_text(OPTIMIZER)
    steps = tmp_path / "steps.py"
    steps.write_text(
        "def direction(gradient, calls):\n    if calls > 41:\n        raise KeyboardInterrupt\n"
        "    return gradient.sign()\n"
    )
    ask = ["run", "--opt", "mysigns:Signs", "--workload", "fashion-mnist", "--batch-size", 8, "--epochs", 10, "--seeds", 1,
           "--batching", "none", "--data-dir", "data", *NETWORKS]  # fmt: skip
    command(*ask, status=130)
    (kept,) = tmp_path.glob("runs/*/checkpoints/*.pt")
    steps.write_text("def direction(gradient, calls):\n    return gradient.sign() / 2\n")
    command(*ask)
    command(*ask, "--runs-dir", "anew")
    assert kept.exists()
    (one,), (other,) = (
        [path for path in tmp_path.glob(f"{folder}/*-mysigns_Signs-*") if path != kept.parent.parent]
        for folder in ("runs", "anew")
    )
    ours, fresh = (read_run(path).curves()["I"]["train_loss"] for path in (one, other))
    np.testing.assert_array_equal(ours, fresh)


def test_code_may_be_mended_while_no_seed_has_come_of_it(command, tmp_path):
    (tmp_path / "myrule.py").write_text(RULE.format(imports=""))
    ask = ["run", "--opt", "myrule:slow", *CONVEX, "--seeds", 2]
    edit(
        tmp_path / "myrule.py",
        "s.x - lr * scale * g",
        "s.x - (lr * scale * g if lr < 0 or not g.any() else oops)",
    )
    command(*ask, status=1)
    edit(tmp_path / "myrule.py", "(lr * scale * g if lr < 0 or not g.any() else oops)", "lr * scale * g")
    assert "Note" not in command(*ask).stderr
    assert "finish" not in command("compare", "runs").output


class TestAnEditedRule:
    @pytest.fixture
    def rule(self, tmp_path):
        (tmp_path / "myrule.py").write_text(RULE.format(imports=""))
        return tmp_path / "myrule.py"

    def test_a_comment_is_an_edit_and_another_folder_is_none(self, command, rule, tmp_path):
        ask = ["run", "--opt", "myrule:slow", *CONVEX, "--runs-dir", tmp_path / "runs", "--seeds"]
        command(*ask, 2)
        rule.rename(tmp_path / "kept.py")
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "kept.py").rename(tmp_path / "elsewhere" / "myrule.py")
        command(*ask, 3, found_in=[tmp_path / "elsewhere"])
        with (tmp_path / "elsewhere" / "myrule.py").open("a") as file:
            file.write("# a remark\n")
        done = command(*ask, 3, found_in=[tmp_path / "elsewhere"])
        assert "a new run, because myrule.py changed since seeds 0-2" in done.stderr

    def test_of_a_grid_an_edit_is_said_once_and_every_run_of_it_is_new(self, command, rule, tmp_path):
        grid = tmp_path / "grid.toml"
        methods = '[{ opt = "msgd" }, { opt = "myrule:slow", scale = SCALES }]'
        text = f'workload = "logistic"\nseeds = 2\nmethods = {methods}\nworkload_params = {{ iterations = 20 }}\n'
        grid.write_text(text.replace("SCALES", "[0.1]"))
        ask = ["run", "--spec", grid, "--allow-code", "--executor", "local", "-q"]
        command(*ask)
        grid.write_text(text.replace("SCALES", "[0.1, 0.2]"))
        command(*ask)
        assert len(list(tmp_path.glob("runs/*"))) == 3
        edit(rule, "s.x - lr", "s.x - 2 * lr")
        assert command(*ask).stderr.count("a new run, because myrule.py changed") == 1
        assert len(list(tmp_path.glob("runs/*"))) == 5
        edit(rule, "s.x - 2 * lr", "s.x - 3 * lr")
        done = command(*ask, "--accept-new-code", "--seeds", 3)
        assert done.stderr.count("goes on with another version of the code") == 1
        assert len(list(tmp_path.glob("runs/*"))) == 5

    def test_tune_and_analyze_begin_anew_alike_and_take_the_flag(self, command, rule, tmp_path):
        (tmp_path / "mine.toml").write_text(
            'title = "Mine"\nquestion = "Which?"\nworkload = "logistic"\nseeds = 4\nmetric = "train_loss"\nbaseline = "msgd"\n'
            'methods = [{ opt = "msgd" }, { opt = "myrule:slow" }]\nworkload_params = { iterations = 20 }\n'
            'claims = [{ kind = "less spread", method = "slow" }]\n'
        )
        tune = ["tune", "--opt", "myrule:slow[scale=0.1,0.2]", "--lr", "0.1", *CONVEX]
        analyze = ["analyze", "mine.toml", "--allow-code", "--executor", "local", "-o", "mine.html"]
        command(*tune)
        command(*analyze)
        edit(rule, "s.x - lr", "s.x - 2 * lr")
        done = command(*tune, "--seeds", 4, "--accept-new-code")
        assert "goes on with another version" in done.stderr
        done = command(*analyze, "--seeds", 8, "--accept-new-code")
        assert "slow: seeds 0-3 were made by another version of the code" in " ".join(done.stdout.split())
        edit(rule, "s.x - 2 * lr", "s.x - 3 * lr")
        assert "a new run, because myrule.py changed" in command(*tune).stderr
        done = command(*analyze)
        assert "a new run, because myrule.py changed" in done.stderr
        said = " ".join(done.stdout.split())
        assert (
            "Other versions of the code of a method that is judged had been trained under them: 4 seeds"
            in said
        )

    def test_an_edit_that_changes_what_is_recorded_is_a_run_of_its_own(self, command, rule):
        ask = ["run", "--opt", "myrule:slow", *CONVEX, "--seeds", 2]
        command(*ask)
        edit(rule, '{"I": s.x}', '{"I": s.x, "II": s.x}')
        assert "a new run, because myrule.py changed" in command(*ask).stderr
        runs = json.loads(command("list", "--format", "json").stdout)["runs"]
        assert sorted(len(found["methods"]) for found in runs) == [1, 2]

    def test_python_begins_anew_alike_and_takes_the_argument(self, command, rule, tmp_path, caplog):
        ask = {"workload": "logistic", "params": {"iterations": 20}, "seeds": 3, "executor": "local"}
        command("run", "--opt", "myrule:slow", *CONVEX, "--seeds", 2)
        edit(rule, "s.x - lr", "s.x - 2 * lr")
        command("show", "logistic")
        (arm,) = amrobust.run({"myrule:slow": {}}, **ask, accept_new_code=True)
        assert [version.seeds for version in arm.code] == [(0, 1), (2,)]
        edit(rule, "s.x - 2 * lr", "s.x - 3 * lr")
        command("show", "logistic")
        (arm,) = amrobust.run({"myrule:slow": {}}, **ask)
        assert [version.seeds for version in arm.code] == [(0, 1, 2)]
        assert "a new run, because myrule.py changed since seeds 0-2" in caplog.text

    def test_an_edit_while_a_process_lives_is_found_by_its_workers(self, script, rule):
        printed = script("""
import amrobust
from amrobust.errors import RunError

def run(seeds):
    params = {"iterations": 20}
    return amrobust.run({"myrule:slow": {}}, workload="logistic", params=params, seeds=seeds, jobs=1)

if __name__ == "__main__":
    run(1)
    source = open("myrule.py").read()
    open("myrule.py", "w").write(source.replace("s.x - lr", "s.x - 2 * lr"))
    try:
        run(2)
    except RunError as error:
        print(error)
""")
        assert "was changed after the command had read it" in printed

    def test_what_a_script_defines_itself_counts_by_its_own_source(self, script, tmp_path):
        source = (
            RULE.format(imports="import amrobust\nfrom amrobust.errors import UserError")
            + """
params = {"iterations": 20}
import logging, sys
logging.basicConfig(stream=sys.stdout)
amrobust.run({"__main__:slow": {}}, workload="logistic", params=params, seeds=1, executor="local")
"""
        )
        assert script(source) == ""
        assert script(source.replace("seeds=1", "seeds=2")) == ""
        assert "because __main__:slow changed" in script(source.replace("s.x - lr", "s.x - 2 * lr"))

    def test_what_a_script_defines_counts_with_the_functions_of_it_that_it_uses(self, script):
        imports = "import amrobust\nimport logging, sys\nfrom collections import namedtuple"
        source = (
            RULE.format(imports=imports).replace("lr * scale * g", "turned(lr, scale) * g")
            + """
Pair = namedtuple("Pair", "a b")

def turned(lr, scale):
    return Pair(_half(lr), scale).a * scale

def _half(lr):
    return lr / 2

def unused():
    return 1

if __name__ == "__main__":
    logging.basicConfig(stream=sys.stdout)
    params = {"iterations": 20}
    amrobust.run({"__main__:slow": {}}, workload="logistic", params=params, seeds=2, jobs=1)
"""
        )
        assert script(source) == ""
        source = source.replace("jobs=1", 'executor="local"')
        assert script(source.replace("return 1", "return 2").replace("seeds=2", "seeds=3")) == ""
        assert "because __main__:_half changed" in script(source.replace("lr / 2", "lr / 3"))
        edited = source.replace("lr / 2", "lr / 3").replace("* scale\n", "* scale * 2\n")
        assert "because __main__:turned changed" in script(edited)

    def test_records_without_code_take_any_and_say_so(self, command, rule, tmp_path):
        ask = ["run", "--opt", "myrule:slow", *CONVEX, "--seeds"]
        command(*ask, 2)
        path, content = manifest(tmp_path / "runs", "myrule_slow")
        for each in (content["facts"], *content["seeds"].values(), *content["provenance"]):
            del each["code"]
        del content["checksum"]
        content["identity"] = read_run(path.parent).manifest.base
        path.write_text(json.dumps(content | {"checksum": content_digest(content)}))
        path.parent.rename(path.parent.with_name(path.parent.name.rpartition("-")[0]))
        edit(rule, "s.x - lr", "s.x - 2 * lr")
        assert "code not recorded: seeds of any version are added" in command(*ask, 2).stderr
        assert "code not recorded" in command("show", "logistic").stdout
        (arm,) = load_arms([tmp_path / "runs"])[0]
        assert arm.facts["own code"] == "code not recorded"
        command(*ask, 3)
        done = command("show", "logistic").stdout
        assert (
            "seeds 0-1 were made by another version of the code than the others (theirs was not recorded)"
            in done
        )

    def test_another_version_of_an_installed_package_goes_on_and_is_warned_about(
        self, command, rule, tmp_path
    ):
        site = tmp_path / "site"
        site.mkdir()
        rule.rename(site / "myrule.py")

        def version(number):
            info = site / "my_rule.dist-info"
            info.mkdir(exist_ok=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: my-rule\nVersion: {number}\n")
            (info / "RECORD").write_text("myrule.py,,\n")
            (info / "entry_points.txt").write_text("[amrobust.rules]\nslow = myrule:slow\n")

        version("1.0")
        ask = ["run", "--opt", "slow", *CONVEX, "--seeds"]
        command(*ask, 1, found_in=[site])
        with (site / "myrule.py").open("a") as file:
            file.write("# a remark\n")
        command(*ask, 2, found_in=[site])
        version("1.1")
        done = command(*[word for word in ask if word != "-q"], 3, found_in=[site])
        assert (
            "packages have other versions than when its seeds were made: my-rule 1.0, then 1.1" in done.stderr
        )
        assert "(package my-rule changed)" in command("show", "logistic").stdout
