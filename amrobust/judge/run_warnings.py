"""The warnings about runs: their seeds, code, starts, values and epochs; each says what is the matter and what removes it."""

from __future__ import annotations

from collections.abc import Sequence

from amrobust.judge.words import counted, listed
from amrobust.runs.arms import Arm
from amrobust.runs.axis import Axis
from amrobust.runs.code import mixture
from amrobust.runs.files import spans
from amrobust.runs.seeds import MAX_SEED
from amrobust.runs.spec import STREAMS
from amrobust.stats.results import Number, ResultWarning

FEW_SEEDS = 10


def few_seeds(method: str, n: int) -> ResultWarning | None:
    """Fewer than 10 seeds: intervals of a spread are wide and rest on the assumed shape."""
    if n >= FEW_SEEDS:
        return None
    return ResultWarning.of(
        "few-seeds",
        f"{{method}} has {{n}} {'seed' if n == 1 else 'seeds'}: an interval for a spread is very wide below {FEW_SEEDS}.",
        f"run at least {FEW_SEEDS} seeds (--seeds {FEW_SEEDS}); the seeds you have are kept",
        method=method,
        n=Number(f"{n}", n),
    )


def seeds_added(arm: Arm, looks: Sequence[int] = ()) -> ResultWarning | None:
    """Seeds added after earlier ones had been finished, other than for planned interim analyses."""
    if len(arm.seed_plans) < 2 or set(arm.seed_plans) <= set(looks):
        return None
    steps = ", then ".join(str(n) for n in arm.seed_plans)
    return ResultWarning.of(
        "seeds-added",
        "{method} was planned with {steps} seeds: if results were read in between, p-values are too small.",
        "fix the number of seeds before the first result is seen, or plan interim analyses (--looks 5,10,20); "
        "else treat this as exploratory",
        method=arm.title,
        steps=steps,
    )


def seeds_left_out(
    arms: Sequence[Arm], judged: Sequence[Arm], declared: int
) -> dict[str, tuple[ResultWarning, ...]]:
    """By workload, that an analysis judges its declared seeds and leaves out those that ``arms`` have beyond."""
    found: dict[str, dict[str, list[str]]] = {}
    for arm, kept in zip(arms, judged, strict=True):
        if beyond := sorted({seed % MAX_SEED for seed in set(arm.seeds) - set(kept.seeds)}):
            found.setdefault(arm.workload, {}).setdefault(spans(beyond), []).append(arm.title)
    return {
        workload: (
            ResultWarning(
                "seeds-left-out",
                f"The analysis declares {counted(declared, 'seed')} per method: left out are seeds "
                + "; ".join(f"{which} of {listed(titles, 'and')}" for which, titles in alike.items())
                + ".",
                "declare the number of seeds before any is trained; more seeds are a new study",
            ),
        )
        for workload, alike in found.items()
    }


def complete_cases_only(method: str, lost: int, n: int) -> ResultWarning:
    """Diverged seeds were dropped at the user's request."""
    return ResultWarning.of(
        "complete-cases",
        "{method}: {lost} of {n} seeds diverged and are left out: these numbers describe the surviving seeds only.",
        "quote the divergence rate beside them, or compare without --complete-cases",
        method=method,
        lost=Number(f"{lost}", lost),
        n=Number(f"{n}", n),
    )


def unpaired_seeds(a: Arm, b: Arm, common: int) -> ResultWarning:
    """Paired arms whose seeds are not all the same."""
    return ResultWarning.of(
        "seeds-not-shared",
        "{method} and {baseline} are paired by seed but share only {common} seeds: the others are left out of their "
        "comparison.",
        "run both with the same --seeds",
        method=a.title,
        baseline=b.title,
        common=Number(f"{common}", common),
    )


def diverged(method: str, baseline: str, what: str) -> ResultWarning:
    """Diverged seeds are data: their rates, and the comparison that counts them as the worst."""
    return ResultWarning(
        "diverged-seeds",
        f"Seeds diverged: {method} against {baseline}: {what}.",
        "lower the learning rate for every method alike, or report the divergence rate as the result",
    )


def code_changed(arm: Arm) -> ResultWarning | None:
    """Seeds of one method that several versions of its user's code made."""
    mixed = mixture(arm.code)
    if mixed is None:
        return None
    return ResultWarning.of(
        "code-changed",
        "{method}: {mixed}: these may be two methods in one sample.",
        "train all seeds with one version of the code: without --accept-new-code an edit begins a run of its own",
        method=arm.title,
        mixed=mixed,
    )


