"""The terminal table: plain in a pipe, within the width on a terminal, coloured on request."""

import re
from collections.abc import Callable

from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report import render


def test_plain_and_unwrapped_in_a_pipe(comparison: Comparison) -> None:
    lines = render(comparison, "table").splitlines()
    assert not any("\x1b" in line or line != line.rstrip() for line in lines)
    rows = [line for line in lines if line.startswith("less Avg. STD")]
    assert len(rows) == 5
    assert all("jackknife of log Avg. STD" in row for row in rows)


def test_fits_a_hundred_columns(comparison: Comparison) -> None:
    assert max(map(len, render(comparison, "table", width=100).splitlines())) <= 100


def test_intervals_of_two_levels_are_told_apart_below_the_table(
    judged: Callable[..., GroupComparison],
) -> None:
    compared = judged(("msgd", "sgd"), kinds=("equivalent mean", "less spread"), margin=0.5)
    output = render(Comparison((compared,)), "table", width=100)
    assert "Each interval is at the level that its claim is tested at: 95 % to 97.5 %." in output
    assert max(map(len, output.splitlines())) <= 100


def test_nothing_is_cut_off_on_a_narrow_terminal(comparison: Comparison) -> None:
    def words(text: str) -> list[str]:
        return sorted(re.findall(r"[\d.]{3,}", text))

    assert words(render(comparison, "table", width=60)) == words(render(comparison, "table"))


def test_colour_changes_nothing_but_colour(comparison: Comparison) -> None:
    coloured = render(comparison, "table", color=True)
    assert "\x1b[1;32msupported" in coloured
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in stripped.splitlines()] == render(comparison, "table").splitlines()


def test_why_a_claim_cannot_be_judged_is_said_under_it(judged: Callable[..., GroupComparison]) -> None:
    output = render(Comparison((judged(("msgd", "sgd"), diverged=("sgd",)),)), "table")
    assert "20 (2 diverged)" in output
    assert "- Not assessable: sgd has less spread than msgd: diverged seeds." in output


def test_a_single_method_has_no_verdicts(judged: Callable[..., GroupComparison]) -> None:
    output = render(Comparison((judged(("msgd",)),)), "table")
    assert "98.33 ± 0.68" in output
    assert "Verdict" not in output
