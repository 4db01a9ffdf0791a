"""The PDF: complete, accessible, deterministic, self-contained, and unmoved by hostile names."""

import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from report_blocks import strings

from amrobust.errors import UserError
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report import Layout, write_report
from amrobust.report.blocks import (
    Block,
    Cell,
    Column,
    Definitions,
    Entry,
    Fact,
    Facts,
    Heading,
    Row,
    Section,
    Span,
    Table,
    plain,
)
from amrobust.report.document import document
from amrobust.report.text import escape_prose
from amrobust.report.write import TEMPLATES, compile_pdf, typst_arguments

Judged = Callable[..., GroupComparison]
TWO = ("msgd", "am1[m=5]/II")


def headings(comparison: Comparison) -> list[str]:
    """The report's headings as Typst sees them."""
    import typst

    found = json.loads(
        typst.query(**typst_arguments(comparison, Layout(), ".pdf"), selector="heading", field="body")
    )
    return [_plain(body) for body in found]


def _plain(body: Any) -> str:
    if "children" in body:
        return "".join(_plain(child) for child in body["children"])
    return str(body.get("text", " "))


def pages_as_text(path: Path) -> list[str]:
    """The text of each page in reading order, without the places where words may break."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    done = subprocess.run(["pdftotext", "-raw", path, "-"], capture_output=True, check=True)
    text = done.stdout.decode().replace("\u200b", "").replace("\u00a0", " ").replace("−", "-")
    return [" ".join(page.split()) for page in text.split("\f")[:-1]]


def squeezed(text: str) -> str:
    """Without spaces, hyphens and minus signs, which a line's end may take or give."""
    return "".join(text.replace("\u200b", "").replace("−", "").replace("-", "").split())


def test_verdicts_are_on_the_first_page_and_every_text_is_somewhere(
    comparison: Comparison, tmp_path: Path
) -> None:
    compared = replace(comparison.groups[0], verdicts=comparison.groups[0].verdicts[:3])
    shown = Comparison((compared,), comparison.problems)
    path = tmp_path / "report.pdf"
    layout = Layout(title="Is AM1 robust?", authors=("A. Author", "B. Author"))
    write_report(shown, path, layout)
    pages = pages_as_text(path)
    assert pages[0].startswith("Is AM1 robust? A. Author and B. Author")
    for verdict in compared.verdicts:
        assert squeezed(verdict.sentence) in squeezed(pages[0])
    # A page's head and foot may stand between the lines of a text that goes over it.
    bodies = [
        page.removeprefix("Is AM1 robust?").removesuffix(f"amrobust 0.1.0 {n} / {len(pages)}")
        for n, page in enumerate(pages, 1)
    ]
    everything = squeezed(" ".join(bodies))
    texts = list(strings(document(shown, layout)))
    assert len(texts) > 150
    for text in texts:
        assert squeezed(text) in everything, text
    assert all(f"{number} / {len(pages)}" in page for number, page in enumerate(pages, start=1))


def test_headings_are_the_sections(judged: Judged) -> None:
    assert headings(Comparison((judged(TWO),), ("broken",))) == [
        "Results", "Along training", "Tests", "Tails", "How each method was tuned", "Warnings", "Set aside", "Methods",
        "How to reproduce this", "Common to all methods", "Of each method",
    ]  # fmt: skip


