"""What an analysis is to train, and its claims, labels and metrics held against that before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from amrobust import workloads
from amrobust.analysis.declared import Analysis, Setting
from amrobust.errors import UserError
from amrobust.judge.beside import printed_beside
from amrobust.judge.claim import Claim
from amrobust.judge.measurements import TOGETHER
from amrobust.judge.named import find_arm, resolved
from amrobust.judge.usage import meant
from amrobust.runs.method import Method
from amrobust.runs.spec import Spec
from amrobust.train.convex_rules import theorem1b
from amrobust.train.measurements import outputs_of
from amrobust.train.optimizers import find
from amrobust.train.prepare import methods_of
from amrobust.train.requests import specs_of


def specs_of_setting(analysis: Analysis, setting: Setting) -> tuple[Spec, ...]:
    """What a setting trains, from every x0: not the methods that lack the only stream that varies there."""
    return specs_of(
        analysis.workload,
        [setting.workload_params],
        [
            training
            for training in analysis.trainings
            if setting.vary != "rule" or find(training.optimizer).draws_numbers
        ],
        root_seed=analysis.root_seed,
        x0s=range(analysis.x0s),
        paired=analysis.paired,
        vary=setting.vary,
    )


@dataclass(frozen=True)
class Planned:
    """A method that is to be trained, as claims name it."""

    method: str
    optimizer: str
    epochs: int
    output: str
    spec: Spec
    identity: Method


def checked_claims(analysis: Analysis, specs: Sequence[Sequence[Spec]]) -> list[tuple[Claim, ...]]:
    """The claims of each setting, with their bounds.

    Raises UserError where they, the baseline, the metrics or the published table name what there will not be.
    """
    if analysis.published is not None:
        printed_beside(analysis.published, ())
    settings = [_planned(analysis, methods) for methods in specs]
    baseline = analysis.selection.baseline
    if baseline is not None:
        find_arm(
            list({method.method: method for methods in settings for method in methods}.values()), baseline
        )
    found = []
    for setting, methods in zip(analysis.settings, settings, strict=True):
        claims = tuple(_bounded(claim, methods) for claim in setting.claims)
        resolved(claims, methods)
        for part in (part for claim in claims for part in (claim, *claim.parts)):
            if part.epochs is not None and (last := methods[0].epochs) < part.epochs[1]:
                raise UserError(
                    f"a claim of kind {part.kind!r} is about epochs {part.epochs[0]} to {part.epochs[1]}, and there will be "
                    f"{last}: name epochs up to {last}, or a phase as shares of the training"
                )
        found.append(claims)
    return found


def _planned(analysis: Analysis, specs: Sequence[Spec]) -> list[Planned]:
    """What a setting's claims can name: every output of every method, with several metrics once for each."""
    if not specs:
        return []
    problem = workloads.get(analysis.workload)
    known = {name: rest for name, *rest in workloads.metrics_of(problem, specs[0].workload_params)}
    metrics = [str(metric) for metric in analysis.metrics or (analysis.selection.metric,)]
    for metric in metrics:
        if metric not in known:
            raise UserError(f"{analysis.workload} has no {metric!r}: {meant(metric, known)}")
    if any(known[metric] != known[metrics[0]] for metric in metrics):
        raise UserError(f"{', '.join(metrics)} cannot be held against each other: their units differ")
    planned = {}
    for spec in specs:
        methods = methods_of(spec)
        named = [
            (output.name, replace(methods[output.name], measurement=output.measurement))
            for output in outputs_of(spec)
        ]
        for output, method in named:
            if method.measurement is not None and analysis.selection.measured != TOGETHER:
                continue
            for end in [f":{metric}" for metric in analysis.metrics] or [""]:
                # The same method from another x0 is the same arm; of equal names each is kept, and neither can be named.
                key = method.name + end, spec.optimizer, tuple(spec.hyperparameters.items())
                planned[key] = Planned(
                    method.name + end,
                    spec.optimizer,
                    problem.epochs(spec.workload_params),
                    output,
                    spec,
                    measured(method, end[1:]) if end else method,
                )
    return list(planned.values())


def _bounded(claim: Claim, methods: Sequence[Planned]) -> Claim:
    """The claim with Theorem 1b's bound at its Λ, where it has one: the method's problem gives the constants."""
    if claim.deviation is None:
        return claim
    named = {method.method: method for method in methods}
    if claim.method not in named:
        raise UserError(f"{claim.method!r} is not among the methods: {meant(claim.method, named)}")
    method = named[claim.method]
    if method.output != "II":
        raise UserError(f"Theorem 1b is about the output x̃, option II, and {claim.method} is another")
    return replace(claim, bound=theorem1b(method.spec, claim.deviation))


def labels_of(analysis: Analysis) -> dict[str, str]:
    """What methods are called in print, by their names. Raises UserError on one of an output that there is none of."""
    found: dict[str, str] = {}
    for training in analysis.trainings:
        if not training.label:
            continue
        for setting in analysis.settings:
            alone = replace(analysis, trainings=(training,))
            for spec in specs_of_setting(alone, setting):
                methods = methods_of(spec)
                if isinstance(training.label, str):
                    labels = {
                        output: f"{training.label}, {output}" if len(methods) > 1 else training.label
                        for output in methods
                    }
                else:
                    labels = dict(training.label)
                if unknown := [output for output in labels if output not in methods]:
                    raise UserError(
                        f"{analysis.name}: {training.optimizer} has no output {unknown[0]!r} to label: {', '.join(methods)}"
                    )
                found |= {methods[output].name: label for output, label in labels.items()}
    return found


def measured(method: Method, metric: str, label: str | None = None) -> Method:
    """The method as one metric of it: an output of its own."""
    return replace(method, output=f"{method.output or ''}:{metric}", label=label)
