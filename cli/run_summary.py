"""What ``amrobust run`` says at its end: final values, speed, where the runs are, what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from amrobust.runs.manifest import Manifest
    from amrobust.runs.store import Run
    from amrobust.train.reporter import Final, RunResult


def summary(run: Run, seeds: int, seconds: float, runs_dir: Path, form: str) -> str:
    """What is said at the end: final mean ± STD an output, speed, where the run is, what to do next."""
    from amrobust.runs.curves import mean_and_std
    from amrobust.runs.files import quoted, shown_json

    manifest, curves = run.manifest, run.curves()
    facts = manifest.facts
    metric, unit = facts.metrics[0].name, facts.metrics[0].unit
    made = manifest.provenance[-1]
    speed = made.seeds * facts.epochs / made.wall_seconds if made.wall_seconds else None
    finals = {facts.called(output): curves[output][metric][:, -1] for output in facts.outputs}
    rows = {
        name: dict(zip(("final_mean", "final_std"), mean_and_std(values), strict=True))
        for name, values in finals.items()
    }
    if form == "json":
        data = {
            "run": str(run.path),
            "seeds_complete": len(manifest.complete),
            "metric": metric,
            "unit": unit,
            "outputs": rows,
            "wall_seconds": round(seconds, 3),
            "seed_epochs_per_second": speed,
        }
        return shown_json(data)
    width = max(map(len, rows))
    lines = [f"{name:<{width}}  {_final(metric, unit, finals[name])}" for name in rows]
    if speed is not None:
        lines.append(
            f"{made.seeds} seeds x {facts.epochs} epochs in {made.wall_seconds:.1f} s: {speed:.1f} seeds x epochs/s"
        )
    if share := measuring_share([run.manifest]):
        lines.append(share)
    lines.append(f"run: {run.path}")
    lines.append(f"next: amrobust compare {quoted(runs_dir)}")
    return "\n".join(lines)


def measuring_share(manifests: Sequence[Manifest]) -> str:
    """How much of the training's time other measurements than the usual one took; empty where there were none."""
    records = [manifest.seeds[seed] for manifest in manifests for seed in manifest.complete]
    measuring = sum(record.measuring_seconds for record in records)
    names = dict.fromkeys(name for manifest in manifests for _, name in manifest.facts.measured.values())
    if not measuring:
        return ""
    share = measuring / sum(record.wall_seconds for record in records)
    return f"measured as {', '.join(names)} too: {share:.0%} of the wall time"


def _final(metric: str, unit: str, values: NDArray[np.float64]) -> str:
    """Mean ± STD of the final values, or how many seeds have none."""
    import numpy as np

    from amrobust.runs.curves import LARGEST, mean_and_std

    lost = int((~(np.abs(values) <= LARGEST)).sum())
    if lost:
        return f"{lost} of {len(values)} seeds diverged"
    mean, std = mean_and_std(values)
    spread = f" ± {std:.2g} (STD of {len(values)} seeds)" if std is not None else ""
    return f"final {metric} {mean:.4g}{unit}{spread}"


def grid_summary(rows: Sequence[RunResult], seeds: int, seconds: float, runs_dir: Path, form: str) -> str:
    """A line for each output of each run, and what to do next."""
    from amrobust.runs.files import escape, quoted, shown_json

    if form == "json":
        return shown_json({"runs": [_as_data(row) for row in rows], "wall_seconds": round(seconds, 3)})
    from amrobust.cli.columns import aligned
    from amrobust.runs.store import manifest_in

    table = [["method", "workload", "final", "seeds", "run", ""]]
    for row in rows:
        place = row.path.name if row.path is not None else ""
        count, note = f"{row.complete}/{seeds}", "failed" if row.error is not None else ""
        if row.busy:
            count, note = "", "another process works on it"
        if row.diverged:
            note = f"{row.diverged} seeds diverged"
        for final in row.finals:
            table.append([final.method, row.workload, _of_row(row, final), count, place, note])
        if not row.finals:
            table.append([row.spec.optimizer, row.workload, "", count, place, note])
    trained = sum(row.trained for row in rows)
    lines = [aligned([[escape(cell) for cell in line] for line in table])]
    if trained:
        lines.append(f"trained {trained} seeds of {len(rows)} runs in {seconds:.1f} s")
        manifests = [manifest for row in rows if row.path is not None and (manifest := manifest_in(row.path))]
        if share := measuring_share(manifests):
            lines.append(share)
    if not all(row.error for row in rows):
        lines.append(f"next: amrobust compare {quoted(runs_dir)}")
    return "\n".join(lines)


def _of_row(row: RunResult, final: Final) -> str:
    if final.mean is None:
        return "" if row.diverged else "beyond what has a mean"
    spread = f" ± {final.std:.2g}" if final.std is not None else ""
    return f"{row.metric} {final.mean:.4g}{row.unit}{spread}"


def _as_data(row: RunResult) -> dict[str, object]:
    return {
        "run": None if row.path is None else str(row.path),
        "optimizer": row.spec.optimizer,
        "workload": row.workload,
        "seeds_complete": row.complete,
        "seeds_trained": row.trained,
        "seeds_diverged": row.diverged,
        "metric": row.metric or None,
        "unit": row.unit,
        "outputs": {final.method: {"final_mean": final.mean, "final_std": final.std} for final in row.finals},
        "error": row.error,
        "busy": row.busy,
    }
