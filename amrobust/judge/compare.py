"""Judge arms against each other: groups of comparable arms, one family of claims, verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from threadpoolctl import threadpool_limits

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge import endpoints, measurements, metrics, oddities, run_warnings, tuning
from amrobust.judge.arms import along_one_axis, choose_metric, on_scale
from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.judge.copies import partly_copied, same_for_all_seeds, same_for_several_methods
from amrobust.judge.declaration import unproven
from amrobust.judge.evidence import check_test, evidence_on
from amrobust.judge.family import judged_together
from amrobust.judge.named import find_arm, resolved
from amrobust.judge.pairs import divergence_warnings, pair_facts
from amrobust.judge.rules import Evidence, Rate, Rules, Selection
from amrobust.judge.samples import Sample
from amrobust.judge.sources import with_sources
from amrobust.judge.summaries import summary_of
from amrobust.judge.tipping import with_tipping_points
from amrobust.judge.usage import asked_for
from amrobust.judge.verdicts import decide
from amrobust.judge.words import listed
from amrobust.runs.arms import Arm
from amrobust.runs.metric import Metric
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

    @property
    def measurement(self) -> str | None:
        """That of all its arms."""
        return self.baseline.measurement

    @cached_property
    def titles(self) -> dict[str, str]:
        """What each method is called in print."""
        return {arm.method: arm.title for arm in self.arms}


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
    are one family (:func:`amrobust.judge.family.judged_together`); of several measurements of the same weights each is a family
    of its own (:mod:`amrobust.judge.measurements`).

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
    arms = measurements.chosen(arms, selection.measured)
    arms = endpoints.at_endpoint(arms, selection.metric, rules.final)
    metric, measured, skipped = choose_metric(arms, selection.metric)
    moved = [arm for arm in measured if arm.first_output_epoch <= arm.epochs]
    skipped += [
        f"{arm.method} on {arm.workload}: its output is still x0 after all {arm.axis.words}; use a smaller m"
        for arm in measured
        if arm not in moved
    ]
    moved, notes = along_one_axis(moved, metric, selection)
    moved, metric = on_scale(moved, metric, selection.scale)
    moved, unmeasured = _measured_alike(moved)
    if rules.interval != "test" and any(arm.x0s for arm in moved):
        raise UserError(
            f"--interval {rules.interval} draws seeds as independent, and seeds of one x0 among several are not: leave "
            "--interval out, and intervals take the x0s as the sample"
        )
    groups, lonely = _groups(moved, metric, selection, rules, claims)
    look = _look(groups, rules)
    # At an interim analysis, claims are tested at its share of alpha; the rest of the rules stay.
    applied = replace(rules, alpha=look.alpha, looks=()) if look is not None else rules
    found: list[GroupComparison] = []
    for measurement in dict.fromkeys(group.measurement for group in groups):
        family = [group for group in groups if group.measurement == measurement]
        found += _judged(
            family, arms, metric, selection, rules, applied, look, claims is not None, question, notes
        )
    unassessed = tuple(lonely) if claims is not None else ()
    return Comparison(
        with_sources(measurements.with_changes(found)),
        (*problems, *skipped, *lonely, *unmeasured),
        unassessed,
    )


def _judged(
    groups: Sequence[_Group],
    arms: Sequence[Arm],
    metric: Metric,
    selection: Selection,
    rules: Rules,
    applied: Rules,
    look: Look | None,
    declared: bool,
    question: str | None,
    notes: Mapping[tuple[str, str | None], tuple[ResultWarning, ...]],
) -> list[GroupComparison]:
    """What came of each of ``groups``, whose claims are one family."""
    claims_of = [(group, claim) for group in groups for claim in group.claims]

    def evidence(place: int, rate: Rate) -> Evidence:
        group, claim = claims_of[place]
        return evidence_on(claim, group.samples, metric, applied, rate)

    for group in groups:
        check_test(group.claims, group.samples, applied)
    # The matrix products are small: threads of BLAS cost more than they bring, many times so on a busy machine.
    with threadpool_limits(1, user_api="blas"):
        judged = iter(judged_together(len(claims_of), applied.alpha, evidence))
        facts = [pair_facts(group.claims, group.samples, metric, rules.alpha) for group in groups]
        decided = [
            tuple(
                with_tipping_points(
                    decide(item, p_adjusted, metric, group.baseline.axis, applied, len(claims_of), group.titles),
                    item, group.samples, metric, applied,
                )
                for item, p_adjusted in islice(judged, len(group.claims))
            )
            for group in groups
        ]  # fmt: skip
    compared = []
    for group, verdicts, pairs in zip(groups, decided, facts, strict=True):
        first = group.arms[0]
        compared.append(
            GroupComparison(
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
                summaries=tuple(summary_of(group.samples[arm.method], metric, rules) for arm in group.arms),
                verdicts=verdicts,
                pairs=pairs,
                look=look,
                looks=rules.looks,
                selection=selection,
                rules=rules,
                warnings=notes.get((first.workload, first.data_digest), ())
                + oddities.look_alikes(arms, group.arms)
                + group.warnings
                + divergence_warnings(pairs, group.titles),
                axis=first.axis,
                declaration=unproven(group.arms) if declared else None,
            )
        )
    return compared


def _look(groups: Sequence[_Group], rules: Rules) -> Look | None:
    """The interim analysis that the runs are at. UserError where their numbers of seeds are none of the plan's."""
    if not rules.looks:
        return None
    plan = stats.obrien_fleming_looks(rules.looks, rules.alpha)
    counts = {len(arm.seeds) for group in groups for arm in group.arms}
    for look in plan:
        if counts == {look.seeds}:
            return look
    found = ", ".join(map(str, sorted(counts)))
    raise UserError(
        f"interim analyses were planned at {', '.join(map(str, rules.looks))} seeds per method, and these runs have {found}: "
        "train every method to the same one (amrobust run --seeds N)"
    )


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
            usual = members[0].setting.usually_measured.label
            own = claims.get(usual, ()) if isinstance(claims, Mapping) else claims
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


