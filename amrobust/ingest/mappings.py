"""The names that the user chose: what is read as method, seed, step, workload and metric."""

from __future__ import annotations

from dataclasses import dataclass, field

from amrobust.errors import UserError
from amrobust.ingest.logged import Wanted, last_part
from amrobust.ingest.selectors import NUMBER, Selector, selectors
from amrobust.ingest.text_logs import parse_pattern
from amrobust.runs.files import escape
from amrobust.runs.metric import Direction, MetricChoice

FOLDS = ("fold", "folds", "fold_id", "cv_fold", "outer_fold", "cv")
"""What the parts of one data set are called that cross-validation leaves out in turn."""


@dataclass(frozen=True)
class Mappings:
    """The user's choices of names."""

    method_from: str | None = None
    seed_from: str | None = None
    step_from: str | None = None
    workload_from: str | None = None
    metrics: tuple[str, ...] = ()
    """NAME, or NEW=OLD to rename, with :higher or :lower where declared; in the order in which they are wanted. Empty: all."""
    higher: frozenset[str] = frozenset()
    lower: frozenset[str] = frozenset()
    units: dict[str, str] = field(default_factory=dict)
    nuisances: frozenset[str] = frozenset()
    """Fields that are none of a method, beside those that are known to be none."""
    seeds_first: bool | None = None
    """Whether arrays are (seeds, steps), or (steps, seeds); None: as their axes say."""
    pattern: str | None = None
    """Of text logs, what is found in their lines."""
    one_seed: bool = False
    """Whether it is what one task left: that a metric stands still there says nothing of other seeds."""

    @property
    def renamed(self) -> dict[str, str]:
        """The wanted series' names as logged, with the metric each becomes. Raises UserError on a name given twice."""
        found = {choice.logged: choice.name for choice in self.choices}
        if len(set(found.values())) < len(self.metrics):
            raise UserError("--metric takes NAME or NEW=OLD, each name once")
        return found

    @property
    def choices(self) -> tuple[MetricChoice, ...]:
        """What ``metrics`` say."""
        return tuple(map(MetricChoice.parse, self.metrics))

    @property
    def better(self) -> dict[str, Direction]:
        """The directions that are declared. Raises UserError where both are, of one metric."""
        said: list[tuple[str, Direction]] = [
            *((name, "higher") for name in self.higher),
            *((name, "lower") for name in self.lower),
            *((choice.name, choice.better) for choice in self.choices if choice.better is not None),
        ]
        found = dict(said)
        if len(found) < len(set(said)):
            name = next(name for name, way in said if found[name] != way)
            raise UserError(f"{escape(name)} is said to be better high and better low: say one of them")
        return found

    @property
    def sources(self) -> dict[str, str | None]:
        """What names each role, as it was said."""
        return {"method": self.method_from, "seed": self.seed_from, "workload": self.workload_from}

    @property
    def no_method(self) -> frozenset[str]:
        """The fields that the user says to be none of a method: nuisances, and what the seed is read from."""
        seed_from = selectors(self.sources).get("seed")
        return self.nuisances | set(seed_from.keys if seed_from is not None else ())

    @property
    def folds(self) -> str | None:
        """The field that the seed is read from, where its name says that it numbers the folds of a cross-validation."""
        seed_from = selectors(self.sources).get("seed")
        return next((key for key in (seed_from.keys if seed_from else ()) if last_part(key) in FOLDS), None)

    @property
    def wanted(self) -> Wanted:
        """What readers have to know."""
        keys = {
            key.strip()
            for text in self.sources.values()
            if text and not text.startswith(("=", "re:"))
            for key in text.split(",")
        }
        pattern = Selector.parse(self.seed_from, "--seed-from").pattern if self.seed_from else None
        return Wanted(
            frozenset(keys - {"path", "name", NUMBER}),
            self.step_from,
            self.seed_from,
            self.seeds_first,
            pattern if pattern is not None and pattern.groups else None,
            frozenset(choice.logged for choice in self.choices),
            self.nuisances,
            self.method_from is not None,
            parse_pattern(self.pattern) if self.pattern is not None else None,
        )
