"""The PDF: complete, deterministic, self-contained, and unmoved by hostile names."""

import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from amrobust.claims.judgement import Comparison, Judgement
from amrobust.errors import UserError
from amrobust.report import write_pdf
from amrobust.report.document import breakable, document, typeset
from amrobust.report.pdf import compile_pdf, typst_arguments
from amrobust.report.text import printable

Judged = Callable[..., Judgement]
TWO = ("msgd", "am1[m=5]/II")


def headings(comparison: Comparison) -> list[str]:
    """The report's headings as Typst sees them."""
    import typst

    found = json.loads(typst.query(**typst_arguments(comparison), selector="heading", field="body"))
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


def test_verdicts_are_on_the_first_page_and_everything_is_somewhere(
    comparison: Comparison, tmp_path: Path
) -> None:
    judgement = replace(comparison.judgements[0], verdicts=comparison.judgements[0].verdicts[:3])
    path = tmp_path / "report.pdf"
    write_pdf(Comparison((judgement,), comparison.problems), path, title="Is AM1 robust?")
    pages = pages_as_text(path)
    assert pages[0].startswith("Is AM1 robust?")
    for verdict in judgement.verdicts:
        assert verdict.sentence.replace("-", "") in pages[0].replace("-", "")
    everything = " ".join(pages)
    for expected in (
        "98.33 ± 0.68", "[98.02, 98.65]", judgement.cautions[0].message, "Repeat the comparison from another x0",
        "runs/broken: curves.parquet", "amrobust run --opt am1 --seeds 20", "d" * 64, "2.6.0", "permutation of",
        "seeds are independent",
    ):  # fmt: skip
        assert expected in everything
    assert all(f"{number} / {len(pages)}" in page for number, page in enumerate(pages, start=1))


def test_sections_with_nothing_to_say_are_left_out(judged: Judged) -> None:
    assert headings(Comparison((judged(TWO),), ("broken",))) == [
        "Results", "Tests", "Cautions", "Set aside", "How to reproduce this", "Common to all methods",
        "Of each method",
    ]  # fmt: skip
    assert headings(Comparison((judged(("msgd",), cautions=()),))) == [
        "Results", "How to reproduce this", "Common to all methods", "Of each method",
    ]  # fmt: skip


def test_several_groups_answer_first_and_give_their_evidence_after(judged: Judged) -> None:
    found = headings(Comparison((judged(TWO), judged(TWO, workload="logistic"))))
    assert found[:3] == [
        "digits, test accuracy (%), 30 epochs",
        "logistic, test accuracy (%), 30 epochs",
        "Evidence: digits, test accuracy (%), 30 epochs",
    ]
    assert found.count("Tests") == 2


@pytest.mark.parametrize(
    "shape",
    [
        "six",
        "one method",
        "twelve methods",
        "long names",
        "diverged",
        "all diverged",
        "one epoch",
        "margin",
        "empty",
    ],
)
def test_every_shape_compiles_without_a_warning(shape: str, judged: Judged) -> None:
    import typst

    long = tuple(
        f"am1[lr=0.{i}234567890123,m=5,momentum=0.987654321,weight_decay=0.00012345]/II" for i in range(3)
    )
    judgements = {
        "six": lambda: judged(),
        "one method": lambda: judged(("msgd",)),
        "twelve methods": lambda: judged(("msgd", *(f"am1[m={m}]/II" for m in range(1, 12)))),
        "long names": lambda: judged((*long, "x" * 200)),
        "diverged": lambda: judged(diverged=("sgd", "am1[m=5]/II")),
        "all diverged": lambda: judged(("msgd", "sgd"), diverged=("msgd", "sgd")),
        "one epoch": lambda: judged(("msgd", "sgd"), epochs=1, kinds=("less spread",)),
        "margin": lambda: judged(TWO, kinds=("equivalent mean", "no worse than"), margin=0.5),
    }
    comparison = Comparison((judgements[shape](),) if shape in judgements else (), ("x: broken",))
    data, warnings = typst.compile_with_warnings(**typst_arguments(comparison), format="pdf")
    assert [warning.message for warning in warnings] == []
    assert data.startswith(b"%PDF-")


