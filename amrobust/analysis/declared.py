"""Declared analyses: methods, workload, seeds and claims in a TOML file, or in one that comes with the package."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from amrobust.errors import UserError
from amrobust.judge.claim import Claim
from amrobust.judge.declared import claims_of
from amrobust.judge.rules import Rules, Selection
from amrobust.plugins import refuse_code
from amrobust.runs.documents import Tables, grid_points, read_toml
from amrobust.runs.manifest import Batching
from amrobust.train.requests import MAX_SEEDS, MAX_X0S, Training, trainings_of


@dataclass(frozen=True)
class Setting:
    """One workload with its parameters, and what is claimed on it: a group of the comparison."""

    workload_params: Mapping[str, Any]
    claims: tuple[Claim, ...]
    vary: str | None = None
    """The only random stream that differs from seed to seed; None where all do."""


@dataclass(frozen=True)
class Analysis:
    """An analysis as declared: what to run, what is claimed, and how it is tested."""

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
    """How seeds are trained, as of ``amrobust run``: one by one where their wall time is compared."""
    published: str | None = None
    """The table of the paper to set beside what is measured."""


def analysis_names() -> list[str]:
    """Names of the analyses that come with the package."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in files("amrobust.analyses").iterdir()
        if entry.name.endswith(".toml")
    )


def load_analysis(name: str, scale: str | None = None, *, allow_code: bool = False) -> Analysis:
    """Read a named analysis, or a TOML file by its path, at one of the scales that it declares (default: its own).

    Raises UserError on anything missing, unknown or ill-typed, and on the path of code unless ``allow_code``.
    """
    stem, data = _read(name)
    analysis = _parse(stem, data, scale)
    if not allow_code:
        refuse_code(
            f"analysis {stem}", (analysis.workload, *(training.optimizer for training in analysis.trainings))
        )
    return analysis


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
    alpha, final = take(data, "alpha", float, Rules.alpha), take(data, "final", str, Rules.final)
    try:
        rules = Rules(alpha=alpha, test=test, interval=interval, looks=looks, final=final)
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
        selection=Selection(
            metric=take(data, "metric", str),
            baseline=baseline,
            measured=take(data, "measured", str, Selection.measured),
        ),
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
