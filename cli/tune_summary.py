"""What ``amrobust tune`` says at its end: every combination with what it ended with, the chosen one marked."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from amrobust.runs.tuning import Trial, Tuning
    from amrobust.runs.tuning_record import TunedMethod, TuningFile


def summary(found: TuningFile, file: Path, runs_dir: Path, seconds: float, form: str) -> str:
    """The tables, the file and what to do next; with ``form`` "json" the same as data."""
    from amrobust.runs.files import escape, quoted, shown_json

    if form == "json":
        data = {
            "file": str(file),
            "workload": found.workload,
            "workload_params": dict(found.workload_params),
            "methods": [_as_data(method) for method in found.methods],
            "wall_seconds": round(seconds, 3),
        }
        return shown_json(data)
    lines: list[str] = []
    for method in found.methods:
        lines += [escape(line) for line in _table(method)] + [""]
    where = "" if runs_dir == Path("runs") else f" --runs-dir {quoted(runs_dir)}"
    lines.append(escape(f"tuning: {file}"))
    lines.append(f"next: amrobust run --tuned {quoted(file)} --seeds 20{where}")
    return "\n".join(lines)


def _as_data(method: TunedMethod) -> dict[str, Any]:
    tuning = method.tuning
    return {
        **asdict(method),
        "trainings": tuning.trainings,
        "budget_epochs": tuning.budget,
        "at_edge": list(tuning.at_edge),
    }


def _table(method: TunedMethod) -> list[str]:
    from amrobust.cli.columns import aligned
    from amrobust.runs.tuning import budget_words, edge_words, format_value

    tuning = method.tuning
    unit = f" ({tuning.unit})" if tuning.unit else ""
    rows = [["", *tuning.searched, f"{tuning.metric}{unit}"]]
    for place, trial in enumerate(tuning.trials):
        mark = "chosen" if place == tuning.chosen else ""
        rows.append(
            [mark, *(format_value(trial.values[name]) for name in tuning.searched), _ended(trial, tuning)]
        )
    lines = [
        f"{method.optimizer}: {budget_words(tuning)}, {tuning.better} is better",
        *aligned(rows).splitlines(),
    ]
    if tuning.at_edge:
        lines.append(f"ResultWarning: {edge_words(tuning)}.")
    return lines


def _ended(trial: Trial, tuning: Tuning) -> str:
    if trial.mean is None:
        return f"{trial.diverged} of {len(tuning.seeds)} seeds diverged" if trial.diverged else "not finite"
    spread = "" if trial.std is None else f" ± {trial.std:.2g}"
    return f"{trial.mean:.4g}{spread}"
