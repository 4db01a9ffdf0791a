"""Pages that are made from the tree are as the tree is, and CONTRIBUTING's recipes work."""

import numpy as np
import pytest
import scipy.stats
import yaml
from generate import generated
from pages import ROOT, blocks

import amrobust
from amrobust.judge.declared import load_claims
from amrobust.judge.kinds import KINDS
from amrobust.report import FORMATS, render


def test_the_pages_made_from_the_tree_are_up_to_date():
    for path, text in generated().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python docs/tools/generate.py"


def made_by_the_recipe(name):
    """What the code of a recipe in CONTRIBUTING defines; ``name`` is the file that it is written to."""
    (recipe,) = (block for block in blocks(ROOT / "CONTRIBUTING.md") if (block.title or "").endswith(name))
    namespace = {"__name__": "recipe"}
    exec(compile(recipe.text, recipe.title, "exec"), namespace)
    return namespace


def test_the_recipe_for_a_rule_makes_one():
    rule = made_by_the_recipe("signsgd.py")["signsgd"]()
    state = rule.init(np.array([[1.0, -2.0], [0.5, 3.0]]))
    state = rule.step(state, state.x, lr=0.1)
    np.testing.assert_allclose(rule.outputs(state)["I"], [[0.9, -1.9], [0.4, 2.9]])


def test_the_recipe_for_a_kind_of_claim_makes_one_that_every_format_prints(monkeypatch, tmp_path):
    kind = made_by_the_recipe("start.py")["BetterStart"]()
    monkeypatch.setitem(KINDS, kind.name, kind)
    file = tmp_path / "claims.toml"
    file.write_text('[[claims]]\nkind = "better start"\nmethod = "adam"\nbaseline = "sgd"\n')
    rng = np.random.default_rng(0)
    runs = {"sgd": rng.normal(90, 1, (9, 12)), "adam": rng.normal(92, 1, (9, 12))}
    found = amrobust.compare(runs, metric="accuracy:higher", claims=load_claims(file).claims)
    (verdict,) = found.data.judgements[0].verdicts
    means = {name: curves[:, :4].mean(axis=1) for name, curves in runs.items()}
    assert verdict.interval.estimate == pytest.approx(means["adam"].mean() - means["sgd"].mean())
    assert verdict.p == pytest.approx(scipy.stats.ttest_ind(*means.values(), equal_var=False).pvalue)
    assert verdict.sentence.startswith("Supported: adam has a higher mean in the first third of training")
    for form in FORMATS:
        assert "better start" in render(found.data, form).replace("\n", " ")


def test_the_citation_names_what_is_cited():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert {"title", "authors", "version", "message"} <= cited.keys()
    assert len(cited["references"][0]["authors"]) == 4


def test_every_page_is_in_the_sites_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f" {page.name}" in text, page.name
