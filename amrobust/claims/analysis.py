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
    def take(table: Any, key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        if not isinstance(table, dict):
            raise UserError(f"analysis {name}: {table!r} stands where a table is expected")
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

    def claim_of(table: dict[str, Any], method: str | None, against: str) -> Claim:
        """A claim, or a part of a composite one, which has its method and baseline from the whole."""
        kind = take(table, "kind", str)
        kinds = [known for known in get_args(ClaimKind) if method is None or known != "composite"]
        if kind not in kinds:
            raise UserError(f"analysis {name}: no claim is called {kind!r}: choose one of {', '.join(kinds)}")
        margin = take(table, "margin", (int, float)) if kind in NEED_MARGIN else None
        if margin is not None and margin <= 0:
            raise UserError(f"analysis {name}: a margin must be above 0")
        if method is None:
            method, against = take(table, "method", str), take(table, "baseline", str, against)
        listed = take(table, "parts", list) if kind == "composite" else []
        parts = tuple(claim_of(part, method, against) for part in listed)
        if kind == "composite" and len(parts) < 2:
            raise UserError(f"analysis {name}: a composite claim needs at least two parts")
        nothing_left(table, "a claim")
        return Claim(kind, method, against, margin, parts)

    claims = [claim_of(table, None, baseline) for table in take(data, "claims", list)]
    test = take(data, "test", str, Rules.test)
    if test not in TESTS:
        raise UserError(f"analysis {name}: no test is called {test!r}: choose one of {', '.join(TESTS)}")
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
