"""What the names in claims, of baselines and for labels stand for: arms, or methods that are still to be trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, TypeVar

from amrobust.errors import UserError
from amrobust.judge.claim import Claim
from amrobust.judge.kinds.sweep import FEWEST_METHODS
from amrobust.judge.usage import meant
from amrobust.runs.arms import Arm
from amrobust.runs.method import ANY, Method, from_name, number, swept


class Named(Protocol):
    """What claims name: an arm, or one that is still to be trained."""

    @property
    def method(self) -> str: ...  # noqa: D102

    @property
    def optimizer(self) -> str: ...  # noqa: D102

    @property
    def epochs(self) -> int: ...  # noqa: D102

    @property
    def identity(self) -> Method: ...  # noqa: D102


Found = TypeVar("Found", bound=Named)


def find_arm(arms: Sequence[Found], name: str) -> Found:
    """The arm called ``name``: by its method's name, by what that tells, or by its optimizer where only one arm has that.

    ``adam[lr=1e-3]`` tells ``adam[lr=0.001]``, and ``msgd[lr=0.1]`` the M-SGD whose default that is. Raises UserError.
    """
    form = _form(name, arms)
    found = (
        [arm for arm in arms if arm.method == name]
        or [arm for arm in arms if arm.identity.fits(form)]
        or [arm for arm in arms if arm.optimizer == name]
    )
    if len(found) == 1:
        return found[0]
    raise UserError(
        f"{name!r} is {'not unique' if found else 'not among the methods'}: "
        + meant(name, [arm.method for arm in found or arms])
    )


def _form(name: str, arms: Sequence[Named]) -> Method:
    """What a name tells; behind an ``@`` is a measurement where one of ``arms`` has it, else a part of the name."""
    method, at, measurement = name.rpartition("@")
    if at and any(arm.identity.measurement == measurement for arm in arms):
        return replace(from_name(method), measurement=measurement)
    return from_name(name)


def labelled(arms: Sequence[Arm], labels: Mapping[str, str]) -> list[Arm]:
    """The arms, methods that ``labels`` names called so in print. Raises UserError where no method has the name."""
    known = list({arm.method: arm for arm in arms}.values())
    found: dict[str, str] = {}
    for name, label in labels.items():
        if not isinstance(label, str) or not label.strip():
            raise UserError(f"the label of {name!r} is a text to print, not {label!r}")
        found[find_arm(known, name).method] = label.strip()
    return [
        replace(arm, identity=replace(arm.identity, label=found[arm.method])) if arm.method in found else arm
        for arm in arms
    ]


def resolved(claims: Iterable[Claim], arms: Sequence[Named]) -> tuple[Claim, ...]:
    """Declared claims with their methods' full names and their phases in epochs.

    Raises UserError where a claim names none of the methods, or the same one twice.
    """
    return tuple(_resolved_claim(claim, arms) for claim in claims)


def _resolved_claim(claim: Claim, arms: Sequence[Named]) -> Claim:
    sweep = tuple(method for name in claim.methods for method in _of_form(name, arms))
    if claim.methods and len(sweep) < FEWEST_METHODS:
        raise UserError(
            f"{', '.join(claim.methods)}: a claim of kind {claim.kind!r} needs at least {FEWEST_METHODS} methods"
        )
    return replace(
        claim,
        method=sweep[0] if sweep else find_arm(arms, claim.method).method,
        baseline=sweep[-1] if sweep else find_arm(arms, claim.baseline).method,
        methods=sweep,
        over=_over(sweep, arms) if claim.kind == "trend" else None,
        parts=resolved(claim.parts, arms),
        epochs=claim.epochs if claim.phase is None else claim.form.epochs_of(claim.phase, arms[0].epochs),
        phase=None,
    )


def _over(sweep: Sequence[str], arms: Sequence[Named]) -> str | None:
    """The hyperparameter that a trend is over; None where its methods differ in another way, and no trend can be judged."""
    with suppress(UserError):
        return swept([arm.identity for arm in arms if arm.method in sweep])
    return None


def _of_form(name: str, arms: Sequence[Named]) -> list[str]:
    """The methods that ``name`` stands for: one, or with an asterisk all of that form, by the number in its place."""
    form = _form(name, arms)
    free = [parameter for parameter, value in form.hyperparameters.items() if value == ANY]
    if not free:
        return [find_arm(arms, name).method]
    places = {
        arm.method: tuple(number(arm.identity.hyperparameters[parameter]) for parameter in free)
        for arm in arms
        if arm.identity.fits(form)
    }
    found = [(place, method) for method, place in places.items() if None not in place]
    return [method for _, method in sorted(found)]
