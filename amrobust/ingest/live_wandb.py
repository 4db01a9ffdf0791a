"""A W&B project, asked by W&B's own public API: ``pip install amrobust[wandb]``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.live import client
from amrobust.ingest.logged import LoggedRun, SeriesBuilder, State
from amrobust.ingest.parameters import flat, flat_numbers
from amrobust.runs.files import escape

STATES: dict[str, State] = {"finished": "finished", "running": "running", "pending": "running"}
"""What W&B calls a run's state; every other (crashed, failed, killed, preempted) is a failure."""
TIMEOUT = 60


def read(scheme: str, entity: str, project: str) -> Iterator[LoggedRun]:
    """Every run of a project, with its whole history. The key is that of ``wandb login``. Raises UserError."""
    wandb = client("wandb", "wandb")
    where = f"{entity}/{project}"
    try:
        if not wandb.login(prompt=False):
            raise UserError("W&B knows no key of yours: 'wandb login', or set WANDB_API_KEY")
        for run in wandb.Api(timeout=TIMEOUT).runs(where, order="+created_at"):
            yield _run(run, where, project)
    except (wandb.errors.Error, ValueError) as error:
        raise UserError(f"wandb://{escape(where)} gave no runs: {escape(str(error)[:300])}") from None


def _run(run: Any, where: str, project: str) -> LoggedRun:
    built = SeriesBuilder()
    for row in run.scan_history():
        step = row.get("_step")
        if isinstance(step, (int, float)):
            for name, value in flat_numbers({k: v for k, v in row.items() if k != "_step"}).items():
                built.add(name, float(step), value)
    config = {key: value for key, value in run.config.items() if not key.startswith("_")}
    return LoggedRun(
        path=f"{where}/{run.id}",
        fields={"experiment": project} | flat(config, Path(run.id)) | {"name": run.name or run.id},
        series=built.series(),
        state=STATES.get(run.state, "failed"),
        started=_seconds(run.created_at),
    )


def _seconds(moment: str) -> float:
    try:
        return datetime.fromisoformat(moment).timestamp()
    except (TypeError, ValueError):
        return 0.0
