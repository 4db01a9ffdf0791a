"""From claims and their methods' samples to the numbers that decide: interval, test, sensitivity test, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from amrobust.errors import UserError
from amrobust.judge import tuning
from amrobust.judge.claim import Claim
from amrobust.judge.kinds import COMPOSITE
from amrobust.judge.kinds.kind import FEWEST_SEEDS, or_refusal
from amrobust.judge.rules import PAIRED, UNPAIRED, Evidence, Rules
from amrobust.judge.samples import Pair, Refused, Sample
from amrobust.judge.words import counted
from amrobust.runs.metric import Metric
from amrobust.stats.limits import check_rate


def evidence_on(
    claims: Sequence[Claim], samples: Mapping[str, Sample], metric: Metric, rules: Rules, family: int
) -> list[Evidence]:
    """The evidence on each of ``claims``. Raises UserError where the chosen test is for other samples than all of these."""
    pairs = [
        Pair.of(samples[claim.method], samples[claim.baseline]) for claim in claims if claim.is_about_a_pair
    ]
    if rules.test in UNPAIRED and pairs and all(pair.paired for pair in pairs):
        raise UserError(
            f"the {rules.test} test is for independent samples and every pair here shares its seeds: use --test jackknife or "
            "--test permutation, which respect the pairing"
        )
    if rules.test in PAIRED and pairs and not any(pair.paired for pair in pairs):
        raise UserError(
            f"the {rules.test} test needs paired seeds and no pair here has them: use --test jackknife or --test permutation, "
            "or run with --paired"
        )
    found = []
    for claim in claims:
        evidence = gather(claim, samples, metric, rules, family)
        arms = [samples[name].arm for name in claim.involved]
        found.append(replace(evidence, warnings=evidence.warnings + tuning.of_claim(arms)))
    return found


def gather(
    claim: Claim, samples: Mapping[str, Sample], metric: Metric, rules: Rules, family: int
) -> Evidence:
    """Compute the evidence on ``claim``; intervals are at the Bonferroni level of ``family`` claims.

    A refusal (diverged seeds, fewer than 4 seeds, no variance, a test that could not reject at this number of seeds) is
    returned, not raised: it is a verdict.
    """
    if claim.parts:
        parts = tuple(gather(part, samples, metric, rules, family) for part in claim.parts)
        return COMPOSITE.of_parts(claim, parts, metric)
    involved = [samples[name] for name in claim.involved]

    def compute() -> Evidence:
        check_rate(f"alpha over the family of {counted(family, 'claim')}", rules.alpha / family)
        for sample in involved:
            if sample.arm.interpolated and claim.form.needs_measured:
                raise Refused(
                    f"values of {sample.arm.method} lie between its measurements, where noise is averaged and varies less: "
                    "read the last values (--grid ...:last)"
                )
            if claim.form.needs_finite:
                sample.require_finite()
            if len(sample.seeds) < FEWEST_SEEDS:
                raise Refused(
                    f"{sample.arm.title} has {counted(len(sample.seeds), 'usable seed')}", FEWEST_SEEDS
                )
        return claim.form.evidence(claim, involved, metric, rules, family)

    return or_refusal(claim, tuple(note for sample in involved for note in sample.warnings), compute)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm-adjusted p-values over the whole family.

    A refused claim (None) stays in it, as one that cannot be rejected, and gets None; so does a p that is not a finite number.
    """
    known = [p if p is not None and np.isfinite(p) else None for p in p_values]
    filled = np.array([1.0 if p is None else p for p in known])
    order = np.argsort(filled)
    # The k-th smallest counts for all that are not smaller; no adjusted one is below that of a smaller p.
    stepped = np.maximum.accumulate(filled[order] * np.arange(len(filled), 0, -1))
    adjusted = np.empty_like(filled)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [None if p is None else float(q) for p, q in zip(known, adjusted, strict=True)]
