"""The first page answers: question, every verdict, the figure that shows it, and what must not be missed."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from report_blocks import blocks, column, paragraphs

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.headlines import headlines
from amrobust.report.layout import Layout
from amrobust.report.text import prose
from amrobust.report.view import claim_rows

Judged = Callable[..., GroupComparison]
TWO = ("msgd", "am1[m=5]/II")


ANSWER = Layout(sections=("answer",))


def first_page(comparison: Comparison, kind: str):
    return blocks(comparison, kind, "answer", ANSWER)


def said(comparison: Comparison, style: str) -> list[str]:
    return paragraphs(comparison, style, ANSWER)


def test_few_methods_are_answered_by_a_headline_each_and_their_numbers(judged: Judged) -> None:
    compared = judged(TWO)
    comparison = Comparison((compared,))
    (found,) = first_page(comparison, "sentences")
    (line,) = headlines(compared, claim_rows(compared), [compared])
    assert [(item["outcome"], item["text"]) for item in found["items"]] == [
        (outcome, prose(text)) for outcome, text in line.found
    ]
    assert {item["outcome"] for item in found["items"]} == {v.outcome for v in compared.verdicts}
    assert [text.replace("\u200b", "") for text in said(comparison, "headline")] == [
        "am1[m=5]/II against msgd"
    ]
    (table,) = first_page(comparison, "table")
    assert column(table, "Method") == list(TWO)
    assert said(comparison, "question") == [compared.question]
    assert said(comparison, "lead")[0].startswith(("Of 3 claims: ", "All 3 claims: "))
    assert [figure["name"] for figure in first_page(comparison, "figure")] == ["forest"]


def test_some_more_are_listed_with_their_intervals(judged: Judged) -> None:
    names = ["msgd", "sgd", *(f"am1[m={m}]/II" for m in range(2, 6))]
    compared = judged(names, kinds=("better mean",))
    (table,) = first_page(Comparison((compared,)), "table")
    assert [c["title"] for c in table["columns"]][:3] == ["Claim about", "What is claimed", "Estimate"]
    assert column(table, "Verdict") == [v.outcome for v in compared.verdicts]
    first = [cell["text"] for cell in table["rows"][0]["cells"]]
    assert first[:2] == ["sgd vs msgd", "higher mean"]
    assert first[2].endswith(" pp")
    assert first[3].startswith("[")


def test_a_single_method_is_said_to_be_alone(judged: Judged) -> None:
    comparison = Comparison((judged(["msgd"]),))
    (callout,) = first_page(comparison, "callout")
    assert callout["title"] == "Nothing is compared"
    assert [figure["name"] for figure in first_page(comparison, "figure")] == ["finals"]


def test_many_pairs_are_answered_in_a_matrix_of_verdicts_with_estimates(judged: Judged) -> None:
    compared = judged()
    (table,) = first_page(Comparison((compared,)), "table")
    assert [c["title"] for c in table["columns"]] == [
        "Against msgd",
        "higher mean",
        "less spread",
        "less Avg. STD",
    ]
    assert column(table, "less spread") == [
        v.outcome for v in compared.verdicts if v.claim.kind == "less spread"
    ]
    assert table["rows"][0]["cells"][2]["text"].startswith("×")
    assert not first_page(Comparison((compared,)), "sentences")


def test_many_are_answered_by_the_figure_and_their_number(judged: Judged) -> None:
    comparison = Comparison((judged([f"m{k}" for k in range(30)], seeds=5, epochs=3),))
    assert not first_page(comparison, "table")
    assert not first_page(comparison, "sentences")
    assert "87 claims" in said(comparison, "lead")[0]
    assert len(first_page(comparison, "figure")) == 1
    (table,) = blocks(comparison, "table", "verdicts", Layout(sections=("answer", "verdicts")))
    assert len(table["rows"]) == 29


def test_claims_that_cannot_be_judged_are_said_first_with_their_reasons(judged: Judged) -> None:
    compared = judged(TWO, diverged=TWO[1:])
    claims = compared.verdicts
    reasoned = tuple(
        replace(
            v,
            sentence=f"Not assessable: {what}, since 2 of 20 seeds of {TWO[1]} diverged. It takes 4 seeds per method.",
        )
        for v, what in zip(
            claims,
            (
                f"the final mean test accuracy of {TWO[1]} is higher than that of msgd",
                f"{TWO[1]} ends with less spread in test accuracy over seeds than msgd",
                f"{TWO[1]} varies less over training (Avg. STD of test accuracy) than msgd",
            ),
            strict=True,
        )
    )
    (callout,) = first_page(Comparison((replace(compared, verdicts=reasoned),)), "callout")
    assert callout["title"] == "None of the 3 claims is assessable"
    assert callout["lines"] == (f"2 of 20 seeds of {TWO[1]} diverged. It takes 4 seeds per method.",)


def test_some_that_cannot_be_judged_are_counted(judged: Judged) -> None:
    compared = judged(("msgd", "sgd", "am1"), diverged=("sgd",))
    (callout,) = first_page(Comparison((compared,)), "callout")
    assert callout["title"] == "3 of 6 claims are not assessable"


def test_runs_that_were_set_aside_are_said_on_the_first_page(judged: Judged) -> None:
    compared = judged(TWO)
    one = first_page(Comparison((compared,), ("runs/x: broken",)), "callout")
    assert (one[0]["title"], one[0]["lines"]) == ("1 run was set aside", ("runs/x: broken",))
    two = first_page(Comparison((compared,), ("a", "b")), "callout")
    assert two[0]["title"] == "2 runs were set aside"


def test_nothing_to_judge_says_why() -> None:
    (callout,) = first_page(Comparison((), ("runs/x: broken",)), "callout")
    assert (callout["title"], callout["lines"]) == ("Nothing could be assessed", ("runs/x: broken",))


def test_one_method_shows_its_seeds(judged: Judged) -> None:
    comparison = Comparison((judged(("msgd",)),))
    assert [figure["name"] for figure in first_page(comparison, "figure")] == ["finals"]
    assert said(comparison, "lead") == []
    # What was shown on the first page is not shown again.
    both = Layout(sections=("answer", "results"))
    assert [f["name"] for f in blocks(comparison, "figure", layout=both)] == ["finals"]


def test_warnings_are_counted_where_the_answer_is(judged: Judged) -> None:
    assert "One warning applies" in said(Comparison((judged(TWO),)), "small")[0]
    assert said(Comparison((judged(TWO, warnings=()),)), "small") == []


@pytest.mark.parametrize(
    ("claim", "figure"),
    [
        (Claim("trend", "am1[m=1]", "am1[m=9]", methods=("am1[m=1]", "am1[m=5]", "am1[m=9]")), "sweeps"),
        (Claim("exceedance bound", "am1[m=1]", "am1[m=1]", bound=(90.0, 0.1)), "exceedances"),
    ],
)
def test_the_figure_is_of_the_first_claim_s_kind(judged: Judged, claim: Claim, figure: str) -> None:
    compared = judged(("msgd", "am1[m=1]", "am1[m=5]", "am1[m=9]"), seeds=5, epochs=3)
    first = replace(compared.verdicts[0], claim=claim)
    comparison = Comparison((replace(compared, verdicts=(first, *compared.verdicts)),))
    assert [found["name"] for found in first_page(comparison, "figure")] == [figure]


def test_bounds_on_one_tail_share_a_cell_of_the_least_favourable_outcome(judged: Judged) -> None:
    compared = judged()
    bounds = tuple(
        replace(
            compared.verdicts[0],
            claim=Claim("exceedance bound", "sgd", "sgd", bound=(90.0 - k, 0.1)),
            outcome="inconclusive" if k == 2 else "supported",
        )
        for k in range(3)
    )
    (table,) = first_page(Comparison((replace(compared, verdicts=(*compared.verdicts, *bounds)),)), "table")
    place = [c["title"] for c in table["columns"]].index("within bounds")
    row = next(row for row in table["rows"] if row["cells"][0]["text"] == "sgd")
    assert (row["cells"][place]["text"], row["cells"][place]["badge"]) == ("1 of 3", "inconclusive")


def test_many_settings_have_their_decided_claims_in_sentences(judged: Judged) -> None:
    settings = [
        judged(TWO, seeds=4, epochs=2, kinds=("less spread",), workload=f"logistic[k={k},s={s}]")
        for k in range(4)
        for s in range(4)
    ]
    outcomes = ["supported", *["inconclusive"] * 14, "refuted"]

    def with_outcomes(settings: list[GroupComparison]) -> Comparison:
        return Comparison(
            tuple(
                replace(j, verdicts=(replace(j.verdicts[0], outcome=outcome),))
                for j, outcome in zip(settings, outcomes, strict=False)
            )
        )

    comparison = with_outcomes(settings)
    (found,) = first_page(comparison, "sentences")
    assert [item["outcome"] for item in found["items"]] == ["supported", "refuted"]
    assert found["items"][1]["text"].startswith("k=3, s=3: ")
    assert "16 settings of logistic: k=0, s=0; k=0, s=1;" in said(comparison, "setup")[0]
    assert first_page(with_outcomes(settings[:12]), "sentences") == []


def test_settings_that_differ_in_epochs_too_share_a_line(judged: Judged) -> None:
    parts = [judged(TWO, seeds=4, epochs=e, workload=f"logistic[k={e}]") for e in (2, 3)]
    (line,) = said(Comparison(tuple(parts)), "setup")
    assert "2 epochs or 3 epochs" in line


def test_several_groups_have_one_question_one_table_and_one_figure(judged: Judged) -> None:
    parts = [judged(TWO, workload=f"logistic[sigma={s}]") for s in (1, 2, 3)]
    comparison = Comparison(tuple(parts))
    assert len(said(comparison, "question")) == 1
    assert "on each of 3 settings" in said(comparison, "question")[0]
    assert said(comparison, "setup")[0].startswith("3 settings of logistic: sigma=1, sigma=2, sigma=3 ·")
    (table,) = first_page(comparison, "table")
    assert [row["group"].replace("\u200b", "") for row in table["rows"] if row["group"]] == [
        "sigma=1", "sigma=2", "sigma=3",
    ]  # fmt: skip
    assert len(first_page(comparison, "figure")) == 1
