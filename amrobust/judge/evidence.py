"""From claims and their methods' samples to the numbers that decide: interval, test, sensitivity test, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from amrobust.errors import UserError
from amrobust.judge import tuning
from amrobust.judge.claim import Claim
from amrobust.judge.kinds import COMPOSITE
from amrobust.judge.kinds.kind import FEWEST_SEEDS, or_refusal
from amrobust.judge.rules import PAIRED, UNPAIRED, Evidence, Rate, Rules
from amrobust.judge.samples import Pair, Refused, Sample
from amrobust.judge.words import counted
from amrobust.runs.metric import Metric
from amrobust.stats.limits import check_rate


def check_test(claims: Sequence[Claim], samples: Mapping[str, Sample], rules: Rules) -> None:
    """Raise UserError where the chosen test is for other samples than those of all ``claims``."""
    pairs = [
        Pair.of(samples[claim.method], samples[claim.baseline]) for claim in claims if claim.is_about_a_pair
    ]
    if rules.test in UNPAIRED and pairs and all(pair.paired for pair in pairs):
        raise UserError(
            f"the {rules.test} test is for independent samples and every pair here shares its seeds: leave --test out, or use "
            "--test permutation, which respects the pairing"
        )
    if rules.test in PAIRED and pairs and not any(pair.paired for pair in pairs):
        raise UserError(
            f"the {rules.test} test needs paired seeds and no pair here has them: leave --test out, or run with --paired"
        )


def evidence_on(
    claim: Claim, samples: Mapping[str, Sample], metric: Metric, rules: Rules, rate: Rate
) -> Evidence:
    """:func:`gather`, with what is to be said of how the claim's methods were tuned."""
    found = gather(claim, samples, metric, rules, rate)
    arms = [samples[name].arm for name in claim.involved]
    return replace(found, warnings=found.warnings + tuning.of_claim(arms))


def gather(claim: Claim, samples: Mapping[str, Sample], metric: Metric, rules: Rules, rate: Rate) -> Evidence:
    """Compute the evidence on ``claim``, its interval at its ``rate``.

    Of a composite, a part that points the other way is held to what that rate leaves for each part: any of them refutes it.

    A refusal (diverged seeds, fewer than 4 seeds, no variance, a test that could not reject at this number of seeds) is
    returned, not raised: it is a verdict.
    """
    if claim.parts:
        parts = [gather(part, samples, metric, rules, rate) for part in claim.parts]
        for place, part in enumerate(parts):
            if part.refusal is None and not part.points_to(metric):
                parts[place] = gather(part.claim, samples, metric, rules, rate.over(len(parts)))
        return COMPOSITE.of_parts(claim, tuple(parts), metric, rate)
    involved = [samples[name] for name in claim.involved]

    def compute() -> Evidence:
        check_rate(f"alpha over the family of {counted(rate.claims(rules.alpha), 'claim')}", rate.first)
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
        return claim.form.evidence(claim, involved, metric, rules, rate)

    return or_refusal(claim, tuple(note for sample in involved for note in sample.warnings), compute)
