"""Pages that are made from the tree are as the tree is."""

import yaml
from generate import generated
from pages import ROOT


def test_the_pages_made_from_the_tree_are_up_to_date():
    for path, text in generated().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python docs/tools/generate.py"


def test_the_citation_names_what_is_cited():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert {"title", "authors", "version", "message"} <= cited.keys()
    assert len(cited["references"][0]["authors"]) == 4


def test_every_page_is_in_the_sites_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f" {page.name}" in text, page.name
