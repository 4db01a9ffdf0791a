"""Declared analyses: methods, workload, seeds and claims in a TOML file, read and checked before anything runs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from amrobust.claims.compare import Selection, compare
from amrobust.claims.evidence import TESTS, Rules
from amrobust.claims.judgement import Claim, ClaimKind, Comparison
from amrobust.errors import UserError

if TYPE_CHECKING:
    from amrobust.runs import Reporter

NEED_MARGIN = ("equivalent mean", "no worse than")


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
        path = Path(name)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read the analysis {name}: {error}") from None
        name = path.stem
    elif name in analysis_names():
        text = files("amrobust.analyses").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    else:
        raise UserError(
            f"no analysis is called {name!r}: choose one of {', '.join(analysis_names())}, or give a .toml file"
        )
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"the analysis {name} is not valid TOML: {error}") from None
    return _parse(name, data)


def _parse(name: str, data: dict[str, Any]) -> Analysis:
    def take(table: dict[str, Any], key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        value = table.pop(key, default)
        if value is None:
            raise UserError(f"analysis {name}: {key!r} is missing")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UserError(f"analysis {name}: {key!r} has the wrong type ({value!r})")
        return value

    def nothing_left(table: dict[str, Any], where: str) -> None:
        if table:
            raise UserError(f"analysis {name}: unknown {', '.join(map(repr, table))} in {where}")

    baseline = take(data, "baseline", str)
    trainings = []
    for table in take(data, "methods", list):
        optimizer = take(table, "opt", str)
        trainings.append(Training(optimizer, table))
    claims = []
    for table in take(data, "claims", list):
        kind = take(table, "kind", str)
        if kind not in get_args(ClaimKind):
            raise UserError(
                f"analysis {name}: no claim is called {kind!r}: choose one of {', '.join(get_args(ClaimKind))}"
            )
        margin = take(table, "margin", (int, float)) if kind in NEED_MARGIN else None
        claims.append(Claim(kind, take(table, "method", str), take(table, "baseline", str, baseline), margin))
        nothing_left(table, "a claim")
    test = take(data, "test", str, Rules.test)
    if test not in TESTS:
        raise UserError(f"analysis {name}: no test is called {test!r}: choose one of {', '.join(TESTS)}")
    if any(claim.margin is not None and claim.margin <= 0 for claim in claims):
        raise UserError(f"analysis {name}: a margin must be above 0")
    seeds, alpha = take(data, "seeds", int), take(data, "alpha", float, Rules.alpha)
    if seeds < 1 or not trainings or not claims:
        raise UserError(f"analysis {name}: needs at least one seed, one method and one claim")
    if not 0 < alpha <= 0.5:
        raise UserError(f"analysis {name}: alpha = {alpha:g} is not between 0 and 0.5")
    analysis = Analysis(
        name=name,
        title=take(data, "title", str),
        question=take(data, "question", str),
        workload=take(data, "workload", str),
        workload_params=take(data, "workload_params", dict, {}),
        seeds=seeds,
        root_seed=take(data, "root_seed", int, 0),
        trainings=tuple(trainings),
        claims=tuple(claims),
        selection=Selection(metric=take(data, "metric", str), baseline=baseline),
        rules=Rules(alpha=alpha, test=test),
    )
    nothing_left(data, "the file")
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

    ``seeds`` replaces the declared number of seeds. Raises UserError on a bad declaration, RunError when a seed failed.
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
    wanted = range(seeds if seeds is not None else analysis.seeds)
    finished = [
        runs.execute(spec, wanted, directory, executor=executor, jobs=jobs, reporter=reporter)
        for spec in specs
    ]
    arms, problems = runs.load_arms([run.path for run in finished], analysis.selection.metric)
    return compare(
        arms,
        analysis.selection,
        analysis.rules,
        claims=analysis.claims,
        question=analysis.question,
        problems=problems,
    )
