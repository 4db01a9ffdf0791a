"""Claims as data, and the verdicts on them."""

from amrobust.claims.compare import Selection, compare
from amrobust.claims.evidence import TESTS, Rules
from amrobust.claims.judgement import Claim, Comparison, Judgement, MethodSummary, Verdict

__all__ = [
    "TESTS",
    "Claim",
    "Comparison",
    "Judgement",
    "MethodSummary",
    "Rules",
    "Selection",
    "Verdict",
    "compare",
]
