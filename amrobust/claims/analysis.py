"""Declared analyses: methods, workload, seeds and claims in a TOML file, read and checked before anything runs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from amrobust.claims.compare import compare
from amrobust.claims.judgement import SWEEPS, Claim, ClaimKind, Comparison, Judgement, Verdict
from amrobust.claims.rules import TESTS, Rules, Selection
from amrobust.errors import UserError
from amrobust.stats import CannotEstimate, obrien_fleming_looks

if TYPE_CHECKING:
    from amrobust.runs import Reporter
    from amrobust.runs.arms import Arm

NEED_MARGIN = ("equivalent mean", "no worse than", "stable over")


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
        # A part has its whole's two methods, so that it can be neither composite nor about a sweep.
        kinds = [
            known for known in get_args(ClaimKind) if method is None or known not in ("composite", *SWEEPS)
        ]
        if kind not in kinds:
            raise UserError(f"analysis {name}: no claim is called {kind!r}: choose one of {', '.join(kinds)}")
        margin = take(table, "margin", (int, float)) if kind in NEED_MARGIN else None
        if margin is not None and margin <= 0:
            raise UserError(f"analysis {name}: a margin must be above 0")
        phase = take(table, "epochs", list, [])
        if phase and (
            len(phase) != 2
            or not all(type(epoch) is int and epoch > 0 for epoch in phase)
            or phase[0] > phase[1]
        ):
            raise UserError(f"analysis {name}: epochs = {phase} is no phase: give [first, last]")
        sweep = tuple(take(table, "methods", list)) if kind in SWEEPS else ()
        if kind in SWEEPS and (len(sweep) < 3 or not all(isinstance(member, str) for member in sweep)):
            raise UserError(f"analysis {name}: a claim of kind {kind!r} needs at least three methods")
        rising = table.pop("rising", False) if kind == "trend" else False
        if not isinstance(rising, bool):
            raise UserError(f"analysis {name}: 'rising' is true or false, not {rising!r}")
        if sweep:
            method, against = sweep[0], sweep[-1]
        elif method is None:
            method, against = take(table, "method", str), take(table, "baseline", str, against)
        listed = take(table, "parts", list) if kind == "composite" else []
        parts = tuple(claim_of(part, method, against) for part in listed)
        if kind == "composite" and len(parts) < 2:
            raise UserError(f"analysis {name}: a composite claim needs at least two parts")
        nothing_left(table, "a claim")
        return Claim(
            kind, method, against, margin, parts, (phase[0], phase[1]) if phase else None, sweep, rising
        )

    claims = [claim_of(table, None, baseline) for table in take(data, "claims", list)]
    test = take(data, "test", str, Rules.test)
    if test not in TESTS:
        raise UserError(f"analysis {name}: no test is called {test!r}: choose one of {', '.join(TESTS)}")
    looks = tuple(take(data, "looks", list, []))
    if not all(type(n) is int for n in looks):
        raise UserError(f"analysis {name}: looks are numbers of seeds, such as [5, 10, 20]")
    seeds = looks[-1] if looks else take(data, "seeds", int)
    alpha = take(data, "alpha", float, Rules.alpha)
    try:
        _ = obrien_fleming_looks(looks, alpha) if looks else ()
    except CannotEstimate as error:
        raise UserError(f"analysis {name}: {error.reason}") from None
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
        rules=Rules(alpha=alpha, test=test, looks=looks),
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
