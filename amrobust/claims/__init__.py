"""Claims as data, and the verdicts on them."""

from amrobust.claims.compare import compare
from amrobust.claims.judgement import Claim, Comparison, Judgement, MethodSummary, Verdict
from amrobust.claims.rules import TESTS, Rules, Selection

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
