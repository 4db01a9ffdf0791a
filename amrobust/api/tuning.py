"""Tuning from Python: what ``amrobust tune`` does, its record as DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from amrobust.api.methods import Methods, Named, grids, named
from amrobust.api.notebook import look_again, prepared
from amrobust.report.html import with_table
from amrobust.report.text import escape
from amrobust.runs.spec import VALIDATION, Value
from amrobust.runs.tuning import edge_words, tuning_seeds
from amrobust.runs.tuning_record import TuningFile, write_tuning
from amrobust.train.search import searches
from amrobust.train.tune import tune as train_and_choose
from amrobust.train.unit import Place

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Tuned:
    """The hyperparameters that a tuning chose, and every combination that they were chosen from; shown, as their table."""

    data: TuningFile
    """The record as plain data: what the file of ``amrobust tune`` holds."""

    @property
    def chosen(self) -> dict[str, dict[str, Value]]:
        """Each method's hyperparameters, the chosen ones among them; of a method that is there twice, the last."""
        return {method.optimizer: dict(method.hyperparameters) for method in self.data.methods}

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each method whose choice lies at the edge of its grid."""
        return tuple(
            f"{method.optimizer}: {edge_words(method.tuning)}"
            for method in self.data.methods
            if method.tuning.at_edge
        )

    def table(self) -> pd.DataFrame:
        """A row a combination: method, searched hyperparameters, mean and STD over seeds of the metric, diverged seeds, chosen.

        Mean and STD are NaN where a seed diverged.
        """
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for method in self.data.methods:
            tuning = method.tuning
            for place, trial in enumerate(tuning.trials):
                rows.append(
                    {
                        "method": method.optimizer,
                        **trial.values,
                        f"{tuning.metric}_mean": float("nan") if trial.mean is None else trial.mean,
                        f"{tuning.metric}_std": float("nan") if trial.std is None else trial.std,
                        "diverged": trial.diverged,
                        "chosen": place == tuning.chosen,
                    }
                )
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return "\n".join([self._heading, self.table().to_string(index=False), *self.warnings])

    def _repr_html_(self) -> str:
        return with_table(self._heading, self.table(), self.warnings)

    @property
    def _heading(self) -> str:
        chosen = []
        for method in self.data.methods:
            values = method.tuning.trials[method.tuning.chosen].values
            chosen.append(
                f"{method.optimizer} with {', '.join(f'{name} = {v}' for name, v in values.items())}"
            )
        return escape(
            f"Tuned on {self.data.workload}, with seeds that are never judged; chosen: {'; '.join(chosen)}"
        )

    def write(self, path: str | PathLike[str]) -> None:
        """The file that ``amrobust run --tuned`` reads. Raises UserError where it cannot be written."""
        write_tuning(Path(fspath(path)), self.data)


def tune(
    methods: Methods,
    *,
    workload: Named = "digits",
    params: Mapping[str, Value] | None = None,
    seeds: int = 3,
    validation: float | None = None,
    by: Literal["I", "II"] | None = None,
    root_seed: int = 0,
    x0: int = 0,
    paired: bool = False,
    runs_dir: str | PathLike[str] = "runs",
    executor: str = "processes",
    jobs: int | None = None,
    batching: Literal["auto", "none", "stack"] = "auto",
    backend: str = "numpy",
    device: str = "cpu",
    accept_new_code: bool = False,
) -> Tuned:
    """Choose each method's hyperparameters on a validation split, with seeds never compared, as ``amrobust tune`` does.

    ``methods`` are optimizers with the values of their hyperparameters, one or a list of each; every combination is trained
    with ``seeds`` tuning seeds, and the one with the best mean at the end is chosen. ``params`` are the workload's, such as
    epochs; ``validation`` is the share of the training set that is held out where the workload can [default: 0.1]; ``by`` says
    which output of am1, am2 and hybrid decides [default: II]. The trainings lie in the directory "tuning" of ``runs_dir``, and
    the same call resumes them; those that another version of your code made are refused, unless ``accept_new_code``.

    Worker processes import the calling script again: call this below ``if __name__ == "__main__":``, or with
    ``executor="local"``. Raises UserError where an argument cannot be meant or there is nothing to choose from, RunError where
    a seed failed or all combinations of a method diverged.

    >>> import tempfile
    >>> tuned = tune(
    ...     {"msgd": {"lr": [0.03, 0.1, 0.3]}}, workload="logistic", params={"iterations": 40},
    ...     runs_dir=tempfile.mkdtemp(), executor="local",
    ... )
    >>> len(tuned.table()), tuned.data.methods[0].tuning.seeds
    (3, (900000, 900001, 900002))
    """
    look_again()
    wanted = grids(methods, "tune({'am1': {'lr': [0.01, 0.03, 0.1]}})")
    held_out = {} if validation is None else {VALIDATION: validation}
    asked = searches(
        named(workload), {**(params or {}), **held_out}, wanted, output=by, root_seed=root_seed, x0_index=x0, paired=paired
    )  # fmt: skip
    trainer, reporter = prepared([spec for search in asked for spec in search.specs], executor, jobs)
    found = train_and_choose(
        asked,
        tuning_seeds(seeds),
        Path(fspath(runs_dir)),
        trainer,
        reporter=reporter,
        batching=batching,
        place=Place(backend, device),
        accept_new_code=accept_new_code,
    )  # fmt: skip
    return Tuned(found)
