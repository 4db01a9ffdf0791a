"""Judge arms against each other: groups of comparable arms, one family of claims, verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge import metrics, oddities, tuning, warnings
from amrobust.judge.arms import diverged_beyond, on_scale, without_overflow
from amrobust.judge.claim import Claim
from amrobust.judge.copies import partly_copied, refuse_copies, same_for_all_seeds, same_for_several_methods
from amrobust.judge.declaration import unproven
from amrobust.judge.evidence import gather
from amrobust.judge.grid import on_grid, refuse_other_axes
from amrobust.judge.judgement import Comparison, Judgement
from amrobust.judge.kinds.sweep import FEWEST_METHODS
from amrobust.judge.lengths import of_metric, settled
from amrobust.judge.pairs import divergence_warnings, pair_facts
from amrobust.judge.rules import PAIRED, UNPAIRED, Evidence, Rules, Selection
from amrobust.judge.samples import Pair, Sample
from amrobust.judge.summaries import summary_of
from amrobust.judge.usage import asked_for, meant
from amrobust.judge.verdicts import decide
from amrobust.judge.words import listed
from amrobust.runs.arms import Arm, refuse_doubles, told_apart
from amrobust.runs.method import ANY, Method, from_name, number, swept
from amrobust.runs.metric import Metric, some_of
from amrobust.runs.values import first_measured
from amrobust.stats.results import ResultWarning
from amrobust.stats.sequential import Look

MOST_NAMED = 6
"""Up to this many methods are named in the question of a comparison; more are counted."""


@dataclass(frozen=True)
class _Group:
    arms: tuple[Arm, ...]
    baseline: Arm
    first_epoch: int
    samples: dict[str, Sample]
    claims: tuple[Claim, ...]
    warnings: tuple[ResultWarning, ...]


def compare(
    arms: Sequence[Arm],
    selection: Selection | None = None,
    rules: Rules | None = None,
    *,
    claims: Sequence[Claim] | Mapping[str, Sequence[Claim]] | None = None,
    question: str | None = None,
    problems: Sequence[str] = (),
) -> Comparison:
    """Judge ``claims`` (default: final spread, Avg. STD and final mean of every method against the baseline).

    A mapping gives each workload, by its label, its own claims; else they are made on every workload. All claims of all groups
    are one family: p-values are adjusted by Holm's method, intervals by Bonferroni's.

    A single method is described on each workload, and nothing is claimed of it. Raises UserError where nothing can be compared:
    no arms, an unknown metric or baseline, several methods of which no two are comparable, two groups of one name, curves that
    are copies of each other under different seeds, another kind of final value, arms measured at different places (unless
    ``selection.grid`` declares common ones), seeds that end early (unless ``selection.lengths`` says what that means), arms
    from different x0 (unless ``selection.allow_different_x0``), or a bootstrap of seeds over several x0.
    """
    selection, rules = selection or Selection(), rules or Rules()
    if not arms:
        raise UserError(
            "; ".join(problems) or "there are no runs to compare: make some with 'amrobust run --opt am1'"
        )
    metric, measured, skipped = choose_metric(arms, selection.metric)
    moved = [arm for arm in measured if arm.first_output_epoch <= arm.epochs]
    skipped += [
        f"{arm.method} on {arm.workload}: its output is still x0 after all {arm.axis.words}; use a smaller m"
        for arm in measured
        if arm not in moved
    ]
    moved, notes = along_one_axis(moved, metric, selection)
    moved, metric = on_scale(moved, metric, selection.scale)
    if rules.interval != "test" and any(arm.x0s for arm in moved):
        raise UserError(
            f"--interval {rules.interval} draws seeds as independent, and seeds of one x0 among several are not: leave "
            "--interval out, and intervals take the x0s as the sample"
        )
    groups, lonely = _groups(moved, metric, selection, rules, claims)
    look = _look(groups, rules)
    # At a planned look, claims are tested at that look's share of alpha; the rest of the rules stay.
    applied = replace(rules, alpha=look.alpha, looks=()) if look is not None else rules
    family = sum(len(group.claims) for group in groups)
    # The matrix products are small: threads of BLAS cost more than they bring, many times so on a busy machine.
    with threadpool_limits(1, user_api="blas"):
        evidence = [_evidence(group, metric, applied, family) for group in groups]
        facts = [
            pair_facts(items, group.samples, metric, rules.alpha)
            for group, items in zip(groups, evidence, strict=True)
        ]
    adjusted = iter(holm([item.p for items in evidence for item in items]))
    judgements = []
    for group, items, pairs in zip(groups, evidence, facts, strict=True):
        titles = {arm.method: arm.title for arm in group.arms}
        axis = group.arms[0].axis
        verdicts = tuple(
            decide(item, next(adjusted), metric, axis, applied, family, titles) for item in items
        )
        first = group.arms[0]
        judgements.append(
            Judgement(
                question=question or _question(group, metric),
                workload=first.workload,
                data_digest=first.data_digest,
                x0_digest=None if selection.allow_different_x0 else first.x0_digest,
                metric=metric,
                epochs=first.epochs,
                first_epoch=group.first_epoch,
                final=rules.final,
                baseline=group.baseline.method,
                alpha=rules.alpha,
                test=rules.test,
                practical_ratio=rules.practical_ratio,
                arms=group.arms,
                summaries=tuple(summary_of(group.samples[arm.method], rules) for arm in group.arms),
                verdicts=verdicts,
                pairs=pairs,
                look=look,
                looks=rules.looks,
                selection=selection,
                rules=rules,
                warnings=notes.get((first.workload, first.data_digest), ())
                + oddities.look_alikes(arms, group.arms)
                + group.warnings
                + divergence_warnings(pairs, titles),
                axis=first.axis,
                declaration=None if claims is None else unproven(group.arms),
            )
        )
    return Comparison(tuple(judgements), (*problems, *skipped, *lonely))


def _look(groups: Sequence[_Group], rules: Rules) -> Look | None:
    """The planned look that the runs are at. UserError where their numbers of seeds are none of the plan's."""
    if not rules.looks:
        return None
    plan = stats.obrien_fleming_looks(rules.looks, rules.alpha)
    counts = {len(arm.seeds) for group in groups for arm in group.arms}
    for look in plan:
        if counts == {look.seeds}:
            return look
    found = ", ".join(map(str, sorted(counts)))
    raise UserError(
        f"looks were planned at {', '.join(map(str, rules.looks))} seeds per method, and these runs have {found}: train every "
        "method to the same look (amrobust run --seeds N)"
    )


