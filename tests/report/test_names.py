"""Workloads are named without what all settings share, and without long lists."""

from collections.abc import Callable

from report_blocks import sections

from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.document import document
from amrobust.report.names import brief, spelled
from amrobust.runs.workload import Workload, from_label, shared_and_own

Judged = Callable[..., GroupComparison]
LONG = "ptb[ar=0.0,drops=1/3,2/3,model=small-lstm,train_tokens=100000,weight=0.0]"


def test_a_value_may_have_commas() -> None:
    assert from_label(LONG).texts[1] == "drops=1/3,2/3"
    assert from_label(LONG).label == LONG
    for whole in ("digits", "a[b", "mine[path=a,b=c]/x", "a/b"):
        assert from_label(whole) == Workload(whole)


def test_a_long_label_is_short_in_headings_and_whole_where_it_is_spelled() -> None:
    short, long, name = map(from_label, ("logistic[sigma=1]", LONG, "x" * 80))
    assert brief(short) == spelled(short) == "logistic[sigma=1]"
    assert brief(long) == "ptb"
    assert spelled(long).startswith("ptb with ar=0.0, drops=1/3,2/3, model=")
    assert brief(name) == spelled(name) == "x" * 80


def test_settings_are_told_apart_by_what_they_do_not_share() -> None:
    workloads = [from_label(f"logistic[V=350.0,sigma={s}]") for s in (0.1, 1.0)]
    found = shared_and_own(workloads)
    assert found is not None
    assert found[0].label == "logistic[V=350.0]"
    assert [each.texts for each in found[1]] == [("sigma=0.1",), ("sigma=1.0",)]
    assert shared_and_own([from_label("logistic[sigma=1]"), Workload("digits")]) is None
    assert shared_and_own([Workload("logistic"), from_label("logistic[sigma=1]")]) is None
    assert shared_and_own(workloads[:1] * 2) is None


def test_headings_of_a_report_have_the_short_names(judged: Judged) -> None:
    many = Comparison(tuple(judged(("msgd", "sgd"), workload=f"logistic[V=350.0,sigma={s}]") for s in (1, 2)))
    assert [found["title"] for found in sections(many) if found["name"] == "group"] == [
        "Evidence: logistic, sigma=1, test accuracy (%), 30 epochs",
        "Evidence: logistic, sigma=2, test accuracy (%), 30 epochs",
    ]
    assert (
        document(Comparison((judged(("msgd", "sgd"), workload=LONG),)))["title"]
        == "Robustness over seeds on ptb"
    )
