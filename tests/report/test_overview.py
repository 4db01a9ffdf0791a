"""Verdicts at a glance: every claim has its numbers, and many settings fit on the first page."""

from collections.abc import Callable
from dataclasses import replace

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import GroupComparison
from amrobust.report.overview import over_settings, overview

Judged = Callable[..., GroupComparison]
TWO = ("msgd", "am1[m=5]/II")


def test_a_composite_claim_has_the_numbers_of_its_parts(judged: Judged) -> None:
    compared = judged(TWO, kinds=("equivalent mean", "less Avg. STD"), margin=0.5)
    parts = compared.verdicts
    claim = Claim("composite", TWO[1], TWO[0], parts=tuple(part.claim for part in parts))
    compared = replace(
        compared, verdicts=(replace(parts[0], claim=claim, interval=None, test=None, parts=parts),)
    )
    (row,) = overview([compared]).rows
    estimates, intervals = (cell.text.split("\n") for cell in row.cells[2:4])
    assert [estimates[0][-2:], estimates[1][0]] == ["pp", "×"]
    assert all(interval.startswith("[") for interval in intervals)


def test_each_claim_says_at_which_settings_it_ended_how(judged: Judged) -> None:
    groups = [judged(TWO, kinds=("less spread",), workload=f"logistic[sigma={s}]") for s in (1, 2, 3)]
    outcomes = ("supported", "inconclusive", "supported")
    groups = [
        replace(j, verdicts=(replace(j.verdicts[0], outcome=outcome),))
        for j, outcome in zip(groups, outcomes, strict=True)
    ]
    table = over_settings(groups)
    assert [column.title for column in table.columns[2:]] == ["Supported", "Inconclusive"]
    (row,) = table.rows
    assert [cell.text for cell in row.cells] == ["am1[m=5]/II vs msgd", "less spread", "1, 3", "2"]
    assert "the values of sigma" in table.caption


def test_settings_of_long_names_are_counted(judged: Judged) -> None:
    groups = [judged(TWO, kinds=("less spread",), workload=name) for name in ("digits", "logistic")]
    table = over_settings([replace(j, verdicts=(replace(j.verdicts[0], outcome="refuted"),)) for j in groups])
    assert [cell.text for cell in table.rows[0].cells[2:]] == ["2 of 2"]
    assert over_settings(groups[:1]) is None


def test_of_a_trend_the_ratio_is_said_to_be_for_each_doubling(judged: Judged) -> None:
    compared = judged(TWO, kinds=("less spread",))
    (verdict,) = compared.verdicts
    claim = Claim("trend", TWO[1], TWO[0], methods=(*TWO, "am1"))
    assert "doubling" not in overview([compared]).caption
    trend = replace(compared, verdicts=(replace(verdict, claim=claim),))
    assert "for each doubling" in overview([trend]).caption
