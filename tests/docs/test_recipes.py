"""CONTRIBUTING's recipes work: each module is put where its title says, named as the text does, and its test is run."""

import inspect
import sys
from types import ModuleType

import pytest
from pages import ROOT, blocks

from amrobust import report, rules, workloads
from amrobust.ingest import registry
from amrobust.judge.kinds import KINDS
from amrobust.runs import method
from amrobust.train import optimizers

BLOCKS = {block.title: block.text for block in blocks(ROOT / "CONTRIBUTING.md") if block.title}


def named_rule(put):
    put.setitem(rules.RULES, "signsgd", module(put, "amrobust/rules/signsgd.py").signsgd)


def named_optimizer(put):
    named_rule(put)
    module(put, "amrobust/optim/signsgd.py")
    put.setitem(optimizers.OPTIMIZERS, "signsgd", eval(BLOCKS["OPTIMIZERS"], vars(optimizers)))
    put.setitem(method.TITLES, "signsgd", "Sign SGD")


def named_workload(put):
    module(put, "amrobust/workloads/rings.py")
    put.setitem(workloads.WORKLOADS, "rings", "amrobust.workloads.rings:WORKLOAD")


def named_test_of_spread(put):
    module(put, "amrobust/stats/ansari.py")


def named_kind_of_claim(put):
    kind = module(put, "amrobust/judge/kinds/start.py").BetterStart()
    put.setitem(KINDS, kind.name, kind)


def named_importer(put):
    module(put, "amrobust/ingest/lines.py")
    put.setitem(registry.MODULES, "lines", "lines")


def named_format(put):
    module(put, "amrobust/report/rst.py")
    put.setattr(report, "FORMATS", (*report.FORMATS, "rst"))


RECIPES = {
    "tests/rules/test_signsgd.py": named_rule,
    "tests/optim/test_signsgd.py": named_optimizer,
    "tests/workloads/test_rings.py": named_workload,
    "tests/stats/test_ansari.py": named_test_of_spread,
    "tests/judge/test_start.py": named_kind_of_claim,
    "tests/ingest/test_lines.py": named_importer,
    "tests/report/test_rst.py": named_format,
}
"""By the title of each recipe's test, what puts its module where it belongs and names it."""


def module(put, title):
    """The module with the code of the block of this title, under the name that a file of it would have."""
    name = title.removesuffix(".py").replace("/", ".")
    made = ModuleType(name)
    put.setitem(sys.modules, name, made)
    exec(compile(BLOCKS[title], title, "exec"), vars(made))
    return made


def cases(title):
    """The tests in a recipe's test, each with the values of one of its cases; they are defined when they are run."""
    made = {}
    exec(compile(BLOCKS[title], title, "exec"), made)
    for name, test in made.items():
        if name.startswith("test_"):
            marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
            names, values = marks[0].args if marks else ((), [()])
            for case in values:
                yield test, dict(zip(names, case, strict=True)) if isinstance(names, tuple) else {names: case}


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_is_one_module_that_passes_its_test(title, monkeypatch, tmp_path_factory):
    optimizers.find.cache_clear()
    with monkeypatch.context() as put:
        RECIPES[title](put)
        found = list(cases(title))
        assert found
        for test, values in found:
            if "tmp_path" in inspect.signature(test).parameters:
                values["tmp_path"] = tmp_path_factory.mktemp("recipe")
            test(**values)
    optimizers.find.cache_clear()


def test_every_recipe_that_is_shown_is_one_of_these():
    tests = {title for title in BLOCKS if title.startswith("tests/")}
    modules = {title for title in BLOCKS if title.startswith("amrobust/")}
    assert tests == set(RECIPES)
    assert len(modules) == len(tests)