def test_hostile_names_are_shown_as_they_are(
    hostile: Comparison, hostile_names: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "report.pdf"
    write_pdf(hostile, path, title="#panic() $x$ \x1b[2J")
    everything = "".join(" ".join(pages_as_text(path)).split())
    assert "#panic()$x$\\x1b[2J" in everything
    for name in hostile_names:
        assert "".join(printable(name).split()) in everything


def test_same_input_same_bytes_in_different_processes_and_directories(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; from amrobust.report import write_pdf; from amrobust.claims.judgement import Comparison;"
        "make = runpy.run_path(sys.argv[1])['make_judgement'];"
        "write_pdf(Comparison((make(seeds=5, epochs=6),)), 'report.pdf');"
        "assert 'torch' not in sys.modules"
    )
    written = []
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
        command = [sys.executable, "-c", code, str(Path(__file__).with_name("conftest.py"))]
        subprocess.run(command, cwd=tmp_path / name, check=True)
        written.append((tmp_path / name / "report.pdf").read_bytes())
        assert [path.name for path in (tmp_path / name).iterdir()] == ["report.pdf"]
    assert written[0] == written[1]
    make = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["make_judgement"]
    assert compile_pdf(Comparison((make(seeds=5, epochs=6),))) == written[0]


def test_fonts_are_embedded_and_the_document_is_undated(comparison: Comparison) -> None:
    data = compile_pdf(comparison)
    assert b"CreationDate" not in data
    assert b"LibertinusSerif" in data
    assert b"STIX" not in data


def test_an_existing_file_is_replaced_and_a_bad_path_is_a_user_s_error(
    judged: Judged, tmp_path: Path
) -> None:
    comparison = Comparison((judged(("msgd",), seeds=3, epochs=2),))
    path = tmp_path / "report.pdf"
    path.write_text("old")
    write_pdf(comparison, path)
    assert path.read_bytes().startswith(b"%PDF-")
    with pytest.raises(UserError, match="there is no directory"):
        write_pdf(comparison, tmp_path / "missing" / "report.pdf")
    with pytest.raises(UserError, match="it is a directory"):
        write_pdf(comparison, tmp_path)


def test_the_appendix_tells_how_to_make_the_report_again(judged: Judged) -> None:
    judgement = replace(
        judged(TWO, kinds=("equivalent mean",), margin=0.5), final="mean:3", baseline="am1[m=5]/I"
    )
    appendix = document(Comparison((judgement,)))["groups"][0]["appendix"]
    command = " ".join("".join(pieces) for pieces in appendix["commands"][-1])
    assert command == (
        "amrobust report RUNS -o report.pdf --metric test_accuracy --baseline 'am1[m=5]/I' --test jackknife "
        "--alpha 0.05 --margin 0.5 --final mean:3"
    )


def test_facts_that_all_methods_share_are_printed_once(judged: Judged) -> None:
    appendix = document(Comparison((judged(TWO, diverged=TWO[1:]),)))["groups"][0]["appendix"]
    shared = {fact["key"]: fact["value"] for fact in appendix["shared"]}
    assert shared["seeds"] == "0–19"
    assert shared["torch"] == "2.6.0"
    own = {item["method"]: {fact["key"] for fact in item["facts"]} for item in appendix["methods"]}
    assert own == {TWO[0]: {"run"}, TWO[1]: {"run", "diverged seeds"}}


def test_numbers_are_typeset() -> None:
    assert typeset("[-0.12, 0.30]") == "[−0.12, 0.30]"
    assert typeset("2.35e-04") == "2.35 × 10⁻⁴"
    assert typeset("2.35e+11") == "2.35 × 10¹¹"


def test_long_words_may_break_and_short_ones_may_not() -> None:
    assert breakable("am1[m=5]/II on digits") == "am1[m=5]/II on digits"
    name = "am1[momentum=0.98765,m=5]/II"
    assert breakable(name).replace("\u200b", "") == name
    assert max(map(len, breakable("x" * 100).split("\u200b"))) == 18