def _measured_alike(arms: Sequence[Arm]) -> tuple[list[Arm], list[str]]:
    """The arms without those of another measurement that some method on their workload lacks, and a line for each such.

    What is missing there is nothing to the usual measurement, and a comparison of the others would answer another question.
    """
    kept, said = [], {}
    for arm in arms:
        if arm.measurement is None:
            kept.append(arm)
            continue
        usual = arm.setting.usually_measured
        there = {each.method for each in arms if each.setting == arm.setting}
        if lacking := [each.title for each in arms if each.setting == usual and each.method not in there]:
            verb = "was" if len(lacking) == 1 else "were"
            said[arm.workload] = (
                f"{arm.workload}: {', '.join(lacking)} {verb} not measured so, and nothing is tested of the others"
            )
        else:
            kept.append(arm)
    return kept, list(said.values())


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
        run_warnings.different_x0(baseline.workload)
        if mixed_x0
        else run_warnings.one_initialisation(ordered),
        run_warnings.unofficial_data(baseline),
        run_warnings.code_differs(ordered),
        run_warnings.epochs_left_out(baseline.axis, first_epoch, measured=first_epoch == first_output),
        same_for_all_seeds(ordered, metric.name),
        *same_for_several_methods(ordered, metric.name),
        *partly_copied(ordered, metric.name),
        metrics.impossible(ordered, metric) if selection.scale == "none" else None,
    )
    judged = resolved(claims, ordered) if claims is not None else _default_claims(ordered, samples, selection)
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


def _baseline(arms: Sequence[Arm], selection: Selection, *, required: bool) -> Arm:
    """The baseline asked for; without one, or where it is missing and not required, M-SGD if run once, else the first."""
    names = {name for arm in arms for name in (arm.method, arm.optimizer)}
    if selection.baseline and (required or selection.baseline in names):
        return find_arm(arms, selection.baseline)
    standard = [arm for arm in arms if arm.optimizer == "msgd" and arm.identity.measurement is None]
    return standard[0] if len(standard) == 1 else arms[0]


def _default_claims(
    arms: Sequence[Arm], samples: Mapping[str, Sample], selection: Selection
) -> tuple[Claim, ...]:
    """Less spread, less Avg. STD and the mean, for every method against the baseline or for all pairs.

    Where a seed of the two diverged there is no mean: ranks take its place, so that a diverged seed silences nothing. Which of
    them it is depends on the seeds of both taken together, the same under every relabelling: the test keeps its level.
    """
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
            else Claim("ranks better", *names)
            if any(samples[name].diverged for name in names) and not selection.complete_cases
            else Claim("better mean", *names)
        )
        claims.append(Claim("less spread", *names))
        if method.epochs > 1:
            claims.append(Claim("less Avg. STD", *names))
    return tuple(claims)


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
