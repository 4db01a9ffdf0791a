"""What is claimed, as data."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields

from amrobust.errors import UserError
from amrobust.judge.kinds import KINDS
from amrobust.judge.kinds.kind import Kind, described
from amrobust.judge.usage import asked_for, meant
from amrobust.stats.limits import check_finite, check_rate, is_count, is_number


@dataclass(frozen=True)
class Claim:
    """A statement about one method against a baseline, made before the runs are read.

    ``less spread`` is about the final spread (STD over seeds of the final value), ``less Avg. STD`` about the mean over
    epochs of the across-seed STD, ``less spread on the distribution`` about the final spread of accuracy without the part that
    the finite test set makes; ``better mean`` means higher or lower as the metric wants; ``equivalent mean`` and
    ``non-inferior`` need a ``margin`` in the metric's unit. ``comparable spread`` and ``comparable Avg. STD`` say that the
    ratio of the two spreads lies between 1/``margin`` and ``margin``, a ratio above 1; ``no more spread`` and ``no more Avg.
    STD`` that it lies below ``margin``. ``composite`` holds when all its ``parts`` do (the paper's own claim: as accurate *and*
    less spread); parts have the same method and baseline and are not composite themselves.

    ``ranks better`` says that a run ends better than one of the baseline with a probability above ½, ties counting
    half and diverged runs as the worst. ``lower wall time`` is about the wall time of a seed, ``diverges less`` about
    the share of all seeds that diverge. Two kinds are about a sweep, its ``methods`` in order: ``trend`` says that
    the spread (Avg. STD of curves) falls, or with ``rising`` rises, as the swept value grows; ``equivalent across the
    sweep`` that all pairs of final means are equivalent within ``margin``. Their ``method`` and ``baseline`` are its
    ends.

    ``exceedance bound`` is about one method (its own ``baseline``): with ``bound`` = (threshold, probability), a run ends worse
    than the threshold with at most that probability. Diverged runs end worse than everything. ``deviation`` is the Λ of
    Theorem 1b whose bound this is; it becomes one when the problem is known.

    ``better after`` and ``worse after`` are about one method too: its metric in the second of ``epochs`` = (before, after)
    against that in the first, in each seed; between the two lies a change such as a drop of the learning rate.

    With ``epochs`` = (first, last) any other claim is about that phase of training: the Avg. STD over it, or each seed's mean
    over it.
    ``phase`` = (from, to) says the same in shares of the training, and becomes ``epochs`` when the runs are known; that of a
    change, (at, at), becomes the epochs on its two sides.

    An entry of ``methods`` such as ``am1[m=*]/II`` stands for all methods of that form, by the value in the place of the
    asterisk; it is replaced by their names when the runs are known. So is ``over``, the hyperparameter in which the methods of
    a ``trend`` differ.
    """

    kind: str
    """One of ``KINDS``."""
    method: str
    baseline: str
    margin: float | None = None
    parts: tuple[Claim, ...] = ()
    epochs: tuple[int, int] | None = None
    methods: tuple[str, ...] = ()
    rising: bool = False
    bound: tuple[float, float] | None = None
    phase: tuple[float, float] | None = None
    deviation: float | None = None
    over: str | None = None

    def __post_init__(self) -> None:
        """Raises UserError where the claim says nothing, or what no number could decide."""
        if self.kind not in KINDS:
            raise UserError(f"no claim is called {self.kind!r}: {meant(str(self.kind), KINDS)}")
        self._check_numbers()
        for name in ("margin", "parts", "methods", "rising", "bound", "deviation"):
            if getattr(self, name) not in (None, (), False) and name not in self.form.takes:
                raise UserError(f"{described(self)} takes no {name}")
        self.form.check(self)
        for part in self.parts:
            if not part.form.can_be_a_part or (part.method, part.baseline) != (self.method, self.baseline):
                raise UserError(
                    f"a part of {described(self)} is about {self.method} against {self.baseline} too, and neither composite, "
                    f"nor of one method, nor of a sweep: {part.kind!r} about {part.method} against {part.baseline} is none"
                )

    @property
    def form(self) -> Kind:
        """Its kind, which knows everything that differs from kind to kind."""
        return KINDS[self.kind]

    @property
    def involved(self) -> tuple[str, ...]:
        """The methods that it is about, each once."""
        return self.methods or tuple(dict.fromkeys((self.method, self.baseline)))

    @property
    def is_about_a_pair(self) -> bool:
        """Whether a method is held against a baseline, and not a sweep or a method by itself."""
        return self.form.about == "two methods"

    def is_like(self, other: Claim) -> bool:
        """Whether ``other`` claims the same, in a phase of its own curves where this claim is about one of its own."""
        return (
            (self.epochs is None) == (other.epochs is None)
            and len(self.parts) == len(other.parts)
            and all(mine.is_like(part) for mine, part in zip(self.parts, other.parts, strict=True))
            and all(
                getattr(self, field.name) == getattr(other, field.name)
                for field in fields(self)
                if field.name not in ("epochs", "parts")
            )
        )

    def _check_numbers(self) -> None:
        if self.deviation is not None:
            with asked_for():
                check_finite("deviation", self.deviation)
        if self.bound is not None:
            with asked_for("a bound is a pair [threshold, probability]: "):
                check_finite("threshold", self.bound[0])
                check_rate("probability", self.bound[1])
        if self.epochs is not None and self.phase is not None:
            raise UserError(
                "a claim has epochs or a phase: give two growing shares of the training and no epochs, or epochs alone"
            )
        if self.epochs is not None and (
            len(self.epochs) != 2
            or not all(is_count(epoch, 1, sys.maxsize) for epoch in self.epochs)
            or self.epochs[0] > self.epochs[1]
        ):
            raise UserError(f"epochs = {list(self.epochs)} is no phase: give [first, last]")
        if self.phase is not None and (len(self.phase) != 2 or not all(map(is_number, self.phase))):
            raise UserError(f"phase = {list(self.phase)} is none: give two shares of the training")
