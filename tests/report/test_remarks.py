"""How each method was tuned, in every format."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from made_up_tunings import tuning
from report_blocks import blocks

from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report import FORMATS, render
from amrobust.report.json_schema import published
from amrobust.report.remarks import recorded_lines, tuning_lines
from amrobust.runs.tuning import metric_words

Judged = Callable[..., GroupComparison]
TWO = ("msgd", "am1[m=5]/I", "am1[m=5]/II")
BUDGET = "3 combinations × 3 seeds × 4 epochs"


def tuned(compared: GroupComparison, *records: object) -> GroupComparison:
    arms = tuple(replace(arm, tuning=record) for arm, record in zip(compared.arms, records, strict=True))
    return replace(compared, arms=arms)


def test_a_line_for_each_method_outputs_of_one_training_together(judged: Judged) -> None:
    edge = tuning((1.0, 2.0, 3.0))
    assert tuning_lines(tuned(judged(TWO), tuning(), edge, edge)) == (
        f"msgd: {BUDGET}; searched lr = 0.01, 0.1, 1, chosen lr = 0.1; by validation accuracy, 95 ± 0.5 %, on 10 % of the "
        "training set, held out.",
        f"am1[m=5]/I, am1[m=5]/II: {BUDGET}; searched lr = 0.01, 0.1, 1, chosen lr = 1 (at the edge of the "
        "grid); by validation accuracy of output I, 3 ± 0.5 %, on 10 % of the training set, held out.",
    )


def test_what_is_not_recorded_is_said(judged: Judged) -> None:
    assert tuning_lines(tuned(judged(TWO), tuning(), None, None))[1] == (
        "am1[m=5]/I, am1[m=5]/II: how hyperparameters were chosen is not recorded."
    )
    assert tuning_lines(judged(TWO)) == ("How the hyperparameters were chosen is not recorded.",)
    assert recorded_lines(judged(TWO)) == ()


def test_a_method_with_one_combination_and_a_long_grid(judged: Judged) -> None:
    many = tuple(0.001 * i for i in range(1, 21))
    long = tuning([float(-i) for i in range(20)], searched={"lr": many})
    lines = tuning_lines(tuned(judged(TWO), tuning((1.0,), searched={}), long, long))
    assert "searched nothing: one combination; by" in lines[0]
    assert "lr = 0.001, 0.002, 0.003, ..., 0.02 (20 values)" in lines[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"validation": 0.25}, "on 25 % of the training set, held out"),
        ({"validation": None}, "on the workload's own validation set"),
        ({"validation": None, "metric": "gap"}, "on the problem itself: nothing is held out"),
    ],
)
def test_it_is_said_on_what_was_chosen(changes: dict[str, object], words: str) -> None:
    assert words in metric_words(tuning(**changes), several=False)


def test_the_report_has_it_and_explains_it(judged: Judged) -> None:
    compared = tuned(judged(TWO), tuning(), None, None)
    (listing,) = blocks(Comparison((compared,)), "listing", "tuning")
    assert any("3 combinations" in item for item in listing["items"])
    assert any("not recorded" in item for item in listing["items"])
    terms = [item["term"] for item in blocks(Comparison((compared,)), "definitions", "methods")[0]["items"]]
    assert "Tuning" in terms
    (listing,) = blocks(Comparison((judged(TWO),)), "listing", "tuning")
    assert "not recorded" in listing["items"][0]


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "json"])
def test_every_format_has_it_where_something_is_recorded(judged: Judged, form: str) -> None:
    plain = render(Comparison((judged(TWO),)), form, verbose=True)
    found = render(Comparison((tuned(judged(TWO), tuning(), None, None),)), form, verbose=True)
    assert "held out" in " ".join(found.split())
    assert "held out" not in " ".join(plain.split())
    assert "not recorded" not in " ".join(plain.split())


def test_json_has_the_whole_record_as_its_schema_says(judged: Judged) -> None:
    import jsonschema

    text = json.loads(render(Comparison((tuned(judged(TWO), tuning(), None, None),)), "json"))
    jsonschema.validate(text, published())
    first, second, _ = text["groups"][0]["arms"]
    assert first["tuning"]["trials"][1] == {"values": {"lr": 0.1}, "mean": 95.0, "std": 0.5, "diverged": 0}
    assert first["tuning"]["searched"] == {"lr": [0.01, 0.1, 1.0]}
    assert second["tuning"] is None