def test_claims_that_cannot_be_judged_are_said_on_the_first_page(judged: Judged, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    write_report(Comparison((judged(("msgd", "sgd"), diverged=("msgd", "sgd")),)), path)
    assert "None of the 3 claims is assessable" in pages_as_text(path)[0]


@pytest.mark.parametrize(
    "shape",
    [
        "six", "one method", "sweep", "long names", "diverged", "all diverged", "one epoch", "margin", "empty", "several",
        pytest.param("forty", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_every_shape_compiles_without_a_warning(shape: str, judged: Judged) -> None:
    import typst

    long = tuple(
        f"am1[lr=0.{i}234567890123,m=5,momentum=0.987654321,weight_decay=0.00012345]/II" for i in range(3)
    )
    groups = {
        "six": lambda: [judged()],
        "one method": lambda: [judged(("msgd",))],
        "sweep": lambda: [judged(("msgd", *(f"am1[m={m}]/II" for m in range(1, 12))), seeds=5, epochs=5)],
        "forty": lambda: [judged([f"adam[lr={k},momentum=0.9]" for k in range(40)], seeds=5, epochs=5)],
        "long names": lambda: [judged((*long, "x" * 200), seeds=5, epochs=5)],
        "diverged": lambda: [judged(diverged=("sgd", "am1[m=5]/II"))],
        "all diverged": lambda: [judged(("msgd", "sgd"), diverged=("msgd", "sgd"))],
        "one epoch": lambda: [judged(("msgd", "sgd"), epochs=1, kinds=("less spread",))],
        "margin": lambda: [judged(TWO, kinds=("equivalent mean", "non-inferior"), margin=0.5)],
        "several": lambda: [judged(TWO), judged(TWO, workload="logistic")],
        "empty": list,
    }
    comparison = Comparison(tuple(groups[shape]()), ("x: broken",))
    data, warnings = typst.compile_with_warnings(
        **typst_arguments(comparison, Layout(), ".pdf"), format="pdf", pdf_standards=["ua-1"]
    )
    assert [warning.message for warning in warnings] == []
    assert data.startswith(b"%PDF-")


def test_no_row_of_a_long_table_is_left_alone_on_a_page(tmp_path: Path) -> None:
    """Whatever stands above the table, at least three of its rows are on each of its pages."""
    rows = tuple(Row((Cell(f"row{k}."), Cell(str(k)))) for k in range(20))
    for above in range(0, 60, 3):
        blocks: list[Block] = [plain("line") for _ in range(above)]
        blocks.append(Table("A caption.", (Column("Name", "left", 1.0), Column("Number")), rows))
        path = tmp_path / "table.pdf"
        path.write_bytes(_compiled(blocks))
        counts = [page.count("row") for page in pages_as_text(path)]
        assert sum(counts) == 20
        assert all(count == 0 or count >= 3 for count in counts), above


def test_the_facts_about_one_method_stay_together(tmp_path: Path) -> None:
    facts = (Fact("run", "the run."), Fact("hyperparameters", "their values."))
    for above in range(30, 60):
        blocks = [
            *(plain("line") for _ in range(above)),
            Heading("Of each method", 2),
            Facts((("msgd", facts), ("sgd", facts))),
        ]
        path = tmp_path / "facts.pdf"
        path.write_bytes(_compiled(blocks))
        (page,) = (page for page in pages_as_text(path) if "the run." in page)
        assert page.count("their values.") == 2
        assert "Of each method" in page


def test_a_formula_stands_on_the_page_of_what_it_is_of(tmp_path: Path) -> None:
    entry = Entry("Term", (Span("Words about it. " * 20),), Span("a + b = 77", "math", "a plus b is 77"))
    for above in range(0, 60, 3):
        path = tmp_path / "definitions.pdf"
        path.write_bytes(_compiled([*(plain("line") for _ in range(above)), Definitions((entry,))]))
        assert [("Words" in page) == ("77" in page) for page in pages_as_text(path)].count(False) == 0


def _compiled(blocks: Sequence[Block]) -> bytes:
    """A report of these blocks alone."""
    import typst

    report = {
        "title": "T", "authors": [], "paper": "a4", "version": "0", "sections": [asdict(Section("results", "", tuple(blocks)))]
    }  # fmt: skip
    return typst.compile(str(TEMPLATES[".pdf"]), sys_inputs={"report": json.dumps(report)}, format="pdf")


@pytest.mark.parametrize(("paper", "size"), [("a4", b"595.2756 841.8898"), ("letter", b"612 792")])
def test_paper(judged: Judged, paper: Any, size: bytes) -> None:
    data = compile_pdf(Comparison((judged(("msgd",), seeds=4, epochs=2),)), Layout(paper=paper))
    boxes = {line for line in data.split(b"\n") if b"/MediaBox" in line}
    assert boxes
    assert all(size in box for box in boxes)


def test_it_is_tagged_and_says_what_its_figures_show(judged: Judged) -> None:
    data = compile_pdf(Comparison((judged(TWO, seeds=5, epochs=4),)), Layout(title="T", authors=("A",)))
    assert b"/StructTreeRoot" in data
    assert b"pdfuaid:part" in data
    assert b"/Lang (en" in data or b"/Lang(en" in data


def test_names_in_scripts_that_the_fonts_lack_are_set_and_the_reader_is_warned(
    judged: Judged, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    shown = Comparison((judged(("msgd", "优化器"), seeds=5, epochs=4),))
    layout = Layout(title="王小明 η Ж", authors=("王小明", "علی\u200cرضا"))
    data = compile_pdf(shown, layout)
    # In the document's metadata, which are XML.
    assert "王小明 η Ж</rdf:li>".encode() in data
    assert "王小明, علی\u200cرضا</rdf:li>".encode() in data
    assert b"pdfuaid:part" not in data
    assert b"/StructTreeRoot" in data
    (warning,) = caplog.messages
    assert "box for each character that its fonts lack" in warning
    assert "HTML" in warning
    write_report(shown, tmp_path / "a.html", layout)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "王小明, علی\u200cرضا" in page
    assert "优化器" in page
    assert "\\u" not in page


def test_names_that_the_fonts_have_are_set_without_a_word(
    judged: Judged, caplog: pytest.LogCaptureFixture
) -> None:
    data = compile_pdf(
        Comparison((judged(TWO, seeds=5, epochs=4),)), Layout(title="Жук η é", authors=("Ünal",))
    )
    assert b"pdfuaid:part" in data
    assert caplog.messages == []


def test_hostile_names_are_shown_as_they_are(
    hostile: Comparison, hostile_names: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "report.pdf"
    write_report(hostile, path, Layout(title="#panic() $x$ \x1b[2J", authors=("#author()",)))
    everything = "".join(" ".join(pages_as_text(path)).split())
    assert "#panic()$x$\\x1b[2J" in everything
    assert "#author()" in everything
    for name in hostile_names:
        assert "".join(escape_prose(name).split()) in everything


def test_same_input_same_bytes_in_different_processes_and_directories(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; from amrobust.report import write_report; from amrobust.judge.comparison import Comparison;"
        "make = runpy.run_path(sys.argv[1])['make_group'];"
        "comparison = Comparison((make(seeds=5, epochs=6),));"
        "write_report(comparison, 'report.pdf'); write_report(comparison, 'report.html');"
        "assert 'torch' not in sys.modules and 'seaborn' not in sys.modules"
    )
    (tmp_path / "another").mkdir()
    command = [sys.executable, "-c", code, str(Path(__file__).with_name("conftest.py"))]
    subprocess.run(command, cwd=tmp_path / "another", check=True)
    assert sorted(path.name for path in (tmp_path / "another").iterdir()) == ["report.html", "report.pdf"]
    make = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["make_group"]
    for form in ("pdf", "html"):
        write_report(Comparison((make(seeds=5, epochs=6),)), tmp_path / f"report.{form}")
        assert (tmp_path / f"report.{form}").read_bytes() == (
            tmp_path / "another" / f"report.{form}"
        ).read_bytes()


def test_fonts_are_embedded_and_the_document_is_undated(comparison: Comparison) -> None:
    data = compile_pdf(comparison)
    assert b"CreationDate" not in data
    assert b"LibertinusSerif" in data
    assert b"STIX" not in data


def test_a_template_of_the_user_s_own_reads_its_own_folder(judged: Judged, tmp_path: Path) -> None:
    comparison = Comparison((judged(("msgd",), seeds=4, epochs=2),))
    mine = tmp_path / "mine.typ"
    (tmp_path / "words.txt").write_text("from my own file")
    mine.write_text('#let r = json(bytes(sys.inputs.report))\n#r.title #read("words.txt")')
    path = tmp_path / "report.pdf"
    write_report(comparison, path, Layout(title="Mine", template=mine))
    assert pages_as_text(path) == ["Mine from my own file"]
    copy = tmp_path / "copy.typ"
    copy.write_bytes(TEMPLATES[".pdf"].read_bytes())
    assert compile_pdf(comparison, Layout(template=copy)).startswith(b"%PDF-")


@pytest.mark.parametrize(
    "text", ["#let", "#panic()", '#read("../secret.txt")', "#sys.inputs.none", TEMPLATES[".html"].read_text()]
)
def test_a_template_that_fails_is_a_user_s_error(judged: Judged, tmp_path: Path, text: str) -> None:
    (tmp_path / "secret.txt").write_text("s")
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "mine.typ").write_text(text)
    with pytest.raises(UserError, match=r"mine\.typ could not be compiled.*--print-template pdf"):
        compile_pdf(Comparison((judged(TWO, seeds=4, epochs=2),)), Layout(template=folder / "mine.typ"))


def test_a_hostile_unit_is_shown_as_it_is(judged: Judged, tmp_path: Path) -> None:
    compared = judged(
        TWO, seeds=5, epochs=4, kinds=("equivalent mean", "better mean", "less Avg. STD"), margin=0.5
    )
    metric = replace(compared.metric, unit="\x1b[31m$x$\u202e")
    arms = tuple(replace(arm, metrics={metric.name: metric}) for arm in compared.arms)
    path = tmp_path / "report.pdf"
    write_report(Comparison((replace(compared, metric=metric, arms=arms),)), path)
    assert "Finalmean±STD(\\x1b[31m$x$\\u202e)" in squeezed(" ".join(pages_as_text(path)))
