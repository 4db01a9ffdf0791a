"""From a claim and its methods' samples to the numbers that decide: interval, test, sensitivity test, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping

from amrobust.judge.claim import Claim
from amrobust.judge.kinds import COMPOSITE
from amrobust.judge.kinds.kind import FEWEST_SEEDS, or_refusal
from amrobust.judge.rules import Evidence, Rules
from amrobust.judge.samples import Refused, Sample
from amrobust.judge.words import counted
from amrobust.runs.metric import Metric
from amrobust.stats.limits import check_rate


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
