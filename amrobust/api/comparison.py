"""A comparison in memory: what ``amrobust compare`` prints, as DataFrames, figures, text and warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from amrobust.api.plots import Plots
from amrobust.api.reading import ReadingFiles
from amrobust.api.runs import Runs, runs_of
from amrobust.errors import UserError
from amrobust.judge.claim import Claim
from amrobust.judge.compare import compare as judge
from amrobust.judge.comparison import Comparison as Judged
from amrobust.judge.comparison import GroupComparison, Verdict
from amrobust.judge.endpoints import best_of
from amrobust.judge.lengths import Lengths
from amrobust.judge.named import labelled
from amrobust.judge.rules import Centre, IntervalName, Pairs, Rules, Selection, TestName
from amrobust.report.names import titled
from amrobust.report.notes import notes
from amrobust.runs.arms import what_was_read
from amrobust.runs.documents import mapping_given, several_given, text_given
from amrobust.stats.levels import Scale
from amrobust.stats.results import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Comparison:
    """Verdicts with their evidence and warnings; ``print`` gives the table of the command line, a notebook shows it as HTML.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> runs = Runs.from_arrays(
    ...     {"sgd": rng.normal(90, 2, (20, 10)), "adam": rng.normal(90, 0.5, (20, 10))}, metric="accuracy", unit="%"
    ... )
    >>> comparison = compare(runs, baseline="sgd")
    >>> comparison.table()[["claim", "outcome"]]
               claim       outcome
    0    better mean  inconclusive
    1    less spread     supported
    2  less Avg. STD     supported
    >>> comparison.warnings[0].kind
    'unknown-x0'
    """

    data: Judged
    """The comparison as plain data: the input of every report."""

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All verdicts, in order."""
        return tuple(verdict for compared in self.data.groups for verdict in compared.verdicts)

    @property
    def warnings(self) -> tuple[Any, ...]:
        """What the reader has to know, with its hint: each warning once, as the command line and the PDF show them."""
        return tuple(note.warning for compared in self.data.groups for note in notes(compared))

    @property
    def problems(self) -> tuple[str, ...]:
        """What was set aside, a line each."""
        return self.data.problems

    def table(self) -> pd.DataFrame:
        """A row per verdict: estimate, interval, p-values, outcome, the seeds that would settle it."""
        return _frame(_verdict_row(compared, verdict) for compared, verdict in self._pairs())

    def methods(self) -> pd.DataFrame:
        """A row per method: mean, STD and Avg. STD, each with its interval; NaN where diverged or too few seeds forbid one."""
        rows = []
        for compared in self.data.groups:
            for summary in compared.summaries:
                row: dict[str, Any] = {
                    "workload": compared.workload, "metric": compared.metric.name, "method": summary.method,
                    "label": compared.titles[summary.method], "n": summary.n, "diverged": summary.diverged,
                }  # fmt: skip
                numbers = {
                    "mean": summary.final_mean,
                    "std": summary.final_spread,
                    "avg_std": summary.avg_std,
                    "std_on_distribution": summary.on_distribution,
                }
                for name, result in numbers.items():
                    row |= _interval(name, result)
                rows.append(row)
        return _frame(rows)

    def warnings_table(self) -> pd.DataFrame:
        """A row per warning: its kind, what is the matter, what would remove it, and what it concerns."""
        columns = ("workload", "kind", "message", "hint", "about")
        return _frame(
            (
                dict(
                    zip(
                        columns,
                        (
                            compared.workload,
                            note.warning.kind,
                            note.warning.message,
                            note.hint,
                            note.scope,
                        ),
                        strict=True,
                    )
                )
                for compared in self.data.groups
                for note in notes(compared)
            ),
            columns,
        )

    @property
    def plot(self) -> Plots:
        """Figures on matplotlib axes: ``plot.curves()``, ``plot.stds()``, ``plot.finals()``, ``plot.claims()``."""
        return Plots(titled(self.data))

    def render(self, form: str = "table", *, verbose: bool = False) -> str:
        """The comparison as text: table, json, csv, latex, markdown or html. Raises UserError on another format.

        With ``verbose`` the table has every test, and every warning with its hint.
        """
        from amrobust.report import render

        return render(self.data, form, verbose=verbose)

    def write_report(
        self,
        path: str | PathLike[str],
        *,
        title: str | None = None,
        authors: Sequence[str] = (),
        paper: Literal["a4", "letter"] = "a4",
        sections: Sequence[str] | None = None,
        template: str | PathLike[str] | None = None,
        provenance: Literal["names", "full"] = "names",
    ) -> None:
        """Write the report as PDF or HTML by the ending of ``path``; ``sections`` are names, in the order of the report.

        Absolute paths are printed as the names of their files, or whole where ``provenance`` is "full".

        Raises UserError where ``path`` cannot be written, on an unknown paper or section, and on a template that fails.
        """
        from amrobust.report import Layout, write_report
        from amrobust.report.layout import SECTIONS, parse_sections

        chosen = parse_sections(",".join(SECTIONS if sections is None else sections))
        place = Path(template) if template is not None else None
        write_report(
            self.data, path, Layout(title, tuple(authors), paper, chosen, place, provenance=provenance)
        )

    def write_figures(self, directory: str | PathLike[str], formats: Sequence[str] = ("pdf",)) -> list[Path]:
        """Write the report's figures as files of their own (pdf, svg, png), and return their paths."""
        from amrobust.report import write_figures

        return write_figures(self.data, Path(directory), formats)

    @property
    def read(self) -> tuple[str, ...]:
        """What was read as method, seed, step and metric, a line for each log, table or mapping; none of recorded runs."""
        return tuple(what_was_read(arm for compared in self.data.groups for arm in compared.arms))

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [f"read: {line}" for line in self.read]
        return "\n".join([*lines, *([""] if lines else []), self.render().rstrip("\n")])

    def _repr_html_(self) -> str:
        from amrobust.report.html import fragment

        return fragment(self.data)

    def _pairs(self) -> Iterable[tuple[GroupComparison, Verdict]]:
        return ((compared, verdict) for compared in self.data.groups for verdict in compared.verdicts)


