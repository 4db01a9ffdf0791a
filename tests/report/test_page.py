"""The page: the same contents as the PDF, nothing from elsewhere, nothing that acts."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_blocks import strings

from amrobust.errors import UserError
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.document import document
from amrobust.report.html import fragment
from amrobust.report.layout import Layout
from amrobust.report.text import escape_prose
from amrobust.report.view import OUTCOMES
from amrobust.report.write import TEMPLATES, compile_html

Judged = Callable[..., GroupComparison]
TWO = ("msgd", "am1[m=5]/II")
VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Text, elements and attributes; complains about elements that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b]+", "", text)


@pytest.fixture(scope="module")
def html(comparison: Comparison) -> str:
    """The page of six methods."""
    return compile_html(comparison)


def test_it_has_every_text_of_the_report(html: str, comparison: Comparison) -> None:
    shown = squeezed(Page(html).text)
    texts = list(strings(document(comparison)))
    assert len(texts) > 200
    for text in texts:
        assert squeezed(text) in shown, text


def test_it_needs_nothing_else_and_runs_nothing(html: str) -> None:
    page = Page(html)
    assert not {"script", "link", "iframe", "object", "img"} & {tag for tag, _ in page.tags}
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    references = re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(\"?([^)\"]*)", html)
    assert all(a.startswith("#") or b.startswith("#") for a, b in references)


def test_identifiers_are_unique_and_referred_to(html: str) -> None:
    found = [attributes["id"] for _, attributes in Page(html).tags if "id" in attributes]
    assert len(found) == len(set(found))
    wanted = set(re.findall(r"(?:xlink:)?href=\"#([^\"]+)\"|url\(#([^)]+)\)", html))
    assert {a or b for a, b in wanted} <= set(found)


def test_figures_and_formulas_are_inside_and_described(judged: Judged) -> None:
    comparison = Comparison((judged(TWO),))
    page = Page(compile_html(comparison))
    described = [a["aria-label"] for tag, a in page.tags if tag == "svg"]
    figures = [b for s in document(comparison)["sections"] for b in s["blocks"] if b["kind"] == "figure"]
    assert described == [figure["alt"] for figure in figures]
    assert sum(tag == "math" for tag, _ in page.tags) > 20
    headings = [tag for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1


def test_an_accent_is_a_sign_over_its_letter(html: str) -> None:
    assert re.search(r'<mover accent="true"><mi>.</mi><mo stretchy="false">¯</mo></mover>', html)
    assert not re.search("[\u0300-\u036f]</m", html)


def test_hostile_names_are_shown_as_they_are(hostile: Comparison, hostile_names: tuple[str, ...]) -> None:
    html = compile_html(hostile, Layout(title="<script>x</script>", authors=("{{ 7 * 7 }}",)))
    page = Page(html)
    assert "script" not in {tag for tag, _ in page.tags}
    assert "<script>x</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text
    for name in hostile_names:
        assert squeezed(escape_prose(name)) in squeezed(page.text)


def test_same_input_same_text(judged: Judged) -> None:
    comparison = Comparison((judged(TWO, seeds=5, epochs=4),))
    assert compile_html(comparison) == compile_html(comparison)


@pytest.mark.parametrize("shape", ["one", "none", "several"])
def test_every_shape_has_a_page(shape: str, judged: Judged) -> None:
    parts = {
        "one": (judged(("msgd",)),),
        "none": (),
        "several": (judged(TWO), judged(TWO, workload="logistic")),
    }
    Page(compile_html(Comparison(parts[shape], ("broken",))))


def test_a_template_of_the_user_s_own(judged: Judged, tmp_path: Path) -> None:
    comparison = Comparison((judged(TWO),))
    mine = tmp_path / "mine.typ"
    (tmp_path / "words.txt").write_text("from my own file")
    mine.write_text(
        '#let r = json(bytes(sys.inputs.report))\n#html.p(r.title) #for s in r.sections [#s.name ] #read("words.txt")'
    )
    page = compile_html(comparison, Layout(title="<A>", template=mine))
    assert "<p>&lt;A></p>" in page
    assert "answer results" in page
    assert "from my own file" in page
    copy = tmp_path / "copy.typ"
    copy.write_text(TEMPLATES[".html"].read_text())
    # The appendix, which names the template, apart, a copy gives what the original gives.
    assert len(compile_html(comparison, Layout(template=copy))) > 100_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#for", "expected pattern"),
        ("#json(bytes(sys.inputs.report)).nothing", "nothing"),
        ("#panic()", "panicked"),
        ('#read("../secret.txt")', r"mine\.typ could not be compiled.*--print-template html"),
        (TEMPLATES[".pdf"].read_text(), "a template of PDFs"),
    ],
)
def test_a_template_that_fails_is_a_user_s_error(
    judged: Judged, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "secret.txt").write_text("s")
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "mine.typ").write_text(text)
    with pytest.raises(UserError, match=message):
        compile_html(Comparison((judged(TWO, seeds=4, epochs=2),)), Layout(template=folder / "mine.typ"))


def test_every_outcome_has_a_look_of_its_own_here_and_in_a_notebook(judged: Judged) -> None:
    decided = {"supported", "refuted", "not assessable"}
    assert decided == {*OUTCOMES} - {"inconclusive"}
    refused = Comparison((judged(("msgd", "sgd"), diverged=("msgd", "sgd")),))
    for text, look in ((compile_html(refused), ".badge.{} {{"), (fragment(refused), ".amrobust .{} {{")):
        for outcome in decided:
            assert look.format(outcome.replace(" ", "-")) in text
        used = {str(own.get("class")) for _, own in Page(text).tags}
        assert any("not-assessable" in names.split() for names in used)
