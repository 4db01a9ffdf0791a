"""How each method was tuned, in a line a method: budget, grid, choice, and what decided."""

from __future__ import annotations

from amrobust.judge.judgement import Judgement
from amrobust.judge.words import listed
from amrobust.runs.arms import Arm
from amrobust.runs.tuning import budget_words, choice_words, grid_words, metric_words


def tuning_lines(judgement: Judgement) -> tuple[str, ...]:
    """A line for each method; outputs of one training share theirs, and so do methods of which nothing is recorded."""
    if all(arm.tuning is None for arm in judgement.arms):
        return ("How the hyperparameters were chosen is not recorded.",)
    lines: dict[object, list[Arm]] = {}
    for arm in judgement.arms:
        lines.setdefault(None if arm.tuning is None else arm.training or arm.method, []).append(arm)
    return tuple(f"{listed([arm.title for arm in arms])}: {_said(arms[0])}." for arms in lines.values())


def recorded_lines(judgement: Judgement) -> tuple[str, ...]:
    """The lines of :func:`tuning_lines`; none where the tuning of no method is recorded."""
    return tuning_lines(judgement) if any(arm.tuning is not None for arm in judgement.arms) else ()


def _said(arm: Arm) -> str:
    tuning = arm.tuning
    if tuning is None:
        return "how hyperparameters were chosen is not recorded"
    chosen = f", chosen {choice_words(tuning)}" if tuning.searched else ""
    by = metric_words(tuning, several=arm.output is not None)
    return f"{budget_words(tuning)}; searched {grid_words(tuning)}{chosen}; by {by}"
