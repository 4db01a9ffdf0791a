"""Where along a training its metrics were measured: epochs, steps, tokens, seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from amrobust.runs.files import spans

EPOCH, STEP = "epoch", "step"
FINAL = "final value"
"""What the one place is called of values of which nobody says when they were measured."""
SYNONYMS = {
    "epochs": EPOCH, "steps": STEP, "_step": STEP, "global_step": STEP, "trainer/global_step": STEP, "iteration": STEP,
    "iterations": STEP, "iter": STEP, "timesteps": STEP, "total_timesteps": STEP, "time/total_timesteps": STEP,
}  # fmt: skip
"""What the tools call one and the same count."""
MAX_EPOCHS = 1_000_000
"""Columns of a run's curves."""
_LABEL = re.compile(r"(?P<name>.*\S)\s*\((?P<unit>[^()]+)\)")


@dataclass(frozen=True)
class Axis:
    """The coordinates of a curve's columns: their name and unit ("" where the name says all), and their increasing values."""

    name: str
    """As it was called where the curves come from."""
    unit: str
    values: tuple[float, ...]

    @classmethod
    def called(cls, label: str, values: Iterable[float]) -> Axis:
        """The axis under a label such as ``step`` or ``time (s)``: the inverse of :attr:`label`."""
        found = _LABEL.fullmatch(label.strip())
        name, unit = (found["name"], found["unit"].strip()) if found else (label.strip(), "")
        return cls(name, unit, tuple(map(float, values)))

    @property
    def label(self) -> str:
        """The name, with its unit in brackets."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def quantity(self) -> str:
        """What is counted, whatever the tool called it: ``_step`` and ``iteration`` are steps."""
        name = self.name.lower()
        return SYNONYMS.get(name, name)

    @property
    def are_epochs(self) -> bool:
        """Whether these are the epochs 1 to their number, as amrobust's own trainings have them."""
        return self.quantity == EPOCH and self.values == epochs(len(self.values)).values

    @property
    def plural(self) -> str:
        """The name of several coordinates: ``epochs``, ``tokens``."""
        return self.quantity if self.quantity.endswith("s") else f"{self.quantity}s"

    @property
    def words(self) -> str:
        """For a heading: ``30 epochs``, ``1 epoch``, or of other coordinates ``10 steps (100, 200 ... 1000)``.

        Of what is neither, ``10 points of tokens (...)``: 10 tokens would be something else.
        """
        if self.quantity == FINAL:
            return self.plural
        count = len(self.values)
        noun = self.plural if count > 1 else self.quantity
        if self.are_epochs:
            return f"{count} {noun}"
        if count > 1 and self.quantity not in (EPOCH, STEP):
            noun = f"points of {self.quantity}"
        return f"{count} {noun} ({self.range})" if count > 1 else f"{noun} {self.range}"

    @property
    def range(self) -> str:
        """Which coordinates these are: ``1 to 90``, ``100, 200 ... 9000``, with the unit."""
        first, last = number(self.values[0]), number(self.values[-1])
        unit = f" {self.unit}" if self.unit else ""
        if len(self.values) == 1:
            return f"{first}{unit}"
        step = self.values[1] - self.values[0]
        second = f", {number(self.values[1])} ..." if step != 1 and len(self.values) > 2 else " to"
        return f"{first}{second} {last}{unit}"

    @property
    def grid(self) -> str:
        """For a message that holds it against others: ``step 100…1000 (10)``."""
        ends = dict.fromkeys(map(number, (self.values[0], self.values[-1])))
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.quantity} {'…'.join(ends)}{unit} ({len(self.values)})"

    def at(self, place: int) -> str:
        """The coordinate of a column, counted from 1, and of one that there is not the place."""
        if 1 <= place <= len(self.values):
            return number(self.values[place - 1])
        return str(place) if self.are_epochs else f"no. {place}"

    def spans(self, places: Sequence[int]) -> str:
        """Of ascending places the coordinates, in ranges: ``100–300, 500``."""
        return spans(places, "–", self.at)

    def phase(self, first: int, last: int) -> str:
        """The coordinates of the columns ``first`` to ``last``: ``epochs 1 to 10``."""
        return f"{self.plural} {self.at(first)} to {self.at(last)}"

    def counts_like(self, other: Axis) -> bool:
        """Whether both count the same thing in the same unit, whatever their values."""
        return (self.quantity, self.unit) == (other.quantity, other.unit)

    def same_as(self, other: Axis) -> bool:
        """Whether columns of the two can be held against each other, one by one."""
        return self.counts_like(other) and self.values == other.values

    def begins(self, other: Axis) -> bool:
        """Whether this is the beginning of ``other``, or all of it."""
        return self.counts_like(other) and self.values == other.values[: len(self.values)]

    def joined(self, other: Axis) -> Axis | None:
        """The coordinates of both, in order, where seeds measured at the two may belong to one run; else None.

        Of epochs and steps one has all of the other's: some seeds ended early, or were measured more seldom. Others than those
        of a run are another logging. On clocks, and in tokens, seeds never coincide.
        """
        one, two = set(self.values), set(other.values)
        if not self.counts_like(other) or not (
            one <= two or two <= one or self.quantity not in (EPOCH, STEP)
        ):
            return None
        return Axis(self.name, self.unit, tuple(sorted(one | two)))

    def part(self, count: int) -> Axis:
        """Its first ``count`` coordinates."""
        return Axis(self.name, self.unit, self.values[:count])


UNSAID = Axis("", "", ())
"""Where nothing is said of an axis: an arm and a group then have the epochs from 1 on."""


@lru_cache(maxsize=64)
def epochs(count: int) -> Axis:
    """The epochs 1 to ``count``."""
    return Axis(EPOCH, "", tuple(map(float, range(1, count + 1))))


def number(value: float) -> str:
    """A coordinate in full where it is whole, else to ten digits."""
    return str(int(value)) if value == int(value) and abs(value) < 1e16 else f"{value:.10g}"
