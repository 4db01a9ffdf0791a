"""Carrying out a declared analysis: train what it still lacks, look when it is planned to, judge its claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from amrobust.claims.analysis import Analysis, Setting
from amrobust.claims.beside import printed_beside
from amrobust.claims.compare import compare
from amrobust.claims.judgement import Claim, Comparison, Verdict
from amrobust.claims.sources import with_sources
from amrobust.errors import RunError, UserError
from amrobust.experiments.requests import specs_of
from amrobust.experiments.variation import streams_of

if TYPE_CHECKING:
    from amrobust.experiments import Cluster, Place, Spec
    from amrobust.runs import GridReporter
    from amrobust.runs.arms import Arm

Settled = dict[tuple[str, Claim], Verdict]
"""By workload and claim, the verdict of the look that settled it."""


def run_analysis(
    analysis: Analysis,
    directory: Path,
    *,
    seeds: int | None = None,
    executor: str = "processes",
    jobs: int | None = None,
    cluster: Cluster | None = None,
    place: Place | None = None,
    reporter: GridReporter | None = None,
    accept_new_code: bool = False,
) -> Comparison:
    """Train what ``analysis`` still lacks in ``directory``, then judge its claims.

    Where looks are planned, train to each in turn and stop when every claim is settled; a claim keeps the verdict of the look
    that settled it. ``seeds`` replaces the declared number of seeds, or names the last look. Raises UserError on a bad
    declaration, RunError when a seed failed: everything else has been trained then.
    """
    from amrobust import experiments, runs
    from amrobust.experiments.spec import content_digest

    specs = [specs_of_setting(analysis, setting) for setting in analysis.settings]
    looks = analysis.rules.looks
    if looks and seeds is not None and seeds not in looks:
        raise UserError(
            f"{analysis.name} plans looks at {', '.join(map(str, looks))} seeds: choose one of these"
        )
    settled: Settled = {}
    for wanted in [n for n in looks if seeds is None or n <= seeds] or [seeds or analysis.seeds]:
        rows = runs.execute_grid(
            [spec for methods in specs for spec in methods], range(wanted), directory,
            experiments.make_executor(executor, jobs, cluster), batching=analysis.batching, reporter=reporter,
            place=place or experiments.Place(), accept_new_code=accept_new_code,
        )  # fmt: skip
        if problem := runs.failures(rows):
            raise RunError(problem)
        made = {content_digest(row.spec.to_dict()): row for row in rows}
        paths = [row.path for row in rows if row.path is not None]
        arms, problems = runs.load_arms(paths, None if analysis.metrics else analysis.selection.metric)
        labels = {arm.facts["run"]: arm.workload for arm in arms}
        claims, models = {}, {}
        for setting, methods in zip(analysis.settings, specs, strict=True):
            label = ""
            named: dict[str, tuple[str, Spec]] = {}
            for spec in methods:
                row = made[content_digest(spec.to_dict())]
                assert row.path is not None
                # Of the runs from several x0 one gives its name to the arm.
                label = labels.get(row.path.name, label)
                named |= {final.method: (final.output, spec) for final in row.finals}
            claims[label] = tuple(_bounded(claim, named) for claim in setting.claims)
            models[label] = spec.workload_params.get("model")
        if analysis.metrics:
            arms = [each for arm in arms for each in _by_metric(arm, analysis)]
        comparison = compare(
            [_first(arm, wanted) for arm in arms] if looks else arms,
            analysis.selection,
            analysis.rules,
            claims=claims,
            question=analysis.question,
            problems=problems,
        )
        comparison = _with_settled(comparison, settled)
        if settled.keys() >= {
            (judgement.workload, verdict.claim)
            for judgement in comparison.judgements
            for verdict in judgement.verdicts
        }:
            break
    return _beside_published(with_sources(comparison), analysis.published, models)


def specs_of_setting(analysis: Analysis, setting: Setting) -> tuple[Spec, ...]:
    """What a setting trains, from every x0: not the methods that lack the only stream that varies there."""
    from amrobust import workloads

    workload = workloads.get(analysis.workload)
    return specs_of(
        analysis.workload,
        [setting.workload_params],
        [
            training
            for training in analysis.trainings
            if setting.vary != "rule" or "rule" in streams_of(workload, {}, training.optimizer)
        ],
        root_seed=analysis.root_seed,
        x0s=range(analysis.x0s),
        paired=analysis.paired,
        vary=setting.vary,
    )


def _beside_published(comparison: Comparison, table: str | None, models: Mapping[str, object]) -> Comparison:
    """The comparison with what the paper prints about its methods, on the model of each workload."""
    if table is None:
        return comparison
    judgements = tuple(
        replace(
            judgement,
            published=printed_beside(
                table, [arm.method for arm in judgement.arms], str(models[judgement.workload])
            ),
        )
        for judgement in comparison.judgements
    )
    return replace(comparison, judgements=judgements)


def _by_metric(arm: Arm, analysis: Analysis) -> list[Arm]:
    """The arm once for each metric of the analysis, all called by one name so that they can be compared."""
    name = analysis.selection.metric
    assert name is not None
    for metric in analysis.metrics:
        if metric not in arm.metrics:
            raise UserError(f"{arm.method} has no {metric!r}: choose from {', '.join(arm.metrics)}")
    kinds = {(arm.metrics[metric].better, arm.metrics[metric].unit) for metric in analysis.metrics}
    if len(kinds) > 1:
        raise UserError(
            f"{', '.join(analysis.metrics)} cannot be held against each other: their units differ"
        )
    return [
        replace(
            arm,
            method=f"{arm.method}:{metric}",
            curves={name: arm.curves[metric]},
            metrics={name: replace(arm.metrics[metric], name=name)},
        )
        for metric in analysis.metrics
    ]


def _bounded(claim: Claim, methods: Mapping[str, tuple[str, Spec]]) -> Claim:
    """The claim with Theorem 1b's bound at its Λ, where it has one: the method's problem gives the constants."""
    from amrobust.experiments.convex_rules import theorem1b

    if claim.deviation is None:
        return claim
    if claim.method not in methods:
        raise UserError(f"{claim.method!r} is not among the methods: choose one of {', '.join(methods)}")
    output, spec = methods[claim.method]
    if output != "II":
        raise UserError(f"Theorem 1b is about the output x̃, option II, and {claim.method} is another")
    return replace(claim, bound=theorem1b(spec, claim.deviation))


def _first(arm: Arm, seeds: int) -> Arm:
    """The arm's first ``seeds`` seeds: a look sees what had been planned for it, whatever was trained since."""
    keep = [row for row, seed in enumerate(arm.seeds) if seed < seeds]
    return replace(
        arm,
        seeds=tuple(arm.seeds[row] for row in keep),
        curves={name: values[keep] for name, values in arm.curves.items()},
        diverged=tuple(seed for seed in arm.diverged if seed < seeds),
        x0s=tuple(arm.x0s[row] for row in keep) if arm.x0s else (),
        seconds=tuple(arm.seconds[row] for row in keep) if arm.seconds else (),
        code=tuple(
            replace(version, seeds=tuple(seed for seed in version.seeds if seed < seeds))
            for version in arm.code
        ),
    )


def _with_settled(comparison: Comparison, settled: Settled) -> Comparison:
    """Keep the verdict that settled a claim at an earlier planned look, and note those that settle now."""
    judgements = []
    for judgement in comparison.judgements:
        if judgement.look is None:
            return comparison
        verdicts = []
        for verdict in judgement.verdicts:
            key = judgement.workload, verdict.claim
            if key not in settled and verdict.outcome in ("supported", "refuted"):
                text = f"{verdict.sentence} Settled at the look at {judgement.look.seeds} seeds a method."
                settled[key] = replace(verdict, sentence=text)
            verdicts.append(settled.get(key, verdict))
        judgements.append(replace(judgement, verdicts=tuple(verdicts)))
    return replace(comparison, judgements=tuple(judgements))