def choose_metric(arms: Sequence[Arm], name: str | None) -> tuple[Metric, list[Arm], list[str]]:
    """The metric asked for (``NAME``, ``NAME:lower``), else that of :func:`metrics.chosen`; arms without it are set aside, the
    others have its curves alone, and no two share a title.

    Everything that is judged comes by here. Raises UserError where no arm has the metric, where its direction is not known or
    its unit not one, where two arms of a workload have one name, and where seeds of an arm are copies of each other.
    """
    refuse_doubles(arms)
    choice = metrics.chosen(arms, name)
    chosen = choice.name
    measured = [arm for arm in arms if chosen in arm.metrics]
    if not measured:
        known = some_of(dict.fromkeys(metric for arm in arms for metric in arm.metrics))
        raise UserError(f"no run has the metric {chosen!r}: choose one of {known}")
    measured = [without_overflow(of_metric(arm, chosen), chosen) for arm in measured]
    refuse_copies(measured, chosen)
    skipped = [
        f"{arm.method} on {arm.workload}: has no {chosen}" for arm in arms if chosen not in arm.metrics
    ]
    return metrics.of_arms(measured, choice), told_apart(measured), skipped


def along_one_axis(
    arms: Sequence[Arm], metric: Metric, selection: Selection
) -> tuple[list[Arm], dict[tuple[str, str | None], tuple[ResultWarning, ...]]]:
    """Arms of :func:`choose_metric` on the grid that is asked for, seeds that end early settled, and what was done.

    Raises UserError where arms, or their seeds, were measured at different places or end early, and nothing was said of that.
    """
    read = [diverged_beyond(arm, metric, selection.diverged) for arm in arms]
    said = []
    if selection.grid is not None:
        # What a seed last measured stands, or is missing, at its own end, and not at the point of a grid before it.
        read, ended = settled(read, selection.lengths, alone=True)
        read, gridded = on_grid(read, selection.grid)
        said = [gridded, ended]
    refuse_other_axes(read)
    read, ended = settled(read, selection.lengths)
    said.append(ended)
    keys = dict.fromkeys(key for notes in said for key in notes)
    return read, {key: tuple(note for notes in said for note in notes.get(key, ())) for key in keys}


