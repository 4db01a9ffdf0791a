"""A table of tests for each kind of claim: what its rows share is in the caption, what differs in a column."""

from collections.abc import Callable
from dataclasses import replace

from report_blocks import blocks, column

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison, PairFacts
from amrobust.report.layout import Layout
from amrobust.report.view import pair_sentences
from amrobust.runs.axis import Axis, epochs
from amrobust.stats import Result

Judged = Callable[..., GroupComparison]


def tables(compared: GroupComparison):
    return blocks(Comparison((compared,)), "table", "tests", Layout(sections=("tests",)))


def titles(table) -> list[str]:
    return [found["title"].replace("\n", " ") for found in table["columns"]]


def test_a_table_for_each_kind_of_claim(judged: Judged) -> None:
    means, spreads, averages = tables(judged())
    assert means["caption"].startswith(
        "Higher mean against msgd: Welch t. p: two-sided. Holm: adjusted over 15 claims."
    )
    assert titles(means)[:3] == ["Method", "Difference (pp)", "99.67 % interval"]
    assert titles(spreads)[:3] == ["Method", "Ratio", "99.67 % interval"]
    assert "2nd opinion, which never decides: studentised permutation" in spreads["caption"]
    assert "Assumes seeds are independent; spreads have a smooth distribution." in averages["caption"]
    assert column(spreads, "Method") == ["sgd", "am1[m=5]/I", "am1[m=5]/II", "am2[m=5]/I", "am2[m=5]/II"]
    assert all(not text.startswith("×") for text in column(spreads, "Ratio"))
    assert all("pp" not in text for text in column(means, "Difference (pp)"))


def test_claims_about_one_pair_are_one_table_with_their_units(judged: Judged) -> None:
    (table,) = tables(judged(("msgd", "sgd")))
    assert table["caption"].startswith("All claims about sgd against msgd. p: two-sided.")
    assert titles(table)[:3] == ["Claim", "Test", "Estimate"]
    assert column(table, "Claim") == ["higher mean", "less spread", "less Avg. STD"]
    assert column(table, "Estimate")[0].endswith(" pp")
    assert column(table, "Estimate")[1].startswith("×")


def test_what_differs_between_rows_has_a_column_or_a_mark(judged: Judged) -> None:
    compared = judged(("msgd", "sgd", "am1"), kinds=("less spread",))
    first, second = compared.verdicts
    other = replace(second.interval, test="Levene (median)", assumption="equal shapes")
    compared = replace(compared, verdicts=(first, replace(second, test=other, interval=other)))
    (table,) = tables(compared)
    assert column(table, "Test") == ["jackknife of log STD", "Levene (median)"]
    assert "Assumes: (a) seeds are independent" in table["caption"]
    assert "(b) equal shapes." in table["caption"]
    assert [row["cells"][0]["mark"] for row in table["rows"]] == ["a", "b"]


def test_several_baselines_have_a_column(judged: Judged) -> None:
    compared = judged(("msgd", "sgd", "am1"), kinds=("less spread",))
    first, second = compared.verdicts
    moved = replace(second, claim=replace(second.claim, baseline="sgd"))
    (table,) = tables(replace(compared, verdicts=(first, moved)))
    assert column(table, "Baseline") == ["msgd", "sgd"]


def test_bounds_are_a_table_of_shares(judged: Judged) -> None:
    compared = judged(("msgd", "sgd"), kinds=("less spread",))
    result = Result("P", "exact binomial", (20,), 0.05, 0.001, 0.2, 0.95, 0.03)
    bounds = tuple(
        replace(compared.verdicts[0], claim=Claim("exceedance bound", "sgd", "sgd", bound=(90.0 - k, 0.1)),
                interval=result, test=result, sensitivity_test=None)
        for k in range(2)
    )  # fmt: skip
    table = tables(replace(compared, verdicts=(*compared.verdicts, *bounds)))[1]
    assert table["caption"].startswith("Bounds on tails: exact binomial. p: one-sided.")
    assert column(table, "Claim") == ["P(ends < 90) ≤ 0.1", "P(ends < 89) ≤ 0.1"]
    assert column(table, "Share") == ["0.0500", "0.0500"]


def test_composite_claims_have_no_estimate(judged: Judged) -> None:
    compared = judged(("msgd", "sgd", "am1"), kinds=("less spread",))
    wholes = tuple(
        replace(v, claim=Claim("composite", v.claim.method, "msgd", parts=(v.claim, replace(v.claim, kind="better mean"))),
                interval=None, test=None, sensitivity_test=None, parts=(v,))
        for v in compared.verdicts
    )  # fmt: skip
    (table,) = tables(replace(compared, verdicts=wholes))
    assert "the largest of the parts'" in table["caption"]
    assert titles(table)[:3] == ["Method", "p", "Holm"]


def test_nothing_judged_no_table(judged: Judged) -> None:
    assert tables(judged(("msgd", "sgd"), diverged=("sgd",))) == []


def test_descriptions_of_pairs_are_a_table_of_their_own(judged: Judged) -> None:
    compared = judged(("msgd", "sgd", "am1"), kinds=("less spread",))
    won = Result("chance", "Brunner-Munzel", (20, 20), 0.25, 0.1, 0.4, 0.95, 0.0004)
    pairs = (
        PairFacts("sgd", "msgd", won, (1, 2, 3, 9), 0.5, None),
        PairFacts("am1", "msgd", None, (), None, None),
    )
    table = tables(replace(compared, pairs=pairs))[-1]
    assert table["caption"].startswith(
        "Beside the claims, against msgd: descriptions on which no verdict rests."
    )
    assert column(table, "Chance to end better") == ["0.25", "–"]
    assert column(table, "p") == ["<0.001", "–"]
    assert column(table, "Ratio of STDs at matched mean") == ["0.50", "–"]
    assert column(table, "Epochs whose STDs differ") == ["1–3, 9", "none"]


def test_epochs_are_named_in_the_number_that_they_are() -> None:
    one, several = (
        pair_sentences(PairFacts("sgd", "msgd", None, places, None, None), epochs(30))
        for places in ((9,), (1, 2, 9))
    )
    assert one == ("Their STDs differ at epoch 9 (max-T over all epochs).",)
    assert several == ("Their STDs differ at epochs 1–2, 9 (max-T over all epochs).",)


def test_of_other_coordinates_the_values_are_named() -> None:
    steps = Axis("_step", "", (100, 200, 300, 400))
    (some,) = pair_sentences(PairFacts("sgd", "msgd", None, (1, 2, 4), None, None), steps)
    (none,) = pair_sentences(PairFacts("sgd", "msgd", None, (), None, None), steps)
    assert some == "Their STDs differ at steps 100–200, 400 (max-T over all steps)."
    assert none == "At no single step do their STDs differ, adjusted over all steps (max-T)."