def packages_changed(arm: Arm) -> ResultWarning | None:
    """Seeds of one method that were trained with several versions of a package."""
    several = arm.facts.get("several versions")
    if several is None:
        return None
    return ResultWarning(
        "packages-changed",
        f"{arm.title}: its seeds were trained with several versions of packages ({several}).",
        "train all seeds in one environment, in another --runs-dir",
    )


def code_differs(arms: Sequence[Arm]) -> ResultWarning | None:
    """Methods that share a file of their user's code, in different versions."""
    digests: dict[str, set[str]] = {}
    for arm in arms:
        for name, digest in ((arm.code[-1].files or {}) if arm.code else {}).items():
            digests.setdefault(name, set()).add(digest)
    differing = [name for name, found in digests.items() if len(found) > 1]
    if not differing:
        return None
    return ResultWarning(
        "code-differs",
        f"Methods on {arms[0].workload} were made by different versions of {', '.join(differing)}: a difference between them "
        "may come from the edit.",
        "train all methods with one version of the code: the same command makes what that version lacks",
    )


def slow_averaging(arm: Arm) -> ResultWarning | None:
    """An amortization length m above a twentieth of an epoch's steps, of an output that is an average: option I is none."""
    if arm.output == "I" or arm.averaging is None or not arm.steps_per_epoch:
        return None
    most = arm.steps_per_epoch // 20
    if arm.averaging <= arm.steps_per_epoch / 20:
        return None
    # At m = 1 nothing is averaged, and the method is another.
    smaller = f"use m <= {most}, or " if most > 1 else "use "
    return ResultWarning.of(
        "long-averaging",
        "{method} averages over m = {m} of the {steps} steps of an epoch, more than a twentieth: part of a smaller spread may "
        "come from averaging over the epoch, not from the momentum.",
        f"{smaller}a smaller batch or more data (more steps per epoch)",
        method=arm.title,
        m=Number(f"{arm.averaging}", arm.averaging),
        steps=Number(f"{arm.steps_per_epoch}", arm.steps_per_epoch),
    )


def one_initialisation(arms: Sequence[Arm]) -> ResultWarning:
    """All runs start at one x0, or nothing is known about where they start."""
    if any(arm.x0_digest is None for arm in arms):
        return ResultWarning(
            "unknown-x0",
            "These data do not say where the runs started: whether the methods share one x0 cannot be checked.",
            "record runs with amrobust, or state the starting point where the result is quoted",
        )
    if any(arm.x0s for arm in arms):
        k = max(len(set(arm.x0s)) for arm in arms)
        return ResultWarning(
            "x0s-are-the-unit",
            f"Seeds are crossed with {k} starting points: intervals and p-values take the {k} x0 as the sample, with "
            f"{k - 1} degrees of freedom.",
            "more x0 (--x0s) narrow the intervals; more seeds at one x0 hardly do",
        )
    vary = arms[0].vary
    if vary == "x0":
        return ResultWarning(
            "only-x0-varies",
            "Seed by seed only the starting point differs, and the methods share it: every spread here is that of starting "
            "points, with one order of the data and one stream of everything else.",
            "let all streams vary (no --vary) for the spread that a user of the method meets",
        )
    if vary == "rounding":
        return ResultWarning(
            "only-rounding-varies",
            "Seed by seed only one bit of the starting point differs: every spread here is the floor that rounding makes, "
            "which no optimizer removes.",
            "hold the spread with all streams (no --vary) against it",
        )
    if vary is not None:
        return ResultWarning(
            "one-stream-varies",
            f"Seed by seed only {STREAMS[vary]} differs: every spread here is that of this source alone, at one x0.",
            "let all streams vary (no --vary) for the spread that a user of the method meets",
        )
    return ResultWarning(
        "one-x0",
        "All seeds start from one x0: every spread here is conditional on that initialisation.",
        "repeat the comparison from several x0 (amrobust run --x0s 5) before generalising",
    )


def different_x0(workload: str) -> ResultWarning:
    """Arms from different starting points, compared because the user asked for it."""
    return ResultWarning(
        "different-x0",
        f"Methods on {workload} started from different x0: a difference may come from the starting point.",
        "run all methods from the same x0",
    )


