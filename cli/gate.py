"""``--fail-unless``: verdicts that a script can stop at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from amrobust.errors import UserError

if TYPE_CHECKING:
    from amrobust.judge.comparison import Comparison, Verdict

WANTED = ("supported", "not-refuted")
GATE_CLOSED = 3
"""Exit status where a verdict that was asked for was not reached."""


@dataclass(frozen=True)
class Gate:
    """What every claim of one kind, or every claim, has to come to."""

    kind: str
    """Empty: every claim."""
    wanted: str

    @classmethod
    def parse_all(cls, ctx: click.Context, param: click.Parameter, given: Iterable[str]) -> tuple[Gate, ...]:
        """The option's values. Raises click.BadParameter on an outcome that there is none of."""
        gates = []
        for text in given:
            kind, _, wanted = text.rpartition("=")
            if wanted.strip() not in WANTED:
                raise click.BadParameter(f"{text!r}: give [CLAIM=]{' or '.join(WANTED)}", ctx, param)
            gates.append(cls(kind.strip(), wanted.strip()))
        return tuple(gates)

    def stops(self, verdict: Verdict) -> bool:
        """Whether a verdict is of its kind and not as wanted."""
        reached = (
            verdict.outcome == "supported" if self.wanted == "supported" else verdict.outcome != "refuted"
        )
        return self.kind in ("", verdict.claim.kind) and not reached


def gate_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a click command with ``--fail-unless``, its value in ``gates``."""
    return click.option(
        "--fail-unless", "gates", multiple=True, metavar="[CLAIM=]OUTCOME", callback=Gate.parse_all,
        help="Exit with status 3 unless every claim (of this kind) is 'supported', or 'not-refuted'; repeatable.",
    )(command)  # fmt: skip


def require_kinds(gates: Sequence[Gate], kinds: Iterable[str]) -> None:
    """Raise UserError where a gate names a kind of claim that is none of ``kinds``."""
    known = dict.fromkeys(kinds)
    for gate in gates:
        if gate.kind and gate.kind not in known:
            raise UserError(f"--fail-unless: no claim here is {gate.kind!r}: there are {', '.join(known)}")


def enforce(gates: Sequence[Gate], comparison: Comparison) -> None:
    """Say what was not reached on stderr and exit with status 3, where anything was not."""
    if missed := judged_by(gates, comparison):
        for line in missed:
            click.echo(line, err=True)
        sys.exit(GATE_CLOSED)


def fails(gates: Sequence[Gate]) -> Callable[[Verdict], bool] | None:
    """Whether a verdict is one that ``gates`` stop at; None where there are none."""
    if not gates:
        return None
    return lambda verdict: any(gate.stops(verdict) for gate in gates)


def judged_by(gates: Sequence[Gate], comparison: Comparison) -> list[str]:
    """A line for each verdict that is not as wanted, and for each workload on which a declared claim has none.

    Of several measurements of the same weights the usual one's verdicts count. Raises UserError where there is no verdict, or
    none of a kind that was named.
    """
    verdicts = [verdict for compared in comparison.deciding for verdict in compared.verdicts]
    if gates and not verdicts:
        raise UserError("--fail-unless: nothing is claimed here, so that there is no verdict to ask for")
    require_kinds(gates, (verdict.claim.kind for verdict in verdicts))
    missed = [f"not assessed: {reason}" for reason in comparison.unassessed if gates]
    for gate in gates:
        missed += [
            ("" if gate.wanted == "not-refuted" else f"not {gate.wanted}: ") + verdict.sentence
            for verdict in verdicts
            if gate.stops(verdict)
        ]
    return list(dict.fromkeys(missed))
