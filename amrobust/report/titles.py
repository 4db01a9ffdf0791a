"""The methods of a comparison under their titles: what everything but data (JSON, CSV) prints."""

from __future__ import annotations

from dataclasses import replace

from amrobust.judge.judgement import Comparison, Judgement, Verdict
from amrobust.judge.verdicts import called


def titled(comparison: Comparison) -> Comparison:
    """The comparison with the title of each method in the place of its name, which no two methods share."""
    return replace(comparison, judgements=tuple(map(_titled, comparison.judgements)))


def _titled(judgement: Judgement) -> Judgement:
    titles = judgement.titles

    def printed(verdict: Verdict) -> Verdict:
        return replace(verdict, claim=called(verdict.claim, titles), parts=tuple(map(printed, verdict.parts)))

    published = judgement.published
    return replace(
        judgement,
        baseline=titles.get(judgement.baseline, judgement.baseline),
        arms=tuple(replace(arm, method=arm.title) for arm in judgement.arms),
        summaries=tuple(replace(one, method=titles[one.method]) for one in judgement.summaries),
        verdicts=tuple(map(printed, judgement.verdicts)),
        pairs=tuple(
            replace(pair, method=titles[pair.method], baseline=titles[pair.baseline])
            for pair in judgement.pairs
        ),
        sources=tuple(replace(share, method=titles[share.method]) for share in judgement.sources),
        published=published
        and replace(
            published, rows=tuple(replace(row, measured=titles[row.measured]) for row in published.rows)
        ),
    )
