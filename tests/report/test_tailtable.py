"""Tails in numbers, or the number of seeds that it would take."""

from collections.abc import Callable
from dataclasses import replace

from report_blocks import column

from amrobust.judge.comparison import GroupComparison
from amrobust.report.tailtable import tail_numbers
from amrobust.stats import tail_quantile

Judged = Callable[..., GroupComparison]
TWO = ("msgd", "sgd")


def as_dict(block):
    from dataclasses import asdict

    return asdict(block)


def test_what_the_seeds_can_bound_is_in_the_table(judged: Judged) -> None:
    compared = judged(TWO, seeds=60)
    table = as_dict(tail_numbers(compared)[0])
    found = tail_quantile(compared.arms[0].curves["test_accuracy"][:, -1], 0.9, worse="low")
    cell = column(table, "Worst tenth begins at (%)")[0]
    shown, _, bound = cell.rstrip(")").partition(" (≥ ")
    assert abs(float(shown) - found.estimate) < 0.05
    assert abs(float(bound) - found.low) < 0.05
    assert column(table, "Diverged") == ["0 of 60", "0 of 60"]
    assert column(table, "95 % interval of P(diverges)") == ["[0, 0.06]", "[0, 0.06]"]


def test_too_few_seeds_are_told_how_many_it_takes_in_a_sentence(judged: Judged) -> None:
    (paragraph,) = tail_numbers(judged(TWO, seeds=20))
    text = "".join(span.text for span in paragraph.spans).replace("\u00a0", " ")
    assert "takes 29 seeds per method. Its mean takes 50." in text
    assert "none of 20 leaves a probability of up to 0.14 (95 % confidence)" in text


def test_divergence_is_counted_with_its_interval(judged: Judged) -> None:
    table = as_dict(tail_numbers(judged(TWO, seeds=20, diverged=("sgd",)))[0])
    assert column(table, "Diverged") == ["0 of 20", "2 of 20"]
    assert column(table, "95 % interval of P(diverges)") == ["[0.00, 0.17]", "[0.01, 0.32]"]
    assert "takes 29 seeds" in table["caption"]


def test_seeds_of_several_x0_have_no_tail(judged: Judged) -> None:
    compared = judged(TWO, seeds=6)
    assert (
        tail_numbers(replace(compared, arms=tuple(replace(a, x0s=("a", "b") * 3) for a in compared.arms)))
        == []
    )
