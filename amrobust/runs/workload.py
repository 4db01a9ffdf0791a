"""A workload as data: its name and the parameters that tell it from others; labels are made of it when something is printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from amrobust.errors import UserError
from amrobust.runs.measurement import MEASURED
from amrobust.runs.method import in_parts
from amrobust.runs.spec import LOCATIONS, MEASURING, Spec


@dataclass(frozen=True)
class Workload:
    """``logistic`` with ``(("V", "350.0"), ("sigma", "0.1"))``, printed as ``logistic[V=350.0,sigma=0.1]``."""

    name: str
    params: tuple[tuple[str, str], ...] = ()
    """Those that a label tells: what is not at its default, or tells the workload from others beside it."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The parameters as they are printed: ``sigma=0.1``."""
        return tuple(f"{name}={value}" for name, value in self.params)

    @property
    def label(self) -> str:
        """The name with the parameters in brackets."""
        return self.name + (f"[{','.join(self.texts)}]" if self.params else "")

    @property
    def measurement(self) -> str | None:
        """The measurement that is not the usual one; None for that."""
        return dict(self.params).get(MEASURED)

    @property
    def usually_measured(self) -> Workload:
        """The workload without its measurement."""
        return Workload(self.name, tuple(each for each in self.params if each[0] != MEASURED))

    def also(self, params: Iterable[tuple[str, str]]) -> Workload:
        """The workload with those of ``params`` behind its own that it does not tell yet."""
        told = dict(self.params)
        return Workload(
            self.name, (*self.params, *((name, value) for name, value in params if name not in told))
        )


def from_label(label: str) -> Workload:
    """The workload that a label of a table or a log tells; one of another form is a name as a whole."""
    try:
        name, values, output = in_parts(label)
    except UserError:
        return Workload(label)
    found = Workload(name, tuple((key, ",".join(several)) for key, several in values.items()))
    return found if output is None and found.label == label else Workload(label)


def of_run(spec: Spec, label: str) -> Workload:
    """The workload of a run that amrobust trained, from its spec; ``label``, as it was recorded, says what is told of it."""
    told = [(name, value) for name, value in parameters_of(spec).items() if f"{name}={value}" in label]
    order = sorted(told, key=lambda item: label.index(f"{item[0]}={item[1]}"))
    found = Workload(label.partition("[")[0], tuple(order))
    return found if found.label == label else from_label(label)


def parameters_of(spec: Spec) -> dict[str, str]:
    """Everything that may tell workloads apart, as text: its parameters but for epochs and places, and what alone varies."""
    left_out = ("epochs", *LOCATIONS, *MEASURING)
    params = {n: str(value) for n, value in spec.workload_params.items() if n not in left_out}
    return params | {"vary": spec.vary or "all"}


def told_apart(workloads: Mapping[str, Workload], specs: Mapping[str, Spec]) -> dict[str, Workload]:
    """The ``workloads``, by label, with what differs from others of the same name, at a default too.

    Where ``logistic[sigma=2.0]`` stands beside ``logistic``, that becomes ``logistic[sigma=1.0]``.
    """
    values = {label: parameters_of(spec) for label, spec in specs.items()}
    return {
        label: workload.also(
            (name, value)
            for name, value in values[label].items()
            if any(
                values[other].get(name) != value
                for other, spec in specs.items()
                if spec.workload == specs[label].workload
            )
        )
        for label, workload in workloads.items()
    }


def shared_and_own(workloads: Sequence[Workload]) -> tuple[Workload, list[Workload]] | None:
    """What workloads of one name share, and each with what tells it from the others alone.

    ``logistic[V=350.0,sigma=0.1]`` and the same at 1.0 as ``logistic[V=350.0]`` and ``logistic[sigma=0.1]``,
    ``logistic[sigma=1.0]``.

    None where they are of several names, are all the same, or one has no parameter of its own.
    """
    if len(set(workloads)) < 2 or len({workload.name for workload in workloads}) > 1:
        return None
    common = [each for each in workloads[0].params if all(each in workload.params for workload in workloads)]
    own = [Workload(w.name, tuple(each for each in w.params if each not in common)) for w in workloads]
    return (Workload(workloads[0].name, tuple(common)), own) if all(w.params for w in own) else None
