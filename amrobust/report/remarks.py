"""What is said of a group of runs as a whole, in sentences: the interim analysis, resampling, sources of spread, tuning."""

from __future__ import annotations

from amrobust.judge.comparison import GroupComparison, MethodSummary, SourceShare
from amrobust.judge.endpoints import best_of
from amrobust.judge.measurements import words
from amrobust.judge.words import listed, significant
from amrobust.runs.arms import Arm
from amrobust.runs.spec import STREAMS
from amrobust.runs.tuning import budget_words, choice_words, grid_words, metric_words
from amrobust.stats import Result
from amrobust.stats.coverage import coverage_sentence


def remarks(compared: GroupComparison) -> tuple[str, ...]:
    """The interim analysis, how intervals were resampled, and what of the spread comes from x0 and from single streams."""
    return (
        *_endpoint(compared),
        *_measured(compared),
        *_test_set(compared),
        *_look(compared),
        *_resampling(compared),
        *component_sentences(compared.summaries),
        *(source_sentence(share) for share in compared.sources),
    )


def _endpoint(compared: GroupComparison) -> tuple[str, ...]:
    """Where each seed's final value is read, where another metric chooses that."""
    chooser = best_of(compared.final)
    if chooser is None:
        return ()
    said = chooser.replace("_", " ")
    return (
        f"Final values are those of the epoch at which each seed's {said} is best; curves are not compared.",
    )


def _measured(compared: GroupComparison) -> tuple[str, ...]:
    """How the weights were measured, where there are several ways."""
    if compared.measurement is not None:
        return (f"Measured with {words(compared.measurement)}, at the same weights.",)
    if not compared.also_measured:
        return ()
    others = listed([words(each) for each in compared.also_measured], "and")
    return (
        f"Measured with {words(None, compared.also_measured[0])}; the same weights with {others} are tested by themselves.",
    )


def _test_set(compared: GroupComparison) -> tuple[str, ...]:
    """How much of each method's final spread the finite test set makes, where that is known."""
    found = [(s.method, s.on_distribution) for s in compared.summaries if s.on_distribution is not None]
    if not found:
        return ()
    unit = compared.metric.unit
    parts = []
    for method, result in found:
        total, test_set = (significant(result.details[name], 2) for name in ("total", "test set"))
        parts.append(f"{method} {test_set}{unit} (total {total}{unit})")
    examples = f"{int(found[0][1].details['examples']):,}"
    return (
        f"Final STD that the {examples} test examples alone make, as estimated: {', '.join(parts)}. In squares it and that on "
        "their distribution add up to the total; where it exceeds the total, 0 is left.",
    )


def _look(compared: GroupComparison) -> tuple[str, ...]:
    look = compared.look
    if look is None:
        return ()
    place = compared.looks.index(look.seeds) + 1
    return (
        f"Interim analysis {place} of {len(compared.looks)}, at {look.seeds} of {compared.looks[-1]} seeds: claims are tested "
        f"at {significant(look.alpha, 2)} (Lan-DeMets, O'Brien-Fleming; {significant(look.spent, 2)} of "
        f"{compared.alpha:g} is then spent).",
    )


def _resampling(compared: GroupComparison) -> tuple[str, ...]:
    """Where bootstrap intervals are shown: how they were made, and what each kind was measured to be worth."""
    results = [
        result
        for s in compared.summaries
        for result in (s.final_mean, s.final_spread, s.avg_std)
        if result is not None
    ]
    verdicts = [one for whole in compared.verdicts for one in (whole, *whole.parts)]
    results += [v.interval for v in verdicts if v.interval is not None]
    found = [(result, result.bootstrap) for result in results if result.bootstrap is not None]
    if not found:
        return ()
    result, how = found[0]
    decided = "; a claim is decided where its test and its interval agree" if compared.verdicts else ""
    return (
        f"Intervals of means and spreads are by {result.test}, {how.resamples:,} resamples of whole seeds, "
        f"seed {how.seed}{decided}.",
        *dict.fromkeys(coverage_sentence(r) for r, _ in found),
    )


def component_sentences(summaries: tuple[MethodSummary, ...]) -> tuple[str, ...]:
    """Over several x0: how much of each method's final spread comes from x0."""
    found = []
    for summary in summaries:
        parts = summary.components
        if parts is None:
            continue
        share = parts.share
        assert share.estimate is not None
        assert share.low is not None
        assert share.high is not None
        found.append(
            f"{summary.method}: x0 makes {share.estimate:.0%} of the variance of final values "
            f"[{share.low:.0%}, {share.high:.0%}]; STD between x0s {significant(parts.x0.estimate, 2)} "
            f"[{significant(parts.x0.low, 2)}, {significant(parts.x0.high, 2)}], between seeds of one x0 "
            f"{significant(parts.seed.estimate, 2)}."
        )
    return tuple(found)


def source_sentence(share: SourceShare) -> str:
    """What a single random stream makes of a method's spread: ``order alone makes 80 % of the variance [40 %, 160 %]``."""
    parts = []
    if share.final is not None:
        low, middle, high = (f"{value**2:.0%}" for value in _numbers(share.final))
        parts.append(f"{middle} of the variance of final values [{low}, {high}]")
    if share.avg_std is not None:
        low, middle, high = (f"{value:.2f}" for value in _numbers(share.avg_std))
        parts.append(f"an Avg. STD of {middle} times that of all together [{low}, {high}]")
    made = " and ".join(parts) or "a part of the spread that cannot be estimated"
    return f"{share.method}: {STREAMS[share.stream]} alone makes {made}."


def _numbers(ratio: Result) -> tuple[float, float, float]:
    """Lower end, estimate and upper end."""
    assert ratio.low is not None
    assert ratio.estimate is not None
    assert ratio.high is not None
    return ratio.low, ratio.estimate, ratio.high


def tuning_lines(compared: GroupComparison) -> tuple[str, ...]:
    """A line for each method; outputs of one training share theirs, and so do methods of which nothing is recorded."""
    if all(arm.tuning is None for arm in compared.arms):
        return ("How the hyperparameters were chosen is not recorded.",)
    lines: dict[object, list[Arm]] = {}
    for arm in compared.arms:
        lines.setdefault(None if arm.tuning is None else arm.training or arm.method, []).append(arm)
    return tuple(f"{listed([arm.title for arm in arms])}: {_said(arms[0])}." for arms in lines.values())


def recorded_lines(compared: GroupComparison) -> tuple[str, ...]:
    """The lines of :func:`tuning_lines`; none where the tuning of no method is recorded."""
    return tuning_lines(compared) if any(arm.tuning is not None for arm in compared.arms) else ()


def _said(arm: Arm) -> str:
    tuning = arm.tuning
    if tuning is None:
        return "how hyperparameters were chosen is not recorded"
    chosen = f", chosen {choice_words(tuning)}" if tuning.searched else ""
    by = metric_words(tuning, several=arm.output is not None)
    return f"{budget_words(tuning)}; searched {grid_words(tuning)}{chosen}; by {by}"
