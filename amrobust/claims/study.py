"""Carrying out a declared analysis: train what it still lacks, look when it is planned to, judge its claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from amrobust.claims.analysis import Analysis, Setting
from amrobust.claims.beside import printed_beside
from amrobust.claims.compare import compare, find_arm, resolved
from amrobust.claims.judgement import Claim, Comparison, Verdict
from amrobust.claims.sources import with_sources
from amrobust.claims.usage import meant
from amrobust.errors import RunError, UserError
from amrobust.experiments.requests import MAX_SEEDS, specs_of
from amrobust.experiments.variation import streams_of

if TYPE_CHECKING:
    from amrobust.experiments import Cluster, Place, Spec
    from amrobust.runs import GridReporter
    from amrobust.runs.arms import Arm


@dataclass(frozen=True)
class Planned:
    """A method that is to be trained, as claims name it."""

    method: str
    optimizer: str
    epochs: int
    output: str
    spec: Spec


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
    declaration, before anything is trained; RunError when a seed failed: everything else has been trained then.
    """
    from amrobust import experiments, runs
    from amrobust.experiments.spec import content_digest

    if seeds is not None and not 1 <= seeds <= MAX_SEEDS:
        raise UserError(f"seeds = {seeds} is not between 1 and {MAX_SEEDS:,}")
    specs = [specs_of_setting(analysis, setting) for setting in analysis.settings]
    claims_of = checked_claims(analysis, specs)
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
        for methods, own in zip(specs, claims_of, strict=True):
            label = ""
            for spec in methods:
                row = made[content_digest(spec.to_dict())]
                assert row.path is not None
                # Of the runs from several x0 one gives its name to the arm.
                label = labels.get(row.path.name, label)
            claims[label] = own
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


def checked_claims(analysis: Analysis, specs: Sequence[Sequence[Spec]]) -> list[tuple[Claim, ...]]:
    """The claims of each setting, with their bounds.

    Raises UserError where they, the baseline, the metrics or the published table name what there will not be.
    """
    if analysis.published is not None:
        printed_beside(analysis.published, ())
    settings = [_planned(analysis, methods) for methods in specs]
    baseline = analysis.selection.baseline
    if baseline is not None:
        find_arm(
            list({method.method: method for methods in settings for method in methods}.values()), baseline
        )
    found = []
    for setting, methods in zip(analysis.settings, settings, strict=True):
        claims = tuple(_bounded(claim, methods) for claim in setting.claims)
        resolved(claims, methods)
        found.append(claims)
    return found


def _planned(analysis: Analysis, specs: Sequence[Spec]) -> list[Planned]:
    """What a setting's claims can name: every output of every method, with several metrics once for each."""
    from amrobust import workloads
    from amrobust.experiments.prepare import method_names

    if not specs:
        return []
    problem = workloads.get(analysis.workload)
    known = {name: rest for name, *rest in workloads.metrics_of(problem, specs[0].workload_params)}
    metrics = [str(metric) for metric in analysis.metrics or (analysis.selection.metric,)]
    for metric in metrics:
        if metric not in known:
            raise UserError(f"{analysis.workload} has no {metric!r}: {meant(metric, known)}")
    if any(known[metric] != known[metrics[0]] for metric in metrics):
        raise UserError(f"{', '.join(metrics)} cannot be held against each other: their units differ")
    planned = {}
    for spec in specs:
        for output, name in method_names(spec).items():
            for end in [f":{metric}" for metric in analysis.metrics] or [""]:
                # The same method from another x0 is the same arm; of equal names each is kept, and neither can be named.
                key = name + end, spec.optimizer, tuple(spec.hyperparameters.items())
                planned[key] = Planned(
                    name + end, spec.optimizer, problem.epochs(spec.workload_params), output, spec
                )
    return list(planned.values())


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
    return [
        replace(
            arm,
            method=f"{arm.method}:{metric}",
            curves={name: arm.curves[metric]},
            metrics={name: replace(arm.metrics[metric], name=name)},
        )
        for metric in analysis.metrics
    ]


def _bounded(claim: Claim, methods: Sequence[Planned]) -> Claim:
    """The claim with Theorem 1b's bound at its Λ, where it has one: the method's problem gives the constants."""
    from amrobust.experiments.convex_rules import theorem1b

    if claim.deviation is None:
        return claim
    named = {method.method: method for method in methods}
    if claim.method not in named:
        raise UserError(f"{claim.method!r} is not among the methods: {meant(claim.method, named)}")
    method = named[claim.method]
    if method.output != "II":
        raise UserError(f"Theorem 1b is about the output x̃, option II, and {claim.method} is another")
    return replace(claim, bound=theorem1b(method.spec, claim.deviation))


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