CLAIMS = "[amrobust.Claim('less spread', 'adam', 'sgd')]"


def compare(
    runs: Runs | str | PathLike[str] | Mapping[str, Any] | Any,
    *,
    metric: str | None = None,
    units: Mapping[str, str] | None = None,
    test: TestName = "auto",
    center: Centre = "median",
    interval: IntervalName = "test",
    failure: float | None = None,
    baseline: str | None = None,
    pairs: Pairs = "baseline",
    margin: float | None = None,
    alpha: float = 0.05,
    final: str = "last",
    looks: Sequence[int] = (),
    scale: Scale = "none",
    grid: str | None = None,
    lengths: Lengths = "refuse",
    diverged: float | None = None,
    tuning: str | None = None,
    measured: str = "each",
    complete_cases: bool = False,
    allow_different_x0: bool = False,
    claims: Sequence[Claim] | None = None,
    labels: Mapping[str, str] | None = None,
    **reading: Unpack[ReadingFiles],
) -> Comparison:
    """Judge which method varies less from seed to seed: what ``amrobust compare`` does, with the same defaults.

    ``runs`` are :class:`Runs`, a path that :func:`load` takes, a frame that :meth:`Runs.from_frame` takes, or a mapping of
    arrays, ``{"sgd": array, "adam": array}``, that :meth:`Runs.from_arrays` takes: (seeds,) of final values, or (seeds,
    epochs). ``metric`` is "NAME" or "NAME:lower", ``units`` such as ``{"acc": "%"}``, and ``reading`` says how a path or a
    frame is read: method_from, seed_from, step_from, workload_from, nuisances, duplicates, missing_seeds, ...

    Without ``claims``, every method is held against the baseline: better mean (equivalent within ``margin`` where one is
    given), less final spread, less Avg. STD; all claims are one family of error rate ``alpha`` (Holm; intervals at
    their steps). With ``interval`` "bootstrap-t", "bca" or "percentile", intervals of means and spreads are the bootstrap's,
    with their measured coverage; a verdict then needs the test and the interval. ``failure`` is how much worse than its
    method's median a failing seed is, for the tipping points of verdicts on spreads (else: like the worst seed seen). ``grid``
    ("every:1000", "intersection", "20:mean", ...) reads curves that were measured at different steps on a common
    grid. ``lengths`` says what it means that seeds end early ("hold" their last value, "drop", "diverged", or cut all
    where they are "common"); a seed that ends worse than ``diverged`` counts as diverged. ``tuning`` says in words
    how hyperparameters were chosen, where the data do not. ``measured`` says which measurement of the same weights is
    compared: "each" by itself, "usual", a name such as "recomputed" (batch-norm statistics), or all "together" as
    methods. ``labels`` says what methods are called in print. Raises
    UserError where nothing can be compared.
    """
    text_given("metric", metric, "'acc' or 'acc:higher'")
    text_given("baseline", baseline, "'sgd'")
    text_given("grid", grid, "'every:1000' or 'intersection'")
    text_given("tuning", tuning, "'20 random learning rates per method'")
    names = mapping_given("labels", labels, "{'sgd': 'SGD'}")
    planned = several_given("looks", looks, "(5, 10, 20)")
    chosen = None if claims is None else several_given("claims", claims, CLAIMS)
    if wrong := [claim for claim in chosen or () if not isinstance(claim, Claim)]:
        raise UserError(f"claims are several, such as {CLAIMS}, and {wrong[0]!r:.100} is none")
    chooser = best_of(final)
    found = runs_of(runs, metric, units, reading, [chooser] if chooser else [])
    return Comparison(
        judge(
            labelled(found.arms, names),
            Selection(
                metric,
                baseline,
                pairs,
                margin,
                complete_cases,
                allow_different_x0,
                scale,
                grid,
                lengths,
                diverged,
                tuning,
                measured,
            ),
            Rules(
                alpha=alpha,
                test=test,
                centre=center,
                final=final,
                interval=interval,
                failure=failure,
                looks=planned,
            ),
            claims=chosen,
            problems=found.problems,
        )
    )


