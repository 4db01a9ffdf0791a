"""Declared analyses: methods, workload, seeds and claims in a TOML file, checked before anything runs, and carried out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from amrobust.errors import RunError, UserError
from amrobust.judge.beside import printed_beside
from amrobust.judge.claim import Claim
from amrobust.judge.compare import compare
from amrobust.judge.declared import claims_of
from amrobust.judge.judgement import Comparison, Verdict
from amrobust.judge.named import find_arm, labelled, resolved
from amrobust.judge.rules import Rules, Selection
from amrobust.judge.sources import with_sources
from amrobust.judge.usage import meant
from amrobust.judge.warnings import seeds_left_out
from amrobust.runs.documents import Tables, grid_points, read_toml
from amrobust.runs.manifest import Batching
from amrobust.runs.seeds import MAX_SEED
from amrobust.train.optimizers import find
from amrobust.train.requests import MAX_SEEDS, MAX_X0S, Training, specs_of, trainings_of

if TYPE_CHECKING:
    from amrobust.runs.arms import Arm
    from amrobust.runs.method import Method
    from amrobust.runs.spec import Spec
    from amrobust.train.cluster import Cluster
    from amrobust.train.reporter import Reporter
    from amrobust.train.unit import Place


@dataclass(frozen=True)
class Setting:
    """One workload with its parameters, and what is claimed on it: a group of the comparison."""

    workload_params: Mapping[str, Any]
    claims: tuple[Claim, ...]
    vary: str | None = None
    """The only random stream that differs from seed to seed; None where all do."""


@dataclass(frozen=True)
class Analysis:
    """An analysis as declared: what to run, what is claimed, and how it is judged."""

    name: str
    title: str
    """With the scale in it, where the file has scales."""
    question: str
    workload: str
    settings: tuple[Setting, ...]
    """One for each combination of the file's ``[grid]``, in its order; a single one where there is no grid."""
    seeds: int
    root_seed: int
    trainings: tuple[Training, ...]
    selection: Selection
    rules: Rules
    metrics: tuple[str, ...] = ()
    """Where metrics are held against each other: every method once for each, called ``method:metric``."""
    paired: bool = False
    """Whether the methods share their random streams, seed by seed."""
    x0s: int = 1
    """How many starting points the seeds are crossed with."""
    batching: Batching = "auto"
    """How seeds are trained, as of ``amrobust run``: one by one where their wall time is judged."""
    published: str | None = None
    """The table of the paper to set beside what is measured."""


def analysis_names() -> list[str]:
    """Names of the analyses that come with the package."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in files("amrobust.analyses").iterdir()
        if entry.name.endswith(".toml")
    )


def load_analysis(name: str, scale: str | None = None) -> Analysis:
    """Read a named analysis, or a TOML file by its path, at one of the scales that it declares (default: its own).

    Raises UserError on anything missing, unknown or ill-typed.
    """
    stem, data = _read(name)
    return _parse(stem, data, scale)


def scales_of(name: str) -> tuple[str, ...]:
    """The scales that an analysis declares. Raises UserError as :func:`load_analysis`."""
    stem, data = _read(name)
    return tuple(Tables(f"analysis {stem}").take(data, "scales", dict, {}))


def _read(name: str) -> tuple[str, dict[str, Any]]:
    """Name and tables of an analysis; one that is ``same_as`` a named one has that one's entries below its own."""
    if name.endswith(".toml"):
        stem, data = Path(name).stem, read_toml(Path(name), "analysis")
    else:
        stem, data = name, _shipped(name)
    of = Tables(f"analysis {stem}").take(data, "same_as", str, "")
    return stem, {**_shipped(of), **data} if of else data


