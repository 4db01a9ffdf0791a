"""Runs from a long CSV file: one row a (method, seed, step), made by any tool."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from pathlib import Path

import numpy as np

from amrobust.errors import UserError
from amrobust.runs.arms import Arm, Direction, Metric

REQUIRED = ("method", "seed", "step", "value")
OPTIONAL = ("metric", "workload")
LOWER_IS_BETTER = ("loss", "error", "perplexity", "ppl", "nll", "rmse", "mse", "mae", "gap", "norm")

Key = tuple[str, str]


def direction_of(metric: str) -> Direction:
    """Which way a metric of this name is better: losses, errors, perplexities, gaps and norms are better low."""
    return "lower" if any(word in metric.lower() for word in LOWER_IS_BETTER) else "higher"


def read_long_csv(path: Path) -> list[Arm]:
    """The arms of a CSV file with the columns method, seed, step, value, and optionally metric and workload.

    An empty value, "nan" or "inf" marks a seed that diverged. Every seed of a method must have the same steps. Other
    columns are refused, so that a misspelt one is never overlooked. Raises UserError with the line and the remedy.
    """
    values: dict[Key, dict[str, dict[int, dict[float, float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(dict))
    )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            header = [name.strip().lower() for name in rows.fieldnames or ()]
            _check_header(path, header)
            rows.fieldnames = header
            for row in rows:
                where = f"{path}, line {rows.line_num}"
                seed, step, value = _numbers(row, where)
                key = (row["method"] or "").strip(), (row.get("workload") or path.stem).strip()
                metric = (row.get("metric") or "value").strip()
                if not key[0]:
                    raise UserError(f"{where}: the method has no name")
                curve = values[key][metric][seed]
                if step in curve:
                    raise UserError(
                        f"{where}: {key[0]}, seed {seed}, step {step:g} of {metric} is there twice; keep one row for each"
                    )
                curve[step] = value
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read {path} as CSV: {error}") from None
    if not values:
        raise UserError(f"{path} has no rows")
    return [_arm(path, key, metrics) for key, metrics in values.items()]


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in REQUIRED + OPTIONAL]
    if missing:
        raise UserError(f"{path}: column {missing[0]!r} is missing; a long CSV has {', '.join(REQUIRED)}")
    if unknown or len(set(header)) < len(header):
        raise UserError(
            f"{path}: column {(unknown or header)[0]!r} is unknown or double; drop it, or name it one of "
            f"{', '.join(REQUIRED + OPTIONAL)}"
        )


def _numbers(row: dict[str, str], where: str) -> tuple[int, float, float]:
    if None in row or None in row.values():
        raise UserError(f"{where}: the number of cells is not that of the header")
    try:
        seed, step = int(row["seed"]), float(row["step"])
    except ValueError:
        raise UserError(f"{where}: seed {row['seed']!r} or step {row['step']!r} is not a number") from None
    try:
        value = float(row["value"]) if row["value"].strip() else math.nan
    except ValueError:
        raise UserError(
            f"{where}: value {row['value']!r} is not a number (leave it empty where a seed diverged)"
        ) from None
    if not math.isfinite(step):
        raise UserError(f"{where}: step {row['step']!r} is not a number")
    return seed, step, value


def _arm(path: Path, key: Key, metrics: dict[str, dict[int, dict[float, float]]]) -> Arm:
    method, workload = key
    seeds = sorted(next(iter(metrics.values())))
    curves = {}
    for metric, by_seed in metrics.items():
        if sorted(by_seed) != seeds:
            raise UserError(
                f"{path}: {method} does not have the same seeds for every metric ({metric} differs)"
            )
        steps = sorted(by_seed[seeds[0]])
        for seed, curve in by_seed.items():
            if sorted(curve) != steps:
                raise UserError(
                    f"{path}: {method}, {metric}: seed {seed} has {len(curve)} steps where seed {seeds[0]} has {len(steps)}, "
                    "or other ones; cut all seeds to their common steps, or leave the value empty where a seed diverged"
                )
        curves[metric] = np.array([[by_seed[seed][step] for step in steps] for seed in seeds])
    if len({values.shape for values in curves.values()}) > 1:
        raise UserError(
            f"{path}: {method} has metrics with different numbers of steps; give them in files of their own"
        )
    broken = ~np.all([np.isfinite(values).all(axis=1) for values in curves.values()], axis=0)
    return Arm(
        method=method,
        optimizer=method.partition("[")[0].partition("/")[0],
        workload=workload,
        seeds=tuple(seeds),
        curves=curves,
        metrics={name: Metric(name, direction_of(name)) for name in curves},
        diverged=tuple(seed for seed, bad in zip(seeds, broken, strict=True) if bad),
        facts={"file": path.name},
    )
