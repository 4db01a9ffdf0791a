"""The report as data: which sections it has, in which order, with which numbers."""

from collections.abc import Callable
from dataclasses import replace

from report_blocks import blocks, column, names, sections

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.document import document
from amrobust.report.layout import SECTIONS, Layout

Judged = Callable[..., GroupComparison]
TWO = ("msgd", "am1[m=5]/II")


def test_sections_with_nothing_to_say_are_left_out(judged: Judged) -> None:
    assert names(Comparison((judged(TWO),), ("broken",))) == [
        "answer", "results", "training", "tests", "tails", "tuning", "warnings", "warnings", "methods", "reproduce",
        "reproduce",
    ]  # fmt: skip
    assert names(Comparison((judged(("msgd",), warnings=()),))) == [
        "answer", "results", "training", "tails", "tuning", "methods", "reproduce", "reproduce",
    ]  # fmt: skip
    assert names(Comparison((), ("broken",))) == ["answer", "warnings", "reproduce"]


def test_sections_come_in_the_order_asked_for_and_no_others(judged: Judged) -> None:
    layout = Layout(sections=("warnings", "results", "answer"))
    assert names(Comparison((judged(TWO),)), layout) == ["warnings", "results", "answer"]


def test_without_the_first_page_the_verdicts_are_in_their_section(judged: Judged) -> None:
    compared = judged(TWO)
    (found,) = blocks(Comparison((compared,)), "sentences", "verdicts", Layout(sections=("verdicts",)))
    assert len(found["items"]) == len(compared.verdicts)


def test_several_groups_answer_first_and_give_their_evidence_after(judged: Judged) -> None:
    comparison = Comparison((judged(TWO), judged(TWO, workload="logistic")))
    found = sections(comparison)
    headings = [(section["level"], section["title"]) for section in found if section["title"]]
    assert headings[0] == (1, "Evidence: digits, test accuracy (%), 30 epochs")
    assert [title for level, title in headings if level == 1] == [
        "Evidence: digits, test accuracy (%), 30 epochs",
        "Evidence: logistic, test accuracy (%), 30 epochs",
        "Methods",
    ]
    assert [section["title"] for section in found].count("Tests") == 2
    assert [section["new_page"] for section in found if section["name"] == "group"] == [True, True]


def test_figures_and_tables_are_numbered_through(judged: Judged) -> None:
    comparison = Comparison(
        (judged(TWO, seeds=5, epochs=4), judged(TWO, seeds=5, epochs=4, workload="logistic"))
    )
    for kind in ("figure", "table"):
        assert [b["number"] for b in blocks(comparison, kind)] == list(
            range(1, len(blocks(comparison, kind)) + 1)
        )


def test_the_title_is_the_user_s_or_made_from_the_workloads(judged: Judged) -> None:
    one, many = judged(TWO), [judged(TWO, workload=f"logistic[data=a5a,sigma={k}]") for k in range(3)]
    assert document(Comparison((one,)))["title"] == "Robustness over seeds on digits"
    assert document(Comparison(tuple(many)))["title"] == (
        "Robustness over seeds on logistic[data=a5a,sigma=0] and 2 other settings"
    )
    shown = document(Comparison((one,)), Layout(title="A\x1b[2J", authors=("B\n", "C")))
    assert shown["title"] == "A\\x1b[2J"
    assert shown["authors"] == ["B\\n", "C"]


def test_the_methods_have_aligned_numbers_with_their_units(judged: Judged) -> None:
    compared = judged(TWO, diverged=TWO[1:])
    table = blocks(Comparison((compared,)), "table", "results", Layout(sections=("results",)))[0]
    assert column(table, "n") == ["20", "20 (2 diverged)"]
    assert column(table, "Final mean ± STD (%)")[1] == "–"
    whole = blocks(Comparison((judged(),)), "table", "results", Layout(sections=("results",)))[0]
    decimals = {len(cell.split(" ± ")[0].partition(".")[2]) for cell in column(whole, "Final mean ± STD (%)")}
    assert len(decimals) == 1


def test_more_claims_than_a_reader_reads_are_left_to_the_tables(judged: Judged) -> None:
    compared = judged([f"m{k}" for k in range(20)], seeds=4, epochs=3)
    whole = replace(
        compared.verdicts[0],
        claim=Claim("composite", "m1", "m0", parts=tuple(v.claim for v in compared.verdicts[:2])),
        parts=compared.verdicts[:2],
    )
    refused = replace(compared.verdicts[1], outcome="not assessable")
    compared = replace(compared, verdicts=(whole, refused, *compared.verdicts[2:]))
    (found,) = blocks(
        Comparison((compared,)), "sentences", "verdicts", Layout(sections=("answer", "verdicts"))
    )
    assert len(found["items"]) == 2


def test_all_sections_are_known_to_somebody(judged: Judged) -> None:
    compared = judged(
        ("msgd", *(f"am1[m={m}]" for m in (1, 3, 5, 7, 9))),
        kinds=("equivalent mean", "less spread", "less Avg. STD"), margin=0.5,
    )  # fmt: skip
    compared = replace(
        compared,
        verdicts=tuple(
            replace(v, interval=replace(v.interval, se=0.3, df=38.0)) for v in compared.verdicts if v.interval
        ),
    )
    found = names(Comparison((compared,)))
    assert list(dict.fromkeys(found)) == list(SECTIONS)
