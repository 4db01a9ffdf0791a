"""HTML that needs nothing from elsewhere, and in which no name is markup."""

import re
from html.parser import HTMLParser

import pytest

from amrobust.judge.comparison import Comparison
from amrobust.report import render
from amrobust.report.html import fragment
from amrobust.report.text import escape

OWN = {
    "html", "head", "meta", "title", "style", "body", "div", "h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "ul",
    "ol", "li", "em", "figure", "img", "figcaption",
}  # fmt: skip


class Page(HTMLParser):
    """Collects tags, attributes and the text of cells; fails on what is not closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.cells, self.open = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "td":
            self.cells[-1] += data


@pytest.fixture(scope="module")
def of_hostile(hostile: Comparison) -> tuple[str, str]:
    """The page and the fragment of methods whose names are markup."""
    return render(hostile, "html"), fragment(hostile)


@pytest.fixture(scope="module")
def of_six(comparison: Comparison) -> tuple[str, str]:
    """The page and the fragment of six methods."""
    return render(comparison, "html"), fragment(comparison)


def test_names_are_text_whatever_is_in_them(
    of_hostile: tuple[str, str], hostile_names: tuple[str, ...]
) -> None:
    for text in of_hostile:
        page = Page(text)
        assert not page.open
        assert set(page.tags) <= OWN
        first = page.cells.index(escape(hostile_names[0]))
        assert page.cells[first : first + 7 * len(hostile_names) : 7] == [
            escape(name) for name in hostile_names
        ]


def test_nothing_is_loaded_and_nothing_runs(of_hostile: tuple[str, str], of_six: tuple[str, str]) -> None:
    for text, _ in (of_hostile, of_six):
        page = Page(text)
        assert any("default-src 'none'" in value for name, value in page.attributes if name == "content")
        assert all(
            value.startswith("data:image/svg+xml;base64,") for name, value in page.attributes if name == "src"
        )
        assert not {name for name, _ in page.attributes} & {
            "href",
            "onload",
            "onerror",
            "onclick",
            "srcset",
            "action",
        }


def test_the_page_has_the_figures_and_the_fragment_that_of_the_verdicts(of_six: tuple[str, str]) -> None:
    assert [Page(text).tags.count("img") for text in of_six] == [6, 1]


def test_both_begin_with_the_verdicts_and_their_figure(
    of_six: tuple[str, str], comparison: Comparison
) -> None:
    for text in of_six:
        first, figure, means = (text.index(part) for part in ('class="words ', "<img", "Final mean"))
        assert text[first:figure].count("</tr>") >= len(comparison.groups[0].verdicts)
        assert first < figure < means


def test_a_fragment_styles_nothing_but_itself(of_six: tuple[str, str]) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", of_six[1], flags=re.DOTALL)
    selectors = [part for block in re.findall(r"([^{}]+)\{", style) for part in block.split(",")]
    assert all(selector.strip().startswith(".amrobust") for selector in selectors)


def test_the_same_comparison_gives_the_same_page(of_six: tuple[str, str], comparison: Comparison) -> None:
    assert of_six[0] == render(comparison, "html")
