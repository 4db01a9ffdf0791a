"""The code of others that a run depends on: which files count, by which names."""

import hashlib
import sys
import types
from importlib import invalidate_caches

import pytest
import torch

from amrobust.runs.spec import Spec
from amrobust.train.code import code_of, dependence, digest_of
from amrobust.train.prepare import make_spec
from amrobust.train.training import train_unit
from amrobust.train.unit import Place

RULE = """
from typing import NamedTuple
from amrobust.rules import Rule

class Iterate(NamedTuple):
    x: object

def made():
    return Rule("made", Iterate, lambda s, gradient, lr: Iterate(s.x - lr * gradient), lambda s: {"I": s.x})
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes modules into a folder that imports find first, and forgets them afterwards."""

    def write(folder="here", **sources):
        for name, source in sources.items():
            path = tmp_path / folder / f"{name.replace('__in__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        invalidate_caches()
        return tmp_path / folder

    monkeypatch.setattr(sys, "path", [str(tmp_path / "here"), *sys.path])
    before = set(sys.modules)
    yield write
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def files(optimizer, workload="logistic"):
    return code_of(Spec(workload, {}, optimizer, {})).files


def test_a_file_counts_by_its_modules_name_and_its_bytes(written):
    folder = written(c_one=RULE)
    assert files("c_one:made") == {"c_one.py": hashlib.sha256((folder / "c_one.py").read_bytes()).hexdigest()}


def test_local_modules_count_wherever_they_are_imported_and_installed_ones_do_not(written):
    written(
        c_root="import json, numpy, scipy.stats\nfrom typing import TYPE_CHECKING\nimport c_top\n"
        "def later():\n    from c_lazy import thing\n    import importlib\n    importlib.import_module('c_named')\n" + RULE,
        c_top="import c_deep\n", c_deep="import c_root\n", c_lazy="thing = 1\n", c_named="", c_unused="",
    )  # fmt: skip
    assert set(files("c_root:made")) == {"c_root.py", "c_top.py", "c_deep.py", "c_lazy.py", "c_named.py"}


def test_of_a_package_all_modules_in_its_folder_count_and_what_they_import_relatively(written):
    written(
        c_pack__in____init__="", c_pack__in__rules="from .sub.steps import x\ndef later():\n    from . import beside\n" + RULE,
        c_pack__in__beside="from ..c_beyond import y", c_pack__in__plugin="z = 1\n", c_pack__in__sub__in____init__="",
        c_pack__in__sub__in__steps="from ..plugin import z\nimport c_other\nx = 1\n",
        c_pack__in__apart__in____init__="", c_other="", c_beyond="",
    )  # fmt: skip
    inside = ("__init__.py", "rules.py", "beside.py", "plugin.py", "sub/__init__.py", "sub/steps.py")
    assert set(files("c_pack.rules:made")) == {f"c_pack/{name}" for name in inside} | {"c_other.py"}


def test_a_folder_without_an_init_counts_by_the_modules_that_are_imported(written):
    written(c_space__in__rule="from c_space import near\n" + RULE, c_space__in__near="", c_space__in__far="")
    assert set(files("c_space.rule:made")) == {"c_space/rule.py", "c_space/near.py"}


def test_what_is_made_elsewhere_counts_with_the_module_that_names_it(written):
    written(c_alias="import sys, c_hidden\nmade = sys.modules['c_hidden'].made\n", c_hidden=RULE)
    assert set(files("c_alias:made")) == {"c_alias.py", "c_hidden.py"}


@pytest.mark.parametrize("optimizer", ["msgd", "adamw", "torch.optim:Adam"])
def test_amrobusts_and_torchs_own_bring_no_code(optimizer):
    assert files(optimizer, "digits") == {}
    assert digest_of(Spec("digits", {}, optimizer, {})) is None
    assert dependence(Spec("digits", {}, optimizer, {})).keys() == {"spec"}


def installed_in(folder, number, in_place=False):
    """As pip leaves a distribution ``c-dist`` in ``folder``."""
    info = folder / f"c_dist-{number}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: c-dist\nVersion: {number}\n")
    (info / "top_level.txt").write_text("c_dist\n")
    (info / "RECORD").write_text("c_dist.pth,,\n" if in_place else "c_dist.py,,\n")


def test_an_installed_package_counts_by_name_and_version(written, monkeypatch):
    from amrobust.train import code

    installed_in(written(c_dist="import c_rest\n" + RULE, c_rest=""), "1.5")
    code._owners.cache_clear()
    found = code_of(Spec("logistic", {}, "c_dist:made", {}))
    code._owners.cache_clear()
    assert found.files == {"package c-dist": "1.5"}
    assert found.versions == {"c-dist": "1.5"}


def test_a_package_that_is_edited_in_place_counts_by_its_files(written):
    from amrobust.train import code

    installed_in(written(c_dist="VERSION = 2\n" + RULE), "2.0", in_place=True)
    code._owners.cache_clear()
    code._recorded_by.cache_clear()
    found = code._named("c_dist:made", "amrobust.rules", __import__("c_dist").made)
    code._owners.cache_clear()
    code._recorded_by.cache_clear()
    assert found.files.keys() == {"c_dist.py"}
    assert found.versions == {"c-dist": "2.0"}


def test_code_without_a_source_is_not_known(monkeypatch):
    module = types.ModuleType("c_nowhere")
    exec("import torch\nclass Plain(torch.optim.SGD): pass", module.__dict__)
    module.Plain.__module__ = "c_nowhere"
    monkeypatch.setitem(sys.modules, "c_nowhere", module)
    assert issubclass(module.Plain, torch.optim.Optimizer)
    assert files("c_nowhere:Plain") is None
    assert digest_of(Spec("logistic", {}, "c_nowhere:Plain", {})) is None


def test_a_worker_that_finds_other_code_trains_nothing(written):
    written(c_worker=RULE)
    spec = make_spec("logistic", "c_worker:made", {"iterations": 20})
    (found,) = train_unit(spec, (0,), Place(code="0" * 64))
    assert "changed after the command had read it" in found.error
    (found,) = train_unit(spec, (0,), Place(code=digest_of(spec)))
    assert found.error is None


def test_a_file_is_read_once_in_a_process(written, monkeypatch):
    from pathlib import Path

    folder = written(c_once=RULE)
    read = []
    content = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path) or content(path))
    for scale in (1, 2, 3):
        _ = code_of(Spec("logistic", {"iterations": scale}, "c_once:made", {"lr": scale}))
    assert read == [folder / "c_once.py"]
