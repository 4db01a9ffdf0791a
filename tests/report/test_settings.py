"""Workloads are named without what all settings share, and without long lists."""

from collections.abc import Callable

from report_blocks import sections

from amrobust.judge.judgement import Comparison, Judgement
from amrobust.report.document import document
from amrobust.report.settings import apart, brief, parts, spelled

Judged = Callable[..., Judgement]
LONG = "ptb[ar=0.0,drops=1/3,2/3,model=small-lstm,train_tokens=100000,weight=0.0]"


def test_a_value_may_have_commas() -> None:
    assert parts(LONG)[1][1] == "drops=1/3,2/3"
    assert parts("digits") == ("digits", ())
    assert parts("a[b") == ("a[b", ())


def test_a_long_label_is_short_in_headings_and_whole_where_it_is_spelled() -> None:
    assert brief("logistic[sigma=1]") == spelled("logistic[sigma=1]") == "logistic[sigma=1]"
    assert brief(LONG) == "ptb"
    assert spelled(LONG).startswith("ptb with ar=0.0, drops=1/3,2/3, model=")
    assert brief("x" * 80) == spelled("x" * 80) == "x" * 80


def test_settings_are_told_apart_by_what_they_do_not_share() -> None:
    labels = [f"logistic[V=350.0,sigma={s}]" for s in (0.1, 1.0)]
    assert apart(labels) == ("logistic[V=350.0]", ["sigma=0.1", "sigma=1.0"])
    assert apart(["logistic[sigma=1]", "digits"]) is None
    assert apart(["logistic", "logistic[sigma=1]"]) is None
    assert apart(labels[:1] * 2) is None


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
