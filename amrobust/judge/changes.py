"""Claims about one method before and after a change, such as a drop of the learning rate."""

from __future__ import annotations

from amrobust import stats
from amrobust.judge.judgement import Claim
from amrobust.judge.rules import Evidence, Rules
from amrobust.judge.samples import Refused, Sample


def of_change(claim: Claim, sample: Sample, rules: Rules, family: int) -> Evidence:
    """Paired t of each seed's value after the change less its value before it, at the Bonferroni level of ``family`` claims.

    Raises Refused where one of the two epochs is not among those that are judged, or the seeds are of several x0.
    """
    assert claim.epochs is not None
    if sample.x0s:
        raise Refused("seeds of several x0 are not independent: judge a change at one x0")
    before, after = (epoch - sample.first_epoch for epoch in claim.epochs)
    if not 0 <= before < after < sample.curves.shape[1]:
        raise Refused(
            f"{sample.arm.axis.plural} {' and '.join(map(sample.arm.axis.at, claim.epochs))} are not both among the "
            f"{sample.judged} that are judged"
        )
    result = stats.mean_difference(
        sample.curves[:, after], sample.curves[:, before], paired=True, level=1 - rules.alpha / family
    )
    return Evidence(claim, result, result, None, result.p, cautions=result.cautions)