def _verdict_row(compared: GroupComparison, verdict: Verdict) -> dict[str, Any]:
    claim, test = verdict.claim, verdict.test
    return {
        "workload": compared.workload,
        "metric": compared.metric.name,
        "method": claim.method,
        "label": compared.titles.get(claim.method, claim.method),
        "baseline": claim.baseline,
        "claim": claim.kind,
        "outcome": verdict.outcome,
        **_interval("estimate", verdict.interval),
        "level": verdict.interval.level if verdict.interval is not None else None,
        "interval_by": verdict.interval.test if verdict.interval is not None else None,
        "p": verdict.p,
        "p_adjusted": verdict.p_adjusted,
        "test": test.test if test is not None else None,
        "second_p": verdict.sensitivity_test.p if verdict.sensitivity_test is not None else None,
        "practically_significant": verdict.practically_significant,
        "required_seeds": verdict.required_seeds,
        "required_seeds_low": verdict.seed_range.low if verdict.seed_range else None,
        "required_seeds_high": verdict.seed_range.high if verdict.seed_range else None,
        "would_be": verdict.would_be,
        "tipping_method": verdict.tipping.method if verdict.tipping else None,
        "tipping_seeds": verdict.tipping.seeds if verdict.tipping else None,
        "missed_failures": verdict.tipping.missed if verdict.tipping else None,
        "sentence": verdict.sentence,
    }


def _interval(name: str, result: Result | None) -> dict[str, float | None]:
    values = (result.estimate, result.low, result.high) if result is not None else (None, None, None)
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def _frame(rows: Iterable[dict[str, Any]], columns: Sequence[str] | None = None) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows), columns=None if columns is None else list(columns))