def _groups(
    arms: Sequence[Arm],
    metric: Metric,
    selection: Selection,
    rules: Rules,
    claims: Sequence[Claim] | Mapping[str, Sequence[Claim]] | None,
) -> tuple[list[_Group], list[str]]:
    """Split into groups of comparable arms; a method with nothing to compare with becomes a line for the reader."""
    by_key: dict[tuple[str, str | None, int], list[Arm]] = defaultdict(list)
    for arm in arms:
        by_key[arm.workload, arm.data_digest, arm.epochs].append(arm)
    groups, lonely = [], []
    alone = (
        len({arm.method for arm in arms}) == 1
    )  # It is described on every workload, and held against nothing.
    for (workload, _, _), members in by_key.items():
        starts = {arm.x0_digest for arm in members}
        if len(starts) > 1 and not selection.allow_different_x0:
            raise UserError(
                f"runs on {workload} start from {len(starts)} different x0 or sets of x0: run every method from the same "
                "(--x0, --x0s), or accept it with --allow-different-x0"
            )
        if len(members) > 1 or alone:
            own = claims.get(workload, ()) if isinstance(claims, Mapping) else claims
            baseline = _baseline(members, selection, required=not isinstance(claims, Mapping))
            groups.append(_group(members, baseline, metric, selection, rules, own, len(starts) > 1))
        else:
            lonely.append(
                f"{members[0].method} on {workload} ({members[0].axis.words}): nothing comparable to hold it against"
            )
    if not groups:
        lonely += [note.message.rstrip(".") for note in oddities.look_alikes(arms, arms)]
        keys = [(arm.workload, arm.data_digest) for arm in arms]
        hint = (
            ": methods of one workload end at different steps; cut all where the first one ends with --lengths common, or let "
            "last values stand with --lengths hold"
            if len(set(keys)) < len(keys)
            else ""
        )
        raise UserError(
            "a comparison needs at least two methods on one workload, with equal data and steps "
            f"({'; '.join(lonely)}){hint}"
        )
    return groups, lonely


def _group(
    members: list[Arm],
    baseline: Arm,
    metric: Metric,
    selection: Selection,
    rules: Rules,
    claims: Sequence[Claim] | None,
    mixed_x0: bool,
) -> _Group:
    ordered = (baseline, *(arm for arm in members if arm is not baseline))
    first_output = max(arm.first_output_epoch for arm in ordered)
    first_epoch = max(first_output, *(first_measured(arm.curves[metric.name]) for arm in ordered))
    with asked_for(f"{baseline.workload}: "):
        samples = {
            arm.method: Sample.of(
                arm, metric.name, first_epoch, selection.complete_cases, final=rules.final, looks=rules.looks
            )
            for arm in ordered
        }
    notes = (
        warnings.different_x0(baseline.workload) if mixed_x0 else warnings.one_initialisation(ordered),
        warnings.unofficial_data(baseline),
        warnings.code_differs(ordered),
        warnings.epochs_left_out(baseline.axis, first_epoch, measured=first_epoch == first_output),
        same_for_all_seeds(ordered, metric.name),
        *same_for_several_methods(ordered, metric.name),
        *partly_copied(ordered, metric.name),
        metrics.impossible(ordered, metric) if selection.scale == "none" else None,
    )
    judged = resolved(claims, ordered) if claims is not None else _default_claims(ordered, selection)
    beyond = metrics.beyond_range(judged, [arm.curves[metric.name] for arm in ordered], metric)
    return _Group(
        arms=ordered,
        baseline=baseline,
        first_epoch=first_epoch,
        samples=samples,
        claims=judged,
        warnings=tuple(note for note in (*notes, beyond) if note is not None)
        + oddities.of_group(ordered)
        + tuning.of_group(ordered, metric, selection.tuning),
    )


