"""Runs recorded from loops that are not amrobust's: one seed at a time, from any number of processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.recorder_place import Place
from amrobust.ingest.recorder_values import metric_name, name_of, one_of, text_of, whole_number
from amrobust.ingest.recording import Recording
from amrobust.runs.axis import EPOCH, MAX_EPOCHS
from amrobust.runs.documents import mapping_given, several_given
from amrobust.runs.metric import direction, refuse_unnamed
from amrobust.runs.seeds import MAX_SEED, as_given, seed_of
from amrobust.runs.spec import Value, can_be_recorded, plain


def record(
    directory: str | PathLike[str],
    *,
    method: str,
    seed: int | str,
    workload: str,
    hyperparameters: Mapping[str, Value] | None = None,
    epochs: int | None = None,
    seeds: int | None = None,
    metrics: Sequence[str] = (),
    better: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    paired: bool = False,
    axis: str = EPOCH,
    resume: bool = False,
) -> Recording:
    """Record one seed of ``method`` on ``workload`` from a loop of one's own, below ``directory``.

    Use as a context: what is logged becomes one seed of a run when the block ends, or where there is none with
    ``run.finish()``. Of a seed whose block ends in an exception, or whose process is killed, what was logged stays beside the
    run (``seed-0.jsonl``), and it is not done. With ``resume`` it goes on: its rows from before the first that is logged now
    are kept, also those of a complete seed that is trained further. Several processes may record seeds of one run at once.
    ``better`` says of a metric that it is better "higher" or "lower"; else its name says so (docs/formats.md has the words
    that do), or the comparison asks. ``metrics`` names those to keep.
    ``axis`` is what the first argument of ``run.log`` counts: "step", "tokens", "time (s)", ...; ``epochs`` is how many of them
    a seed may have. ``seeds`` is how many the study was planned with: seeds beyond it draw the warning that they were added.
    ``paired``: equal seeds of different methods share their random streams. A seed is any whole number, or a text; seeds and
    hyperparameters may be scalars of NumPy or torch: what is recorded are Python's own.

    Raises UserError on a value that cannot be recorded, and where the seed is recorded already, or another process is recording
    it. From then on nothing is raised (:class:`Recording`): what does not fit the run's other seeds is said at the end, and
    kept beside the run.

    >>> import tempfile
    >>> with record(tempfile.mkdtemp(), method="adam", seed=0, workload="mine") as run:
    ...     for epoch in range(1, 4):
    ...         run.log(epoch, test_accuracy=90 + epoch)
    """
    recording = prepared(
        directory, method=method, seed=seed, workload=workload, hyperparameters=hyperparameters, epochs=epochs, seeds=seeds,
        metrics=metrics, better=better, units=units, paired=paired, axis=axis,
    )  # fmt: skip
    recording.begin(resume=one_of("resume", resume, (True, False)))
    return recording


def prepared(
    directory: str | PathLike[str],
    *,
    method: str,
    seed: int | str,
    workload: str,
    hyperparameters: Mapping[str, Value] | None = None,
    epochs: int | None = None,
    seeds: int | None = None,
    metrics: Sequence[str] = (),
    better: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    paired: bool = False,
    axis: str = EPOCH,
) -> Recording:
    """The recording that :func:`record` would begin, its options checked. Raises UserError."""
    place = _place(directory, method, workload, hyperparameters, paired)
    ways = mapping_given("better", better, "{'my_metric': 'lower'}")
    place.better = {name: direction(f"better of {name}", plain(way)) for name, way in ways.items()}
    place.units = {
        name: text_of(f"the unit of {name}", unit, least=0)
        for name, unit in mapping_given("units", units, "{'acc': '%'}").items()
    }
    place.planned = None if seeds is None else whole_number("seeds", seeds, 1, MAX_SEED)
    length = None if epochs is None else whole_number("epochs", epochs, 1, MAX_EPOCHS)
    which = seed_of(seed)
    label = name_of("axis", axis)
    if isinstance(metrics, str):
        raise UserError(f"metrics are names, such as ({metrics!r},), not {metrics!r}")
    wanted = [metric_name(name) for name in several_given("metrics", metrics, "('acc', 'loss')")]
    if wanted:
        refuse_unnamed("better", place.better, wanted)
        refuse_unnamed("units", place.units, wanted)
    return Recording(place, which, length, wanted, label)


def recorded(
    directory: str | PathLike[str],
    *,
    method: str,
    workload: str,
    hyperparameters: Mapping[str, Value] | None = None,
    paired: bool = False,
) -> tuple[int | str, ...]:
    """The seeds of this run that are complete, ascending, as they were given: those that a loop may pass over.

    >>> recorded("nowhere", method="adam", workload="mine")
    ()
    """
    run = _place(directory, method, workload, hyperparameters, paired).read()
    return tuple(map(as_given, run.manifest.complete)) if run is not None else ()


def _place(
    directory: str | PathLike[str],
    method: str,
    workload: str,
    hyperparameters: Mapping[str, Value] | None,
    paired: bool,
) -> Place:
    """The place of a run, once all that names it is what a manifest can hold. Raises UserError."""
    values = {}
    for key, value in mapping_given("hyperparameters", hyperparameters, "{'lr': 0.1}").items():
        values[text_of("a hyperparameter's name", key)] = stored = plain(value)
        if not can_be_recorded(stored):
            raise UserError(
                f"the hyperparameter {key!r} is a number, a text, true, false or None, not {value!r:.100}"
            )
    shared = one_of("paired", paired, (True, False))
    try:
        # A directory given now is the same one when the block ends, wherever the process has gone meanwhile.
        where = Path(directory).absolute()
    except TypeError:
        raise UserError(f"the directory is a path, not {directory!r:.100}") from None
    return Place(where, name_of("method", method), name_of("workload", workload), values, shared)
