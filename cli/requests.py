"""The options that say what is to be run, which several commands share, and the specs that they ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from amrobust.cli.options import allow_code
from amrobust.cli.parameters import Numbers, Value, parse_pair, parse_selection, parse_values
from amrobust.errors import UserError

if TYPE_CHECKING:
    from amrobust.runs.spec import Spec
    from amrobust.train.requests import Request
    from amrobust.train.search import Search

HYPERPARAMETERS = ("lr", "momentum", "m", "weight_decay")
NAMED = (*HYPERPARAMETERS, "epochs", "batch_size", "data", "sigma", "iterations")
"""Parameters that have an option of their own."""

Values = tuple[Value, ...]
F = TypeVar("F", bound=Callable[..., Any])

OF_METHODS = (
    click.option(
        "--opt",
        "opts",
        multiple=True,
        help="sgd, msgd, msgd-tail, omsgd, cm, aggmo, qhm, am1, am2, hybrid or ntasgd; also am1[m=3,lr=0.05], and "
        "am1[m=3,5,10] for one of each. Repeatable. Convex workloads have acsa, am1g and am2g too, and "
        "update rules by their path, such as optax:adam; networks any optimizer of torch, such as adamw, and any class by its "
        "path, package.module:Class. 'ema(adamw)' is an average around one (or swa, tail, lookahead, gpa, schedulefree, am1), "
        "'muon+adamw' one for matrices and one for the rest.",
    ),
    click.option(
        "--workload",
        default="digits",
        show_default=True,
        help="A problem to train: digits, fashion-mnist, cifar10, cifar100, imagenet, ptb, logistic, logistic-ball, "
        "logistic-l1, logistic-simplex or hinge-box; or a workload of your own, package.module:Class.",
    ),
    click.option("--lr", type=Numbers(float), help="Learning rate [default: the workload's]."),
    click.option(
        "--momentum", "--beta", "momentum", type=Numbers(float), help="Momentum [default: the workload's]."
    ),
    click.option(
        "--m",
        type=Numbers(int),
        help="Amortization length of am1, am2 and hybrid, window of msgd-tail [default: the workload's].",
    ),
    click.option(
        "--weight-decay", type=Numbers(float), help="Coupled L2 coefficient [default: the workload's]."
    ),
    click.option("--epochs", type=int, help="Epochs of training [default: the workload's]."),
    click.option("--batch-size", type=int, help="Batch size [default: the workload's]."),
    click.option(
        "--data", help="A LIBSVM file, or a1a, a5a or a9a of the data directory (convex workloads)."
    ),
    click.option("--sigma", type=float, help="Radius of the gradient noise (convex workloads)."),
    click.option("--iterations", type=int, help="Iterations (convex workloads)."),
    click.option(
        "--param",
        "params",
        multiple=True,
        metavar="NAME=VALUE,...",
        help="Any other parameter; repeatable.",
    ),
    click.option(
        "--root-seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Root of all random streams.",
    ),
    click.option(
        "--x0", type=click.IntRange(min=0), default=0, show_default=True, help="Which starting point."
    ),
    click.option(
        "--paired", is_flag=True, help="Share the random streams with other paired runs, seed by seed."
    ),
    allow_code,
)
"""Options that say which methods are trained, and on what."""
OF_RUNS = (
    click.option(
        "--x0s",
        type=click.IntRange(min=1, max=1000),
        default=1,
        show_default=True,
        help="How many starting points, from --x0 on: the seeds are crossed with them.",
    ),
    click.option(
        "--vary",
        type=click.Choice(["x0", "order", "augmentation", "dropout", "noise", "rule", "rounding"]),
        help="The only random stream that differs from seed to seed; every other is that of seed 0 [default: all differ].",
    ),
    click.option(
        "--spec",
        "spec_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A TOML file with methods, workload and seeds, in place of --opt and the options with it.",
    ),
    click.option(
        "--tuned",
        "tuned_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A file of 'amrobust tune': its methods, or those of --opt alone, with the hyperparameters that it chose.",
    ),
)
"""Options that runs to be compared have besides."""
seeds = click.option(
    "--seeds",
    type=click.IntRange(1, 1_000_000),
    help="How many, from 0 on [default: as --spec says, else 20].",
)


def request_options(command: F) -> F:
    """The options that say what is to be run; the command gets them together as keywords."""
    for option in reversed((*OF_METHODS, *OF_RUNS)):
        command = option(command)
    return command


def search_options(command: F) -> F:
    """The options that say what is searched; the command gets them together as keywords."""
    for option in reversed(OF_METHODS):
        command = option(command)
    return command


def requested(asked: Mapping[str, Any], seeds: int | None) -> Request:
    """What the options ask for. Raises UserError where there is no method, or a file and options contradict each other."""
    from amrobust.train.requests import Request, load_request

    if asked["spec_file"] is not None:
        _refuse_beside(asked, "--spec", ("spec_file", "allow_code"))
        request = load_request(asked["spec_file"], allow_code=asked["allow_code"])
        return request if seeds is None else Request(request.specs, seeds)
    if asked["tuned_file"] is not None:
        from amrobust.cli import tuned

        _refuse_beside(asked, "--tuned", tuned.BESIDE)
        return tuned.tuned_request(asked, 20 if seeds is None else seeds, _given)
    if not asked["opts"]:
        raise UserError("no method is given: name one with --opt, such as --opt am1, or a file with --spec")
    return Request(specs_asked(asked), 20 if seeds is None else seeds)


def specs_asked(asked: Mapping[str, Any]) -> tuple[Spec, ...]:
    """The specs of --opt and the options with it, all combinations of the values that they give."""
    from amrobust.runs.documents import Tables, combinations
    from amrobust.train.requests import Training, specs_of

    _refuse_code_of_files(asked)
    tables = Tables("the options")
    named = {name: asked[name] for name in NAMED}
    workload = asked["workload"]
    trainings: list[Training] = []
    points: list[dict[str, Any]] = []
    for optimizer, hyperparameters, workload_params in selected(
        workload, asked["opts"], asked["params"], named
    ):
        trainings += [Training(optimizer, chosen) for chosen in combinations(tables, hyperparameters)]
        points = combinations(tables, workload_params)
    return specs_of(
        workload,
        points,
        trainings,
        root_seed=asked["root_seed"],
        x0s=range(asked["x0"], asked["x0"] + asked["x0s"]),
        paired=asked["paired"],
        vary=asked["vary"],
    )


def selected(
    workload: str, opts: Iterable[str], params: Iterable[str], named: Mapping[str, Any]
) -> list[tuple[str, dict[str, Values], dict[str, Values]]]:
    """Every method's optimizer, hyperparameters and workload parameters, with the values of each.

    They come from the brackets, ``params`` (name=value,...) and the ``named`` options. Beside several methods, a named
    hyperparameter is for those that have it. A parameter whose default is a text with commas has one value. Raises UserError
    where one is given twice, or has nobody that it is for.
    """
    from amrobust import workloads
    from amrobust.runs.spec import LOCATIONS
    from amrobust.train.optimizers import find

    known = workloads.parameters(workloads.get(workload))
    methods = [parse_selection(opt) for opt in opts]
    given: list[tuple[str, Values]] = []
    for text in params:
        name, value = parse_pair(text)
        is_path = name in LOCATIONS or not isinstance(value, str)
        given.append((name, (value,) if is_path else parse_values(str(value))))
    for name, values in named.items():
        if values is not None:
            given.append((name, values if isinstance(values, tuple) else (values,)))
    for name, _ in given:
        if name not in known and name not in HYPERPARAMETERS and name in named:
            raise UserError(f"{workload} has no parameter {name!r}: it has {', '.join(known)}")
    taken = {name: [name in find(optimizer).hyperparameters for optimizer, _ in methods] for name, _ in given}
    found = []
    for number, (optimizer, own) in enumerate(methods):
        hyperparameters: dict[str, Values] = {}
        workload_params: dict[str, Values] = {}
        for name, values in (*own.items(), *given):
            others_only = name in taken and any(taken[name]) and not taken[name][number]
            if others_only and name not in own and name not in known:
                continue
            in_brackets = name in own and name in find(optimizer).hyperparameters
            target = workload_params if name in known and not in_brackets else hyperparameters
            if name in target:
                raise UserError(f"{name!r} is given twice")
            target[name] = _one_text(values) if _is_list(known.get(name)) else values
        found.append((optimizer, hyperparameters, workload_params))
    if any(points != found[0][2] for _, _, points in found):
        raise UserError("the brackets of --opt give the methods different workload parameters: use --param")
    return found


def _is_list(default: Any) -> bool:
    """Whether a parameter's value is itself a text with commas, such as the shares after which the rate drops."""
    return isinstance(default, str) and "," in default


