"""The public interface is what docs/api.md lists: it is there, it is documented, and the documentation uses nothing else."""

import ast
import importlib
import re

import pytest
from pages import ROOT, blocks, pages

import amrobust
from amrobust import optim, rules, stats

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def listed():
    """Every module on the page, with the members that it lists of it."""
    for directive in re.split(r"^::: ", PAGE, flags=re.MULTILINE)[1:]:
        name, _, rest = directive.partition("\n")
        yield name.strip(), re.findall(r"^        - (\w+)$", rest, flags=re.MULTILINE)


PUBLIC = {name: set(members) for name, members in listed()}
PUBLIC["amrobust.stats"] = {m for name, members in listed() for m in members if name == "amrobust.stats"}


@pytest.mark.parametrize(("name", "members"), list(listed()))
def test_what_the_page_lists_is_there_and_documented(name, members):
    if "callbacks" in name:
        pytest.importorskip(
            {"lightning": "lightning", "huggingface": "transformers"}[name.rpartition(".")[2]]
        )
    home, _, last = name.rpartition(".")
    found = (
        getattr(importlib.import_module(home), last) if last[0].isupper() else importlib.import_module(name)
    )
    assert found.__doc__
    for member in members:
        assert getattr(found, member).__doc__, member


@pytest.mark.parametrize("module", [amrobust, stats, rules, optim])
def test_what_a_public_module_exports_is_on_the_page(module):
    on_page = PUBLIC[module.__name__] or set(module.__all__)
    assert set(module.__all__) - {"__version__"} <= on_page


def test_the_documentation_imports_what_is_public():
    imported = {}
    for page in pages():
        for block in blocks(page):
            if block.language == "python":
                for node in ast.walk(ast.parse(block.text)):
                    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("amrobust"):
                        imported.setdefault(node.module, page.name)
    assert len(imported) > 4
    # The recipes of CONTRIBUTING are for amrobust's own tree.
    known = {*PUBLIC, *(name.rpartition(".")[0] for name in PUBLIC)}
    assert not {
        module: page for module, page in imported.items() if module not in known and page != "CONTRIBUTING.md"
    }
