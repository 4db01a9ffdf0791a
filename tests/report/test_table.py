"""The terminal table: plain in a pipe, within the width on a terminal, coloured on request."""

import re
from collections.abc import Callable

import numpy as np

import amrobust
from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report import render
from amrobust.stats.results import ResultWarning


def test_plain_and_unwrapped_in_a_pipe(comparison: Comparison) -> None:
    lines = render(comparison, "table", verbose=True).splitlines()
    assert not any("\x1b" in line or line != line.rstrip() for line in lines)
    rows = [line for line in lines if line.startswith("less Avg. STD")]
    assert len(rows) == 5
    assert all("jackknife of log Avg. STD" in row for row in rows)


def test_fits_a_hundred_columns(comparison: Comparison) -> None:
    for verbose in (False, True):
        assert max(map(len, render(comparison, "table", width=100, verbose=verbose).splitlines())) <= 100


def test_intervals_of_two_levels_are_told_apart_below_the_table(
    judged: Callable[..., GroupComparison],
) -> None:
    compared = judged(("msgd", "sgd"), kinds=("equivalent mean", "less spread"), margin=0.5)
    output = render(Comparison((compared,)), "table", width=100, verbose=True)
    assert "Each interval is at the level that its claim is tested at: 95 % to 97.5 %." in output
    assert max(map(len, output.splitlines())) <= 100


def test_nothing_is_cut_off_on_a_narrow_terminal(comparison: Comparison) -> None:
    def words(text: str) -> list[str]:
        return sorted(re.findall(r"[\d.]{3,}", text))

    assert words(render(comparison, "table", width=60, verbose=True)) == words(
        render(comparison, "table", verbose=True)
    )


def test_colour_changes_nothing_but_colour(comparison: Comparison) -> None:
    coloured = render(comparison, "table", color=True, verbose=True)
    assert "\x1b[1;32msupported" in coloured
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in stripped.splitlines()] == render(
        comparison, "table", verbose=True
    ).splitlines()


def test_why_a_claim_cannot_be_judged_is_said_under_it(judged: Callable[..., GroupComparison]) -> None:
    output = render(Comparison((judged(("msgd", "sgd"), diverged=("sgd",)),)), "table")
    assert "20 (2 diverged)" in output
    assert "- Not assessable: sgd has less spread than msgd: diverged seeds." in output


def test_a_single_method_has_no_verdicts(judged: Callable[..., GroupComparison]) -> None:
    output = render(Comparison((judged(("msgd",)),)), "table")
    assert "98.33 ± 0.68" in output
    assert "Verdict" not in output


def test_a_headline_per_method_comes_first_with_estimate_interval_and_verdict(
    judged: Callable[..., GroupComparison],
) -> None:
    compared = judged(("msgd", "sgd"), kinds=("equivalent mean", "less Avg. STD"), margin=0.5)
    lines = render(Comparison((compared,)), "table").splitlines()
    at = lines.index("sgd against msgd")
    assert at < next(place for place, line in enumerate(lines) if line.startswith("Method"))
    said = " ".join(lines[at + 1 : at + 3])
    for verdict, what in zip(
        compared.verdicts, ("as good on average within 0.5 pp", "less variable over"), strict=True
    ):
        assert verdict.outcome in said
        assert what in said
    assert "Avg. STD ×" in said


def test_a_composite_shows_the_numbers_of_its_parts() -> None:
    rng = np.random.default_rng(0)
    runs = {"a": rng.normal(90, 1, (12, 5)), "b": rng.normal(90, 0.2, (12, 5))}
    parts = (Claim("less Avg. STD", "b", "a"), Claim("equivalent mean", "b", "a", margin=2.0))
    claim = Claim("composite", "b", "a", parts=parts)
    text = amrobust.compare(runs, metric="accuracy", baseline="a", claims=[claim]).render()
    (line,) = (line for line in text.splitlines() if line.startswith("supported"))
    assert re.search(
        r"variable over training \(Avg. STD ×0\.\d+ \[.*\]\) and as good on average within 2", line
    )


def test_a_composite_says_once_how_many_seeds_it_needs() -> None:
    rng = np.random.default_rng(0)
    runs = {"a": rng.normal(90, 1, (8, 5)), "b": rng.normal(90, 0.9, (8, 5))}
    parts = (Claim("less Avg. STD", "b", "a"), Claim("less spread", "b", "a"))
    claim = Claim("composite", "b", "a", parts=parts)
    text = amrobust.compare(runs, metric="accuracy", baseline="a", claims=[claim]).render()
    headline = text[text.index("b against a") : text.index("Method")]
    assert headline.count("needs") == 1


def test_warnings_that_doubt_the_data_are_never_folded(judged: Callable[..., GroupComparison]) -> None:
    doubt = ResultWarning("missing-seeds", "Some seeds are missing.", "add them")
    other = ResultWarning("one-x0", "All seeds start from one x0.", "use several")
    comparison = Comparison((judged(("msgd", "sgd"), warnings=(doubt, other)),))
    brief, full = (render(comparison, "table", verbose=verbose) for verbose in (False, True))
    assert "Some seeds are missing." in brief
    assert "All seeds start" not in brief
    assert "1 more warning" in brief
    assert "All seeds start" in full


def test_five_methods_fit_on_one_screen_of_eighty_columns(comparison: Comparison) -> None:
    lines = render(comparison, "table", width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 50
