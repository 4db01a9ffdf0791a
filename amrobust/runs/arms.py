"""The one form in which runs, logs and tables reach the statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from amrobust.errors import UserError
from amrobust.runs.axis import UNSAID, Axis, epochs
from amrobust.runs.code import CodeVersion
from amrobust.runs.correctness import Correctness
from amrobust.runs.files import escape
from amrobust.runs.method import Method, from_name
from amrobust.runs.metric import Metric
from amrobust.runs.tuning import Tuning
from amrobust.runs.values import Curves
from amrobust.runs.workload import Workload, from_label

READ = "read"
"""The fact of an arm that says in one line what was read as what, where it comes from a log or a table."""


@dataclass(frozen=True)
class Arm:
    """One method's curves on one workload: the input of every comparison.

    Two arms with the same ``training`` are two outputs of one training (options I and II) and are paired by
    construction; two arms with the same non-None ``pairing`` were run on the same random streams and are paired by seed.
    """

    method: str
    """Unique name within a comparison, such as ``am1[m=5]/II``."""
    optimizer: str
    workload: str
    seeds: tuple[int, ...]
    curves: Mapping[str, Curves]
    """For each metric an array (seeds, epochs), rows in the order of ``seeds``; NaN or inf where a seed diverged, ABSENT
    (:mod:`amrobust.runs.values`) where it was not measured."""
    metrics: Mapping[str, Metric]
    output: str | None = None
    training: str | None = None
    """Identity of the run the arm comes from; None for imported data."""
    pairing: str | None = None
    data_digest: str | None = None
    x0_digest: str | None = None
    diverged: tuple[int, ...] = ()
    """Seeds that diverged."""
    first_output_epoch: int = 1
    """The first epoch at whose end this output differs from x0; earlier epochs are left out for all methods."""
    steps_per_epoch: int | None = None
    averaging: int | None = None
    """The amortization length m, where the method has one."""
    seed_plans: tuple[int, ...] = ()
    """Numbers of seeds asked for, in order: more than one entry means that seeds were added later."""
    x0s: tuple[str, ...] = ()
    """Where runs from several x0 were joined, the digest of each row's x0; ``x0_digest`` then names all of them."""
    seconds: tuple[float, ...] = ()
    """Wall time of training each row's seed; empty where that is not known, as of seeds that were trained together."""
    vary: str | None = None
    """The only random stream that differs between the seeds; None where all do."""
    tuning: Tuning | None = None
    """How the method's hyperparameters were chosen; None where that was not recorded."""
    code: tuple[CodeVersion, ...] = ()
    """The versions of the code of others that made the seeds, the latest last; none where there is no such code, or it was not
    recorded."""
    declared: Mapping[int, str] = field(default_factory=dict)
    """By seed the digest of the declaration that it was trained under, "" for none; a seed that is not in it does not say."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Everything else worth printing in an appendix: spec, versions, digests, how to reproduce."""
    identity: Method = None  # type: ignore[assignment]
    """The method as data; where none is given, what its name tells."""
    axis: Axis = UNSAID
    """Where the columns of the curves were measured; epochs from 1 on where nothing else is said."""
    setting: Workload = None  # type: ignore[assignment]
    """The workload as data; where none of this label is given, what the label tells."""
    interpolated: bool = False
    """Whether values lie between measurements, on a common grid: averages of two vary less than what was measured."""
    measurement: str | None = None
    """How the weights were measured where that is not the usual way (:mod:`amrobust.runs.measurement`)."""
    correct: Correctness | None = field(default=None, repr=False, metadata={"internal": True})
    """Which test examples were right, where that is recorded; no file has it but the run's."""

    def __post_init__(self) -> None:
        """Raises ValueError where the axis does not have a coordinate for every column."""
        if vars(self)["identity"] is None:
            object.__setattr__(self, "identity", from_name(self.method))
        if vars(self)["setting"] is None or self.setting.label != self.workload:
            object.__setattr__(self, "setting", from_label(self.workload))
        if self.measurement is None:
            object.__setattr__(self, "measurement", self.setting.measurement)
        if self.axis is UNSAID:
            object.__setattr__(self, "axis", epochs(self.epochs))
        elif len(self.axis.values) != self.epochs:
            raise ValueError(f"{self.method}: {len(self.axis.values)} coordinates for {self.epochs} columns")

    @property
    def title(self) -> str:
        """What it is called in print: the label, else the method's title, else the name that it was given since."""
        named = self.identity
        return named.title if named.label or named.name == self.method else self.method

    @property
    def epochs(self) -> int:
        """Length of the curves."""
        return int(next(iter(self.curves.values())).shape[1])


def what_was_read(arms: Iterable[Arm]) -> list[str]:
    """The lines that say what was read as what, each once."""
    return list(dict.fromkeys(arm.facts[READ] for arm in arms if READ in arm.facts))


def told_apart(arms: Sequence[Arm]) -> list[Arm]:
    """The arms, where no method is called as another is, by title or name: those that would be are called by their names.

    One method has one title on all workloads.
    """
    called: dict[str, set[str]] = {}
    for arm in arms:
        called.setdefault(arm.title, set()).add(arm.method)
        called.setdefault(arm.method, set()).add(arm.method)
    doubled = {method for methods in called.values() if len(methods) > 1 for method in methods}
    titles = Counter(method for method, _ in {(arm.method, arm.title) for arm in arms})
    return [
        replace(arm, identity=replace(arm.identity, label=arm.method))
        if arm.method in doubled or titles[arm.method] > 1
        else arm
        for arm in arms
    ]


def refuse_doubles(arms: Sequence[Arm]) -> None:
    """Raise UserError where two arms of one workload have one name: everything downstream knows them by it."""
    seen: set[tuple[str, str]] = set()
    for arm in arms:
        key = arm.workload, arm.method
        if key in seen:
            raise UserError(
                f"two groups of runs on {escape(arm.workload)} are called {escape(arm.method)}: they are never taken for one; "
                f"give one of them another name (Runs.rename in Python), or leave one out"
            )
        seen.add(key)
