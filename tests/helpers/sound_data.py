"""Sound data in the forms that people bring: two methods, ``adam`` and ``sgd``, over seeds and epochs."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np

Row = dict[str, Any]
Rows = list[Row]
Files = dict[str, Any]
"""Their contents, text or bytes, by name."""

FORMS = {
    "table": "a row per step: `method,lr,seed,epoch,val_acc`",
    "wide": "a column per seed: `epoch,adam_seed0,adam_seed1,...`",
    "finals": "a row per seed: `method,lr,seed,val_acc`",
    "logs": "a folder with a file per seed: `adam-seed0.csv` of `epoch,val_acc`",
    "jsonl": "a JSON object a step",
}


def sound(seeds: int, epochs: int, chance: int = 0) -> Rows:
    """``adam`` and ``sgd``, whose seeds vary three times as much."""
    rng = np.random.default_rng(chance)
    rows = []
    for method, lr, spread in (("adam", 0.001, 1.0), ("sgd", 0.1, 3.0)):
        for seed in range(seeds):
            levels = 50 + rng.normal(0, spread) + 2.0 * np.arange(epochs) + rng.normal(0, spread / 3, epochs)
            rows += [
                {"method": method, "lr": lr, "seed": seed, "epoch": epoch, "val_acc": round(float(level), 4)}
                for epoch, level in enumerate(levels, 1)
            ]
    return rows


def written(rows: Rows, form: str) -> Files:
    """The files of ``rows`` in one of FORMS."""
    if form == "jsonl":
        return {"results.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)}
    if form == "finals":
        last = max(row["epoch"] for row in rows)
        return {"results.csv": table([without(row, "epoch") for row in rows if row["epoch"] == last])}
    if form == "wide":
        steps: dict[Any, Row] = {}
        for row in rows:
            steps.setdefault(row["epoch"], {"epoch": row["epoch"]})[f"{row['method']}_seed{row['seed']}"] = (
                row["val_acc"]
            )
        return {"results.csv": table(list(steps.values()))}
    if form == "logs":
        runs: dict[str, Rows] = {}
        for row in rows:
            name = f"{row['method']}-seed{row['seed']}.csv"
            runs.setdefault(name, []).append(without(row, "method", "lr", "seed"))
        return {name: table(of) for name, of in runs.items()}
    return {"results.csv": table(rows)}


def table(rows: Rows) -> str:
    """CSV, with the columns that any row has."""
    names = dict.fromkeys(name for row in rows for name in row)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in rows)
    return text.getvalue()


def without(row: Row, *names: str) -> Row:
    """``row`` less some columns."""
    return {name: cell for name, cell in row.items() if name not in names}
