"""Declared analyses: methods, workload, seeds and claims in a TOML file, read and checked before anything runs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amrobust.claims.compare import compare
from amrobust.claims.declared import Tables, claims_of, read_toml
from amrobust.claims.judgement import Claim, Comparison, Judgement, Verdict
from amrobust.claims.rules import TESTS, Rules, Selection
from amrobust.errors import UserError
from amrobust.stats import CannotEstimate, obrien_fleming_looks

if TYPE_CHECKING:
    from amrobust.runs import Reporter
    from amrobust.runs.arms import Arm


@dataclass(frozen=True)
class Training:
    """One optimizer with the hyperparameters that the analysis sets; the rest are the workload's defaults."""

    optimizer: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Analysis:
    """An analysis as declared: what to run, what is claimed, and how it is judged."""

    name: str
    title: str
    question: str
    workload: str
    workload_params: Mapping[str, Any]
    seeds: int
    root_seed: int
    trainings: tuple[Training, ...]
    claims: tuple[Claim, ...]
    selection: Selection
    rules: Rules


def analysis_names() -> list[str]:
    """Names of the analyses that come with the package."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in files("amrobust.analyses").iterdir()
        if entry.name.endswith(".toml")
    )


def load_analysis(name: str) -> Analysis:
    """Read a named analysis, or a TOML file by its path. Raises UserError on anything missing, unknown or ill-typed."""
    if name.endswith(".toml"):
        return _parse(Path(name).stem, read_toml(Path(name), "analysis"))
    if name not in analysis_names():
        raise UserError(
            f"no analysis is called {name!r}: choose one of {', '.join(analysis_names())}, or give a .toml file"
        )
    text = files("amrobust.analyses").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return _parse(name, tomllib.loads(text))


def _parse(name: str, data: dict[str, Any]) -> Analysis:
    tables = Tables(f"analysis {name}")
    take = tables.take
    baseline = take(data, "baseline", str)
    trainings = []
    for table in take(data, "methods", list):
        optimizer = take(table, "opt", str)
        trainings.append(Training(optimizer, table))

    claims = claims_of(tables, take(data, "claims", list), baseline)
    test = take(data, "test", str, Rules.test)
    if test not in TESTS:
        raise tables.complain(f"no test is called {test!r}: choose one of {', '.join(TESTS)}")
    looks = tuple(take(data, "looks", list, []))
    if not all(type(n) is int for n in looks):
        raise tables.complain("looks are numbers of seeds, such as [5, 10, 20]")
    seeds = looks[-1] if looks else take(data, "seeds", int)
    alpha = take(data, "alpha", float, Rules.alpha)
    try:
        _ = obrien_fleming_looks(looks, alpha) if looks else ()
    except CannotEstimate as error:
        raise tables.complain(error.reason) from None
    if seeds < 1 or not trainings or not claims:
        raise tables.complain("needs at least one seed, one method and one claim")
    if not 0 < alpha <= 0.5:
        raise tables.complain(f"alpha = {alpha:g} is not between 0 and 0.5")
    analysis = Analysis(
        name=name,
        title=take(data, "title", str),
        question=take(data, "question", str),
        workload=take(data, "workload", str),
        workload_params=take(data, "workload_params", dict, {}),
        seeds=seeds,
        root_seed=take(data, "root_seed", int, 0),
        trainings=tuple(trainings),
        claims=claims,
        selection=Selection(metric=take(data, "metric", str), baseline=baseline),
        rules=Rules(alpha=alpha, test=test, looks=looks),
    )
    tables.nothing_left(data, "the file")
    return analysis


def run_analysis(
    analysis: Analysis,
    directory: Path,
    *,
    seeds: int | None = None,
    executor: str = "processes",
    jobs: int | None = None,
    reporter: Reporter | None = None,
) -> Comparison:
    """Train what ``analysis`` still lacks in ``directory``, then judge its claims.

    Where looks are planned, train to each in turn and stop when every claim is settled; a claim keeps the verdict of the look
    that settled it. ``seeds`` replaces the declared number of seeds, or names the last look. Raises UserError on a bad
    declaration, RunError when a seed failed.
    """
    from amrobust import experiments, runs

    specs = [
        experiments.make_spec(
            analysis.workload,
            training.optimizer,
            analysis.workload_params,
            training.hyperparameters,
            root_seed=analysis.root_seed,
        )
        for training in analysis.trainings
    ]
    looks = analysis.rules.looks
    if looks and seeds is not None and seeds not in looks:
        raise UserError(
            f"{analysis.name} plans looks at {', '.join(map(str, looks))} seeds: choose one of these"
        )
    settled: dict[Claim, Verdict] = {}
    for wanted in [n for n in looks if seeds is None or n <= seeds] or [seeds or analysis.seeds]:
        finished = [
            runs.execute(spec, range(wanted), directory, executor=executor, jobs=jobs, reporter=reporter)
            for spec in specs
        ]
        arms, problems = runs.load_arms([run.path for run in finished], analysis.selection.metric)
        comparison = compare(
            [_first(arm, wanted) for arm in arms] if looks else arms,
            analysis.selection,
            analysis.rules,
            claims=analysis.claims,
            question=analysis.question,
            problems=problems,
        )
        comparison = _with_settled(comparison, settled)
        if all(claim in settled for judgement in comparison.judgements for claim in _claims(judgement)):
            break
    return comparison


def _claims(judgement: Judgement) -> list[Claim]:
    return [verdict.claim for verdict in judgement.verdicts]


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
    )


def _with_settled(comparison: Comparison, settled: dict[Claim, Verdict]) -> Comparison:
    """Keep the verdict that settled a claim at an earlier planned look, and note those that settle now."""
    judgements = []
    for judgement in comparison.judgements:
        if judgement.look is None:
            return comparison
        verdicts = []
        for verdict in judgement.verdicts:
            if verdict.claim not in settled and verdict.outcome in ("supported", "refuted"):
                text = f"{verdict.sentence} Settled at the look at {judgement.look.seeds} seeds a method."
                settled[verdict.claim] = replace(verdict, sentence=text)
            verdicts.append(settled.get(verdict.claim, verdict))
        judgements.append(replace(judgement, verdicts=tuple(verdicts)))
    return replace(comparison, judgements=tuple(judgements))
