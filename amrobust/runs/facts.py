"""What a spec amounts to before it is trained: its starting point, data, outputs, metrics and lengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from amrobust.runs.axis import Axis
from amrobust.runs.axis import epochs as epochs_axis
from amrobust.runs.metric import Metric
from amrobust.runs.spec import content_digest

Files = Mapping[str, str]
"""SHA-256 by the name of a file, such as ``package/module.py``; the version by ``package NAME``."""


@dataclass(frozen=True)
class RunFacts:
    """Derived from a Spec by :func:`amrobust.train.prepare.describe`; recorded with the run."""

    x0_digest: str | None
    """SHA-256 of the starting point (of seed 0's where it varies); None where the training was not amrobust's own."""
    data_digest: str | None
    outputs: tuple[str, ...]
    methods: Mapping[str, str]
    """The method's name for each output."""
    metrics: tuple[Metric, ...]
    """The primary metric first."""
    epochs: int
    steps_per_epoch: int | None
    first_output_epoch: Mapping[str, int]
    """For each output the first epoch at whose end it differs from x0."""
    workload_label: str
    """The workload with its parameters that differ from the defaults, epochs and data apart, and what alone varies."""
    versions: Mapping[str, str]
    device: str
    data_note: str | None = None
    """What a reader must know about the data: that they are not the publisher's bytes, where that is so."""
    backend: str | None = None
    """The array library that computes a convex problem; None where torch trains a network."""
    code: Mapping[str, str] | None = None
    """Digests of the code of others (:mod:`amrobust.train.code`), empty where it has none; None where not known."""
    axis: Axis | None = None
    """Where the curves were measured, one for all seeds; None for the epochs 1 to ``epochs``."""

    @property
    def coordinates(self) -> Axis:
        """The axis, spelled out."""
        return self.axis or epochs_axis(self.epochs)


PACKAGE = "package "
"""How the entries of :data:`Files` begin that are versions of installed packages."""


def code_digest(files: Files | None) -> str | None:
    """One digest of ``files``; None where there are none."""
    return content_digest(dict(files)) if files else None


def source_digest(files: Files | None) -> str | None:
    """One digest of the sources among ``files``, versions of packages left out; None where there are none."""
    return code_digest({name: found for name, found in (files or {}).items() if not name.startswith(PACKAGE)})