def _one_text(values: Values) -> Values:
    """What the commas have parted, as the one value that it is."""
    return (",".join(map(str, values)),) if len(values) > 1 else values


def searches_asked(asked: Mapping[str, Any], share: float | None, output: str | None) -> tuple[Search, ...]:
    """The searches of 'amrobust tune', one for each --opt. Raises UserError where there is none, or several workloads are."""
    from amrobust.train.search import searches

    if not asked["opts"]:
        raise UserError("no method is given: name one with --opt, such as --opt am1 --lr 0.01,0.03,0.1")
    _refuse_code_of_files(asked)
    named = {name: asked[name] for name in NAMED} | {"validation": share}
    found = selected(asked["workload"], asked["opts"], asked["params"], named)
    params: dict[str, Value] = {}
    for name, values in found[0][2].items():
        if len(values) > 1:
            raise UserError(
                f"{name} is the workload's and has several values: hyperparameters are tuned, on one workload at a time"
            )
        params[name] = values[0]
    return searches(
        asked["workload"],
        params,
        [(optimizer, hyperparameters) for optimizer, hyperparameters, _ in found],
        output=output,
        root_seed=asked["root_seed"],
        x0_index=asked["x0"],
        paired=asked["paired"],
    )


def _refuse_code_of_files(asked: Mapping[str, Any]) -> None:
    """Raise UserError where --opt or --workload is the path of code and comes from a file of defaults."""
    from amrobust.plugins import refuse_code

    if not asked["allow_code"]:
        opts = [parse_selection(opt)[0] for opt in asked["opts"]]
        for name, values in (("opts", opts), ("workload", [asked["workload"]])):
            if not _given(name):
                refuse_code("the file of defaults (pyproject.toml, --config)", values)


def _given(name: str) -> bool:
    """Whether the option stands on the command line."""
    from click.core import ParameterSource

    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _refuse_beside(asked: Mapping[str, Any], option: str, allowed: Sequence[str]) -> None:
    """Raise UserError where an option is given that the file of ``option`` has an entry for."""
    for param in click.get_current_context().command.params:
        name = param.name or ""
        if name in asked and name not in allowed and _given(name):
            raise UserError(
                f"{param.opts[0]} and {option} cannot be given together: the file says what is run"
            )
