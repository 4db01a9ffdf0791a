"""Carrying an analysis out: what it lacks is trained, up to each planned interim analysis, and its claims are tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from amrobust.analysis.declared import Analysis
from amrobust.analysis.planned import checked_claims, labels_of, measured, specs_of_setting
from amrobust.errors import RunError, UserError
from amrobust.ingest.load import load_arms
from amrobust.judge.beside import printed_beside
from amrobust.judge.claim import Claim
from amrobust.judge.compare import compare
from amrobust.judge.comparison import Comparison, Verdict
from amrobust.judge.declaration import declaration_of, digest_of
from amrobust.judge.endpoints import best_of
from amrobust.judge.named import labelled
from amrobust.judge.run_warnings import seeds_left_out
from amrobust.runs.arms import Arm
from amrobust.runs.seeds import MAX_SEED
from amrobust.runs.versions import seeds_of_other_versions
from amrobust.train.cluster import Cluster
from amrobust.train.engine import failures, train_runs
from amrobust.train.executors import make_executor
from amrobust.train.reporter import Reporter
from amrobust.train.requests import MAX_SEEDS
from amrobust.train.unit import Place

Settled = dict[tuple[str, Claim], Verdict]
"""By workload and claim, the verdict of the interim analysis that settled it."""


def run_analysis(
    analysis: Analysis,
    directory: Path,
    *,
    seeds: int | None = None,
    executor: str = "processes",
    jobs: int | None = None,
    cluster: Cluster | None = None,
    place: Place | None = None,
    reporter: Reporter | None = None,
    accept_new_code: bool = False,
) -> Comparison:
    """Train what ``analysis`` still lacks in ``directory``, then test its claims.

    Where interim analyses are planned, train to each in turn and stop when every claim is settled; a claim keeps the verdict of
    the one that settled it. ``seeds`` replaces the declared number of seeds, or names the last one. Raises UserError on a bad
    declaration, before anything is trained; RunError when a seed failed: everything else has been trained then.
    """
    if seeds is not None and not 1 <= seeds <= MAX_SEEDS:
        raise UserError(f"seeds = {seeds} is not between 1 and {MAX_SEEDS:,}")
    specs = [specs_of_setting(analysis, setting) for setting in analysis.settings]
    claims_of, labels = checked_claims(analysis, specs), labels_of(analysis)
    looks = analysis.rules.looks
    if looks and seeds is not None and seeds not in looks:
        raise UserError(
            f"{analysis.name} plans interim analyses at {', '.join(map(str, looks))} seeds: choose one of these"
        )
    declared = digest_of(
        [(methods, setting.claims) for methods, setting in zip(specs, analysis.settings, strict=True)],
        replace(analysis.selection, metric=",".join(analysis.metrics) or analysis.selection.metric),
        analysis.rules,
        analysis.seeds if looks else seeds or analysis.seeds,
    )
    settled: Settled = {}
    for wanted in [n for n in looks if seeds is None or n <= seeds] or [seeds or analysis.seeds]:
        rows = train_runs(
            [spec for methods in specs for spec in methods], range(wanted), directory,
            make_executor(executor, jobs, cluster), batching=analysis.batching, reporter=reporter,
            place=place or Place(), accept_new_code=accept_new_code, declared=declared,
        )  # fmt: skip
        if problem := failures(rows):
            raise RunError(problem)
        made = {row.spec.key: row for row in rows}
        paths = [row.path for row in rows if row.path is not None]
        also = [chooser] if (chooser := best_of(analysis.rules.final)) else []
        arms, problems = load_arms(paths, None if analysis.metrics else analysis.selection.metric, also=also)
        made_here = {arm.method for arm in arms}
        arms = labelled(arms, {name: label for name, label in labels.items() if name in made_here})
        workloads = {arm.facts["run"]: arm.setting.usually_measured.label for arm in arms}
        claims, models = {}, {}
        for methods, own in zip(specs, claims_of, strict=True):
            label = ""
            for spec in methods:
                row = made[spec.key]
                assert row.path is not None
                # Of the runs from several x0 one gives its name to the arm.
                label = workloads.get(row.path.name, label)
            claims[label] = own
            models[label] = spec.workload_params.get("model")
        if analysis.metrics:
            arms = [each for arm in arms for each in _by_metric(arm, analysis)]
        judged = [_first(arm, wanted) for arm in arms]
        comparison = compare(
            judged,
            analysis.selection,
            analysis.rules,
            claims=claims,
            question=analysis.question,
            problems=problems,
        )
        comparison = _with_settled(comparison, settled)
        left_out = seeds_left_out(arms, judged, wanted)
        tried_before = seeds_of_other_versions(paths, declared)
        groups = tuple(
            replace(
                compared,
                declaration=declaration_of(compared.arms, declared, tried_before),
                warnings=compared.warnings + left_out.get(compared.workload, ()),
            )
            for compared in comparison.groups
        )
        comparison = replace(comparison, groups=groups)
        if settled.keys() >= {
            (compared.workload, verdict.claim)
            for compared in comparison.deciding
            for verdict in compared.verdicts
        }:
            break
    return _beside_published(comparison, analysis.published, models)


def _by_metric(arm: Arm, analysis: Analysis) -> list[Arm]:
    """The arm once for each metric of the analysis, all called by one name so that they can be compared."""
    name = analysis.selection.metric
    assert name is not None
    return [
        replace(
            arm,
            method=f"{arm.method}:{metric}",
            identity=measured(arm.identity, metric, f"{arm.title}, {metric}"),
            curves={name: arm.curves[metric]},
            metrics={name: replace(arm.metrics[metric], name=name)},
        )
        for metric in analysis.metrics
        if arm.measurement is None or metric in arm.curves
    ]


def _first(arm: Arm, seeds: int) -> Arm:
    """The arm's first ``seeds`` seeds, from every x0: those that were declared are judged, whatever was trained since."""
    keep = [row for row, seed in enumerate(arm.seeds) if seed % MAX_SEED < seeds]
    return replace(
        arm,
        seeds=tuple(arm.seeds[row] for row in keep),
        curves={name: values[keep] for name, values in arm.curves.items()},
        diverged=tuple(seed for seed in arm.diverged if seed % MAX_SEED < seeds),
        seed_plans=tuple(dict.fromkeys(min(planned, seeds) for planned in arm.seed_plans)),
        x0s=tuple(arm.x0s[row] for row in keep) if arm.x0s else (),
        seconds=tuple(arm.seconds[row] for row in keep) if arm.seconds else (),
        code=tuple(
            replace(version, seeds=tuple(seed for seed in version.seeds if seed % MAX_SEED < seeds))
            for version in arm.code
        ),
    )


def _with_settled(comparison: Comparison, settled: Settled) -> Comparison:
    """Keep the verdict that settled a claim at an earlier interim analysis, and note those that settle now."""
    groups = []
    for compared in comparison.groups:
        if compared.look is None:
            return comparison
        verdicts = []
        for verdict in compared.verdicts:
            key = compared.workload, verdict.claim
            if key not in settled and verdict.outcome in ("supported", "refuted"):
                text = f"{verdict.sentence} Settled at the interim analysis at {compared.look.seeds} seeds per method."
                settled[key] = replace(verdict, sentence=text)
            verdicts.append(settled.get(key, verdict))
        groups.append(replace(compared, verdicts=tuple(verdicts)))
    return replace(comparison, groups=tuple(groups))


def _beside_published(comparison: Comparison, table: str | None, models: Mapping[str, object]) -> Comparison:
    """The comparison with what the paper prints about its methods, on the model of each workload."""
    if table is None:
        return comparison
    groups = tuple(
        replace(
            compared,
            published=printed_beside(
                table,
                [arm.method for arm in compared.arms],
                str(models[compared.setting.usually_measured.label]),
            ),
        )
        for compared in comparison.groups
    )
    return replace(comparison, groups=groups)