class Named(Protocol):
    """What claims name: an arm, or one that is still to be trained."""

    @property
    def method(self) -> str: ...  # noqa: D102

    @property
    def optimizer(self) -> str: ...  # noqa: D102

    @property
    def epochs(self) -> int: ...  # noqa: D102

    @property
    def identity(self) -> Method: ...  # noqa: D102


Found = TypeVar("Found", bound=Named)


def find_arm(arms: Sequence[Found], name: str) -> Found:
    """The arm called ``name``: by its method's name, by what that tells, or by its optimizer where only one arm has that.

    ``adam[lr=1e-3]`` tells ``adam[lr=0.001]``, and ``msgd[lr=0.1]`` the M-SGD whose default that is. Raises UserError.
    """
    form = from_name(name)
    found = (
        [arm for arm in arms if arm.method == name]
        or [arm for arm in arms if arm.identity.fits(form)]
        or [arm for arm in arms if arm.optimizer == name]
    )
    if len(found) == 1:
        return found[0]
    raise UserError(
        f"{name!r} is {'not unique' if found else 'not among the methods'}: "
        + meant(name, [arm.method for arm in found or arms])
    )


def labelled(arms: Sequence[Arm], labels: Mapping[str, str]) -> list[Arm]:
    """The arms, methods that ``labels`` names called so in print. Raises UserError where no method has the name."""
    known = list({arm.method: arm for arm in arms}.values())
    found: dict[str, str] = {}
    for name, label in labels.items():
        if not isinstance(label, str) or not label.strip():
            raise UserError(f"the label of {name!r} is a text to print, not {label!r}")
        found[find_arm(known, name).method] = label.strip()
    return [
        replace(arm, identity=replace(arm.identity, label=found[arm.method])) if arm.method in found else arm
        for arm in arms
    ]


def _baseline(arms: Sequence[Arm], selection: Selection, *, required: bool) -> Arm:
    """The baseline asked for; without one, or where it is missing and not required, M-SGD if run once, else the first."""
    names = {name for arm in arms for name in (arm.method, arm.optimizer)}
    if selection.baseline and (required or selection.baseline in names):
        return find_arm(arms, selection.baseline)
    standard = [arm for arm in arms if arm.optimizer == "msgd"]
    return standard[0] if len(standard) == 1 else arms[0]


def _default_claims(arms: Sequence[Arm], selection: Selection) -> tuple[Claim, ...]:
    """Less spread, less Avg. STD and the mean, for every method against the baseline or for all pairs."""
    others = range(1, len(arms)) if selection.pairs == "baseline" else range(len(arms))
    pairs = [
        (arms[i], arms[j])
        for j in ([0] if selection.pairs == "baseline" else range(len(arms)))
        for i in others
        if i > j
    ]
    claims = []
    for method, baseline in pairs:
        names = method.method, baseline.method
        claims.append(
            Claim("equivalent mean", *names, margin=selection.margin)
            if selection.margin is not None
            else Claim("better mean", *names)
        )
        claims.append(Claim("less spread", *names))
        if method.epochs > 1:
            claims.append(Claim("less Avg. STD", *names))
    return tuple(claims)


def resolved(claims: Iterable[Claim], arms: Sequence[Named]) -> tuple[Claim, ...]:
    """Declared claims with their methods' full names and their phases in epochs.

    Raises UserError where a claim names none of the methods, or the same one twice.
    """
    return tuple(_resolved_claim(claim, arms) for claim in claims)


