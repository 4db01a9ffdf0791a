"""A method: its optimizer, hyperparameters and output, and the text that it is printed as and named by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from amrobust.errors import UserError
from amrobust.runs.files import escape
from amrobust.runs.spec import Value

TITLES = {
    "sgd": "SGD",
    "msgd": "M-SGD",
    "omsgd": "OM-SGD",
    "cm": "CM",
    "aggmo": "AggMo",
    "qhm": "QHM",
    "hybrid": "Nesterov and amortized momentum",
    "am1": "AM1-SGD",
    "ntasgd": "SGD+ASGD",
    "am2": "AM2-SGD",
    "msgd-tail": "M-SGD, tail average",
    "acsa": "AC-SA",
    "am1g": "AM1-SGD, general",
    "am2g": "AM2-SGD, general",
}
"""What amrobust's optimizers are called in print, as in the paper."""

ANY = "*"
"""In the place of a hyperparameter's value: whatever it is."""


def short(optimizer: str) -> str:
    """Without the modules of import paths: ``ema(Mine)`` of ``ema(package.module:Mine)``."""
    return re.sub(r"[^()+:]*:", "", optimizer)


@dataclass(frozen=True)
class Method:
    """A method *is* its optimizer, hyperparameters and output; names and labels are made of it, for display alone."""

    optimizer: str
    """Its name in the registry, its import path, or what a log called it."""
    hyperparameters: Mapping[str, Value] = field(default_factory=dict)
    """All that are known, those at their defaults too."""
    named: tuple[str, ...] = field(default=(), compare=False)
    """The hyperparameters that its name tells."""
    output: str | None = None
    """None where one training gives a single output."""
    label: str | None = field(default=None, compare=False)
    """What the user wants it to be called in print."""
    written: str | None = field(default=None, compare=False)
    """Its name as a log, a table or the user has it; None where the name is made here."""
    measurement: str | None = None
    """How the weights were measured, where it stands beside itself measured in the usual way."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hyperparameters", MappingProxyType(dict(self.hyperparameters)))

    def __hash__(self) -> int:
        return hash((self.optimizer, self.output, self.measurement, frozenset(self.hyperparameters.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy cannot be pickled.
        values = {**vars(self), "hyperparameters": dict(self.hyperparameters)}
        return type(self), tuple(values.values())

    @property
    def name(self) -> str:
        """``am1[m=5]/II``: as it was written, else made of the hyperparameters that are named."""
        if self.written is not None:
            return self.written
        settings = ",".join(f"{name}={value}" for name, value in self._settings())
        return (
            short(self.optimizer)
            + (f"[{settings}]" if settings else "")
            + (f"/{self.output}" if self.output else "")
            + (f"@{self.measurement}" if self.measurement else "")
        )

    @property
    def title(self) -> str:
        """The label, or the name where that was written; else as the paper reads: ``AM1-SGD (m = 5), II``."""
        if self.label or self.written:
            return self.label or self.name
        settings = ", ".join(f"{name} = {value}" for name, value in self._settings())
        return (
            TITLES.get(self.optimizer, short(self.optimizer))
            + (f" ({settings})" if settings else "")
            + (f", {self.output}" if self.output else "")
            + (f", {self.measurement}" if self.measurement else "")
        )

    def _settings(self) -> list[tuple[str, str]]:
        values = {name: self.hyperparameters[name] for name in sorted(self.named)}
        return [
            (name, f"{value:g}" if type(value) in (int, float) else str(value))
            for name, value in values.items()
        ]

    def without(self, parameter: str) -> Method:
        """What methods that differ in ``parameter`` alone have in common."""
        rest = replace(
            self,
            hyperparameters={name: v for name, v in self.hyperparameters.items() if name != parameter},
            named=tuple(name for name in self.named if name != parameter),
            label=None,
            written=None,
        )
        return rest if self.written is None else replace(rest, written=rest.name)

    def fits(self, form: Method) -> bool:
        """Whether ``form``, a parsed name, tells this method: every value that it gives, and all that this one's name tells.

        A value at its default, which names leave out, may be told nevertheless.
        """
        return (
            form.optimizer in (self.optimizer, short(self.optimizer))
            and (form.output, form.measurement) == (self.output, self.measurement)
            and set(self.named) <= set(form.hyperparameters)
            and all(
                name in self.hyperparameters and (value == ANY or _same(self.hyperparameters[name], value))
                for name, value in form.hyperparameters.items()
            )
        )


def _same(value: Value, told: Value) -> bool:
    return value == told or str(value).lower() == str(told).lower()


def in_parts(text: str) -> tuple[str, dict[str, tuple[str, ...]], str | None]:
    """``name[param=value,...]/output`` in its parts: the name, the values of each parameter, the output where there is one.

    This is the one place that knows the grammar. A comma separates parameters, or values of one (``m=3,5``); within brackets
    of a value's own (``betas=(0.9,0.99)``) it belongs to the value. Raises UserError on a text of another form.
    """
    bad = UserError(f"{escape(repr(text))} is not of the form name or name[param=value,...]")
    name, bracket, rest = text.strip().partition("[")
    if bracket:
        inner, closed, tail = rest.rpartition("]")
        slash, output = tail[:1], tail[1:]
        if not closed or slash not in ("", "/"):
            raise bad
    else:
        inner = ""
        name, slash, output = name.partition("/")
    if not name.strip() or (slash and not output.strip()):
        raise bad
    found: dict[str, tuple[str, ...]] = {}
    for piece in _pieces(inner, bad) if inner.strip() else []:
        key, equals, value = (part.strip() for part in piece.partition("="))
        if not equals and found and key:
            found[next(reversed(found))] += (key,)
        elif not (key and value):
            raise UserError(f"{escape(repr(piece))} is not of the form name=value")
        elif key in found:
            raise UserError(f"{escape(repr(text))} gives a parameter twice")
        else:
            found[key] = (value,)
    return name.strip(), found, output.strip() or None


def _pieces(text: str, bad: UserError) -> list[str]:
    """``text`` at its commas, but for those in brackets."""
    depth, begin, found = 0, 0, []
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth < 0:
            raise bad
        if sign == "," and depth == 0:
            found.append(text[begin:place])
            begin = place + 1
    if depth:
        raise bad
    return [*found, text[begin:]]


def value_of(text: str) -> int | float | str:
    """A whole number or a finite number where ``text`` is one; else the text."""
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if abs(value) < 1e300:
            return value
    return text


def from_name(text: str) -> Method:
    """The method that a name tells, such as ``adam[lr=0.1]`` of a log; one of another form is an optimizer's by itself."""
    try:
        name, values, output = in_parts(text)
    except UserError:
        return Method(text, written=text)
    parameters = {key: value_of(",".join(several)) for key, several in values.items()}
    return Method(name, parameters, tuple(parameters), output, written=text)


def number(value: Value) -> float | None:
    """``value`` as a number that a sweep can be over; None where it is a word, a truth or not finite."""
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")
    return float(value) if usable and value is not None else None


def swept(methods: Sequence[Method]) -> str:
    """The hyperparameter that a sweep is over: all in which its methods differ. Raises UserError on another."""
    apart = [
        what
        for what in ("optimizer", "output", "measurement")
        if len({getattr(method, what) for method in methods}) > 1
    ]
    for name in sorted({name for method in methods for name in method.hyperparameters}):
        values = [method.hyperparameters.get(name, ANY) for method in methods]
        if any(value != values[0] for value in values):
            apart.append(name if ANY not in values else f"{name}, which not all of them tell")
    if len(apart) == 1 and apart[0] in methods[0].hyperparameters:
        return apart[0]
    raise UserError(
        f"a trend is over the one hyperparameter in which its methods differ, and these differ in {', '.join(apart) or 'none'}"
    )