def unofficial_data(arm: Arm) -> ResultWarning | None:
    """The runs' record says that their data are not what their publisher offers."""
    note = arm.facts.get("data note")
    if note is None:
        return None
    return ResultWarning(
        "unofficial-data",
        f"The data of {arm.workload} carry a note: {note}.",
        "state it wherever results on them are quoted; 'amrobust data fetch' gets the publisher's bytes",
    )


def nothing_random(methods: Sequence[str]) -> ResultWarning:
    """All seeds from one x0 gave one curve."""
    return ResultWarning(
        "nothing-random",
        f"All seeds of {listed(methods)} gave the same curve from the same x0, to the last bit: nothing in this training "
        "depends on the seed, and more seeds are no larger sample.",
        "let a stream vary that this training uses (no --vary), or read its numbers as those of one training",
    )


def curves_in_common(method: str, other: str, n: int, *, final: bool = False) -> ResultWarning:
    """Methods that have curves in common, or ``final`` values."""
    return ResultWarning(
        "curves-in-common",
        f"{counted(n, 'final value' if final else 'curve')} of {method} can be found in {other} too, identical to the last "
        "bit: one training under two names, or options that amount to the same.",
        "check which method these runs are of, and that the option in which the two differ takes effect",
    )


def curves_alike(method: str, seeds: Sequence[int], where: str) -> ResultWarning:
    """Curves of different seeds that agree in a long part, or but for rounding."""
    return ResultWarning.of(
        "curves-alike",
        "The curves of seeds {seeds} of {method} agree to 5 digits {where}: copies, or parts of one training, and no "
        "independent seeds.",
        "keep one of each, or train again with seeds that take effect from the start",
        seeds=listed(list(map(str, seeds)), "and"),
        method=method,
        where=where,
    )


def values_repeated(method: str, n: int, different: int) -> ResultWarning:
    """Every value of a sample is there several times."""
    return ResultWarning.of(
        "values-repeated",
        "The {n} seeds of {method} have {different} different values, each several times: a table that is there twice, under "
        "other numbers of seeds?",
        "check that every seed is a training of its own",
        n=Number(f"{n}", n),
        method=method,
        different=Number(f"{different}", different),
    )


def impossible_values(what: str, most: float, who: str, where: str) -> ResultWarning:
    """Values that a share cannot have."""
    return ResultWarning(
        "impossible-values",
        f"{what} outside 0 to {most:g}, which no share can be: {who}, {where}.",
        "correct them, or leave them empty where nothing was measured",
    )


def epochs_left_out(axis: Axis, first_epoch: int, *, measured: bool) -> ResultWarning | None:
    """Epochs before some method's output first moved away from x0, or before the metric was ``measured`` in every seed."""
    if first_epoch <= 1:
        return None
    why, hint = (
        (
            "one method's output is still x0",
            "use a smaller m or more steps per epoch to judge the first epochs too",
        )
        if measured
        else ("some seed was not measured", "nothing is wrong where a metric begins later, as a reward does")
    )
    return ResultWarning(
        "epochs-left-out",
        f"{axis.plural.capitalize()} before {axis.at(first_epoch)} are left out for every method: {why} there.",
        hint,
    )


def curves_cut(shortest: Axis, longest: Axis) -> ResultWarning:
    """Curves of unequal length, cut where the first one ends, at the user's request."""
    return ResultWarning(
        "curves-cut",
        f"Curves of up to {longest.words} are cut where the first one ends, to {shortest.words}: final values are those of "
        f"{shortest.quantity} {shortest.at(len(shortest.values))}, in the middle of a longer schedule.",
        "compare runs of one length",
    )


def ended_early(seeds: str, axis: Axis, how: str) -> ResultWarning:
    """Seeds that end before others, and what that was said to mean."""
    end = f"{axis.quantity} {axis.at(len(axis.values))}"
    return ResultWarning(
        "ended-early",
        f"Before {end} ended {seeds}: {how}.",
        "compare trainings of one length, or say in the text why these ended",
    )


def common_grid(what: str, cut: str) -> ResultWarning:
    """Curves measured at different places, read on a grid at the user's request; ``cut`` says where that leaves some short."""
    end = f" Final values are those of {cut}: in the middle of a longer schedule." if cut else ""
    return ResultWarning(
        "common-grid",
        f"Curves are compared on a common grid: {what}.{end}",
        "measure all methods at the same places, and compare them without --grid",
    )