def _resolved_claim(claim: Claim, arms: Sequence[Named]) -> Claim:
    sweep = tuple(method for name in claim.methods for method in _of_form(name, arms))
    if claim.methods and len(sweep) < FEWEST_METHODS:
        raise UserError(
            f"{', '.join(claim.methods)}: a claim of kind {claim.kind!r} needs at least {FEWEST_METHODS} methods"
        )
    return replace(
        claim,
        method=sweep[0] if sweep else find_arm(arms, claim.method).method,
        baseline=sweep[-1] if sweep else find_arm(arms, claim.baseline).method,
        methods=sweep,
        over=_over(sweep, arms) if claim.kind == "trend" else None,
        parts=resolved(claim.parts, arms),
        epochs=claim.epochs if claim.phase is None else claim.form.epochs_of(claim.phase, arms[0].epochs),
        phase=None,
    )


def _over(sweep: Sequence[str], arms: Sequence[Named]) -> str | None:
    """The hyperparameter that a trend is over; None where its methods differ in another way, and no trend can be judged."""
    with suppress(UserError):
        return swept([arm.identity for arm in arms if arm.method in sweep])
    return None


def _of_form(name: str, arms: Sequence[Named]) -> list[str]:
    """The methods that ``name`` stands for: one, or with an asterisk all of that form, by the number in its place."""
    form = from_name(name)
    free = [parameter for parameter, value in form.hyperparameters.items() if value == ANY]
    if not free:
        return [find_arm(arms, name).method]
    places = {
        arm.method: tuple(number(arm.identity.hyperparameters[parameter]) for parameter in free)
        for arm in arms
        if arm.identity.fits(form)
    }
    found = [(place, method) for method, place in places.items() if None not in place]
    return [method for _, method in sorted(found)]


def _evidence(group: _Group, metric: Metric, rules: Rules, family: int) -> list[Evidence]:
    pairs = [
        Pair.of(group.samples[claim.method], group.samples[claim.baseline])
        for claim in group.claims
        if claim.is_about_a_pair
    ]
    if rules.test in UNPAIRED and pairs and all(pair.paired for pair in pairs):
        raise UserError(
            f"the {rules.test} test is for independent samples and every pair here shares its seeds: use --test jackknife or "
            "--test permutation, which respect the pairing"
        )
    if rules.test in PAIRED and pairs and not any(pair.paired for pair in pairs):
        raise UserError(
            f"the {rules.test} test needs paired seeds and no pair here has them: use --test jackknife or --test permutation, "
            "or run with --paired"
        )
    found = []
    for claim in group.claims:
        evidence = gather(claim, group.samples, metric, rules, family)
        arms = [group.samples[name].arm for name in claim.involved]
        found.append(replace(evidence, warnings=evidence.warnings + tuning.of_claim(arms)))
    return found


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm-adjusted p-values over the whole family.

    A refused claim (None) stays in it, as one that cannot be rejected, and gets None; so does a p that is not a finite number.
    """
    known = [p if p is not None and np.isfinite(p) else None for p in p_values]
    filled = np.array([1.0 if p is None else p for p in known])
    order = np.argsort(filled)
    # The k-th smallest counts for all that are not smaller; no adjusted one is below that of a smaller p.
    stepped = np.maximum.accumulate(filled[order] * np.arange(len(filled), 0, -1))
    adjusted = np.empty_like(filled)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [None if p is None else float(q) for p, q in zip(known, adjusted, strict=True)]


def _question(group: _Group, metric: Metric) -> str:
    quantity = metric.name.replace("_", " ")
    others = [arm.title for arm in group.arms[1:]]
    if not others:
        return f"How much does {group.baseline.title} vary from seed to seed on {group.baseline.workload}, in {quantity}?"
    if len(others) > MOST_NAMED:
        who = f"Are {len(others)} other methods"
    else:
        who = f"{'Is' if len(others) == 1 else 'Are'} {listed(others, 'and')}"
    return f"{who} more robust than {group.baseline.title} on {group.baseline.workload}, in {quantity}?"
