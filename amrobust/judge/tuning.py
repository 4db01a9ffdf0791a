"""Warnings about tuning: none on record, a choice at the edge of its grid, unequal budgets, a metric that chose and decides."""

from __future__ import annotations

from collections.abc import Sequence

from amrobust.judge.words import counted, listed
from amrobust.runs.arms import Arm
from amrobust.runs.axis import EPOCH
from amrobust.runs.files import quoted
from amrobust.runs.metric import Metric
from amrobust.runs.spec import ON_TEST, ON_VALIDATION
from amrobust.runs.tuning import budget_words, choice_at_edge, grid_words
from amrobust.stats.results import ResultWarning


def of_method(arm: Arm) -> tuple[ResultWarning, ...]:
    """What concerns one method: its choice lies at the edge of its grid, or was made at another number of epochs."""
    tuning = arm.tuning
    if tuning is None:
        return ()
    found = []
    if tuning.at_edge:
        found.append(
            ResultWarning.of(
                "edge-of-grid",
                "{method}: the chosen {choice} lies at the edge of the grid ({grid}): a better value may lie outside, and the "
                "method may be judged below its best.",
                "search values on both sides of it (amrobust tune), and run what is chosen then",
                method=arm.title,
                choice=choice_at_edge(tuning),
                grid=grid_words(tuning),
            )
        )
    length = arm.axis.values[-1] if arm.axis.quantity == EPOCH else tuning.epochs
    if tuning.epochs != length:
        found.append(
            ResultWarning.of(
                "tuned-at-other-length",
                "{method} was tuned at {tuned} and is judged at {length}: another value may be best there.",
                f"tune at {counted(round(length), 'epoch')} (amrobust tune --epochs {length:.0f})",
                method=arm.title,
                tuned=counted(tuning.epochs, "epoch"),
                length=f"{length:.0f}",
            )
        )
    return tuple(found)


def of_claim(arms: Sequence[Arm]) -> tuple[ResultWarning, ...]:
    """What concerns a claim about several methods: that they were not tuned alike."""
    tuned = [arm for arm in arms if arm.tuning is not None]
    other = [arm for arm in arms if arm.tuning is None]
    found = []
    if tuned and other:
        found.append(
            ResultWarning(
                "tuned-apart",
                f"{_named(tuned)} {_was(tuned)} tuned, and how {_named(other)} {_was(other)} tuned is not recorded: a "
                "difference may be one of tuning.",
                "tune all methods of a claim alike (amrobust tune), and run what is chosen",
            )
        )
    budgets = {arm.tuning.budget for arm in tuned if arm.tuning is not None}
    if len(budgets) > 1:
        each = ", ".join(
            f"{arm.title} with {budget_words(arm.tuning)}" for arm in tuned if arm.tuning is not None
        )
        found.append(
            ResultWarning(
                "unequal-tuning",
                f"The methods were tuned with unequal budgets ({each}): more tuning flatters the method that had it.",
                "tune all methods of a claim with as many combinations, seeds and epochs",
            )
        )
    return tuple(found)


def of_group(arms: Sequence[Arm], metric: Metric, declared: str | None) -> tuple[ResultWarning, ...]:
    """How runs of others were tuned, as ``declared`` or unknown; that the judged metric is the one that chose a method."""
    found = []
    unknown = [arm for arm in arms if arm.tuning is None and arm.x0_digest is None]
    if declared is not None:
        found.append(
            ResultWarning(
                "tuning-declared",
                f"Tuning: declared. {declared.rstrip('.')}.",
                "nothing in the data proves it: quote it beside the result",
            )
        )
    elif unknown:
        whose = "these methods" if len(unknown) == len(arms) else _named(unknown)
        found.append(
            ResultWarning(
                "tuning-unknown",
                f"Tuning: unknown. These data do not say how the hyperparameters of {whose} were chosen: a difference may be "
                "one of tuning.",
                "say how they were with --tuning 'TEXT': every method's values, seeds, and the metric that chose",
            )
        )
    chosen = [arm for arm in arms if arm.tuning is not None and arm.tuning.metric == metric.name]
    if chosen and metric.name.startswith(ON_VALIDATION):
        other = ON_TEST + metric.name.removeprefix(ON_VALIDATION)
        found.append(
            ResultWarning(
                "judged-as-tuned",
                f"{metric.name.replace('_', ' ').capitalize()} is judged here and chose the hyperparameters of "
                f"{_named(chosen)}: it flatters what was tuned most.",
                f"judge a metric that tuning did not see (--metric {quoted(other)})",
            )
        )
    return tuple(found)


def _named(arms: Sequence[Arm]) -> str:
    return listed([arm.title for arm in arms], "and")


def _was(arms: Sequence[Arm]) -> str:
    return "was" if len(arms) == 1 else "were"
