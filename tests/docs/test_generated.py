"""Pages that are made from the tree are as the tree is, and CONTRIBUTING's recipe works."""

import numpy as np
import yaml
from generate import generated
from pages import ROOT, blocks


def test_the_pages_made_from_the_tree_are_up_to_date():
    for path, text in generated().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python docs/tools/generate.py"


def test_the_recipe_for_a_rule_makes_one():
    (recipe,) = (block for block in blocks(ROOT / "CONTRIBUTING.md") if block.title)
    namespace = {"__name__": "recipe"}
    exec(compile(recipe.text, recipe.title, "exec"), namespace)
    rule = namespace["signsgd"]()
    state = rule.init(np.array([[1.0, -2.0], [0.5, 3.0]]))
    state = rule.step(state, state.x, lr=0.1)
    np.testing.assert_allclose(rule.outputs(state)["I"], [[0.9, -1.9], [0.4, 2.9]])


def test_the_citation_names_what_is_cited():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert {"title", "authors", "version", "message"} <= cited.keys()
    assert len(cited["references"][0]["authors"]) == 4


def test_every_page_is_in_the_sites_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f" {page.name}" in text, page.name
