"""An MLflow server, asked by MLflow's own client: ``pip install amrobust[mlflow]``."""

from __future__ import annotations

import os
from collections.abc import Iterator

from amrobust.errors import UserError
from amrobust.ingest.live import client
from amrobust.ingest.logged import LoggedRun, SeriesBuilder
from amrobust.ingest.mlflow_files import state_of
from amrobust.runs.files import escape

PAGE = 1000
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
"""Where nothing else is asked for: MLflow waits for minutes for a server that is not there."""


def read(scheme: str, place: str, experiment: str) -> Iterator[LoggedRun]:
    """Every active run of ``experiment``, with the whole history of its metrics; ``place`` is HOST or HOST:PORT.

    User, password or token are those of MLflow's own variables (MLFLOW_TRACKING_USERNAME, ...). Raises UserError.
    """
    for variable, patience in PATIENCE.items():
        os.environ.setdefault(variable, patience)
    mlflow = client("mlflow", "mlflow")
    uri = f"{'https' if scheme == 'mlflow+https' else 'http'}://{place}"
    asked = mlflow.MlflowClient(tracking_uri=uri)
    try:
        found = asked.get_experiment_by_name(experiment)
        if found is None:
            names = ", ".join(escape(each.name) for each in asked.search_experiments(max_results=10))
            raise UserError(
                f"{escape(uri)} has no experiment {escape(repr(experiment))}: there are {names or 'none'}"
            )
        token = None
        while True:
            runs = asked.search_runs(
                [found.experiment_id],
                max_results=PAGE,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            for run in runs:
                built = SeriesBuilder()
                for key in run.data.metrics:
                    points = asked.get_metric_history(run.info.run_id, key)
                    # MLflow gives back what was logged ordered so, and infinities as they are.
                    for point in sorted(points, key=lambda each: (each.timestamp, each.step)):
                        built.add(key, float(point.step), float(point.value))
                fields = {k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")} | dict(
                    run.data.params
                )
                name = {"name": run.info.run_name} if run.info.run_name else {}
                yield LoggedRun(
                    path=f"{experiment}/{run.info.run_id}",
                    fields={"experiment": experiment, **fields, **name},
                    series=built.series(),
                    state=state_of(run.info.status),
                    started=float(run.info.start_time or 0),
                )
            if not (token := runs.token):
                return
    except mlflow.exceptions.MlflowException as error:
        raise UserError(f"{escape(uri)} gave no runs: {escape(str(error).splitlines()[0][:200])}") from None