def _shipped(name: str) -> dict[str, Any]:
    if name not in analysis_names():
        raise UserError(
            f"no analysis is called {name!r}: choose one of {', '.join(analysis_names())}, or give a .toml file"
        )
    return tomllib.loads(files("amrobust.analyses").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _parse(name: str, data: dict[str, Any], scale: str | None) -> Analysis:
    tables = Tables(f"analysis {name}")
    take = tables.take
    data, scale = _at_scale(tables, data, scale)
    baseline = take(data, "baseline", str)
    trainings = trainings_of(tables, take(data, "methods", list))
    params = take(data, "workload_params", dict, {})
    points = grid_points(tables, take(data, "grid", dict, {}))
    claims: list[tuple[Claim, Mapping[str, Any]]] = []
    for number, table in enumerate(take(data, "claims", list), 1):
        own = tables.within(f"claim {number}")
        where = own.take(table, "where", dict, {})
        if not any(_matches(where, point) for point in points):
            raise own.complain(f"where = {where} is true of no combination of the grid")
        claims += [(claim, where) for claim in claims_of(own, table, baseline)]
    test = take(data, "test", str, Rules.test)
    interval = take(data, "interval", str, Rules.interval)
    metrics, paired = tuple(take(data, "metrics", list, [])), data.pop("paired", False)
    if metrics and (len(metrics) < 2 or not all(isinstance(metric, str) for metric in metrics)):
        raise tables.complain("metrics are the names of at least two metrics, such as train_loss")
    if not isinstance(paired, bool):
        raise tables.complain(f"'paired' is true or false, not {paired!r}")
    looks = tuple(take(data, "looks", list, []))
    if looks and "seeds" in data:
        raise tables.complain(
            f"has looks, of which the last, {looks[-1]}, is the number of seeds: leave out 'seeds', or the looks"
        )
    seeds = looks[-1] if looks else take(data, "seeds", int)
    alpha = take(data, "alpha", float, Rules.alpha)
    try:
        rules = Rules(alpha=alpha, test=test, interval=interval, looks=looks)
    except UserError as error:
        raise tables.complain(str(error)) from None
    x0s = take(data, "x0s", int, 1)
    if min(seeds, x0s) < 1 or not trainings or not claims:
        raise tables.complain("needs at least one seed, one x0, one method and one claim")
    if seeds > MAX_SEEDS or x0s > MAX_X0S:
        raise tables.complain(f"'seeds' is at most {MAX_SEEDS:,}, 'x0s' at most {MAX_X0S:,}")
    batching = take(data, "batching", str, "auto")
    if batching not in get_args(Batching):
        raise tables.complain(f"batching = {batching!r} is not one of {', '.join(get_args(Batching))}")
    analysis = Analysis(
        name=name,
        title=take(data, "title", str) + (f" (scale: {scale})" if scale else ""),
        question=take(data, "question", str),
        workload=take(data, "workload", str),
        settings=tuple(
            _setting(params, point, tuple(claim for claim, where in claims if _matches(where, point)))
            for point in points
        ),
        seeds=seeds,
        root_seed=take(data, "root_seed", int, 0),
        trainings=trainings,
        selection=Selection(metric=take(data, "metric", str), baseline=baseline),
        rules=rules,
        metrics=metrics,
        paired=paired,
        x0s=x0s,
        batching=batching,
        published=take(data, "published", str, "") or None,
    )
    tables.nothing_left(data, "the file")
    return analysis


def _setting(params: Mapping[str, Any], point: Mapping[str, Any], claims: tuple[Claim, ...]) -> Setting:
    """The setting at a point of the grid; its ``vary`` is a random stream or "all", everything else the workload's."""
    own = {**params, **point}
    vary = own.pop("vary", "all")
    return Setting(own, claims, None if vary == "all" else vary)


def _at_scale(tables: Tables, data: dict[str, Any], scale: str | None) -> tuple[dict[str, Any], str | None]:
    """The file's tables with those of the scale over them: tables entry by entry, everything else as a whole."""
    scales = tables.take(data, "scales", dict, {})
    default = tables.take(data, "scale", str, "") or None
    chosen = scale or default
    if chosen is None:
        if scales:
            raise tables.complain(
                "has scales, and 'scale', the one to take where none is asked for, is missing"
            )
        return data, None
    if chosen not in scales:
        known = f"choose one of {', '.join(scales)}" if scales else "it has none"
        raise tables.complain(f"no scale is called {chosen!r}: {known}")
    over = scales[chosen]
    if not isinstance(over, dict):
        raise tables.complain(f"the scale {chosen!r} is not a table")
    merged = dict(data)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = {**merged[key], **value} if both else value
    return merged, chosen


def _matches(where: Mapping[str, Any], point: Mapping[str, Any]) -> bool:
    return all(key in point and point[key] == value for key, value in where.items())


@dataclass(frozen=True)
class Planned:
    """A method that is to be trained, as claims name it."""

    method: str
    optimizer: str
    epochs: int
    output: str
    spec: Spec
    identity: Method


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
    reporter: Reporter | None = None,
    accept_new_code: bool = False,
) -> Comparison:
    """Train what ``analysis`` still lacks in ``directory``, then judge its claims.

    Where looks are planned, train to each in turn and stop when every claim is settled; a claim keeps the verdict of the look
    that settled it. ``seeds`` replaces the declared number of seeds, or names the last look. Raises UserError on a bad
    declaration, before anything is trained; RunError when a seed failed: everything else has been trained then.
    """
    from amrobust.ingest.load import load_arms
    from amrobust.judge.declaration import declaration_of, digest_of
    from amrobust.runs.spec import content_digest
    from amrobust.runs.versions import seeds_of_other_versions
    from amrobust.train.engine import failures, train_runs
    from amrobust.train.executors import make_executor
    from amrobust.train.unit import Place

    if seeds is not None and not 1 <= seeds <= MAX_SEEDS:
        raise UserError(f"seeds = {seeds} is not between 1 and {MAX_SEEDS:,}")
    specs = [specs_of_setting(analysis, setting) for setting in analysis.settings]
    claims_of, labels = checked_claims(analysis, specs), labels_of(analysis)
    looks = analysis.rules.looks
    if looks and seeds is not None and seeds not in looks:
        raise UserError(
            f"{analysis.name} plans looks at {', '.join(map(str, looks))} seeds: choose one of these"
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
        made = {content_digest(row.spec.to_dict()): row for row in rows}
        paths = [row.path for row in rows if row.path is not None]
        arms, problems = load_arms(paths, None if analysis.metrics else analysis.selection.metric)
        made_here = {arm.method for arm in arms}
        arms = labelled(arms, {name: label for name, label in labels.items() if name in made_here})
        workloads = {arm.facts["run"]: arm.workload for arm in arms}
        claims, models = {}, {}
        for methods, own in zip(specs, claims_of, strict=True):
            label = ""
            for spec in methods:
                row = made[content_digest(spec.to_dict())]
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
        judgements = tuple(
            replace(
                judgement,
                declaration=declaration_of(judgement.arms, declared, tried_before),
                warnings=judgement.warnings + left_out.get(judgement.workload, ()),
            )
            for judgement in comparison.judgements
        )
        comparison = replace(comparison, judgements=judgements)
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
        for part in (part for claim in claims for part in (claim, *claim.parts)):
            if part.epochs is not None and (last := methods[0].epochs) < part.epochs[1]:
                raise UserError(
                    f"a claim of kind {part.kind!r} is about epochs {part.epochs[0]} to {part.epochs[1]}, and there will be "
                    f"{last}: name epochs up to {last}, or a phase as shares of the training"
                )
        found.append(claims)
    return found


def labels_of(analysis: Analysis) -> dict[str, str]:
    """What methods are called in print, by their names. Raises UserError on one of an output that there is none of."""
    from amrobust.train.prepare import methods_of

    found: dict[str, str] = {}
    for training in analysis.trainings:
        if not training.label:
            continue
        for setting in analysis.settings:
            alone = replace(analysis, trainings=(training,))
            for spec in specs_of_setting(alone, setting):
                methods = methods_of(spec)
                if isinstance(training.label, str):
                    labels = {
                        output: f"{training.label}, {output}" if len(methods) > 1 else training.label
                        for output in methods
                    }
                else:
                    labels = dict(training.label)
                if unknown := [output for output in labels if output not in methods]:
                    raise UserError(
                        f"{analysis.name}: {training.optimizer} has no output {unknown[0]!r} to label: {', '.join(methods)}"
                    )
                found |= {methods[output].name: label for output, label in labels.items()}
    return found


def _planned(analysis: Analysis, specs: Sequence[Spec]) -> list[Planned]:
    """What a setting's claims can name: every output of every method, with several metrics once for each."""
    from amrobust import workloads
    from amrobust.train.prepare import methods_of

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
        for output, method in methods_of(spec).items():
            for end in [f":{metric}" for metric in analysis.metrics] or [""]:
                # The same method from another x0 is the same arm; of equal names each is kept, and neither can be named.
                key = method.name + end, spec.optimizer, tuple(spec.hyperparameters.items())
                planned[key] = Planned(
                    method.name + end,
                    spec.optimizer,
                    problem.epochs(spec.workload_params),
                    output,
                    spec,
                    _measured(method, end[1:]) if end else method,
                )
    return list(planned.values())


def specs_of_setting(analysis: Analysis, setting: Setting) -> tuple[Spec, ...]:
    """What a setting trains, from every x0: not the methods that lack the only stream that varies there."""
    return specs_of(
        analysis.workload,
        [setting.workload_params],
        [
            training
            for training in analysis.trainings
            if setting.vary != "rule" or find(training.optimizer).draws_numbers
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
            identity=_measured(arm.identity, metric, f"{arm.title}, {metric}"),
            curves={name: arm.curves[metric]},
            metrics={name: replace(arm.metrics[metric], name=name)},
        )
        for metric in analysis.metrics
    ]


def _measured(method: Method, metric: str, label: str | None = None) -> Method:
    """The method as one metric of it: an output of its own."""
    return replace(method, output=f"{method.output or ''}:{metric}", label=label)


def _bounded(claim: Claim, methods: Sequence[Planned]) -> Claim:
    """The claim with Theorem 1b's bound at its Λ, where it has one: the method's problem gives the constants."""
    from amrobust.train.convex_rules import theorem1b

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
    """Keep the verdict that settled a claim at an earlier planned look, and note those that settle now."""
    judgements = []
    for judgement in comparison.judgements:
        if judgement.look is None:
            return comparison
        verdicts = []
        for verdict in judgement.verdicts:
            key = judgement.workload, verdict.claim
            if key not in settled and verdict.outcome in ("supported", "refuted"):
                text = f"{verdict.sentence} Settled at the look at {judgement.look.seeds} seeds per method."
                settled[key] = replace(verdict, sentence=text)
            verdicts.append(settled.get(key, verdict))
        judgements.append(replace(judgement, verdicts=tuple(verdicts)))
    return replace(comparison, judgements=tuple(judgements))
